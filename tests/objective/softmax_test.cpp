#include "objective/reference_softmax.hpp"
#include "support/backends.hpp"
#include "support/near.hpp"

#include <randnla/krylov/cubic.hpp>
#include <randnla/krylov/steihaug.hpp>
#include <randnla/objective/linear_model.hpp>
#include <randnla/objective/softmax.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace randnla {
namespace {

using test::dataset;
using test::fetch;
using test::near;
using test::place;
using test::Problem;
using test::real;
using test::ReferenceSoftmax;

template <class Instance>
class Softmax : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(Softmax, test::Instances, test::InstanceName);

real norm(const std::vector<double>& x) {
  real sum = 0;
  for (const double v : x) sum += static_cast<real>(v) * v;
  return std::sqrt(sum);
}

/// What the sums over rows are made of: a margin errs by d eps |a||x|, and a probability, a value
/// or a slope by as much times its size, so that a sum of slopes times a has terms of |a| (1 +
/// |a||x|), and a Hessian's |a| times that.
struct Sizes {
  real slopes = 0, curvatures = 0;

  Sizes(const ReferenceSoftmax& reference, const std::vector<double>& x) {
    for (std::size_t k = 0; k < reference.rows.size(); ++k) {
      const real a = std::sqrt(reference.row_norm2(reference.rows[k]));
      const real term = std::abs(reference.weights[k]) * a * (1 + a * norm(x));
      slopes += term, curvatures += a * term;
    }
  }
};

/// (count + d + K + 20) eps times `scale`, four times, and 1e-12 of it for the differences.
template <class T>
real tolerance(const ReferenceSoftmax& reference, real scale) {
  const auto n = static_cast<real>(static_cast<index_t>(reference.rows.size()) + reference.p.cols +
                                   reference.classes + 20);
  return (4 * n * std::numeric_limits<T>::epsilon() + 1e-12L) * scale;
}

/// The curvatures times the sample's weights; NaN behind the last of them.
template <Scalar T, Backend B>
Buffer<T, B> weighted(Context<B>& ctx, const ReferenceSoftmax& reference, const T* curvature,
                      index_t bound) {
  const auto K = static_cast<std::size_t>(reference.classes), count = reference.rows.size();
  std::vector<T> s = fetch(ctx, curvature, static_cast<index_t>(K * count));
  for (std::size_t i = 0; i < s.size(); ++i) s[i] *= static_cast<T>(reference.weights[i / K]);
  s.resize(static_cast<std::size_t>(bound) * K, std::numeric_limits<T>::quiet_NaN());
  return Buffer<T, B>(ctx, s);
}

/// Everything of one objective on one sample against the reference.
template <Scalar T, Backend B>
void compare(Context<B>& ctx, bool sparse, const ReferenceSoftmax& reference,
             const Sample<B, T>& sample) {
  const Problem& p = reference.p;
  const index_t K = reference.classes, dim = K * p.cols;
  const auto count = static_cast<index_t>(reference.rows.size());
  const Dataset<T, B> data = dataset<B, T>(ctx, p, sparse);
  const SoftmaxRegression<B, T> f(ctx, data, K, reference.regulariser);
  ASSERT_EQ(f.dim(), dim);
  const auto x = test::normals(5, dim, 1 / std::sqrt(static_cast<double>(p.cols)));
  const auto v = test::normals(6, dim);
  const auto xl = test::cast<real>(x), vl = test::cast<real>(v);
  const auto xb = place<T>(ctx, x), vb = place<T>(ctx, v);
  const Sizes sizes(reference, x);
  const real ridge = reference.regulariser.l2 + 2 * reference.regulariser.nonconvex;
  Buffer<double, B> value(ctx, 1);
  Buffer<T, B> gradient(ctx, dim), curvature(ctx, sample.bound * K), norms2(ctx, sample.bound),
      product(ctx, dim), matrix(ctx, dim * dim);
  f.evaluate(ctx, xb.view(), sample,
             {value.data(), gradient.data(), curvature.data(), norms2.data()});

  const real want = reference.value(xl);
  EXPECT_TRUE(near(static_cast<real>(value.read(0)), want,
                   tolerance<T>(reference, std::abs(want) + sizes.slopes)));
  const auto g = gradient.download();
  const auto differences = reference.gradient_by_differences(xl);
  for (std::size_t e = 0; e < g.size(); ++e) {
    EXPECT_TRUE(near(static_cast<real>(g[e]), differences[e],
                     tolerance<T>(reference, sizes.slopes + ridge * (1 + norm(x)))))
        << e;
  }
  const auto c = fetch(ctx, curvature.data(), count * K), n2 = fetch(ctx, norms2.data(), count);
  for (index_t k = 0; k < count; ++k) {
    const index_t row = reference.rows[static_cast<std::size_t>(k)];
    const auto probability = reference.probabilities(row, xl);
    const real a2 = reference.row_norm2(row), relative = 1 + std::sqrt(a2) * norm(x);
    real slopes2 = 0;
    for (std::size_t i = 0; i < probability.size(); ++i) {
      const auto at = static_cast<std::size_t>(k * K) + i;
      EXPECT_TRUE(near(static_cast<real>(c[at]), probability[i],
                       tolerance<T>(reference, relative * probability[i])));
      const bool target = p.targets[static_cast<std::size_t>(row)] == static_cast<double>(i);
      slopes2 += (probability[i] - target) * (probability[i] - target);
    }
    EXPECT_TRUE(near(static_cast<real>(n2[static_cast<std::size_t>(k)]), slopes2 * a2,
                     tolerance<T>(reference, relative * slopes2 * a2)));
  }

  const auto s = weighted<T>(ctx, reference, curvature.data(), sample.bound);
  const HessianSample<B, T> H{xb.view(), sample, s.data()};
  f.hessian_product(ctx, H, vb.view(), product.view());
  const auto Hv = product.download();
  const auto want_Hv = reference.product_by_differences(xl, vl);
  for (std::size_t e = 0; e < Hv.size(); ++e) {
    EXPECT_TRUE(near(static_cast<real>(Hv[e]), want_Hv[e],
                     tolerance<T>(reference, (sizes.curvatures + ridge) * norm(v))))
        << e;
  }
  f.hessian_matrix(ctx, H, {matrix.data(), dim, dim, dim});
  const auto M = matrix.download();
  for (index_t j = 0; j < dim; ++j) {
    std::vector<real> e(xl.size(), 0);
    e[static_cast<std::size_t>(j)] = 1;
    const auto column = reference.product_by_differences(xl, e);
    for (index_t i = 0; i < dim; ++i) {
      EXPECT_TRUE(near(static_cast<real>(M[static_cast<std::size_t>(i + j * dim)]),
                       column[static_cast<std::size_t>(i)],
                       tolerance<T>(reference, sizes.curvatures + ridge)))
          << i << ", " << j;
      EXPECT_EQ(M[static_cast<std::size_t>(i + j * dim)], M[static_cast<std::size_t>(j + i * dim)]);
    }
  }
}

TYPED_TEST(Softmax, AgreesWithDifferences) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  struct Shape {
    index_t rows, cols, classes;
  };
  for (const auto& [rows, cols, classes] :
       {Shape{1, 1, 2}, {8, 3, 3}, {37, 9, 2}, {33, 5, 7}, {50, 17, 3}}) {
    for (const bool sparse : {false, true}) {
      for (const Regulariser& regulariser : {Regulariser{}, Regulariser{0.25, 0.125}}) {
        const Problem p =
            test::class_problem(11, rows, cols, classes, rows > 1 && sparse ? 0.6 : 0);
        SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(cols) + " x " +
                     std::to_string(classes) + (sparse ? " sparse" : " dense") +
                     ", l2 = " + std::to_string(regulariser.l2));
        compare<T>(this->ctx(), sparse, ReferenceSoftmax(p, classes, regulariser),
                   Sample<B, T>::all(rows));
      }
    }
  }
}

TYPED_TEST(Softmax, SamplesMayRepeatRowsAndHaveWeightsAndACount) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  const std::vector<index_t> rows{39, 0, 7, 7, 7, 12, 30, 1, 2, 0, 39};
  const auto m = static_cast<index_t>(rows.size());
  const std::vector<double> weights{0.5, 0.25, 2, 1, 0, 0.125, 3, 0.5, 0.5, 1, 0.75};
  const Regulariser regulariser{0.5, 0};
  for (const bool sparse : {false, true}) {
    const Problem p = test::class_problem(3, 40, 6, 4, sparse ? 0.5 : 0);
    const Buffer<index_t, B> list(ctx, rows);
    const auto w = place<T>(ctx, weights);
    const ReferenceSoftmax some(p, 4, regulariser, rows, weights);
    compare<T>(ctx, sparse, some, Sample<B, T>{list.data(), w.data(), m, nullptr});
    const ReferenceSoftmax even(p, 4, regulariser, rows,
                                std::vector<double>(rows.size(), 1.0 / static_cast<double>(m)));
    compare<T>(ctx, sparse, even, Sample<B, T>{list.data(), nullptr, m, nullptr});

    // What lies beyond the count is not used: NaN weights and NaN curvatures.
    std::vector<index_t> longer = rows;
    std::vector<double> more = weights;
    longer.resize(30, 5), more.resize(30, std::numeric_limits<double>::quiet_NaN());
    const Buffer<index_t, B> longer_list(ctx, longer), count(ctx, std::vector<index_t>{m}),
        none(ctx, std::vector<index_t>{0});
    const auto more_w = place<T>(ctx, more);
    compare<T>(ctx, sparse, some,
               Sample<B, T>{longer_list.data(), more_w.data(), 30, count.data()});
    compare<T>(ctx, sparse, ReferenceSoftmax(p, 4, regulariser, {}, {}),
               Sample<B, T>{longer_list.data(), more_w.data(), 30, none.data()});
  }
}

TYPED_TEST(Softmax, TwoClassesAreLogisticRegression) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  const Problem p = test::random_problem(4, 70, 6);
  const ReferenceSoftmax reference(p, 2, {});
  const auto data = dataset<B, T>(ctx, p);
  const SoftmaxRegression<B, T> f(ctx, data, 2);
  const LogisticRegression<B, T> logistic(ctx, data);
  const auto x = test::normals(1, 12, 0.4), v = test::normals(2, 12);
  std::vector<double> w, u;  // class 1 minus class 0
  for (std::size_t j = 0; j < 6; ++j) w.push_back(x[6 + j] - x[j]), u.push_back(v[6 + j] - v[j]);
  const auto xb = place<T>(ctx, x), vb = place<T>(ctx, v), wb = place<T>(ctx, w),
             ub = place<T>(ctx, u);
  const auto all = Sample<B, T>::all(p.rows);
  Buffer<double, B> value(ctx, 2);
  Buffer<T, B> g(ctx, 12), gl(ctx, 6), c(ctx, 140), cl(ctx, 70), Hv(ctx, 12), Hu(ctx, 6),
      scores(ctx, 70), scores_l(ctx, 70), leverage(ctx, 70), leverage_l(ctx, 70);
  f.evaluate(ctx, xb.view(), all, {value.data(), g.data(), c.data()});
  logistic.evaluate(ctx, wb.view(), all, {value.data() + 1, gl.data(), cl.data()});
  f.hessian_product(ctx, {xb.view(), all, c.data()}, vb.view(), Hv.view());
  logistic.hessian_product(ctx, {wb.view(), all, cl.data()}, ub.view(), Hu.view());
  f.importance(ctx, c.view(), scores.view());
  logistic.importance(ctx, cl.view(), scores_l.view());
  FiniteSumRef<B, T>(f).leverage_ratio(ctx, c.view(), leverage.view());
  logistic.leverage_ratio(ctx, cl.view(), leverage_l.view());

  const Sizes sizes(reference, x);
  const auto values = value.download();
  EXPECT_TRUE(near(values[0], values[1], tolerance<T>(reference, values[1] + sizes.slopes)));
  const auto G = g.download(), GL = gl.download(), HV = Hv.download(), HU = Hu.download();
  real quadratic = 0, quadratic_l = 0;
  for (std::size_t j = 0; j < 6; ++j) {
    EXPECT_TRUE(near(G[6 + j], GL[j], tolerance<T>(reference, sizes.slopes)));
    EXPECT_TRUE(near(G[j], -GL[j], tolerance<T>(reference, sizes.slopes)));
    quadratic += static_cast<real>(HV[j]) * v[j] + static_cast<real>(HV[6 + j]) * v[6 + j];
    quadratic_l += static_cast<real>(HU[j]) * u[j];
  }
  // Here the curvatures carry no weights: 70 times the mean.
  EXPECT_TRUE(near(quadratic, quadratic_l,
                   tolerance<T>(reference, 70 * sizes.curvatures * norm(v) * norm(v))));
  // diag p - pp' has the norm 2 p (1 - p), and the bound is exact.
  const auto S = scores.download(), SL = scores_l.download(), L = leverage.download(),
             LL = leverage_l.download();
  for (std::size_t i = 0; i < 70; ++i) {
    const real a = std::sqrt(reference.row_norm2(static_cast<index_t>(i)));
    EXPECT_TRUE(near(S[i], 2 * static_cast<real>(SL[i]),
                     tolerance<T>(reference, a * a * (1 + a * norm(x)))));
    // Leverage scores do not know the factor; A'DA is well conditioned here.
    EXPECT_TRUE(near(2 * static_cast<real>(L[i]), LL[i],
                     tolerance<T>(reference, LL[i] * (1 + a * norm(x)))));
  }
}

TYPED_TEST(Softmax, LeverageScoresSumToTheRank) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  for (const bool sparse : {false, true}) {
    const Problem p = test::class_problem(13, 90, 6, 4, sparse ? 0.4 : 0);
    const auto data = dataset<B, T>(ctx, p, sparse);
    const SoftmaxRegression<B, T> f(ctx, data, 4);
    Buffer<T, B> c(ctx, 360), importance(ctx, 90), ratio(ctx, 90);
    f.evaluate(ctx, place<T>(ctx, test::normals(2, 24, 0.5)).view(), Sample<B, T>::all(90),
               {nullptr, nullptr, c.data()});
    f.importance(ctx, c.view(), importance.view());
    f.leverage_ratio(ctx, c.view(), ratio.view());
    const auto I = importance.download(), R = ratio.download();
    real sum = 0;
    for (std::size_t i = 0; i < 90; ++i) sum += static_cast<real>(I[i]) * R[i];
    // Rounding of A'DA, of a condition below 100, and of its inverse.
    EXPECT_TRUE(near(sum, 6, 100 * 90 * 6 * static_cast<real>(std::numeric_limits<T>::epsilon())));
  }
}

TYPED_TEST(Softmax, HugeMarginsDoNotOverflow) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  for (const double size : {1e3, 1e4, 1e5}) {
    Problem p = test::class_problem(9, 40, 4, 5);
    for (double& value : p.values) value = static_cast<double>(static_cast<float>(value * size));
    const ReferenceSoftmax reference(p, 5, {});
    const auto x = test::normals(1, 20);
    const auto xl = test::cast<real>(x);
    const Sizes sizes(reference, x);
    const auto data = dataset<B, T>(ctx, p);
    const SoftmaxRegression<B, T> f(ctx, data, 5);
    const auto xb = place<T>(ctx, x);
    const auto all = Sample<B, T>::all(p.rows);
    Buffer<double, B> value(ctx, 1);
    Buffer<T, B> g(ctx, 20), c(ctx, 200), Hv(ctx, 20), scores(ctx, 40);
    f.evaluate(ctx, xb.view(), all, {value.data(), g.data(), c.data()});
    f.hessian_product(ctx, {xb.view(), all, c.data()}, xb.view(), Hv.view());
    f.importance(ctx, c.view(), scores.view());
    const real want = reference.value(xl);
    EXPECT_GT(want, size / 10);
    EXPECT_TRUE(near(value.read(0), want, tolerance<T>(reference, want + sizes.slopes)));
    const auto G = g.download();
    const auto want_g = reference.gradient(xl);
    for (std::size_t e = 0; e < G.size(); ++e) {
      EXPECT_TRUE(near(G[e], want_g[e], tolerance<T>(reference, sizes.slopes)));
    }
    for (const T h : Hv.download()) EXPECT_TRUE(std::isfinite(h));
    for (const T score : scores.download()) EXPECT_TRUE(score >= 0 && std::isfinite(score));
  }
}

TYPED_TEST(Softmax, NearCertaintyKeepsItsPrecision) {
  // One point a = 1 of class 0 with margins m, 0, 0: q = 1 - p_0 = 2e / (1 + 2e), e = exp(-m).
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  const Problem p{1, 1, {1}, {0}};
  const auto data = dataset<B, T>(ctx, p);
  const SoftmaxRegression<B, T> f(ctx, data, 3);
  const auto all = Sample<B, T>::all(1);
  for (const double m : {10.0, 25.0, 40.0}) {
    const auto x = place<T>(ctx, std::vector<double>{m, 0, 0});
    const auto v = place<T>(ctx, std::vector<double>{1, 0, 0});
    Buffer<double, B> value(ctx, 1);
    Buffer<T, B> g(ctx, 3), c(ctx, 3), Hv(ctx, 3), score(ctx, 1), H(ctx, 9), norm2(ctx, 1);
    f.evaluate(ctx, x.view(), all, {value.data(), g.data(), c.data(), norm2.data()});
    f.hessian_product(ctx, {x.view(), all, c.data()}, v.view(), Hv.view());
    f.hessian_matrix(ctx, {x.view(), all, c.data()}, {H.data(), 3, 3, 3});
    f.importance(ctx, c.view(), score.view());
    const real e = std::exp(-static_cast<real>(m)), q = 2 * e / (1 + 2 * e);
    // A dozen operations, of which exp rounds its argument once.
    const real relative = 20 * static_cast<real>(std::numeric_limits<T>::epsilon());
    EXPECT_TRUE(near(value.read(0), std::log1p(2 * e), relative * q)) << m;
    EXPECT_TRUE(near(g.read(0), -q, relative * q)) << m;
    EXPECT_TRUE(near(g.read(1), q / 2, relative * q)) << m;
    EXPECT_TRUE(near(norm2.read(0), q * q * 3 / 2, 2 * relative * q * q)) << m;
    EXPECT_TRUE(near(Hv.read(0), q * (1 - q), relative * q)) << m;
    EXPECT_TRUE(near(Hv.read(2), -q * (1 - q) / 2, relative * q)) << m;
    EXPECT_TRUE(near(H.read(0), q * (1 - q), relative * q)) << m;
    EXPECT_TRUE(near(score.read(0), 2 * q * (1 - q), relative * q)) << m;
  }
}

TYPED_TEST(Softmax, ByHand) {
  // Two points, a = 2 of class 2 and a = -4 of class 0; at x = 0 every p is 1/3.
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  const Problem p{2, 1, {2, -4}, {2, 0}};
  const auto data = dataset<B, T>(ctx, p);
  const SoftmaxRegression<B, T> f(ctx, data, 3, {.l2 = 0.5});
  EXPECT_EQ(f.dim(), 3);
  EXPECT_EQ(f.terms(), 2);
  EXPECT_EQ(f.classes(), 3);
  const FiniteSumRef<B, T> ref(f);
  EXPECT_EQ(ref.curvature_size(), 3);
  EXPECT_EQ(f.hessian_costs().product, 6);
  EXPECT_EQ(f.hessian_costs().matrix, 3);
  const auto x = place<T>(ctx, std::vector<double>{0, 0, 0});
  Buffer<double, B> value(ctx, 1);
  Buffer<T, B> g(ctx, 3), c(ctx, 6), H(ctx, 9), scores(ctx, 2);
  ref.evaluate(ctx, x.view(), Sample<B, T>::all(2), {value.data(), g.data(), c.data()});
  const real eps = 4 * static_cast<real>(std::numeric_limits<T>::epsilon());
  EXPECT_TRUE(near(value.read(0), std::log(3.0L), eps));
  const real want[] = {(2.0L / 3 + 8.0L / 3) / 2, (2.0L / 3 - 4.0L / 3) / 2,
                       (-4.0L / 3 - 4.0L / 3) / 2};
  for (index_t e = 0; e < 3; ++e) EXPECT_TRUE(near(g.read(e), want[e], 4 * eps)) << e;
  for (const T probability : c.download()) EXPECT_TRUE(near(probability, 1.0L / 3, eps));
  // Weights 1/2 and 0, exact thirds replaced by s = (1, 2, 1): m = diag s - ss'/4.
  const auto s = place<T>(ctx, std::vector<double>{1, 2, 1, 0, 0, 0});
  ref.hessian_matrix(ctx, {x.view(), Sample<B, T>::all(2), s.data()}, {H.data(), 3, 3, 3});
  EXPECT_EQ(H.download(), (std::vector<T>{T(3.5), -2, -1, -2, T(4.5), -2, -1, -2, T(3.5)}));
  ref.importance(ctx, place<T>(ctx, std::vector<double>{0.25, 0.5, 0.25, 0, 0, 1}).view(),
                 scores.view());
  EXPECT_EQ(scores.download(), (std::vector<T>{2, 0}));
}

TYPED_TEST(Softmax, ImportanceBoundsTheTermsHessian) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  const index_t K = 4;
  const Problem p = test::class_problem(12, 30, 5, K, 0.3);
  const ReferenceSoftmax reference(p, K, {});
  const auto data = dataset<B, T>(ctx, p, true);
  const SoftmaxRegression<B, T> f(ctx, data, K);
  const auto x = test::normals(2, f.dim());
  Buffer<T, B> c(ctx, p.rows * K), scores(ctx, p.rows);
  f.evaluate(ctx, place<T>(ctx, x).view(), Sample<B, T>::all(p.rows), {nullptr, nullptr, c.data()});
  for (int call = 0; call < 2; ++call) {  // the second has the norms already
    f.importance(ctx, c.view(), scores.view());
    const auto S = scores.download();
    for (index_t i = 0; i < p.rows; ++i) {
      real largest = 0;
      for (const real q : reference.probabilities(i, test::cast<real>(x))) {
        largest = std::max(largest, q * (1 - q));
      }
      const real a2 = reference.row_norm2(i), want = 2 * largest * a2;
      EXPECT_TRUE(near(S[static_cast<std::size_t>(i)], want,
                       tolerance<T>(reference, a2 * (1 + std::sqrt(a2) * norm(x)))));
      // Any vector's Rayleigh quotient of diag p - pp' times |a|^2 stays below it.
      const auto q = reference.probabilities(i, test::cast<real>(x));
      const auto u = test::normals(static_cast<std::uint64_t>(i), K);
      real uMu = 0, mean = 0;
      for (std::size_t b = 0; b < q.size(); ++b) uMu += q[b] * u[b] * u[b], mean += q[b] * u[b];
      EXPECT_LE((uMu - mean * mean) * a2 / (norm(u) * norm(u)), want * (1 + 1e-12L));
    }
  }
}

TYPED_TEST(Softmax, AConstantAddedToAllClassesIsANullDirection) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  const index_t K = 5, d = 7, dim = K * d;
  for (const bool sparse : {false, true}) {
    const Problem p = test::class_problem(5, 60, d, K, sparse ? 0.5 : 0);
    const ReferenceSoftmax reference(p, K, {});
    const auto data = dataset<B, T>(ctx, p, sparse);
    const SoftmaxRegression<B, T> f(ctx, data, K);
    const auto x = test::normals(7, dim, 0.3), u = test::normals(8, d);
    std::vector<double> v;
    for (index_t c = 0; c < K; ++c) v.insert(v.end(), u.begin(), u.end());
    const auto xb = place<T>(ctx, x), vb = place<T>(ctx, v);
    const auto all = Sample<B, T>::all(p.rows);
    Buffer<T, B> c(ctx, p.rows * K), Hv(ctx, dim), matrix(ctx, dim * dim);
    f.evaluate(ctx, xb.view(), all, {nullptr, nullptr, c.data()});
    const auto s = weighted<T>(ctx, reference, c.data(), p.rows);
    const HessianSample<B, T> H{xb.view(), all, s.data()};
    f.hessian_product(ctx, H, vb.view(), Hv.view());
    f.hessian_matrix(ctx, H, {matrix.data(), dim, dim, dim});
    const auto product = Hv.download(), M = matrix.download();
    real curvatures = 0;  // sum of weight |a|^2
    for (index_t i = 0; i < p.rows; ++i) curvatures += reference.row_norm2(i) / 60;
    const real allowed =
        static_cast<real>(60 + d + K) * std::numeric_limits<T>::epsilon() * curvatures * norm(v);
    for (index_t i = 0; i < dim; ++i) {
      EXPECT_TRUE(near(product[static_cast<std::size_t>(i)], 0, allowed));
      real sum = 0;
      for (index_t j = 0; j < dim; ++j) {
        sum += static_cast<real>(M[static_cast<std::size_t>(i + j * dim)]) *
               v[static_cast<std::size_t>(j)];
      }
      EXPECT_TRUE(near(sum, 0, allowed));
    }
  }
}

TYPED_TEST(Softmax, GaussNewtonIsTheHessianButForTheRegulariser) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  const Problem p = test::class_problem(6, 20, 3, 3);
  const auto data = dataset<B, T>(ctx, p);
  const SoftmaxRegression<B, T> plain(ctx, data, 3), f(ctx, data, 3, {0, 2});
  const auto x = place<T>(ctx, std::vector<double>(9, 3)), v = place<T>(ctx, test::normals(3, 9));
  const auto all = Sample<B, T>::all(p.rows);
  Buffer<T, B> c1(ctx, 60), c2(ctx, 60), Hv(ctx, 9), with(ctx, 9);
  plain.evaluate(ctx, x.view(), all, {nullptr, nullptr, c1.data(), nullptr, Curvature::hessian});
  f.evaluate(ctx, x.view(), all, {nullptr, nullptr, c2.data(), nullptr, Curvature::gauss_newton});
  EXPECT_EQ(c1.download(), c2.download());
  plain.hessian_product(ctx, {x.view(), all, c1.data()}, v.view(), Hv.view());
  f.hessian_product(ctx, {x.view(), all, c1.data(), Curvature::gauss_newton}, v.view(),
                    with.view());
  // slope / x of x^2 / (1 + x^2) at 3 is 2 / 10^2.
  const auto a = Hv.download(), b = with.download(), u = v.download();
  for (std::size_t e = 0; e < 9; ++e) {
    const real size = std::abs(a[e]) + std::abs(u[e]);
    EXPECT_TRUE(near(static_cast<real>(b[e]) - a[e], 2 * 0.02L * u[e],
                     8 * size * std::numeric_limits<T>::epsilon()));
  }
}

TYPED_TEST(Softmax, InnerSolversFindStationaryPointsOfTheirModels) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  const Problem p = test::class_problem(21, 80, 5, 3);
  const ReferenceSoftmax reference(p, 3, {0.1, 0});
  const auto data = dataset<B, T>(ctx, p);
  const SoftmaxRegression<B, T> f(ctx, data, 3, {0.1, 0});
  const auto x = test::normals(1, 15, 0.5);
  const auto xb = place<T>(ctx, x), ones = place<T>(ctx, std::vector<double>(80, 1.0 / 80));
  const auto all = Sample<B, T>::all(p.rows);
  Buffer<T, B> g(ctx, 15), c(ctx, 240), s(ctx, 15);
  Buffer<InnerResult, B> result(ctx, 1);
  f.evaluate(ctx, xb.view(), all, {nullptr, g.data(), c.data()});
  const auto curvature = weighted<T>(ctx, reference, c.data(), p.rows);
  const HessianOperator<B, T> H{f, {xb.view(), all, curvature.data()}};
  const auto gl = reference.gradient(test::cast<real>(x));
  const double relative = sizeof(T) == 4 ? 1e-5 : 1e-12;
  const auto residual = [&](double sigma) {
    const auto step = test::cast<real>(s.download());
    auto r = reference.product_by_differences(test::cast<real>(x), step);
    real norm2 = 0, gradient2 = 0, sum = 0;
    for (const real v : step) norm2 += v * v;
    for (std::size_t e = 0; e < r.size(); ++e) {
      r[e] += gl[e] + sigma * std::sqrt(norm2) * step[e];
      gradient2 += gl[e] * gl[e], sum += r[e] * r[e];
    }
    return std::sqrt(sum / gradient2);
  };
  // What was asked for, and the rounding of g, H and the step.
  const real allowed = relative + 100 * static_cast<real>(std::numeric_limits<T>::epsilon());
  steihaug<B, T>(ctx, H, g.view(), s.view(), result.data(), {1e3, relative, 200, false});
  EXPECT_EQ(result.read(0).stop, InnerStop::converged);
  EXPECT_LE(residual(0), allowed);
  // Its linear term is g and a random part of about sqrt(eps) |g|.
  CubicSolver<B, T> cubic(ctx, 15, 30);
  cubic.solve(ctx, H, g.view(), s.view(), result.data(), Rng{1, 0}, {2, relative, 30});
  EXPECT_LE(residual(2), allowed + 2 * std::sqrt(std::numeric_limits<T>::epsilon()));
}

TYPED_TEST(Softmax, MisuseThrows) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  const Problem p = test::class_problem(1, 6, 3, 3);
  auto data = dataset<B, T>(ctx, p);
  using Model = SoftmaxRegression<B, T>;
  for (const index_t classes : {-1, 0, 1, 129}) {
    EXPECT_THROW(Model(ctx, data, classes), InvalidArgument) << classes;
  }
  EXPECT_THROW(Model(ctx, data, 3, {-0.1, 0}), InvalidArgument);
  EXPECT_THROW(Model(ctx, data, 3, {0, std::nan("")}), InvalidArgument);
  EXPECT_THROW(Model(ctx, Dataset<T, B>{}, 3), InvalidArgument);
  const Model f(ctx, data, 3);
  Buffer<T, B> three(ctx, 3), nine(ctx, 9), eight(ctx, 8), matrix(ctx, 81), six(ctx, 6),
      eighteen(ctx, 18);
  const auto all = Sample<B, T>::all(6);
  const HessianSample<B, T> H{nine.view(), all, eighteen.data()};
  EXPECT_THROW(f.evaluate(ctx, eight.view(), all, {}), InvalidArgument);
  EXPECT_THROW(f.hessian_product(ctx, H, eight.view(), nine.view()), InvalidArgument);
  EXPECT_THROW(f.hessian_product(ctx, H, nine.view(), eight.view()), InvalidArgument);
  EXPECT_THROW(f.hessian_matrix(ctx, H, {matrix.data(), 8, 9, 9}), InvalidArgument);
  EXPECT_THROW(f.hessian_matrix(ctx, H, {matrix.data(), 9, 8, 9}), InvalidArgument);
  EXPECT_THROW(f.importance(ctx, six.view(), six.view()), InvalidArgument);
  EXPECT_THROW(f.importance(ctx, eighteen.view(), three.view()), InvalidArgument);
  EXPECT_THROW(f.leverage_ratio(ctx, six.view(), six.view()), InvalidArgument);
  EXPECT_THROW(f.leverage_ratio(ctx, eighteen.view(), three.view()), InvalidArgument);
  data.targets = Buffer<T, B>(ctx, 5);
  EXPECT_THROW(Model(ctx, data, 3), InvalidArgument);
}

TYPED_TEST(Softmax, ATargetThatIsNoClassIsNamed) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  for (const auto& [bad, text] : {std::pair<double, std::string>{3, "3.0"},
                                  {-1, "-1.0"},
                                  {0.5, "0.5"},
                                  {1e30, "1000"},
                                  {std::nan(""), "nan"}}) {
    Problem p = test::class_problem(1, 600, 2, 3);
    p.targets[417] = p.targets[599] = bad;
    const auto data = dataset<B, T>(ctx, p);
    try {
      const SoftmaxRegression<B, T> f(ctx, data, 3);
      FAIL() << bad;
    } catch (const InvalidArgument& error) {
      const std::string what = error.what();
      EXPECT_NE(what.find("row 417 is " + text), std::string::npos) << what;
    }
  }
}

TEST(SoftmaxThreads, SameBitsForAnyNumberOfThreads) {
  const index_t K = 3;
  for (const bool sparse : {false, true}) {
    const Problem p = test::class_problem(2, 6001, 20, K, sparse ? 0.7 : 0);
    std::vector<std::vector<double>> seen;
    for (const int threads : {1, 7}) {
      Context<Cpu> ctx(threads);
      const auto data = dataset<Cpu, double>(ctx, p, sparse);
      const SoftmaxRegression<Cpu, double> f(ctx, data, K, {0.01, 0.1});
      const index_t dim = f.dim();
      const auto x = place<double>(ctx, test::normals(4, dim, 0.2));
      const auto all = Sample<Cpu, double>::all(p.rows);
      Buffer<double, Cpu> out(ctx, 1 + 2 * dim + (K + 1) * p.rows + dim * dim);
      double* const value = out.data();
      double* const gradient = value + 1;
      double* const product = gradient + dim;
      double* const curvature = product + dim;
      double* const scores = curvature + K * p.rows;
      double* const matrix = scores + p.rows;
      f.evaluate(ctx, x.view(), all, {value, gradient, curvature});
      const HessianSample<Cpu, double> H{x.view(), all, curvature};
      f.hessian_product(ctx, H, x.view(), {product, dim});
      f.importance(ctx, {curvature, K * p.rows}, {scores, p.rows});
      f.hessian_matrix(ctx, H, {matrix, dim, dim, dim});
      seen.push_back(out.download());
    }
    EXPECT_EQ(seen[0], seen[1]);
  }
}

}  // namespace
}  // namespace randnla
