// Every method on every backend and scalar type: bounds, rank, several right-hand sides, what is refused.
#include "least_squares/battery.hpp"
#include "least_squares/solving.hpp"

namespace randnla::test {
namespace {

using Method = LeastSquaresMethod;
using Stop = LeastSquaresStop;

template <class Instance>
class LeastSquaresOn : public OnBackend<Instance> {
 protected:
  using T = typename Instance::Real;
  static constexpr real eps = std::numeric_limits<T>::epsilon();

  void expect_bound(const Problem& problem, LeastSquaresOptions options, index_t rank,
                    bool sparse) {
    const Problem p = rounded<T>(problem);
    const auto got = solve<T>(this->ctx(), p, options, sparse);
    ASSERT_EQ(got.result.stop, Stop::converged) << name(got.result.stop);
    EXPECT_EQ(got.result.rank, rank);
    const Exact exact(p, options.ridge);
    const Worth worth = exact.worth(got.x, p.targets, rank);
    const BoundCheck check = bound_of(got.result.method, exact, worth, rank, eps);
    EXPECT_LE(check.value, slack(got.result.method) * check.bound);
    const LeastSquaresColumn& column = got.result.columns.at(0);
    EXPECT_NEAR(column.residual_norm, static_cast<double>(worth.residual),
                static_cast<double>(20 * eps *
                                    (exact.frobenius() * worth.scaled_solution + worth.residual)));
    EXPECT_NEAR(column.solution_norm, static_cast<double>(worth.solution),
                1e-6 * column.solution_norm);
  }
};
TYPED_TEST_SUITE(LeastSquaresOn, Instances, InstanceName);

TYPED_TEST(LeastSquaresOn, MeetsTheBounds) {
  const double condition = sizeof(typename TypeParam::Real) == 4 ? 30 : 1e4;
  for (const Method method : all_methods) {
    for (const bool sparse : {false, true}) {
      SCOPED_TRACE(std::string(name(method)) + (sparse ? ", sparse" : ", dense"));
      const Problem p = matrix_of(101, 260, 9, condition, 100);
      this->expect_bound(with_right_hand_side(p, 0.5), {.method = method, .rng = {7, 0}}, 9,
                         sparse);
      this->expect_bound(with_right_hand_side(p, 1e-4),
                         {.method = method, .ridge = 0.1, .rng = {8, 0}}, 9, sparse);
    }
  }
}

TYPED_TEST(LeastSquaresOn, TakesColumnsAsItTakesRows) {
  using Real = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  const Problem p = with_right_hand_side(matrix_of(109, 60, 5, 10), 0.5);
  const index_t ld = p.rows + 2;
  std::vector<double> columns(at(ld * p.cols), std::numeric_limits<double>::quiet_NaN());
  for (index_t i = 0; i < p.rows; ++i) {
    for (index_t j = 0; j < p.cols; ++j) columns[at(i + j * ld)] = p.at(i, j);
  }
  const Buffer<Real, B> A = place<Real>(this->ctx(), columns),
                        b = place<Real>(this->ctx(), p.targets);
  Buffer<Real, B> x(this->ctx(), p.cols);
  const LeastSquaresOptions options{.method = Method::fossils};
  least_squares(this->ctx(), MatrixView<const Real, B>{A.data(), p.rows, p.cols, ld},
                MatrixView<const Real, B>{b.data(), p.rows, 1, p.rows},
                MatrixView<Real, B>{x.data(), p.cols, 1, p.cols}, options);
  EXPECT_EQ(x.download(), solve<Real>(this->ctx(), p, options).x);
}

/// Dense rows behind their products, one by one.
template <Backend B, class T>
struct Products {
  const Problem& p;

  index_t rows() const { return p.rows; }
  index_t cols() const { return p.cols; }
  void apply(Context<B>& ctx, VectorView<const T, B> x, VectorView<T, B> y) const {
    times(ctx, x, y, [&](index_t i, index_t j) { return p.at(i, j); });
  }
  void apply_adjoint(Context<B>& ctx, VectorView<const T, B> y, VectorView<T, B> x) const {
    times(ctx, y, x, [&](index_t j, index_t i) { return p.at(i, j); });
  }

 private:
  template <class Entry>
  void times(Context<B>& ctx, VectorView<const T, B> in, VectorView<T, B> out, Entry entry) const {
    const std::vector<T> from = fetch(ctx, in.data, in.size);
    std::vector<T> to(at(out.size));
    for (index_t k = 0; k < out.size; ++k) {
      double sum = 0;
      for (index_t l = 0; l < in.size; ++l) sum += entry(k, l) * static_cast<double>(from[at(l)]);
      to[at(k)] = static_cast<T>(sum);
    }
    ctx.upload(out.data, to.data(), to.size() * sizeof(T));
  }
};

TYPED_TEST(LeastSquaresOn, TakesMapsByTheirProducts) {
  using Real = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  const Problem p = rounded<Real>(with_right_hand_side(matrix_of(110, 90, 4, 20), 0.5));
  const Products<B, Real> map{p};
  const Buffer<Real, B> b = place<Real>(this->ctx(), p.targets);
  for (const double ridge : {0.0, 0.1}) {
    const Exact exact(p, ridge);
    for (const Method method : {Method::automatic, Method::fossils, Method::iterative_sketching,
                                Method::iterative_hessian_sketch}) {
      SCOPED_TRACE(::testing::Message() << name(method) << ", ridge " << ridge);
      Buffer<Real, B> x(this->ctx(), p.cols);
      const auto result = least_squares(this->ctx(), LinearMapRef<B, Real>(map),
                                        MatrixView<const Real, B>{b.data(), p.rows, 1, p.rows},
                                        MatrixView<Real, B>{x.data(), p.cols, 1, p.cols},
                                        {.method = method, .ridge = ridge});
      ASSERT_EQ(result.stop, Stop::converged) << name(result.stop);
      const Worth worth = exact.worth(x.download(), p.targets, 4);
      const BoundCheck check = bound_of(result.method, exact, worth, 4, this->eps);
      EXPECT_LE(check.value, slack(result.method) * check.bound);
    }
  }
}

TYPED_TEST(LeastSquaresOn, MapsHaveNoRows) {
  using Real = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  const Problem p = with_right_hand_side(matrix_of(111, 30, 2, 5), 0.5);
  const Products<B, Real> map{p};
  const Buffer<Real, B> b = place<Real>(this->ctx(), p.targets);
  Buffer<Real, B> x(this->ctx(), p.cols);
  for (const Method method : {Method::qr, Method::normal}) {
    EXPECT_THROW(
        least_squares(this->ctx(), LinearMapRef<B, Real>(map),
                      MatrixView<const Real, B>{b.data(), p.rows, 1, p.rows},
                      MatrixView<Real, B>{x.data(), p.cols, 1, p.cols}, {.method = method}),
        InvalidArgument);
  }
}

TYPED_TEST(LeastSquaresOn, FindsTheRank) {
  const Problem A = matrix_of(102, 200, 8, 10);
  const auto deficient = changed(A, [&](index_t i, index_t j, double v) {
    return j == 7 ? A.at(i, 2) : j == 3 ? 0 : v;
  });
  for (const Method method : all_methods) {
    if (method == Method::normal) continue;
    SCOPED_TRACE(name(method));
    this->expect_bound(with_right_hand_side(deficient, 0.5), {.method = method}, 6, false);
  }
  this->expect_bound(with_right_hand_side(matrix_of(103, 6, 11, 10), 0.5), {}, 6, false);
}

TYPED_TEST(LeastSquaresOn, TinyProblems) {
  for (const Method method : all_methods) {
    SCOPED_TRACE(name(method));
    for (const auto& [m, n] : {std::pair<index_t, index_t>{1, 1}, {40, 1}, {3, 2}, {12, 12}}) {
      SCOPED_TRACE(std::to_string(m) + " x " + std::to_string(n));
      this->expect_bound(with_right_hand_side(matrix_of(104, m, n, 5), 0.5), {.method = method}, n,
                         false);
    }
  }
}

TYPED_TEST(LeastSquaresOn, SeveralRightHandSides) {
  using Real = typename TypeParam::Real;
  const Problem A = rounded<Real>(matrix_of(105, 220, 7, 20));
  std::vector<double> b;
  for (index_t k = 0; k < 4; ++k) {
    const Problem p = rounded<Real>(with_right_hand_side(A, k == 0 ? 0 : 0.5, at(106 + k)));
    b.insert(b.end(), p.targets.begin(), p.targets.end());
  }
  const Exact exact(A);
  for (const Method method : all_methods) {
    SCOPED_TRACE(name(method));
    const auto got = solve_all<Real>(this->ctx(), A, b, 4, {.method = method}, false);
    EXPECT_EQ(got.result.stop, Stop::converged) << name(got.result.stop);
    for (index_t k = 0; k < 4; ++k) {
      const Worth worth = exact.worth(column(got.x, 7, k), column(b, 220, k), 7);
      const BoundCheck check = bound_of(method, exact, worth, 7, this->eps);
      EXPECT_LE(check.value, slack(method) * check.bound) << "right-hand side " << k;
    }
  }
}

TYPED_TEST(LeastSquaresOn, RowsDrawnInPlaceOfASketch) {
  const Problem p = with_right_hand_side(matrix_of(107, 400, 6, 10), 0.5);
  for (const Sampling rule :
       {Sampling::uniform, Sampling::row_norm, Sampling::leverage, Sampling::leverage_bernoulli}) {
    this->expect_bound(
        p, {.method = Method::sketch_and_solve, .sketch_rows = 120, .sampling = rule}, 6, true);
  }
}

TYPED_TEST(LeastSquaresOn, HugeAndTinyNumbers) {
  using Real = typename TypeParam::Real;
  const double huge = sizeof(Real) == 4 ? 1e15 : 1e150;
  const Problem p = with_right_hand_side(matrix_of(108, 200, 6, 10), 0.5);
  for (const Method method : all_methods) {
    for (const double a : {1 / huge, huge}) {
      for (const double b : {1 / huge, huge}) {
        SCOPED_TRACE(::testing::Message()
                     << name(method) << ", A times " << a << ", b times " << b);
        this->expect_bound(scaled(p, a, b), {.method = method}, 6, false);
      }
    }
  }
}

TYPED_TEST(LeastSquaresOn, NotFinite) {
  Problem p = with_right_hand_side(matrix_of(109, 200, 6, 10), 0.5);
  p.values[at(6 * 150 + 2)] = std::numeric_limits<double>::quiet_NaN();
  for (const Method method : all_methods) {
    const auto got = solve<typename TypeParam::Real>(this->ctx(), p, {.method = method});
    EXPECT_EQ(got.result.stop, Stop::not_finite) << name(method);
    for (const auto v : got.x) EXPECT_TRUE(std::isnan(v)) << name(method);
  }
}

}  // namespace
}  // namespace randnla::test
