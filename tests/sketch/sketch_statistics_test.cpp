#include "sketch/sketches.hpp"
#include "support/statistics.hpp"

#include <gtest/gtest.h>
#include <lapacke.h>

#include <utility>

namespace randnla {
namespace {

using test::all_kinds;
using test::place_of;
using test::sketched;
using test::z_limit;

/// Row by row: two vectors of 60 entries as columns, one flat and one with few large entries.
std::vector<double> two_vectors() {
  std::vector<double> values;
  for (int i = 0; i < 60; ++i) {
    values.push_back(i % 3 == 0 ? -1 : 1);
    values.push_back(1.0 / (1 + i));
  }
  return values;
}

double power_sum(const std::vector<double>& values, std::size_t column, int power) {
  double sum = 0;
  for (std::size_t i = column; i < values.size(); i += 2) sum += std::pow(values[i], power);
  return sum;
}

TEST(SketchMoments, SquaredLengthIsUnbiasedAndVariesAsTheTheorySays) {
  // |Sx|^2 - |x|^2 = sum over i != j of x_i x_j s_i's_j. The signs are independent, so that its variance is
  // 2 sum x_i^2 x_j^2 E(s_i's_j)^2, and the last factor is 1/k for all three kinds: the expected number of
  // common rows, c^2/k for c nonzeros in stacks of equal size or in any places, over c^2. So it is
  // 2/k (|x|_2^4 - |x|_4^4). Both tests by the normal distribution, z_limit standard deviations of the mean
  // of 2,000 seeds, the spread of the squares taken from the sample.
  constexpr index_t k = 24, seeds = 2000;
  const std::vector<double> values = two_vectors();
  Context<Cpu> ctx(1);
  for (const SketchKind kind : all_kinds) {
    for (const std::size_t column : {std::size_t{0}, std::size_t{1}}) {
      const double length = power_sum(values, column, 2);
      const double variance = 2.0 / k * (length * length - power_sum(values, column, 4));
      double mean = 0, squares = 0, fourths = 0;
      for (index_t seed = 0; seed < seeds; ++seed) {
        const Sketch S{kind, k, 60, 4, Rng{static_cast<std::uint64_t>(seed)}};
        const auto SX = sketched<double>(ctx, S, DenseRows<double, Cpu>{values.data(), 60, 2}, 2);
        double off = -length;
        for (index_t t = 0; t < k; ++t) {
          const double v = SX[place_of(t) + column * place_of(k)];
          off += v * v;
        }
        mean += off / seeds, squares += off * off / seeds;
        fourths += off * off * off * off / seeds;
      }
      EXPECT_LT(std::abs(mean), z_limit * std::sqrt(variance / seeds))
          << "kind " << static_cast<int>(kind) << ", vector " << column;
      const double spread = std::sqrt((fourths - squares * squares) / seeds);
      EXPECT_LT(spread, 0.08 * variance);  // or the next line says little
      EXPECT_LT(std::abs(squares - variance), z_limit * spread)
          << "kind " << static_cast<int>(kind) << ", vector " << column << ": " << squares
          << ", want " << variance;
    }
  }
}

constexpr index_t points = 2000, dim = 20;

/// points x dim, row by row: an orthonormal basis of a random space, no row of which matters more.
std::vector<double> incoherent_basis() {
  std::vector<double> Q;
  std::mt19937_64 bits(17);
  std::normal_distribution<double> normal;
  for (index_t e = 0; e < points * dim; ++e) Q.push_back(normal(bits));
  std::vector<double> tau(place_of(dim));
  EXPECT_EQ(LAPACKE_dgeqrf(LAPACK_ROW_MAJOR, points, dim, Q.data(), dim, tau.data()), 0);
  EXPECT_EQ(LAPACKE_dorgqr(LAPACK_ROW_MAJOR, points, dim, dim, Q.data(), dim, tau.data()), 0);
  return Q;
}

/// The space of some coordinates: all that matters is in `dim` rows.
std::vector<double> coherent_basis() {
  std::vector<double> Q(place_of(points * dim), 0.0);
  for (index_t j = 0; j < dim; ++j) Q[place_of((97 * j + 5) * dim + j)] = 1;
  return Q;
}

/// The least and the largest singular value of S Q.
std::pair<double, double> extremes(Context<Cpu>& ctx, const Sketch& S,
                                   const std::vector<double>& Q) {
  auto SQ = sketched<double>(ctx, S, DenseRows<double, Cpu>{Q.data(), points, dim}, dim);
  std::vector<double> sigma(place_of(dim)), work(place_of(dim));
  const auto rows = static_cast<lapack_int>(S.rows);
  EXPECT_EQ(LAPACKE_dgesvd(LAPACK_COL_MAJOR, 'N', 'N', rows, dim, SQ.data(), rows, sigma.data(),
                           nullptr, 1, nullptr, 1, work.data()),
            0);
  return {sigma.back(), sigma.front()};
}

TEST(SketchStatistics, SpacesAreEmbeddedAsWellAsTheHeaderSays) {
  // A normal matrix of as many rows has singular values of some 1 +- root(dim / rows) there: 1 +- 0.71, 0.5
  // and 0.41. Bounds by 200 seeds of spaces of dimension 20 and 60.
  struct Case {
    index_t rows, nonzeros;
    double least, largest;
  };
  Context<Cpu> ctx(1);
  for (const auto& Q : {incoherent_basis(), coherent_basis()}) {
    for (const Case& c :
         {Case{2 * dim, 4, 0.2, 2}, Case{4 * dim, 8, 0.4, 1.65}, Case{6 * dim, 8, 0.5, 1.5}}) {
      for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const Sketch S{SketchKind::sparse_stack, c.rows, points, c.nonzeros, Rng{seed}};
        const auto [least, largest] = extremes(ctx, S, Q);
        EXPECT_GT(least, c.least) << c.rows << " rows, seed " << seed;
        EXPECT_LT(largest, c.largest) << c.rows << " rows, seed " << seed;
        EXPECT_GT(largest - least, 0.3) << "not a sketch, but the space itself";
      }
    }
  }
}

TEST(SketchStatistics, ACountSketchOfAsFewRowsLosesADimension) {
  // Two of 20 coordinates in the same one of 80 rows: with probability 1 - (1 - 1/80) ... (1 - 19/80) > 0.9.
  Context<Cpu> ctx(1);
  const auto Q = coherent_basis();
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Sketch S{SketchKind::count_sketch, 4 * dim, points, 1, Rng{seed}};
    if (extremes(ctx, S, Q).first < 1e-12) ++lost;
  }
  EXPECT_GT(lost, 10);
}

}  // namespace
}  // namespace randnla
