// Limits for statistical tests with fixed seeds: exceeded with at most the stated probability.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>

namespace randnla::test {

/// Pearson's statistic of counts that should all be equal.
inline double chi_square(std::span<const std::int64_t> counts) {
  double total = 0;
  for (const std::int64_t count : counts) total += static_cast<double>(count);
  const double expected = total / static_cast<double>(counts.size());
  double sum = 0;
  for (const std::int64_t count : counts) {
    const double off = static_cast<double>(count) - expected;
    sum += off * off / expected;
  }
  return sum;
}

/// Laurent & Massart, Annals of Statistics 28 (2000), lemma 1: exceeded by chi-square with k
/// degrees of freedom with probability at most `significance`.
inline double chi_square_limit(double k, double significance) {
  const double x = -std::log(significance);
  return k + 2 * std::sqrt(k * x) + 2 * x;
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
