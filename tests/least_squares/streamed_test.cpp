// Least squares over streamed rows: the solution of the rows in memory.
#include "support/streamed.hpp"

#include "least_squares/battery.hpp"
#include "least_squares/solving.hpp"

#include <cmath>

namespace randnla::test {
namespace {

using Method = LeastSquaresMethod;

constexpr double condition = 10;

template <class Instance>
class StreamedLeastSquares : public OnBackend<Instance> {
 protected:
  using Real = typename Instance::Real;
  using Space = typename Instance::Space;

  template <class Matrix>
  LeastSquaresSolution<Real> solve(const Matrix& A, const Problem& p, index_t sides,
                                   const LeastSquaresOptions& options) {
    // Right-hand side c is b / (c + 1).
    std::vector<double> b;
    for (index_t c = 0; c < sides; ++c) {
      for (const double v : p.targets) b.push_back(v / static_cast<double>(c + 1));
    }
    const auto from = place<Real>(this->ctx(), b);
    Buffer<Real, Space> x(this->ctx(), p.cols * sides);
    LeastSquaresSolution<Real> out;
    out.result = least_squares(this->ctx(), A,
                               MatrixView<const Real, Space>{from.data(), p.rows, sides, p.rows},
                               MatrixView<Real, Space>{x.data(), p.cols, sides, p.cols}, options);
    out.x = x.download();
    return out;
  }

  /// Both solutions are within |A(x - x*)| <= 10 eps (|A| |x| + 0.04 kappa |r|), or have the same sketch and sample;
  /// over the smallest singular value that is kappa as much.
  void expect_same(const Problem& p, bool sparse, index_t length, index_t sides,
                   const LeastSquaresOptions& options) {
    const ThreeWays<Space, Real> data(this->ctx(), p, sparse, length);
    const auto want = solve(data.resident.view(), p, sides, options);
    const auto got = solve(data.streamed, p, sides, options);
    EXPECT_EQ(got.result.method, want.result.method);
    EXPECT_EQ(got.result.stop, want.result.stop);
    EXPECT_EQ(got.result.stop, LeastSquaresStop::converged);
    EXPECT_EQ(got.result.rank, want.result.rank);
    // An estimate, which depends on the signs of R's rows.
    EXPECT_NEAR(got.result.condition, want.result.condition,
                (want.result.method == Method::qr ? 0.1 : 1e-3) * want.result.condition);
    const double eps = static_cast<double>(std::numeric_limits<Real>::epsilon());
    for (index_t c = 0; c < sides; ++c) {
      const LeastSquaresColumn &one = got.result.columns[at(c)],
                               &other = want.result.columns[at(c)];
      EXPECT_NEAR(one.residual_norm, other.residual_norm, 100 * eps * other.residual_norm);
      const double bound =
          20 * condition * eps * (other.solution_norm + condition * other.residual_norm);
      for (index_t j = 0; j < p.cols; ++j)
        EXPECT_NEAR(got.x[at(j + c * p.cols)], want.x[at(j + c * p.cols)], bound) << j;
    }
  }

  static Problem problem() {
    return rounded<Real>(with_right_hand_side(matrix_of(101, 260, 9, condition, 1), 0.5));
  }
};
TYPED_TEST_SUITE(StreamedLeastSquares, Instances, InstanceName);

TYPED_TEST(StreamedLeastSquares, EveryMethodFindsTheSameSolution) {
  for (const Method method : all_methods) {
    SCOPED_TRACE(name(method));
    this->expect_same(this->problem(), false, 77, 1, {.method = method, .rng = {7, 0}});
    this->expect_same(this->problem(), true, 130, 3,
                      {.method = method, .ridge = 0.1, .rng = {8, 0}});
  }
}

TYPED_TEST(StreamedLeastSquares, AnyChunksWillDo) {
  for (const Method method : {Method::automatic, Method::qr, Method::sketch_and_precondition}) {
    for (const index_t length : chunk_lengths(260)) {
      SCOPED_TRACE(std::string(name(method)) + ", chunks of " + std::to_string(length));
      this->expect_same(this->problem(), false, length, 1, {.method = method, .rng = {9, 0}});
    }
  }
}

TYPED_TEST(StreamedLeastSquares, SamplesOfRowsAreTheSame) {
  for (const Sampling rule :
       {Sampling::uniform, Sampling::row_norm, Sampling::leverage, Sampling::row_norm_bernoulli}) {
    SCOPED_TRACE(::testing::Message() << "rule " << static_cast<int>(rule));
    this->expect_same(
        this->problem(), rule == Sampling::row_norm, 50, 1,
        {.method = Method::sketch_and_solve, .sketch_rows = 120, .sampling = rule, .rng = {10, 0}});
  }
}

TYPED_TEST(StreamedLeastSquares, MoreColumnsThanRowsAreRefusedByQr) {
  using T = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  const Problem p = random_problem(3, 6, 9);
  const ThreeWays<B, T> data(this->ctx(), p, false, 2);
  for (const Method method : {Method::automatic, Method::qr})
    EXPECT_THROW(this->solve(data.streamed, p, 1, {.method = method}), InvalidArgument);
  const auto sketched = this->solve(data.streamed, p, 1, {.method = Method::fossils});
  EXPECT_EQ(sketched.result.stop, LeastSquaresStop::wide);
}

}  // namespace
}  // namespace randnla::test
