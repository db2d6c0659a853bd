// Leverage scores of streamed rows: those of the rows in memory, and where A is ill-conditioned the true ones.
#include "sketch/leverage_reference.hpp"
#include "support/streamed.hpp"

#include <randnla/sketch/leverage.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace randnla {
namespace {

using test::Problem;
using test::ThreeWays;
using enum LeverageMethod;

template <class T>
constexpr double eps = std::numeric_limits<T>::epsilon();

template <class Instance>
class StreamedLeverage : public test::OnBackend<Instance> {
 protected:
  using Real = typename Instance::Real;
  using Space = typename Instance::Space;

  template <class Matrix>
  std::pair<LeverageResult, std::vector<Real>> scores_of(const Matrix& A, index_t rows,
                                                         const LeverageOptions& options) {
    Buffer<Real, Space> scores(this->ctx(), rows);
    const LeverageResult result = leverage_scores(this->ctx(), A, options, scores.view());
    return {result, scores.download()};
  }

  void expect_same(const Problem& p, bool sparse, index_t length, const LeverageOptions& options) {
    const ThreeWays<Space, Real> data(this->ctx(), p, sparse, length);
    const auto [want, want_scores] = scores_of(data.resident.view(), p.rows, options);
    const auto [got, got_scores] = scores_of(data.streamed, p.rows, options);
    EXPECT_EQ(got.used, want.used);
    EXPECT_EQ(got.fell_back, want.fell_back);
    EXPECT_EQ(got.rank, want.rank);
    EXPECT_EQ(got.sketch_rows, want.sketch_rows);
    // A's columns are of a condition below 3: factors agree to some n eps.
    const double bound = 20 * static_cast<double>(p.rows) * eps<Real>;
    for (std::size_t i = 0; i < want_scores.size(); ++i)
      ASSERT_NEAR(got_scores[i], want_scores[i], bound) << i;
    EXPECT_NEAR(got.sum, want.sum, bound * static_cast<double>(p.cols));
    // The estimate, in the norm of largest column sums, depends on the signs of R's rows.
    EXPECT_NEAR(got.condition, want.condition, (want.used == qr ? 0.5 : 1e-3) * want.condition);
  }
};
TYPED_TEST_SUITE(StreamedLeverage, test::Instances, test::InstanceName);

TYPED_TEST(StreamedLeverage, IsTheSameByEveryMethod) {
  for (const bool sparse : {false, true}) {
    const Problem p = test::random_problem(31, 400, 6, sparse ? 0.3 : 0);
    for (const LeverageMethod method : {automatic, cholesky, qr, approximate}) {
      for (const double ridge : {0.0, 2.0}) {
        for (const index_t length : {index_t{37}, index_t{200}}) {
          SCOPED_TRACE(::testing::Message()
                       << "sparse " << sparse << ", method " << static_cast<int>(method)
                       << ", ridge " << ridge << ", chunks of " << length);
          this->expect_same(p, sparse, length,
                            {.method = method,
                             .ridge = ridge,
                             .sketch_rows = method == approximate ? 60 : 0,
                             .rng = {3, 0}});
        }
      }
    }
  }
}

/// Entries as T holds them.
template <class T>
Problem rounded(Problem p) {
  for (double& v : p.values) v = static_cast<double>(static_cast<T>(v));
  return p;
}

/// Columns that are nearly one another, and of sizes far apart.
Problem ill_conditioned(index_t rows, double apart) {
  Problem p = test::random_problem(32, rows, 4);
  for (index_t i = 0; i < rows; ++i) {
    double* const row = p.values.data() + i * 4;
    row[3] = row[0] + apart * row[3];
    row[1] *= 1024;
  }
  return p;
}

TYPED_TEST(StreamedLeverage, FallsBackToStackedTriangles) {
  using T = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  const Problem p = rounded<T>(ill_conditioned(150, sizeof(T) == 8 ? 1e-6 : 1e-2));
  const auto want = test::reference_scores(p, 0, 30 * eps<T>);
  for (const index_t length : {1, 40, 155}) {
    const ThreeWays<B, T> data(this->ctx(), p, false, length);
    const auto [got, scores] =
        this->scores_of(data.streamed, p.rows, {.method = cholesky, .rng = {3, 0}});
    EXPECT_TRUE(got.fell_back);
    EXPECT_EQ(got.used, qr);
    EXPECT_EQ(got.rank, 4);
    EXPECT_EQ(got.passes, 3);
    for (std::size_t i = 0; i < scores.size(); ++i)
      ASSERT_NEAR(scores[i], want.of_row[i], 10 * got.error_estimate) << i;
  }
}

TYPED_TEST(StreamedLeverage, OfColumnsThatRepeatIsThatOfTheirSpan) {
  using T = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  Problem p = test::random_problem(33, 120, 4);
  for (index_t i = 0; i < p.rows; ++i)
    p.values[static_cast<std::size_t>(i * 4 + 3)] = p.values[static_cast<std::size_t>(i * 4 + 1)];
  const auto want = test::reference_scores(p, 0, 1000 * eps<T>);
  const ThreeWays<B, T> data(this->ctx(), p, false, 30);
  const auto [got, scores] = this->scores_of(data.streamed, p.rows, {.method = qr, .rng = {3, 0}});
  EXPECT_EQ(got.rank, 3);
  for (std::size_t i = 0; i < scores.size(); ++i)
    ASSERT_NEAR(scores[i], want.of_row[i], 10 * got.error_estimate + 1000 * eps<T>) << i;
}

TYPED_TEST(StreamedLeverage, WhatIsNotFiniteIsNamedByItsColumn) {
  using T = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  Problem p = test::random_problem(34, 90, 4);
  p.values[50 * 4 + 2] = std::numeric_limits<double>::quiet_NaN();
  const ThreeWays<B, T> data(this->ctx(), p, false, 30);
  try {
    this->scores_of(data.streamed, p.rows, {.method = qr, .rng = {3, 0}});
    FAIL() << "no error";
  } catch (const InvalidArgument& error) {
    EXPECT_STREQ(error.what(), "leverage_scores: column 2 of A has an entry that is not finite");
  }
}

}  // namespace
}  // namespace randnla
