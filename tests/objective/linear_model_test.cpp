#include "objective/reference_loss.hpp"
#include "support/backends.hpp"
#include "support/near.hpp"
#include "support/problems.hpp"

#include <randnla/objective/linear_model.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <type_traits>

namespace randnla {
namespace {

using test::dataset;
using test::fetch;
using test::near;
using test::place;
using test::Problem;
using test::real;

/// The sampled objective in long double, straight from its definition.
template <class Loss>
struct Reference {
  const Problem& p;
  Regulariser regulariser;
  std::vector<index_t> rows;
  std::vector<double> weights;

  Reference(const Problem& problem, Regulariser added) : p(problem), regulariser(added) {
    for (index_t i = 0; i < p.rows; ++i) rows.push_back(i);
    weights.assign(rows.size(), 1.0 / static_cast<double>(p.rows));
  }
  Reference(const Problem& problem, Regulariser added, std::vector<index_t> r,
            std::vector<double> w)
      : p(problem), regulariser(added), rows(std::move(r)), weights(std::move(w)) {}

  real margin(index_t row, const std::vector<real>& x) const {
    real z = 0;
    for (index_t j = 0; j < p.cols; ++j) z += p.at(row, j) * x[static_cast<std::size_t>(j)];
    return z;
  }
  real value(const std::vector<real>& x) const {
    real sum = 0;
    for (std::size_t k = 0; k < rows.size(); ++k) {
      sum += weights[k] * test::loss_value(Loss{}, margin(rows[k], x), target(k));
    }
    for (const real v : x) {
      sum += regulariser.l2 / 2 * v * v + regulariser.nonconvex * v * v / (1 + v * v);
    }
    return sum;
  }
  std::vector<real> gradient(const std::vector<real>& x) const {
    std::vector<real> g;
    for (const real v : x) g.push_back(regulariser_weight(v) * v);
    for (std::size_t k = 0; k < rows.size(); ++k) {
      const real slope = weights[k] * test::loss_slope(Loss{}, margin(rows[k], x), target(k));
      for (std::size_t j = 0; j < g.size(); ++j) {
        g[j] += slope * p.at(rows[k], static_cast<index_t>(j));
      }
    }
    return g;
  }
  /// The Gauss-Newton matrix times v: the losses' and the regulariser's nonnegative parts.
  std::vector<real> gauss_newton_product(const std::vector<real>& x,
                                         const std::vector<real>& v) const {
    std::vector<real> out;
    for (std::size_t j = 0; j < x.size(); ++j) out.push_back(regulariser_weight(x[j]) * v[j]);
    for (std::size_t k = 0; k < rows.size(); ++k) {
      const real c = weights[k] * test::loss_gauss_newton(Loss{}, margin(rows[k], x), target(k)) *
                     margin(rows[k], v);
      for (std::size_t j = 0; j < x.size(); ++j)
        out[j] += c * p.at(rows[k], static_cast<index_t>(j));
    }
    return out;
  }
  /// |grad of the k-th sampled loss|^2
  real gradient_norm2(std::size_t k, const std::vector<real>& x) const {
    const real slope = test::loss_slope(Loss{}, margin(rows[k], x), target(k));
    real sum = 0;
    for (index_t j = 0; j < p.cols; ++j) sum += slope * p.at(rows[k], j) * slope * p.at(rows[k], j);
    return sum;
  }
  /// By fourth-order differences of value().
  std::vector<real> gradient_by_differences(const std::vector<real>& x) const {
    std::vector<real> g;
    for (std::size_t j = 0; j < x.size(); ++j) {
      g.push_back(test::central_difference(
          [&](real t) {
            std::vector<real> moved = x;
            moved[j] = t;
            return value(moved);
          },
          x[j], test::difference_step));
    }
    return g;
  }
  /// H v by fourth-order differences of gradient() along v.
  std::vector<real> product_by_differences(const std::vector<real>& x,
                                           const std::vector<real>& v) const {
    const real h = test::difference_step;
    std::vector<real> out(x.size(), 0);
    for (const auto& [step, factor] :
         {std::pair<real, real>{h, 8}, {-h, -8}, {2 * h, -1}, {-2 * h, 1}}) {
      std::vector<real> moved = x;
      for (std::size_t j = 0; j < x.size(); ++j) moved[j] += step * v[j];
      const std::vector<real> g = gradient(moved);
      for (std::size_t j = 0; j < x.size(); ++j) out[j] += factor * g[j] / (12 * h);
    }
    return out;
  }

 private:
  /// The regulariser's slope over x_j.
  real regulariser_weight(real v) const {
    return regulariser.l2 + 2 * regulariser.nonconvex / ((1 + v * v) * (1 + v * v));
  }
  real target(std::size_t k) const { return p.targets[static_cast<std::size_t>(rows[k])]; }
};

/// Rounding of a sum of `count` products with margins of `cols` terms, (count + cols + 20) eps
/// times `scale`, the sum of the terms' sizes; and 1e-12 of it for the differences.
template <class T>
real tolerance(index_t count, index_t cols, real scale) {
  return (static_cast<real>(count + cols + 20) * std::numeric_limits<T>::epsilon() + 1e-12L) *
         scale;
}

/// Sum of weight |a_ij| (1 + |a_i||x|) |c|: what a sum over rows is made of; c at most `largest`.
real term_sizes(const Problem& p, const std::vector<index_t>& rows,
                const std::vector<double>& weights, const std::vector<double>& x, real largest) {
  real x2 = 0, sum = 0;
  for (const double v : x) x2 += static_cast<real>(v) * v;
  for (std::size_t k = 0; k < rows.size(); ++k) {
    real a2 = 0;
    for (index_t j = 0; j < p.cols; ++j)
      a2 += static_cast<real>(p.at(rows[k], j)) * p.at(rows[k], j);
    sum += std::abs(weights[k]) * std::sqrt(a2) * (1 + std::sqrt(a2 * x2)) * largest;
  }
  return sum;
}

template <class Instance>
class LinearModels : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(LinearModels, test::Instances, test::InstanceName);

/// The Hessian, or the Gauss-Newton matrix, as product and matrix, from the curvatures that evaluate
/// gave at xb.
template <class Loss, Backend B, Scalar T>
void compare_curvature(Context<B>& ctx, const LinearModel<Loss, B, T>& f,
                       const Reference<Loss>& reference, const std::vector<real>& x,
                       const Buffer<T, B>& xb, const Sample<B, T>& sample, Curvature kind) {
  const Problem& p = reference.p;
  const auto count = static_cast<index_t>(reference.rows.size());
  Buffer<T, B> curvature(ctx, sample.bound), product(ctx, p.cols), matrix(ctx, p.cols * p.cols);
  f.evaluate(ctx, xb.view(), sample, {nullptr, nullptr, curvature.data(), nullptr, kind});
  const auto c = fetch(ctx, curvature.data(), count);
  std::vector<double> weighted;
  for (std::size_t k = 0; k < c.size(); ++k) {
    if (kind == Curvature::gauss_newton) {
      EXPECT_GE(c[k], 0) << k;
    }
    weighted.push_back(static_cast<double>(c[k]) * reference.weights[k]);
  }
  weighted.resize(static_cast<std::size_t>(sample.bound), std::numeric_limits<double>::quiet_NaN());
  const auto weighted_buffer = place<T>(ctx, weighted);
  const HessianSample<B, T> H{xb.view(), sample, weighted_buffer.data(), kind};
  const auto want = [&](const std::vector<real>& v) {
    return kind == Curvature::hessian ? reference.product_by_differences(x, v)
                                      : reference.gauss_newton_product(x, v);
  };

  // Row norms squared: term_sizes once more with |a_i| in place of the slope.
  real squares = reference.regulariser.l2 + 2 * reference.regulariser.nonconvex;
  for (std::size_t k = 0; k < reference.rows.size(); ++k) {
    real a2 = 0;
    for (index_t j = 0; j < p.cols; ++j) {
      a2 += static_cast<real>(p.at(reference.rows[k], j)) * p.at(reference.rows[k], j);
    }
    squares += std::abs(reference.weights[k]) * a2 * (1 + std::sqrt(a2));
  }
  const auto v = test::normals(6, p.cols);
  const auto vb = place<T>(ctx, v);
  real v2 = 0;
  for (const double e : v) v2 += static_cast<real>(e) * e;
  f.hessian_product(ctx, H, vb.view(), product.view());
  const auto Hv = product.download();
  const auto want_Hv = want(test::cast<real>(v));
  for (std::size_t j = 0; j < Hv.size(); ++j) {
    EXPECT_TRUE(near(static_cast<real>(Hv[j]), want_Hv[j],
                     tolerance<T>(count, p.cols, squares * std::sqrt(v2))))
        << j;
  }
  f.hessian_matrix(ctx, H, {matrix.data(), p.cols, p.cols, p.cols});
  const auto M = matrix.download();
  for (index_t j = 0; j < p.cols; ++j) {
    std::vector<real> e(x.size(), 0);
    e[static_cast<std::size_t>(j)] = 1;
    const auto column = want(e);
    for (index_t i = 0; i < p.cols; ++i) {
      EXPECT_TRUE(near(static_cast<real>(M[static_cast<std::size_t>(i + j * p.cols)]),
                       column[static_cast<std::size_t>(i)], tolerance<T>(count, p.cols, squares)))
          << i << ", " << j;
      EXPECT_EQ(M[static_cast<std::size_t>(i + j * p.cols)],
                M[static_cast<std::size_t>(j + i * p.cols)]);
    }
  }
}

/// Everything of one objective on one sample against the reference.
template <class Loss, Backend B, Scalar T>
void compare(Context<B>& ctx, bool sparse, const Reference<Loss>& reference,
             const Sample<B, T>& sample) {
  const Problem& p = reference.p;
  const auto count = static_cast<index_t>(reference.rows.size());
  const Dataset<T, B> data = dataset<B, T>(ctx, p, sparse);
  const LinearModel<Loss, B, T> f(ctx, data, reference.regulariser);
  const auto x = test::normals(5, p.cols, 1 / std::sqrt(static_cast<double>(p.cols)));
  const auto xl = test::cast<real>(x);
  const auto xb = place<T>(ctx, x);
  Buffer<double, B> value(ctx, 1);
  Buffer<T, B> gradient(ctx, p.cols), norms2(ctx, sample.bound);
  f.evaluate(ctx, xb.view(), sample, {value.data(), gradient.data(), nullptr, norms2.data()});

  const auto relative = [&](real scale) { return tolerance<T>(count, p.cols, scale); };
  const real want = reference.value(xl);
  const real added = reference.regulariser.l2 + 2 * reference.regulariser.nonconvex;
  const real sizes = term_sizes(p, reference.rows, reference.weights, x, 1);
  EXPECT_TRUE(near(static_cast<real>(value.read(0)), want, relative(std::abs(want) + sizes)));
  const auto g = gradient.download();
  const auto differences = reference.gradient_by_differences(xl);
  for (std::size_t j = 0; j < g.size(); ++j) {
    EXPECT_TRUE(near(static_cast<real>(g[j]), differences[j], relative(sizes + added))) << j;
  }
  // |slope| |a| errs by (cols + 20) eps |a| (1 + |a||x|), and the square by twice that.
  const auto n2 = fetch(ctx, norms2.data(), count);
  for (std::size_t k = 0; k < n2.size(); ++k) {
    const real size = term_sizes(p, {reference.rows[k]}, {1}, x, 1);
    EXPECT_TRUE(near(static_cast<real>(n2[k]), reference.gradient_norm2(k, xl),
                     2 * tolerance<T>(0, p.cols, size * size)))
        << k;
  }
  for (const auto kind : {Curvature::hessian, Curvature::gauss_newton}) {
    compare_curvature(ctx, f, reference, xl, xb, sample, kind);
  }
}

template <class Loss, Backend B, Scalar T>
void compare_on_all_rows(Context<B>& ctx) {
  for (const auto& [rows, cols] :
       {std::pair<index_t, index_t>{1, 1}, {8, 3}, {37, 9}, {33, 17}, {50, 33}}) {
    for (const bool sparse : {false, true}) {
      for (const Regulariser added : {Regulariser{}, {.l2 = 0.25}, {.l2 = 0.25, .nonconvex = 2}}) {
        const Problem p = test::random_problem(11, rows, cols, rows > 1 && sparse ? 0.6 : 0);
        SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(cols) +
                     (sparse ? " sparse" : " dense") + ", l2 = " + std::to_string(added.l2) +
                     ", nonconvex = " + std::to_string(added.nonconvex));
        compare(ctx, sparse, Reference<Loss>(p, added), Sample<B, T>::all(rows));
      }
    }
  }
}

TYPED_TEST(LinearModels, NonlinearLeastSquaresAgreesWithDifferences) {
  compare_on_all_rows<SigmoidSquares, typename TypeParam::Space, typename TypeParam::Real>(
      this->ctx());
}

TYPED_TEST(LinearModels, LogisticAgreesWithDifferences) {
  compare_on_all_rows<LogisticLoss, typename TypeParam::Space, typename TypeParam::Real>(
      this->ctx());
}

TYPED_TEST(LinearModels, LeastSquaresAgreesWithDifferences) {
  compare_on_all_rows<SquaredLoss, typename TypeParam::Space, typename TypeParam::Real>(
      this->ctx());
}

TYPED_TEST(LinearModels, CauchyAgreesWithDifferences) {
  compare_on_all_rows<CauchyLoss, typename TypeParam::Space, typename TypeParam::Real>(this->ctx());
}

TYPED_TEST(LinearModels, TukeyAgreesWithDifferences) {
  compare_on_all_rows<TukeyLoss, typename TypeParam::Space, typename TypeParam::Real>(this->ctx());
}

/// One row a = 2, y = 1 at x = 3: r = 5. With c = 5, Cauchy's is 25/2 log 2, slope r/2, and Tukey's
/// has just reached 25/6.
TYPED_TEST(LinearModels, LossesCarryTheirScale) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  const auto data = dataset<B, T>(ctx, Problem{1, 1, {2}, {1}});
  const auto x = place<T>(ctx, std::vector<double>{3});
  Buffer<double, B> value(ctx, 1);
  Buffer<T, B> g(ctx, 1);
  const LinearModel<CauchyLoss, B, T> cauchy(ctx, data, {}, {.c = 5});
  cauchy.evaluate(ctx, x.view(), Sample<B, T>::all(1), {value.data(), g.data()});
  const double eps = std::numeric_limits<T>::epsilon();
  EXPECT_NEAR(value.read(0), 12.5 * std::log(2.0), 40 * eps);
  EXPECT_NEAR(static_cast<double>(g.read(0)), 5, 20 * eps);
  const LinearModel<TukeyLoss, B, T> tukey(ctx, data, {}, {.c = 5});
  tukey.evaluate(ctx, x.view(), Sample<B, T>::all(1), {value.data(), g.data()});
  EXPECT_NEAR(value.read(0), 25.0 / 6, 20 * eps);
  EXPECT_EQ(g.read(0), 0);
}

/// Large and small entries of x, where the terms run over or cancel: by hand at 0 and 1, and at the
/// ends of the scalar type's range.
TYPED_TEST(LinearModels, NonconvexRegulariserAtTheEnds) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  const auto data = dataset<B, T>(ctx, Problem{1, 5, {0, 0, 0, 0, 0}, {0}});
  const LeastSquares<B, T> f(ctx, data, {.nonconvex = 3});
  const T huge = std::numeric_limits<T>::max() / 2, tiny = T(1e-10);
  const Buffer<T, B> x(ctx, std::vector<T>{0, 1, tiny, huge, -huge}),
      ones(ctx, std::vector<T>(5, 1)), none(ctx, std::vector<T>{0});
  Buffer<double, B> value(ctx, 1);
  Buffer<T, B> g(ctx, 5), Hv(ctx, 5);
  f.evaluate(ctx, x.view(), Sample<B, T>::all(1), {value.data(), g.data()});
  EXPECT_EQ(value.read(0), 3 * (0.5 + static_cast<double>(tiny * tiny) + 1 + 1));
  EXPECT_EQ(g.download(), (std::vector<T>{0, 1.5, 6 * tiny, 0, 0}));
  HessianSample<B, T> H{x.view(), Sample<B, T>::all(1), none.data()};
  f.hessian_product(ctx, H, ones.view(), Hv.view());
  EXPECT_EQ(Hv.download(), (std::vector<T>{6, -1.5, 6, 0, 0}));
  H.kind = Curvature::gauss_newton;
  f.hessian_product(ctx, H, ones.view(), Hv.view());
  EXPECT_EQ(Hv.download(), (std::vector<T>{6, 1.5, 6, 0, 0}));
}

TYPED_TEST(LinearModels, SamplesMayRepeatRowsAndHaveWeightsAndACount) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const index_t n = 40;
  const std::vector<index_t> rows{39, 0, 7, 7, 7, 12, 30, 1, 2, 0, 39};
  const auto m = static_cast<index_t>(rows.size());
  const std::vector<double> weights{0.5, 0.25, 2, 1, 0, 0.125, 3, 0.5, 0.5, 1, 0.75};
  const Regulariser added{.l2 = 0.5, .nonconvex = 0.25};
  for (const bool sparse : {false, true}) {
    const Problem p = test::random_problem(3, n, 9, sparse ? 0.5 : 0);
    const Buffer<index_t, B> rows_buffer(this->ctx(), rows);
    const auto weights_buffer = place<T>(this->ctx(), weights);
    const Reference<SigmoidSquares> weighted(p, added, rows, weights);
    compare(this->ctx(), sparse, weighted,
            Sample<B, T>{rows_buffer.data(), weights_buffer.data(), m, nullptr});
    const Reference<SigmoidSquares> even(
        p, added, rows, std::vector<double>(rows.size(), 1.0 / static_cast<double>(m)));
    compare(this->ctx(), sparse, even, Sample<B, T>{rows_buffer.data(), nullptr, m, nullptr});

    // What lies beyond the count is not used: NaN weights and NaN curvatures.
    std::vector<index_t> longer = rows;
    std::vector<double> more = weights;
    longer.resize(30, 5), more.resize(30, std::numeric_limits<double>::quiet_NaN());
    const Buffer<index_t, B> longer_buffer(this->ctx(), longer),
        count(this->ctx(), std::vector<index_t>{m}), none(this->ctx(), std::vector<index_t>{0});
    const auto more_buffer = place<T>(this->ctx(), more);
    compare(this->ctx(), sparse, weighted,
            Sample<B, T>{longer_buffer.data(), more_buffer.data(), 30, count.data()});
    compare(this->ctx(), sparse, Reference<SigmoidSquares>(p, added, {}, {}),
            Sample<B, T>{longer_buffer.data(), more_buffer.data(), 30, none.data()});
  }
}

TYPED_TEST(LinearModels, OnePassGivesTheBitsOfSeparateOnes) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  for (const bool sparse : {false, true}) {
    const Problem p = test::random_problem(8, test::sized<B>(4099, 300), 21, sparse ? 0.5 : 0);
    const auto data = dataset<B, T>(ctx, p, sparse);
    const LogisticRegression<B, T> f(ctx, data, {.l2 = 0.1});
    const auto x = place<T>(ctx, test::normals(4, p.cols, 0.3));
    const auto all = Sample<B, T>::all(p.rows);
    Buffer<double, B> v1(ctx, 1), v2(ctx, 1);
    Buffer<T, B> g1(ctx, p.cols), g2(ctx, p.cols), c1(ctx, p.rows), c2(ctx, p.rows),
        g3(ctx, p.cols);
    f.evaluate(ctx, x.view(), all, {v1.data(), g1.data(), c1.data()});
    f.evaluate(ctx, x.view(), all, {v2.data(), nullptr, nullptr});
    f.evaluate(ctx, x.view(), all, {nullptr, g2.data(), nullptr});
    f.evaluate(ctx, x.view(), all, {nullptr, nullptr, c2.data()});
    FiniteSumRef<B, T>(f).evaluate(ctx, x.view(), all, {nullptr, g3.data(), nullptr});
    EXPECT_EQ(v1.download(), v2.download());
    EXPECT_EQ(g1.download(), g2.download());
    EXPECT_EQ(g1.download(), g3.download());
    EXPECT_EQ(c1.download(), c2.download());
  }
}

TYPED_TEST(LinearModels, ByHand) {
  // Two points of one feature, a = 2 and -4, both with margin 0 at x = 0; targets 1 and 0.
  // Squares: value (1/4 + 1/4)/2, slopes -1/4 and 1/4, curvatures 1/8.
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  const Problem p{2, 1, {2, -4}, {1, 0}};
  const auto data = dataset<B, T>(ctx, p);
  const NonlinearLeastSquares<B, T> f(ctx, data, {.l2 = 0.5});
  EXPECT_EQ(f.dim(), 1);
  EXPECT_EQ(f.terms(), 2);
  const auto x = place<T>(ctx, std::vector<double>{0}), v = place<T>(ctx, std::vector<double>{3});
  Buffer<double, B> value(ctx, 1);
  Buffer<T, B> g(ctx, 1), c(ctx, 2), Hv(ctx, 1), H(ctx, 1), scores(ctx, 2);
  f.evaluate(ctx, x.view(), Sample<B, T>::all(2), {value.data(), g.data(), c.data()});
  EXPECT_EQ(value.read(0), 0.25);
  EXPECT_EQ(g.read(0), T(-0.75));  // (2 * -1/4 + -4 * 1/4) / 2
  EXPECT_EQ(c.download(), (std::vector<T>{T(0.125), T(0.125)}));
  const auto weighted = place<T>(ctx, std::vector<double>{0.0625, 0.0625});
  const HessianSample<B, T> sample{x.view(), Sample<B, T>::all(2), weighted.data()};
  f.hessian_product(ctx, sample, v.view(), Hv.view());
  f.hessian_matrix(ctx, sample, {H.data(), 1, 1, 1});
  EXPECT_EQ(H.read(0), T(1.75));  // (4 + 16) / 16 + l2
  EXPECT_EQ(Hv.read(0), T(5.25));
  // Importance |c_i| a_i^2, of curvatures of either sign; the second call has the norms already.
  const auto curvature = place<T>(ctx, std::vector<double>{-0.5, 0.25});
  for (int call = 0; call < 2; ++call) {
    f.importance(ctx, curvature.view(), scores.view());
    EXPECT_EQ(scores.download(), (std::vector<T>{T(2), T(4)}));
  }
  EXPECT_EQ(f.hessian_costs().product, 2);
  EXPECT_EQ(f.hessian_costs().matrix, 1);
}

TYPED_TEST(LinearModels, ImportanceOfSparseRows) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  const Problem p{3, 4, {0, 3, 0, 4, 0, 0, 0, 0, 1, 1, 1, 1}, {1, 0, 1}};
  const auto data = dataset<B, T>(ctx, p, true);
  const LogisticRegression<B, T> f(ctx, data);
  const auto curvature = place<T>(ctx, std::vector<double>{0.5, 1, -0.25});
  Buffer<T, B> scores(ctx, 3);
  f.importance(ctx, curvature.view(), scores.view());
  EXPECT_EQ(scores.download(), (std::vector<T>{T(12.5), T(0), T(1)}));
  EXPECT_EQ(f.hessian_costs().product, 4);  // 2 entries of 6 / 3
  EXPECT_EQ(f.hessian_costs().matrix, 10);
}

TYPED_TEST(LinearModels, MisuseThrows) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  const Problem p = test::random_problem(1, 6, 3);
  auto data = dataset<B, T>(ctx, p);
  using Model = LogisticRegression<B, T>;
  EXPECT_THROW(Model(ctx, data, Regulariser{.l2 = -0.1}), InvalidArgument);
  EXPECT_THROW(Model(ctx, data, Regulariser{.l2 = std::numeric_limits<double>::quiet_NaN()}),
               InvalidArgument);
  EXPECT_THROW(Model(ctx, data, Regulariser{.l2 = std::numeric_limits<double>::infinity()}),
               InvalidArgument);
  EXPECT_THROW(Model(ctx, data, Regulariser{.nonconvex = -1}), InvalidArgument);
  EXPECT_THROW(Model(ctx, data, Regulariser{.nonconvex = std::numeric_limits<double>::infinity()}),
               InvalidArgument);
  for (const double c : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN(),
                         std::numeric_limits<double>::infinity()}) {
    using Cauchy = LinearModel<CauchyLoss, B, T>;
    using Tukey = LinearModel<TukeyLoss, B, T>;
    EXPECT_THROW(Cauchy(ctx, data, {}, CauchyLoss{c}), InvalidArgument) << c;
    EXPECT_THROW(Tukey(ctx, data, {}, TukeyLoss{c}), InvalidArgument) << c;
  }
  EXPECT_THROW(Model(ctx, Dataset<T, B>{}), InvalidArgument);
  const Model f(ctx, data);
  Buffer<T, B> two(ctx, 2), three(ctx, 3), six(ctx, 6), nine(ctx, 9);
  const auto all = Sample<B, T>::all(6);
  const HessianSample<B, T> H{three.view(), all, six.data()};
  EXPECT_THROW(f.evaluate(ctx, two.view(), all, {}), InvalidArgument);
  const HessianSample<B, T> elsewhere{two.view(), all, six.data()};
  EXPECT_THROW(f.hessian_product(ctx, elsewhere, three.view(), three.view()), InvalidArgument);
  EXPECT_THROW(f.hessian_matrix(ctx, elsewhere, {nine.data(), 3, 3, 3}), InvalidArgument);
  EXPECT_THROW(f.hessian_product(ctx, H, two.view(), three.view()), InvalidArgument);
  EXPECT_THROW(f.hessian_product(ctx, H, three.view(), two.view()), InvalidArgument);
  EXPECT_THROW(f.hessian_matrix(ctx, H, {nine.data(), 2, 3, 3}), InvalidArgument);
  EXPECT_THROW(f.hessian_matrix(ctx, H, {nine.data(), 3, 2, 3}), InvalidArgument);
  EXPECT_THROW(f.importance(ctx, three.view(), six.view()), InvalidArgument);
  EXPECT_THROW(f.importance(ctx, six.view(), three.view()), InvalidArgument);
  data.targets = Buffer<T, B>(ctx, 5);
  EXPECT_THROW(Model(ctx, data), InvalidArgument);
}

TEST(LinearModelThreads, SameBitsForAnyNumberOfThreads) {
  for (const bool sparse : {false, true}) {
    const Problem p = test::random_problem(2, 6001, 54, sparse ? 0.7 : 0);
    std::vector<std::vector<double>> seen;
    for (const int threads : {1, 2, 7}) {
      Context<Cpu> ctx(threads);
      const auto data = dataset<Cpu, double>(ctx, p, sparse);
      const NonlinearLeastSquares<Cpu, double> f(ctx, data, {.l2 = 0.01});
      const auto x = place<double>(ctx, test::normals(4, p.cols, 0.2));
      const auto all = Sample<Cpu, double>::all(p.rows);
      Buffer<double, Cpu> out(ctx, 1 + 2 * p.cols + 2 * p.rows + p.cols * p.cols);
      double* const value = out.data();
      double* const gradient = value + 1;
      double* const product = gradient + p.cols;
      double* const curvature = product + p.cols;
      double* const scores = curvature + p.rows;
      double* const matrix = scores + p.rows;
      f.evaluate(ctx, x.view(), all, {value, gradient, curvature});
      const HessianSample<Cpu, double> H{x.view(), all, curvature};
      f.hessian_product(ctx, H, x.view(), {product, p.cols});
      f.importance(ctx, {curvature, p.rows}, {scores, p.rows});
      f.hessian_matrix(ctx, H, {matrix, p.cols, p.cols, p.cols});
      seen.push_back(out.download());
    }
    EXPECT_EQ(seen[0], seen[1]);
    EXPECT_EQ(seen[0], seen[2]);
  }
}

}  // namespace
}  // namespace randnla
