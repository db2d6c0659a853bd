// Gauss-Newton models, and the first sigma where none is given.
#include "optimize/terms.hpp"
#include "optimize/user_sums.hpp"
#include "support/near.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace randnla {
namespace {

using test::dataset;
using test::Dense;
using test::Method;
using test::methods;
using test::minimize;
using test::near;
using test::Problem;
using test::real;
using test::Terms;
using test::Vector;

/// Gradient and model Hessian of a regularised linear model in long double.
struct Model {
  Vector gradient;
  Dense hessian{0};
};

template <class Loss>
Model model_at(Loss loss, const Problem& p, double l2, const std::vector<double>& x,
               Curvature kind) {
  const Terms terms = test::terms_at(loss, p, x, kind);
  Model model{terms.mean_gradient(), terms.mean_hessian()};
  for (std::size_t j = 0; j < x.size(); ++j) {
    model.gradient[j] += l2 * x[j], model.hessian(j, j) += l2;
  }
  return model;
}

template <class Instance>
class GaussNewton : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(GaussNewton, test::DoubleInstances, test::InstanceName);

TYPED_TEST(GaussNewton, TheFirstStepIsThatOfItsMatrix) {
  using B = typename TypeParam::Space;
  const index_t n = 60, d = 4;
  const Problem p = test::classes(5, n, d);
  const auto data = dataset<B, double>(this->ctx(), p);
  constexpr double l2 = 0.03125;
  const NonlinearLeastSquares<B, double> f(this->ctx(), data, {l2});
  const std::vector<double> start = test::normals(9, d);
  for (const Curvature kind : {Curvature::gauss_newton, Curvature::hessian}) {
    const Model model = model_at(SigmoidSquares{}, p, l2, start, kind);
    const test::Eigen e = test::eigen(model.hessian);
    const Vector newton = test::solve(e, model.gradient);
    for (const auto form : {HessianOptions::Form::passes, HessianOptions::Form::matrix}) {
      SecondOrderOptions options;
      options.hessian.curvature = kind, options.hessian.form = form;
      options.random_start = false, options.initial_radius = 1e6, options.initial_sigma = 0.5;
      options.eta2 = 1e-12, options.stopping.max_iterations = 1;
      // CG and Lanczos from sums of n terms, conditioned as H is.
      const real rounding =
          100 * static_cast<real>(n) * std::numeric_limits<double>::epsilon() / l2;
      const auto cubic = minimize<double, B>(Method::cubic, this->ctx(), f, start, options);
      const Iteration row = cubic.result.trace.at(0);
      const real promised = -cubic_minimum(e, model.gradient, 0.5);
      const real actual = static_cast<real>(cubic.result.initial_loss) - cubic.result.loss;
      ASSERT_TRUE(row.accepted);
      // Its linear term is g and sqrt(eps) |g| of a random vector.
      const real stirred = std::sqrt(std::numeric_limits<double>::epsilon()) *
                           test::norm2(model.gradient) * row.step_norm;
      EXPECT_TRUE(near(row.rho * promised, actual, 2 * stirred + rounding)) << promised;

      if (e.values[0] <= 0) continue;  // only Gauss-Newton's has a minimum for sure
      const auto run = minimize<double, B>(Method::trust_region, this->ctx(), f, start, options);
      const Iteration step = run.result.trace.at(0);
      EXPECT_TRUE(near(step.step_norm, test::norm2(newton), rounding));
      ASSERT_TRUE(step.accepted);
      for (std::size_t j = 0; j < newton.size(); ++j) {
        EXPECT_TRUE(near(run.x[j], start[j] - newton[j], rounding));
      }
    }
  }
  // Told apart: the two Hessians differ where the residuals are large.
  const Model gn = model_at(SigmoidSquares{}, p, l2, start, Curvature::gauss_newton);
  const Model newton = model_at(SigmoidSquares{}, p, l2, start, Curvature::hessian);
  test::Dense apart = gn.hessian;
  for (std::size_t i = 0; i < apart.entries.size(); ++i) {
    apart.entries[i] -= newton.hessian.entries[i];
  }
  EXPECT_GT(test::spectral_norm(apart), 0.1L * test::spectral_norm(gn.hessian));
}

TYPED_TEST(GaussNewton, TheCertificateIsTheTrueHessians) {
  using B = typename TypeParam::Space;
  const index_t n = 60, d = 4;
  Problem p = test::classes(5, n, d);
  for (double& y : p.targets) y = 1 - y;
  const auto data = dataset<B, double>(this->ctx(), p);
  const NonlinearLeastSquares<B, double> f(this->ctx(), data);
  const std::vector<double> start{1, -0.5, 1, -0.5};
  const real lowest =
      test::eigen(model_at(SigmoidSquares{}, p, 0, start, Curvature::hessian).hessian).values[0];
  ASSERT_LT(lowest, -0.01L);  // Gauss-Newton's has none below zero
  for (const Method method : methods) {
    SecondOrderOptions options;
    options.hessian.curvature = Curvature::gauss_newton;
    options.stopping.max_iterations = 0;
    const auto run = minimize<double, B>(method, this->ctx(), f, start, options);
    const Certificate& c = run.result.certificate;
    // The search stops where the sign is sure; from there on both ends are bounds.
    EXPECT_LT(c.lambda_min, 0);
    EXPECT_GE(c.lambda_min, lowest - 1e-12L);
    EXPECT_LE(c.lambda_min_bound, lowest + 1e-12L);
    EXPECT_FALSE(c.eps_h_met);
  }
}

TYPED_TEST(GaussNewton, EndsAtACertifiedMinimumOfTheTrueFunction) {
  using B = typename TypeParam::Space;
  const index_t n = 200, d = 5;
  const Problem p = test::classes(5, n, d);
  const auto data = dataset<B, double>(this->ctx(), p);
  constexpr double l2 = 0.0078125;
  const NonlinearLeastSquares<B, double> f(this->ctx(), data, {l2});
  for (const Method method : methods) {
    for (const Sampling rule : {Sampling::full, Sampling::row_norm}) {
      SCOPED_TRACE(test::name(method));
      SecondOrderOptions options;
      options.hessian.curvature = Curvature::gauss_newton;
      options.hessian.sampling = rule, options.hessian.fraction = 0.5;
      options.stopping.max_iterations = 200;
      const auto run = minimize<double, B>(method, this->ctx(), f, test::normals(9, d), options);
      EXPECT_EQ(run.result.stop, Stop::optimal);
      const test::ExactPoint at = exact(SigmoidSquares{}, p, l2, run.x);
      EXPECT_LE(at.gradient_norm, 1e-5L + 1e-12L);
      const real lowest = test::eigen(at.hessian).values[0];
      EXPECT_GT(lowest, -1e-3L);
      EXPECT_GE(run.result.certificate.lambda_min, lowest - 1e-12L);
      EXPECT_LE(run.result.certificate.lambda_min_bound, lowest + 1e-12L);
      for (const Iteration& row : run.result.trace) {
        EXPECT_NE(row.inner_stop, InnerStop::negative_curvature);
      }
    }
  }
}

TYPED_TEST(GaussNewton, LeavesASaddleOfTheTrueFunction) {
  // As in second_order_test.cpp: at x = (log 1/4, 0) the gradient vanishes.
  using B = typename TypeParam::Space;
  Problem p{20, 2, {}, {}};
  for (int i = 0; i < 20; ++i) {
    const double u = (i % 2 == 0 ? 1 : -1) * (i < 4 ? 3 : 0.125);
    p.values.push_back(1), p.values.push_back(u), p.targets.push_back(i < 4 ? 1 : 0);
  }
  const auto data = dataset<B, double>(this->ctx(), p);
  const NonlinearLeastSquares<B, double> f(this->ctx(), data);
  for (const Method method : methods) {
    SecondOrderOptions options;
    options.hessian.curvature = Curvature::gauss_newton;
    const auto run = minimize<double, B>(method, this->ctx(), f, {std::log(0.25), 0}, options);
    ASSERT_FALSE(run.result.trace.empty()) << test::name(method);
    EXPECT_EQ(run.result.trace[0].step, StepKind::eigenvector);
    EXPECT_EQ(run.result.stop, Stop::optimal);
    EXPECT_LT(run.result.loss, run.result.initial_loss - 0.01);
  }
}

template <class Instance>
class InitialSigma : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(InitialSigma, test::DoubleInstances, test::InstanceName);

TYPED_TEST(InitialSigma, IsThatOfAShiftATenthOfTheNormAboveSemidefinite) {
  using B = typename TypeParam::Space;
  const index_t n = 80, d = 6;  // the Krylov space is all there is
  const Problem p = test::classes(5, n, d);
  const auto data = dataset<B, double>(this->ctx(), p);
  const NonlinearLeastSquares<B, double> f(this->ctx(), data);
  bool convex = false, indefinite = false;
  for (const std::uint64_t at : {1, 2, 3, 4}) {
    const std::vector<double> start = test::normals(at, d, at % 2 == 0 ? 0.25 : 2);
    const Model model = model_at(SigmoidSquares{}, p, 0, start, Curvature::hessian);
    const test::Eigen e = test::eigen(model.hessian);
    const real norm = std::max(std::abs(e.values.front()), std::abs(e.values.back()));
    const real nu = std::max<real>(0, -e.values.front()) + norm / 10;
    const real want = nu / test::norm2(test::solve(e, model.gradient, nu));
    (e.values.front() < 0 ? indefinite : convex) = true;
    for (const auto form : {HessianOptions::Form::passes, HessianOptions::Form::matrix}) {
      SecondOrderOptions options;
      options.hessian.form = form, options.stopping.max_iterations = 1;
      const auto run = minimize<double, B>(Method::cubic, this->ctx(), f, start, options);
      const Iteration row = run.result.trace.at(0);
      // Both ends of the spectrum to 1e-6 of it, for a shift of a tenth of it and more.
      EXPECT_TRUE(near(row.size, want, 1e-4L * want));
      // The products that it took are counted: d of them, and those of the step.
      options.initial_sigma = row.size;
      const auto given = minimize<double, B>(Method::cubic, this->ctx(), f, start, options);
      const Work &a = row.work, b = given.result.trace.at(0).work;
      EXPECT_EQ(a.hessian_products - b.hessian_products, d);
      EXPECT_EQ(a.props - b.props, 2 * n * d);
      EXPECT_EQ(a.hessian_matrices, b.hessian_matrices);
      const double passes = form == HessianOptions::Form::matrix ? 0 : d;
      EXPECT_NEAR(a.data_passes - b.data_passes, passes, 1e-12);
      EXPECT_EQ(row.loss, given.result.trace.at(0).loss);
    }
  }
  EXPECT_TRUE(convex && indefinite);
}

/// b f, for a power of two b.
template <class F>
struct Times {
  const F& f;
  double b;

  index_t dim() const { return f.dim(); }
  index_t terms() const { return f.terms(); }
  HessianCosts hessian_costs() const { return f.hessian_costs(); }
  void evaluate(Context<Cpu>& ctx, VectorView<const double, Cpu> x,
                const Sample<Cpu, double>& sample, const Evaluation<Cpu, double>& out) const {
    f.evaluate(ctx, x, sample, out);
    if (out.value != nullptr) *out.value *= b;
    for (index_t j = 0; out.gradient != nullptr && j < dim(); ++j) out.gradient[j] *= b;
    for (index_t k = 0; out.curvature != nullptr && k < sample.bound; ++k) out.curvature[k] *= b;
  }
  void hessian_product(Context<Cpu>& ctx, const HessianSample<Cpu, double>& H,
                       VectorView<const double, Cpu> v, VectorView<double, Cpu> out) const {
    f.hessian_product(ctx, H, v, out);
  }
  void hessian_matrix(Context<Cpu>& ctx, const HessianSample<Cpu, double>& H,
                      MatrixView<double, Cpu> out) const {
    f.hessian_matrix(ctx, H, out);
  }
  void importance(Context<Cpu>& ctx, VectorView<const double, Cpu> curvature,
                  VectorView<double, Cpu> out) const {
    f.importance(ctx, curvature, out);
  }
};

TEST(InitialSigmaScales, WithThePointAndTheFunction) {
  Context<Cpu> ctx(1);
  const index_t n = 300, d = 14;  // more than the products that it takes
  const Problem p = test::classes(5, n, d);
  const std::vector<double> start = test::normals(9, d);
  const auto run = [&](double a, double b, HessianOptions::Form form) {
    Problem scaled = p;
    for (double& v : scaled.values) v /= a;
    std::vector<double> from = start;
    for (double& v : from) v *= a;
    const auto data = dataset<Cpu, double>(ctx, scaled);
    const NonlinearLeastSquares<Cpu, double> f(ctx, data);
    SecondOrderOptions options;
    options.hessian.sampling = Sampling::row_norm, options.hessian.fraction = 0.3;
    options.hessian.form = form;
    options.min_sigma = 1e-100, options.stopping.eps_g = 0, options.stopping.max_iterations = 15;
    return minimize<double, Cpu>(Method::cubic, ctx, Times<decltype(f)>{f, b}, from, options);
  };
  for (const auto form : {HessianOptions::Form::passes, HessianOptions::Form::matrix}) {
    const auto plain = run(1, 1, form);
    for (const auto& [a, b] : {std::pair{1024.0, 1.0}, {1.0, 0x1p-20}, {0x1p-7, 0x1p12}}) {
      const auto got = run(a, b, form);
      ASSERT_EQ(got.result.trace.size(), plain.result.trace.size());
      for (std::size_t i = 0; i < got.result.trace.size(); ++i) {
        const Iteration &u = plain.result.trace[i], &v = got.result.trace[i];
        EXPECT_NEAR(v.size / (u.size * b / (a * a * a)), 1, 1e-12) << i;
        EXPECT_EQ(u.accepted, v.accepted) << i;
        EXPECT_NEAR(v.loss / b, u.loss, 1e-12) << i;
      }
      for (std::size_t j = 0; j < got.x.size(); ++j) {
        EXPECT_NEAR(got.x[j] / a, plain.x[j], 1e-9) << j;
      }
    }
  }
}

TEST(InitialSigmaAtASaddle, StartsWithTheLengthOfATrustRegion) {
  Context<Cpu> ctx(1);
  const test::UserSum<test::SaddleTerm> f;
  SecondOrderOptions options;
  options.initial_radius = 0.5, options.stopping.max_iterations = 1;
  const auto first = minimize<double, Cpu>(Method::cubic, ctx, f, {0, 0, 0}, options);
  const Iteration row = first.result.trace.at(0);
  EXPECT_EQ(row.step, StepKind::eigenvector);
  EXPECT_NEAR(row.step_norm, 0.5, 1e-15);
  EXPECT_EQ(row.work.gradients, 0);
  EXPECT_EQ(row.work.props, 2 * 4 * row.work.hessian_products + 4);
  EXPECT_GT(row.size, 0);
  for (const double radius : {1e-3, 10.0, 1e9}) {
    options.initial_radius = radius, options.stopping.max_iterations = 200;
    const auto run = minimize<double, Cpu>(Method::cubic, ctx, f, {0, 0, 0}, options);
    EXPECT_EQ(run.result.stop, Stop::optimal);
    EXPECT_NEAR(run.result.loss, -0.25, 1e-10);
    for (const Iteration& each : run.result.trace) EXPECT_GE(each.size, options.min_sigma);
  }
}

}  // namespace
}  // namespace randnla
