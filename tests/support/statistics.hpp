// Critical values of the statistical tests. All run from fixed seeds: they pass or fail for good.
#pragma once

#include <cmath>
#include <vector>

namespace randnla::test {

/// Two-sided significance of all z tests: 5 standard deviations, 5.7e-7.
inline constexpr double z_limit = 5;

/// Upper critical value of chi-square at the one-sided significance of 5 standard deviations
/// (2.9e-7), by the cube-root approximation of Wilson & Hilferty (1931).
inline double chi_square_limit(double freedom) {
  const double v = 2 / (9 * freedom);
  return freedom * std::pow(1 - v + 5 * std::sqrt(v), 3);
}

/// Pearson's statistic of counts against expected ones.
inline double chi_square(const std::vector<double>& counts, const std::vector<double>& expected) {
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    sum += (counts[i] - expected[i]) * (counts[i] - expected[i]) / expected[i];
  }
  return sum;
}

}  // namespace randnla::test
