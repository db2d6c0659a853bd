// The shortest solution of wide and rank-deficient problems, against LAPACK's dgelsd.
#include "least_squares/lapack.hpp"
#include "least_squares/matrices.hpp"
#include "least_squares/solving.hpp"
#include "support/near.hpp"

namespace randnla::test {
namespace {

using Method = LeastSquaresMethod;

Problem unit_columns(Problem p) {
  std::vector<double> lengths(at(p.cols), 0);
  for (index_t i = 0; i < p.rows; ++i) {
    for (index_t j = 0; j < p.cols; ++j) lengths[at(j)] += p.at(i, j) * p.at(i, j);
  }
  // 1.4 lies off the ends of the intervals that a scaling by powers of two tells apart: none takes place here
  // that would make another solution the shortest.
  return changed(p,
                 [&](index_t, index_t j, double v) { return 1.4 * v / std::sqrt(lengths[at(j)]); });
}

Problem with_repeated_columns(index_t m, index_t n) {
  const Problem A = unit_columns(matrix_of(41, m, n, 50));
  return changed(
      A, [&](index_t i, index_t j, double v) { return j >= n - 3 ? A.at(i, j - n + 3) : v; });
}

class ShortestSolutions : public ::testing::TestWithParam<Method> {
 protected:
  Context<Cpu> ctx{1};

  void expect_shortest(const Problem& p, index_t rank) {
    const ShortestSolution want = solve_by_svd(p);
    ASSERT_EQ(want.rank, rank);
    const Exact exact(p);
    const Worth best = exact.worth(want.x, p.targets, rank);
    for (const bool sparse : {false, true}) {
      SCOPED_TRACE(sparse ? "sparse" : "dense");
      const auto got = solve<double>(ctx, p, {.method = GetParam(), .rng = {5, 0}}, sparse);
      EXPECT_EQ(got.result.stop, LeastSquaresStop::converged) << name(got.result.stop);
      EXPECT_EQ(got.result.rank, rank);
      const Worth worth = exact.worth(got.x, p.targets, rank);
      EXPECT_TRUE(near(worth.residual, best.residual, 1e-11 * (best.residual + best.solution)));
      EXPECT_TRUE(near(worth.solution, best.solution, 1e-10 * best.solution));
      real off = 0;
      for (std::size_t j = 0; j < want.x.size(); ++j) off = std::hypot(off, got.x[j] - want.x[j]);
      EXPECT_LE(off, 1e-10 * best.solution);
    }
  }
};

TEST_P(ShortestSolutions, OfColumnsThatRepeat) {
  for (const double noise : {0.0, 0.5}) {
    expect_shortest(with_right_hand_side(with_repeated_columns(240, 12), noise), 9);
  }
}

TEST_P(ShortestSolutions, OfThinFactors) {
  for (const double noise : {0.0, 0.5}) {
    expect_shortest(with_right_hand_side(unit_columns(matrix_of(42, 240, 12, 50, 1, 5)), noise), 5);
  }
}

/// The lengths of columns of zeros stay zero.
TEST_P(ShortestSolutions, LeaveColumnsOfZerosOut) {
  const Problem A = changed(unit_columns(matrix_of(43, 240, 12, 50)),
                            [](index_t, index_t j, double v) { return j == 0 || j == 7 ? 0 : v; });
  const Problem p = with_right_hand_side(A, 0.5);
  const auto got = solve<double>(ctx, p, {.method = GetParam()});
  EXPECT_EQ(got.result.stop, LeastSquaresStop::converged);
  EXPECT_EQ(got.result.rank, 10);
  EXPECT_EQ(got.x[0], 0);
  EXPECT_EQ(got.x[7], 0);
}

TEST_P(ShortestSolutions, OfNothing) {
  Problem p = changed(matrix_of(44, 60, 4, 5), [](index_t, index_t, double) { return 0.0; });
  p.targets = normals(45, 60);
  for (const bool sparse : {false, true}) {
    const auto got = solve<double>(ctx, p, {.method = GetParam()}, sparse);
    EXPECT_EQ(got.result.stop, LeastSquaresStop::converged);
    EXPECT_EQ(got.result.rank, 0);
    EXPECT_EQ(got.x, std::vector<double>(4, 0.0));
    EXPECT_TRUE(near(got.result.columns.at(0).residual_norm, norm2(cast<real>(p.targets)), 1e-13));
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, ShortestSolutions,
                         ::testing::Values(Method::qr, Method::sketch_and_precondition,
                                           Method::iterative_sketching, Method::fossils,
                                           Method::iterative_hessian_sketch),
                         method_label);

/// qr is the one that takes fewer rows than columns.
class ShortestOfQr : public ShortestSolutions {};
TEST_P(ShortestOfQr, OfFewerRowsThanColumns) {
  for (const auto& [m, n] : {std::pair<index_t, index_t>{1, 6}, {5, 9}, {14, 15}, {8, 40}}) {
    SCOPED_TRACE(std::to_string(m) + " x " + std::to_string(n));
    expect_shortest(with_right_hand_side(unit_columns(matrix_of(46, m, n, 20)), 0), m);
  }
  const Problem low = unit_columns(matrix_of(47, 9, 14, 20, 1, 4));
  for (const double noise : {0.0, 0.5}) expect_shortest(with_right_hand_side(low, noise), 4);
}
INSTANTIATE_TEST_SUITE_P(Methods, ShortestOfQr, ::testing::Values(Method::qr));

TEST(LeastSquaresWide, SketchedMethodsSayThatQrSolvesIt) {
  Context<Cpu> ctx(1);
  const Problem p = with_right_hand_side(matrix_of(48, 7, 12, 5), 0.1);
  for (const Method method : all_methods) {
    if (!is_sketched(method)) continue;
    SCOPED_TRACE(name(method));
    const auto got = solve<double>(ctx, p, {.method = method});
    EXPECT_EQ(got.result.stop, LeastSquaresStop::wide);
    for (const double v : got.x) EXPECT_TRUE(std::isnan(v));
  }
  EXPECT_EQ(solve<double>(ctx, p, {}).result.method, Method::qr);
}

/// Normal equations say nothing of what they cannot tell.
TEST(LeastSquaresWide, NormalNeverGuessesARank) {
  Context<Cpu> ctx(1);
  for (const Problem& A : {matrix_of(49, 7, 12, 5), with_repeated_columns(240, 12)}) {
    const auto got = solve<double>(ctx, with_right_hand_side(A, 0.1), {.method = Method::normal});
    EXPECT_EQ(got.result.stop, LeastSquaresStop::ill_conditioned);
    for (const double v : got.x) EXPECT_TRUE(std::isnan(v));
  }
}

TEST(LeastSquaresEmpty, NoColumnsAndNoRows) {
  Context<Cpu> ctx(1);
  const Problem no_columns{5, 0, {}, {1, 2, 2, 0, 4}}, no_rows{0, 3, {}, {}};
  ::testing::internal::CaptureStdout(), ::testing::internal::CaptureStderr();
  for (const bool sparse : {false, true}) {
    for (const Method method : all_methods) {
      SCOPED_TRACE(name(method));
      const auto got = solve<double>(ctx, no_columns, {.method = method}, sparse);
      EXPECT_EQ(got.result.stop, LeastSquaresStop::converged) << name(got.result.stop);
      EXPECT_EQ(got.result.rank, 0);
      EXPECT_NEAR(got.result.columns.at(0).residual_norm, 5, 1e-14);
    }
    const auto got = solve<double>(ctx, no_rows, {}, sparse);
    EXPECT_EQ(got.result.method, Method::qr);
    EXPECT_EQ(got.result.stop, LeastSquaresStop::converged);
    EXPECT_EQ(got.x, std::vector<double>(3, 0.0));
  }
  // LAPACK complains of leading dimensions of zero in print.
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace randnla::test
