// Limits for statistical tests. All run from fixed seeds: they pass or fail for good.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
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

/// Laurent & Massart, Annals of Statistics 28 (2000), lemma 1: exceeded by chi-square with k
/// degrees of freedom with probability at most `significance`.
inline double chi_square_limit(double k, double significance) {
  const double x = -std::log(significance);
  return k + 2 * std::sqrt(k * x) + 2 * x;
}

/// Pearson's statistic of counts against expected ones.
inline double chi_square(const std::vector<double>& counts, const std::vector<double>& expected) {
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    sum += (counts[i] - expected[i]) * (counts[i] - expected[i]) / expected[i];
  }
  return sum;
}

/// The same for counts that should all be equal.
inline double chi_square(std::span<const std::int64_t> counts) {
  double total = 0;
  for (const std::int64_t count : counts) total += static_cast<double>(count);
  const std::vector<double> observed(counts.begin(), counts.end());
  return chi_square(observed,
                    std::vector<double>(counts.size(), total / static_cast<double>(counts.size())));
}

/// Hoeffding (1963): the mean of n values in [0, 1] is farther than this from its expectation with
/// probability at most `significance`.
inline double hoeffding_limit(double n, double significance) {
  return std::sqrt(std::log(2 / significance) / (2 * n));
}

/// Dvoretzky, Kiefer & Wolfowitz, constant of Massart (1990): the largest distance of the empirical
/// from the true distribution function of n draws exceeds this with at most that probability.
inline double kolmogorov_limit(double n, double significance) {
  return std::sqrt(std::log(2 / significance) / (2 * n));
}

}  // namespace randnla::test
