#include "sketch/full_sketches.hpp"
#include "support/statistics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace randnla {
namespace {

using test::full_kinds;
using test::kolmogorov_limit;
using test::place_of;
using test::sketched;
using test::z_limit;

double normal_distribution(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }

TEST(FullSketchStatistics, GaussianEntriesAreNormal) {
  // A million entries of rows of both halves of a unit: Kolmogorov-Smirnov at 5.7e-7, and moments, whose
  // variances over n are 1, 2, 15, 96.
  const Sketch S{SketchKind::gaussian, 100, 10'000, 4, Rng{31, 7}};
  const auto columns = test::unscaled_columns(S);
  std::vector<double> x(columns.begin(), columns.end());
  const auto n = static_cast<double>(x.size());
  double sums[4] = {};
  for (const double v : x) {
    double power = 1;
    for (double& sum : sums) sum += power *= v;
  }
  const double means[4] = {0, 1, 0, 3}, variances[4] = {1, 2, 15, 96};
  for (int k = 0; k < 4; ++k) {
    EXPECT_LT(std::abs(sums[k] / n - means[k]), z_limit * std::sqrt(variances[k] / n)) << k + 1;
  }
  std::sort(x.begin(), x.end());
  double distance = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double at = normal_distribution(x[i]), rank = static_cast<double>(i) / n;
    distance = std::max({distance, std::abs(at - rank), std::abs(at - rank - 1 / n)});
  }
  EXPECT_LT(distance, kolmogorov_limit(n, 5.7e-7));
  EXPECT_GT(x.back(), 4);  // expected 4.9
  EXPECT_LT(x.front(), -4);
}

TEST(FullSketchStatistics, NeighbouringEntriesAreUncorrelated) {
  // Each product of two different entries has mean 0 and variance 1: along a column (the four normals of a block
  // are 16 apart), along a row, and between streams.
  for (const SketchKind kind : {SketchKind::gaussian, SketchKind::rademacher}) {
    const Sketch S{kind, 64, 5000, 4, Rng{32, 1}}, other{kind, 64, 5000, 4, Rng{32, 2}};
    const auto x = test::unscaled_columns(S), y = test::unscaled_columns(other);
    for (const std::size_t apart :
         {std::size_t{1}, std::size_t{16}, std::size_t{32}, std::size_t{64}, std::size_t{128}}) {
      long double sum = 0, squares = 0;
      const std::size_t n = x.size() - apart;
      for (std::size_t e = 0; e < n; ++e) {
        sum += x[e] * x[e + apart];
        squares += (x[e] * x[e] - 1) * (x[e + apart] * x[e + apart] - 1);
      }
      const auto root = std::sqrt(static_cast<long double>(n));
      EXPECT_LT(std::abs(sum), z_limit * root) << apart << " apart";
      EXPECT_LT(std::abs(squares), z_limit * 2 * root) << apart << " apart";
    }
    long double sum = 0;
    for (std::size_t e = 0; e < x.size(); ++e) sum += x[e] * y[e];
    EXPECT_LT(std::abs(sum), z_limit * std::sqrt(static_cast<long double>(x.size())));
  }
}

TEST(FullSketchStatistics, SquaredLengthIsUnbiasedAndVariesAsTheTheorySays) {
  // k |Sx|^2 is a sum of (s_t'x)^2. Gaussian: variance of |Sx|^2 is 2/k |x|^4. Independent signs: (s'x)^2 has
  // variance 2 (|x|^4 - |x|_4^4), over k. SRHT: every row is one of random signs, and given the signs the k
  // squares are drawn without replacement from N whose mean is |x|^2: times (N - k) / (N - 1).
  constexpr index_t k = 24, n = 60, padded = 64, seeds = 3000;
  std::vector<double> x;
  for (index_t i = 0; i < n; ++i) x.push_back(1 + 0.5 * std::cos(static_cast<double>(i)));
  double length = 0, fourth = 0;
  for (const double v : x) length += v * v, fourth += v * v * v * v;
  Context<Cpu> ctx(1);
  for (const SketchKind kind : full_kinds) {
    double mean = 0, squares = 0, fourths = 0;
    for (index_t seed = 0; seed < seeds; ++seed) {
      const Sketch S{kind, k, n, 4, Rng{static_cast<std::uint64_t>(seed)}};
      const auto SX = sketched<double>(ctx, S, DenseRows<double, Cpu>{x.data(), n, 1}, 1);
      double off = -length;
      for (const double v : SX) off += v * v;
      mean += off / seeds, squares += off * off / seeds;
      fourths += off * off * off * off / seeds;
    }
    double variance = 2.0 / k * (length * length - (kind == SketchKind::gaussian ? 0 : fourth));
    if (kind == SketchKind::srht) {
      variance *= static_cast<double>(padded - k) / (padded - 1);
    }
    EXPECT_LT(std::abs(mean), z_limit * std::sqrt(variance / seeds)) << static_cast<int>(kind);
    const double spread = std::sqrt((fourths - squares * squares) / seeds);
    EXPECT_LT(spread, 0.08 * variance);  // or the next line says little
    EXPECT_LT(std::abs(squares - variance), z_limit * spread)
        << "kind " << static_cast<int>(kind) << ": " << squares << ", want " << variance;
  }
}

TEST(FullSketchStatistics, RowsOfAnSrhtDifferAndAreSpread) {
  const Sketch S{SketchKind::srht, 500, 40'000, 4, Rng{5}};
  const Permutation selection = srht_selection(S);
  std::vector<index_t> rows;
  for (index_t t = 0; t < S.rows; ++t) rows.push_back(selection(t));
  std::sort(rows.begin(), rows.end());
  EXPECT_EQ(std::unique(rows.begin(), rows.end()), rows.end());
  double distance = 0;  // from uniform on the 65,536 rows of the padded transform
  for (std::size_t t = 0; t < rows.size(); ++t) {
    distance = std::max(
        distance, std::abs(static_cast<double>(rows[t]) / 65'536 - static_cast<double>(t) / 500));
  }
  EXPECT_LT(distance, kolmogorov_limit(500, 5.7e-7) + 0.002);
}

}  // namespace
}  // namespace randnla
