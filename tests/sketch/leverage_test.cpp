#include "sketch/leverage_reference.hpp"
#include "support/backends.hpp"
#include "support/near.hpp"

#include <randnla/sketch/leverage.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace randnla {
namespace {

using test::battery;
using test::coherent;
using test::near;
using test::plain;
using test::Problem;
using test::reference_scores;
using test::ReferenceScores;
using test::sized;
using enum LeverageMethod;

template <class T>
constexpr double eps = std::numeric_limits<T>::epsilon();

/// Entries as T holds them.
template <class T>
Problem rounded(Problem p) {
  for (double& v : p.values) v = static_cast<double>(static_cast<T>(v));
  return p;
}

struct Computed {
  LeverageResult result;
  std::vector<double> scores;
};

template <class Instance>
class LeverageScores : public test::OnBackend<Instance> {
 protected:
  using Space = typename Instance::Space;
  using Real = typename Instance::Real;

  Computed compute(const Problem& p, const LeverageOptions& options, bool sparse = false) {
    auto& ctx = this->ctx();
    const auto data = test::dataset<Space, Real>(ctx, p, sparse);
    Buffer<Real, Space> scores(ctx, p.rows);
    const LeverageResult result = leverage_scores(ctx, data.view(), options, scores.view());
    return {result, test::cast<double>(scores.download())};
  }

  /// A backward stable method errs as a perturbation of A does: root of the score times eps, times the condition
  /// for the columns' span. The Gram matrix: what the result says, and as much again.
  void compare(const Problem& given, double ridge, LeverageMethod method, index_t rank) {
    const Problem p = rounded<Real>(given);
    const ReferenceScores want = reference_scores(p, ridge, 30 * eps<Real>);
    ASSERT_EQ(want.rank, rank);
    for (const bool sparse : {false, true}) {
      SCOPED_TRACE(sparse ? "sparse" : "dense");
      const auto [result, scores] =
          compute(p, {.method = method, .ridge = ridge, .rng = {1, 0}}, sparse);
      EXPECT_EQ(result.rank, rank);
      EXPECT_TRUE(result.used == method || (method == cholesky && result.fell_back));
      const double size = static_cast<double>(p.cols) * 40 * eps<Real> * want.condition;
      const double relative = result.used == cholesky ? 2 * result.error_estimate : 0;
      double largest = 0;
      for (std::size_t i = 0; i < scores.size(); ++i) {
        const double exact = want.of_row[i];
        ASSERT_TRUE(near(scores[i], exact, (size + relative) * std::sqrt(exact) + size * size))
            << i;
        largest = std::max(largest, scores[i]);
      }
      EXPECT_EQ(result.coherence, largest);
      EXPECT_TRUE(near(result.sum, want.sum, (size + relative) * (1 + want.sum)));
    }
  }
};
TYPED_TEST_SUITE(LeverageScores, test::Instances, test::InstanceName);

template <class T>
constexpr double decades = std::is_same_v<T, double> ? 150 : 15;

TYPED_TEST(LeverageScores, ExactOnMatricesOfAllSorts) {
  for (const auto& [name, rows, rank] : battery(decades<typename TypeParam::Real>)) {
    for (const LeverageMethod method : {cholesky, qr}) {
      SCOPED_TRACE(name + (method == qr ? ", qr" : ", cholesky"));
      this->compare(rows, 0, method, rank);
    }
  }
}

TYPED_TEST(LeverageScores, RidgeMakesFullRankAndItsSumTheEffectiveDimension) {
  for (const double ridge : {0.01, 3.0, 1e4}) {
    for (const LeverageMethod method : {cholesky, qr}) {
      SCOPED_TRACE(std::to_string(ridge) + (method == qr ? ", qr" : ", cholesky"));
      this->compare(plain(21, 90, 11), ridge, method, 11);
      this->compare(plain(22, 5, 11), ridge, method, 11);
    }
  }
}

TYPED_TEST(LeverageScores, CholeskyFallsBackWhereItWouldLoseTooMuch) {
  using T = typename TypeParam::Real;
  for (const double condition : {10.0, 1e3, 1e6, 1e9, 1e12}) {
    if (condition * eps < T >> 1e-3) continue;
    SCOPED_TRACE(condition);
    const Problem p = test::nearly_dependent(23, 300, 5, 1 / condition);
    this->compare(p, 0, cholesky, 5);
    const LeverageResult result = this->compute(rounded<T>(p), {.method = cholesky}).result;
    EXPECT_EQ(result.fell_back, condition * condition * eps<T> > 1e-4);
    EXPECT_EQ(result.used, result.fell_back ? qr : cholesky);
    EXPECT_GT(result.condition, condition / 10);
    EXPECT_LT(result.condition, condition * 100);
  }
}

/// Of 100 rows, those whose score errs by more than `error`.
double beyond(const std::vector<double>& got, const std::vector<double>& want, double error) {
  double count = 0;
  for (std::size_t i = 0; i < got.size(); ++i)
    count += !(std::abs(got[i] - want[i]) <= error * want[i]);
  return 100 * count / static_cast<double>(got.size());
}

TYPED_TEST(LeverageScores, ApproximateKeepsTheErrorAskedForOn99OfAHundredRows) {
  using B = typename TypeParam::Space;
  struct Case {
    index_t rows, cols;
    double error;
  };
  // The last one has a projection.
  for (const Case c : {Case{sized<B>(20'000, 3'000), 1, 0.2},
                       {sized<B>(20'000, 2'000), 20, sized<B>(1, 2) * 0.2},
                       {sized<B>(12'000, 2'000), 60, sized<B>(1, 2) * 0.2},
                       {sized<B>(5'000, 1'600), sized<B>(400, 150), sized<B>(3, 5) * 0.1}}) {
    for (const bool few_rows_decide : {false, true}) {
      const Problem p = few_rows_decide ? coherent(31, c.rows, c.cols) : plain(31, c.rows, c.cols);
      const std::vector<double> exact = this->compute(p, {.method = qr}).scores;
      for (std::uint64_t seed = 0; seed < sized<B>(5, 2); ++seed) {
        SCOPED_TRACE(std::to_string(c.cols) + " columns, seed " + std::to_string(seed) +
                     (few_rows_decide ? ", coherent" : ""));
        const auto [result, scores] =
            this->compute(p, {.method = approximate, .error = c.error, .rng = {seed, 7}});
        EXPECT_EQ(result.used, approximate);
        EXPECT_EQ(result.rank, c.cols);
        EXPECT_EQ(result.passes, 2);
        EXPECT_EQ(result.projections > 0, c.cols >= 150);
        EXPECT_LE(result.error_estimate, c.error / 2.6);
        EXPECT_LE(beyond(scores, exact, c.error), 1.0);
      }
    }
  }
}

TYPED_TEST(LeverageScores, ApproximateOfRowsOfAllSizesAndDependentColumns) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const index_t n = sized<B>(6'000, 2'400), d = 12;
  const double decade = decades<T>;
  Problem p = test::scaled_problem(
      41, n, d, [](index_t i) { return std::pow(10, -static_cast<double>(i % 11)); },
      [=](index_t j) { return std::pow(10, (static_cast<double>(j) - 6) * (decade - 10) / 6); });
  for (index_t i = 0; i < n; ++i) {
    double* const row = p.values.data() + i * d;
    row[5] = row[4], row[8] = 0;
    if (i % 7 == 0) std::fill_n(row, d, 0.0);
  }
  p = rounded<T>(p);
  const std::vector<double> exact = this->compute(p, {.method = qr}).scores;
  for (const bool sparse : {false, true}) {
    const auto [result, scores] =
        this->compute(p, {.method = approximate, .error = 0.25, .rng = {3, 0}}, sparse);
    EXPECT_EQ(result.used, approximate);
    EXPECT_EQ(result.rank, 10);
    // Scores far below rounding are noise in QR, too.
    double wrong = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      if (exact[i] > 1e4 * eps<T> * eps<T>) wrong += std::abs(scores[i] / exact[i] - 1) > 0.25;
      if (p.values[i * static_cast<std::size_t>(d)] == 0) {
        EXPECT_EQ(scores[i], 0);
      }
    }
    EXPECT_LE(wrong, 0.01 * static_cast<double>(n));
  }
}

/// Mean over many sketches of the sum of scores: a sum errs by far less than a score, so that a false
/// correction of the bias shows.
TYPED_TEST(LeverageScores, ApproximateHasNoBias) {
  using B = typename TypeParam::Space;
  const index_t d = 20;
  const int draws = sized<B>(200, 24);
  for (const double ridge : {0.0, 300.0}) {
    const Problem p = test::scaled_problem(
        51, 1'000, d, [](index_t) { return 1; },
        [](index_t j) { return std::pow(0.7, static_cast<double>(j)); });
    const double want = this->compute(p, {.method = qr, .ridge = ridge}).result.sum;
    double mean = 0, square = 0;
    for (int k = 0; k < draws; ++k) {
      const double ratio = this->compute(p, {.method = approximate,
                                             .ridge = ridge,
                                             .sketch_rows = 100,
                                             .rng = {static_cast<std::uint64_t>(k), 0}})
                               .result.sum /
                           want;
      mean += ratio / draws, square += ratio * ratio / draws;
    }
    const double deviation = std::sqrt((square - mean * mean) / draws);
    EXPECT_LT(deviation, 0.02);
    EXPECT_LT(std::abs(mean - 1), 4 * deviation + 0.005) << mean << ", ridge " << ridge;
  }
}

TYPED_TEST(LeverageScores, AutomaticIsExactForFewColumnsAndWhereExactnessIsAsked) {
  using B = typename TypeParam::Space;
  const Problem narrow = plain(61, sized<B>(5'000, 1'000), 30);
  EXPECT_EQ(this->compute(narrow, {}).result.used, cholesky);
  const index_t d = 500;
  if constexpr (std::is_same_v<B, Cpu>) {
    const Problem wide = plain(62, 5'000, d);
    EXPECT_EQ(this->compute(wide, {.error = 1}).result.used, approximate);
    EXPECT_EQ(this->compute(wide, {.error = 0}).result.used, cholesky);
  }
}

TYPED_TEST(LeverageScores, ApproximateIsExactWhereTheSketchWouldHaveAsManyRows) {
  const Problem p = plain(63, 60, 5);
  const auto [result, scores] = this->compute(p, {.method = approximate, .sketch_rows = 60});
  EXPECT_EQ(result.used, cholesky);
  EXPECT_EQ(result.sketch_rows, 0);
  EXPECT_EQ(this->compute(p, {.method = approximate, .sketch_rows = 59}).result.used, approximate);
}

TYPED_TEST(LeverageScores, OfNoRowsOrColumns) {
  EXPECT_EQ(this->compute(Problem{0, 3, {}, {}}, {}).result.rank, 0);
  const auto [result, scores] = this->compute(Problem{4, 0, {}, std::vector<double>(4, 0)}, {});
  EXPECT_EQ(result.rank, 0);
  EXPECT_EQ(scores, std::vector<double>(4, 0.0));
}

TYPED_TEST(LeverageScores, MisuseThrows) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  Problem p = plain(71, 40, 4);
  const auto refused = [&](const LeverageOptions& options) {
    EXPECT_THROW(this->compute(p, options), InvalidArgument);
  };
  refused({.ridge = -1});
  refused({.ridge = std::numeric_limits<double>::infinity()});
  refused({.error = -0.1});
  refused({.error = 1.5});
  refused({.method = approximate, .error = 0});
  refused({.sketch_rows = 5});
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    p.values[9] = bad;
    for (const LeverageMethod method : {automatic, qr}) refused({.method = method});
    refused({.method = approximate, .sketch_rows = 20});
  }
  const auto data = test::dataset<B, T>(this->ctx(), plain(71, 40, 4));
  Buffer<T, B> scores(this->ctx(), 39);
  EXPECT_THROW(leverage_scores(this->ctx(), data.view(), {}, scores.view()), InvalidArgument);
}

TYPED_TEST(LeverageScores, TopRowsAreLargestFirstAndEqualOnesInOrder) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const Buffer<T, B> scores(this->ctx(), std::vector<T>{T(0.25), 1, T(0.5), 1, 0, T(0.5)});
  const auto rows = [&](index_t k) {
    std::vector<index_t> out;
    for (const ScoredRow& row : top_k(this->ctx(), scores.view(), k)) out.push_back(row.row);
    return out;
  };
  EXPECT_EQ(rows(0), std::vector<index_t>{});
  EXPECT_EQ(rows(3), (std::vector<index_t>{1, 3, 2}));
  EXPECT_EQ(rows(9), (std::vector<index_t>{1, 3, 2, 5, 0, 4}));
  EXPECT_EQ(top_k(this->ctx(), scores.view(), 3)[2].score, 0.5);
  EXPECT_THROW(rows(-1), InvalidArgument);
}

TEST(LeverageThreads, SameBitsForAnyNumber) {
  const Problem p = coherent(81, 4'000, 300);
  for (const LeverageMethod method : {cholesky, qr, approximate}) {
    std::vector<double> first;
    for (const int threads : {1, 2, 5}) {
      Context<Cpu> ctx(threads);
      const auto data = test::dataset<Cpu, double>(ctx, p);
      Buffer<double, Cpu> scores(ctx, p.rows);
      leverage_scores(ctx, data.view(), {.method = method, .error = 0.5}, scores.view());
      if (threads == 1) first = scores.download();
      EXPECT_EQ(scores.download(), first) << threads;
    }
  }
}

}  // namespace
}  // namespace randnla
