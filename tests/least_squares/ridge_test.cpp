// |A x - b|^2 + ridge |x|^2 against the problem with the rows root(ridge) I below A.
#include "least_squares/matrices.hpp"
#include "least_squares/solving.hpp"
#include "support/near.hpp"

namespace randnla::test {
namespace {

using Method = LeastSquaresMethod;

class Ridge : public ::testing::TestWithParam<Method> {
 protected:
  Context<Cpu> ctx{1};

  void expect_bound(const Problem& p, double ridge, bool sparse) {
    SCOPED_TRACE(::testing::Message() << "ridge " << ridge << (sparse ? ", sparse" : ", dense"));
    const auto got =
        solve<double>(ctx, p, {.method = GetParam(), .ridge = ridge, .rng = {61, 0}}, sparse);
    ASSERT_EQ(got.result.stop, LeastSquaresStop::converged) << name(got.result.stop);
    EXPECT_EQ(got.result.rank, p.cols);
    const Exact exact(p, ridge);
    const Worth worth = exact.worth(got.x, p.targets, p.cols);
    const BoundCheck check =
        bound_of(GetParam(), exact, worth, p.cols, std::numeric_limits<double>::epsilon());
    EXPECT_LE(check.value, slack(GetParam()) * check.bound);
    EXPECT_TRUE(near(got.result.columns.at(0).residual_norm, worth.residual,
                     1e-12 * (worth.residual + exact.norm() * worth.scaled_solution)));
  }
};

TEST_P(Ridge, SolvesTheExtendedProblem) {
  const Problem p = with_right_hand_side(matrix_of(61, 250, 10, 1e3), 0.5);
  for (const double ridge : {1e-8, 1e-2, 1.0, 1e4}) {
    for (const bool sparse : {false, true}) expect_bound(p, ridge, sparse);
  }
}

/// With a ridge every problem has full rank.
TEST_P(Ridge, OfARankDeficientProblem) {
  const Problem p = with_right_hand_side(matrix_of(62, 250, 10, 10, 1, 6), 0.5);
  for (const double ridge : {1e-2, 1.0}) expect_bound(p, ridge, false);
  const auto zeros = changed(p, [](index_t, index_t j, double v) { return j == 4 ? 0 : v; });
  expect_bound(zeros, 0.1, false);
}

/// The units of A and b do not matter, and the ridge is in the units of A squared.
TEST_P(Ridge, InOtherUnits) {
  const Problem p = with_right_hand_side(matrix_of(63, 250, 10, 1e3), 0.5);
  for (const double a : {1e-100, 1e100}) expect_bound(scaled(p, a, 1e120), 1e-3 * a * a, false);
}

/// Columns in units far apart: the ridge counts for the small ones and not for the large ones.
TEST_P(Ridge, OfGradedColumns) {
  const Problem A = matrix_of(64, 250, 10, 10);
  const auto graded = changed(A, [](index_t, index_t j, double v) {
    return v * std::pow(10.0, static_cast<double>(j) - 5);
  });
  expect_bound(with_right_hand_side(graded, 0.5), 1e-4, false);
}

/// One column: x = a'b / (a'a + ridge).
TEST_P(Ridge, OfOneColumnByHand) {
  Problem p{40, 1, std::vector<double>(40, 0.5), std::vector<double>(40, 3)};
  const auto got = solve<double>(ctx, p, {.method = GetParam(), .ridge = 6});
  // a'a = 10, a'b = 60; the residual without the ridge's row: 40 entries of 3 - 0.5 * 3.75.
  const double allowed = GetParam() == Method::sketch_and_solve ? 1 : 1e-13;
  EXPECT_NEAR(got.x[0], 3.75, allowed);
  EXPECT_NEAR(got.result.columns.at(0).residual_norm, std::sqrt(40.0) * (3 - 0.5 * got.x[0]),
              1e-12);
  EXPECT_NEAR(got.result.columns.at(0).solution_norm, got.x[0], 1e-14);
}

INSTANTIATE_TEST_SUITE_P(Methods, Ridge, ::testing::ValuesIn(all_methods), method_label);

/// Fewer rows than columns, which with a ridge qr solves as any other problem.
TEST(RidgeOfWide, QrSolvesTheExtendedProblem) {
  Context<Cpu> ctx(1);
  const Problem p = with_right_hand_side(matrix_of(65, 8, 20, 10), 0.5);
  for (const double ridge : {1e-6, 1.0}) {
    const auto got = solve<double>(ctx, p, {.method = Method::qr, .ridge = ridge});
    EXPECT_EQ(got.result.stop, LeastSquaresStop::converged);
    EXPECT_EQ(got.result.rank, 20);
    const Exact exact(p, ridge);
    const Worth worth = exact.worth(got.x, p.targets, 20);
    EXPECT_LE(worth.backward_error,
              slack(Method::qr) * 100 * std::numeric_limits<double>::epsilon());
  }
}

}  // namespace
}  // namespace randnla::test
