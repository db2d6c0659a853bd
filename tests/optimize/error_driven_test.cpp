// Gradient samples that grow as their own terms say, and what the trace tells of their errors.
#include "optimize/terms.hpp"
#include "support/near.hpp"
#include "support/statistics.hpp"

#include <randnla/sketch/row_sampling.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace randnla {
namespace {

using test::dataset;
using test::Method;
using test::methods;
using test::minimize;
using test::near;
using test::Problem;
using test::real;
using test::Vector;
using Rule = GradientOptions::Rule;
using Errors = SecondOrderOptions::Errors;

constexpr double l2 = 0.125;

SecondOrderOptions error_driven(double tolerance, double min_fraction = 0.02) {
  SecondOrderOptions options;
  options.gradient.rule = Rule::error_driven;
  options.gradient.tolerance = tolerance;
  options.gradient.min_fraction = min_fraction;
  return options;
}

/// E|g_S - g|^2 for s of n terms without replacement: at most this for terms of that second moment,
/// and equal to it where the second moment is the variance.
real error2(real second, real s, real n) { return second / s * (n - s) / (n - 1); }

/// The first sample of a run, by its definition, and the moments of the gradients in it.
struct Drawn {
  real gradient_norm = 0, second = 0, true_error = 0;
};

template <Backend B>
Drawn drawn(Context<B>& ctx, const test::Terms& terms, const std::vector<double>& x, index_t size,
            std::uint64_t seed) {
  RowSampler<B, double> sampler(ctx, static_cast<index_t>(terms.count()));
  const auto sample = sampler.draw(ctx, Sampling::uniform, size, {}, Rng{seed, 0});
  const Vector all = terms.mean_gradient();
  Vector g(x.size(), 0), error(x.size(), 0);
  Drawn out;
  for (const index_t row : test::fetch(ctx, sample.rows, size)) {
    const auto i = static_cast<std::size_t>(row);
    terms.add_gradient(i, 1 / static_cast<real>(size), g);
    out.second += terms.gradient_norm2(i) / static_cast<real>(size);
  }
  for (std::size_t j = 0; j < x.size(); ++j) error[j] = g[j] - all[j], g[j] += l2 * x[j];
  out.gradient_norm = test::norm2(g), out.true_error = test::norm2(error);
  return out;
}

template <class Instance>
class ErrorDrivenGradients : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(ErrorDrivenGradients, test::Instances, test::InstanceName);

TYPED_TEST(ErrorDrivenGradients, AGrownSampleIsTheOneOfItsSizeAndTellsItsError) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const index_t n = 700, d = 6;
  const Problem p = test::classes(11, n, d);
  const auto data = dataset<B, T>(this->ctx(), p);
  const NonlinearLeastSquares<B, T> f(this->ctx(), data, {l2});
  const std::vector<double> start = test::normals(3, d);
  const test::Terms terms = test::terms_at(SigmoidSquares{}, p, start);
  int grown = 0;
  for (int seed = 1; seed <= test::sized<B>(20, 3); ++seed) {
    SecondOrderOptions options = error_driven(0.12);
    options.errors = Errors::exact, options.seed = static_cast<std::uint64_t>(seed);
    options.stopping.max_iterations = 1;
    const auto run = minimize<T, B>(Method::trust_region, this->ctx(), f, start, options);
    const Iteration row = run.result.trace.at(0);
    ASSERT_LT(row.gradient_sample, n / 2);
    const Drawn want = drawn(this->ctx(), terms, start, row.gradient_sample, options.seed);
    // Sums of n numbers below 1, each with the rounding of its margin of d products.
    const real rounding = 4 * static_cast<real>(n + d) * std::numeric_limits<T>::epsilon();
    EXPECT_TRUE(near(row.gradient_norm, want.gradient_norm, rounding));
    EXPECT_TRUE(near(row.true_gradient_error, want.true_error, rounding));
    const real s = static_cast<real>(row.gradient_sample);
    EXPECT_TRUE(near(row.gradient_error, std::sqrt(error2(want.second, s, n)), rounding));
    grown += row.gradient_sample > 14;

    // The same in one draw.
    options.gradient.rule = Rule::uniform;
    options.gradient.fraction = (static_cast<double>(row.gradient_sample) + 0.5) / n;
    const auto once = minimize<T, B>(Method::trust_region, this->ctx(), f, start, options);
    const Iteration same = once.result.trace.at(0);
    EXPECT_EQ(same.gradient_sample, row.gradient_sample);
    EXPECT_TRUE(near(same.gradient_norm, row.gradient_norm, rounding));
    EXPECT_TRUE(near(same.gradient_error, row.gradient_error, rounding));
    EXPECT_TRUE(near(same.true_gradient_error, row.true_gradient_error, rounding));
  }
  EXPECT_GE(grown, test::sized<B>(15, 2));
}

/// Every row of an error-driven run by the header's rules; the gradients on all data in it.
template <Backend B>
std::int64_t expect_error_driven(const OptimizationResult& result,
                                 const SecondOrderOptions& options, index_t n) {
  const auto least = static_cast<index_t>(options.gradient.min_fraction * static_cast<double>(n));
  bool fresh = true, redrawn = false;  // a new gradient; for want of a good step
  int failures = 0;
  std::int64_t whole = 0;
  Work before;
  for (const Iteration& row : result.trace) {
    SCOPED_TRACE("iteration " + std::to_string(row.iteration));
    EXPECT_EQ(row.step, StepKind::model);
    const bool sampled = row.gradient_sample < n;
    EXPECT_GE(row.gradient_sample, least);
    EXPECT_TRUE(!sampled || row.gradient_sample <= n / 2 + n / 10) << row.gradient_sample;
    const double delta =
        options.gradient.tolerance * std::max(options.stopping.eps_g, row.gradient_norm);
    EXPECT_LE(row.gradient_error, delta * (1 + 1e-12));
    EXPECT_EQ(row.gradient_error == 0, !sampled);
    // Work: the sample, or all terms once, beside a sample that said so.
    const std::int64_t gradients = row.work.gradients - before.gradients;
    const std::int64_t products = row.work.hessian_products - before.hessian_products;
    const std::int64_t rest = row.work.props - before.props - 2 * row.hessian_sample * products - n;
    if (!fresh) {
      EXPECT_EQ(gradients, 0);
      EXPECT_EQ(rest, 0);
    } else if (gradients == 2) {
      EXPECT_FALSE(sampled);
      EXPECT_GE(rest, 2 * n + 2 * least);
      EXPECT_LE(rest, 2 * n + n + n / 5);
    } else {
      // A new sample where the gradient on all data is known is that gradient, paid for already.
      EXPECT_TRUE(gradients == 1 || (gradients == 0 && !sampled && redrawn));
      EXPECT_EQ(rest, 2 * gradients * row.gradient_sample);
    }
    whole += fresh && !sampled;
    failures = row.accepted ? 0 : failures + 1;
    redrawn = failures == options.max_failures;
    fresh = row.accepted || redrawn;
    if (redrawn) failures = 0;
    before = row.work;
  }
  return whole;
}

template <class Instance>
class ErrorDrivenRuns : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(ErrorDrivenRuns, test::DoubleInstances, test::InstanceName);

TYPED_TEST(ErrorDrivenRuns, EveryRowMeetsItsToleranceAndIsCounted) {
  using B = typename TypeParam::Space;
  const index_t n = 900, d = 5;
  const Problem p = test::classes(21, n, d);
  const auto data = dataset<B, double>(this->ctx(), p);
  const NonlinearLeastSquares<B, double> f(this->ctx(), data, {0.03125});
  index_t most = 0;  // rows of a sample
  for (const Method method : methods) {
    for (const double tolerance : {0.3, 1.0}) {
      SCOPED_TRACE(test::name(method));
      SecondOrderOptions options = error_driven(tolerance, 0.05);
      options.hessian.sampling = Sampling::row_norm, options.hessian.fraction = 0.3;
      options.initial_radius = 1;  // some steps fail
      options.stopping.max_iterations = test::sized<B>(200, 12);
      const auto run = minimize<double, B>(method, this->ctx(), f, test::normals(3, d), options);
      const std::int64_t whole = expect_error_driven<B>(run.result, options, n);
      if (test::sized<B>(1, 0) == 0) continue;
      EXPECT_EQ(run.result.stop, Stop::optimal);
      EXPECT_TRUE(run.result.certificate.eps_g_met);
      EXPECT_GT(whole, 0);
      std::int64_t sampled = 0;
      for (const Iteration& row : run.result.trace) {
        if (row.gradient_sample == n) continue;
        ++sampled, most = std::max(most, row.gradient_sample);
      }
      EXPECT_GT(sampled, 0);
    }
  }
  // All terms are taken where half would not do, not before.
  EXPECT_TRUE(most > 2 * n / 5 || test::sized<B>(1, 0) == 0) << most;
}

TYPED_TEST(ErrorDrivenRuns, EndOptimalWhereAFixedSampleDoesNot) {
  using B = typename TypeParam::Space;
  const index_t n = 600, d = 5;
  const Problem p = test::classes(21, n, d);
  const auto data = dataset<B, double>(this->ctx(), p);
  const LogisticRegression<B, double> f(this->ctx(), data, {l2});
  for (const Method method : methods) {
    SCOPED_TRACE(test::name(method));
    SecondOrderOptions options = error_driven(0.5);
    options.stopping.max_iterations = test::sized<B>(100, 25);
    const auto run = minimize<double, B>(method, this->ctx(), f, test::normals(3, d), options);
    EXPECT_EQ(run.result.stop, Stop::optimal);
    EXPECT_LE(exact(LogisticLoss{}, p, l2, run.x).gradient_norm, 1e-5L + 1e-12L);
    options.gradient.rule = Rule::uniform, options.gradient.fraction = 0.05;
    const auto fixed = minimize<double, B>(method, this->ctx(), f, test::normals(3, d), options);
    EXPECT_NE(fixed.result.stop, Stop::optimal);
    // The noise: 1/sqrt(30) of terms of size near 1/2, far above eps_g.
    EXPECT_GT(exact(LogisticLoss{}, p, l2, fixed.x).gradient_norm, 1e-4L);
  }
}

/// Mean and its standard deviation.
struct Mean {
  void add(real value) { sum += value, squares += value * value, ++count; }
  real mean() const { return sum / count; }
  real deviation() const {
    return std::sqrt(std::max<real>(0, squares / count - mean() * mean()) / (count - 1));
  }
  real sum = 0, squares = 0, count = 0;
};

TEST(GradientErrors, AreWhatTheEstimatesSayInTheMean) {
  Context<Cpu> ctx(1);
  const index_t n = 60, d = 3;
  const Problem p = test::classes(8, n, d);
  const auto data = dataset<Cpu, double>(ctx, p);
  const NonlinearLeastSquares<Cpu, double> f(ctx, data, {l2});
  const std::vector<double> start = test::normals(3, d);
  const test::Terms terms = test::terms_at(SigmoidSquares{}, p, start);
  real second = 0;
  for (std::size_t i = 0; i < terms.count(); ++i) second += terms.gradient_norm2(i) / n;
  const Vector g = terms.mean_gradient();
  for (const Rule rule : {Rule::uniform, Rule::error_driven}) {
    Mean measured, estimated, asked, slack;
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
      SecondOrderOptions options = error_driven(0.5, 0.2);
      options.gradient.rule = rule, options.gradient.fraction = 0.2;
      options.errors = Errors::exact, options.seed = seed, options.stopping.max_iterations = 1;
      const auto run = minimize<double, Cpu>(Method::trust_region, ctx, f, start, options);
      const Iteration row = run.result.trace.at(0);
      const real error = row.true_gradient_error, estimate = row.gradient_error;
      measured.add(error * error), estimated.add(estimate * estimate);
      slack.add(estimate * estimate - error * error);
      const real tolerated = 0.5L * row.gradient_norm;
      asked.add(error * error - tolerated * tolerated);
    }
    EXPECT_GT(slack.mean(), -test::z_limit * slack.deviation());
    if (rule == Rule::error_driven) {
      EXPECT_LT(asked.mean(), test::z_limit * asked.deviation());
      continue;
    }
    EXPECT_TRUE(near(measured.mean(), error2(second - test::dot(g, g), 12, n),
                     test::z_limit * measured.deviation()));
    EXPECT_TRUE(
        near(estimated.mean(), error2(second, 12, n), test::z_limit * estimated.deviation()));
  }
}

/// f_i(x) = |x|^2/2 +- x/2: at 0 the gradients, all of size 1/2, cancel. Its parts can be broken.
struct Opposites {
  static constexpr index_t n = 4;
  double score_factor = 1, gradient_factor = 1, norm_factor = 1;

  index_t dim() const { return 1; }
  index_t terms() const { return n; }
  HessianCosts hessian_costs() const { return {1, 1}; }
  void evaluate(Context<Cpu>&, VectorView<const double, Cpu> x, const Sample<Cpu, double>& sample,
                const Evaluation<Cpu, double>& out) const {
    double tilt = 0;
    for (index_t k = 0; k < sample.bound; ++k) {
      const index_t row = sample.rows != nullptr ? sample.rows[k] : k;
      const double own = row % 2 == 0 ? 0.5 : -0.5;
      tilt += own / static_cast<double>(sample.bound);
      if (out.curvature != nullptr) out.curvature[k] = 1;
      if (out.gradient_norms2 != nullptr) {
        out.gradient_norms2[k] = norm_factor * (x.data[0] + own) * (x.data[0] + own);
      }
    }
    if (out.value != nullptr) *out.value = x.data[0] * x.data[0] / 2 + tilt * x.data[0];
    if (out.gradient != nullptr) out.gradient[0] = gradient_factor * (x.data[0] + tilt);
  }
  void hessian_product(Context<Cpu>&, const HessianSample<Cpu, double>&,
                       VectorView<const double, Cpu> v, VectorView<double, Cpu> out) const {
    out.data[0] = v.data[0];
  }
  void hessian_matrix(Context<Cpu>&, const HessianSample<Cpu, double>&,
                      MatrixView<double, Cpu> out) const {
    out.col(0).data[0] = 1;
  }
  void importance(Context<Cpu>&, VectorView<const double, Cpu> c,
                  VectorView<double, Cpu> out) const {
    for (index_t i = 0; i < n; ++i) out.data[i] = std::abs(c.data[i]) * score_factor;
  }
};

TEST(GradientErrors, OfFewTermsThatCancelAreNotUnderstated) {
  // Two of four: all six pairs give |g_S|^2 = 1/4, 0, 0, 0, 0, 1/4, so E|g_S - g|^2 = 1/12.
  Context<Cpu> ctx(1);
  SecondOrderOptions options;
  options.gradient.rule = Rule::uniform, options.gradient.fraction = 0.5;
  options.errors = Errors::estimated, options.stopping.max_iterations = 1;
  const auto run = minimize<double, Cpu>(Method::trust_region, ctx, Opposites{}, {0}, options);
  EXPECT_NEAR(run.result.trace.at(0).gradient_error, std::sqrt(1.0 / 12), 1e-15);
}

TEST(GradientErrors, TheTraceHasThemWhereTheyWereAskedFor) {
  Context<Cpu> ctx(1);
  SecondOrderOptions options;
  options.gradient.rule = Rule::uniform, options.gradient.fraction = 0.5;
  options.hessian.sampling = Sampling::uniform, options.hessian.fraction = 0.5;
  options.stopping.max_iterations = 1;
  const auto row = [&] {
    return minimize<double, Cpu>(Method::trust_region, ctx, Opposites{}, {3}, options)
        .result.trace.at(0);
  };
  const Iteration needed = row();
  EXPECT_TRUE(std::isnan(needed.gradient_error) && std::isnan(needed.hessian_error));
  EXPECT_TRUE(std::isnan(needed.true_gradient_error) && std::isnan(needed.true_hessian_error));
  options.errors = Errors::estimated;
  const Iteration estimated = row();
  EXPECT_GT(estimated.gradient_error, 0);
  EXPECT_NEAR(estimated.hessian_error, std::sqrt(1.0 / 2 * 2 / 3), 1e-15);
  EXPECT_TRUE(std::isnan(estimated.true_gradient_error) &&
              std::isnan(estimated.true_hessian_error));
  options.errors = Errors::exact;
  const Iteration exact = row();
  EXPECT_EQ(exact.gradient_error, estimated.gradient_error);
  EXPECT_TRUE(exact.true_gradient_error == 0 || exact.true_gradient_error == 0.5);
  EXPECT_NEAR(exact.true_hessian_error, 0, 1e-12);
  EXPECT_EQ(exact.work.props, needed.work.props);
  EXPECT_EQ(exact.work.data_passes, needed.work.data_passes);
  EXPECT_EQ(exact.loss, needed.loss);
  options.gradient.rule = Rule::full, options.hessian.sampling = Sampling::full;
  const Iteration full = row();
  EXPECT_EQ(full.gradient_error, 0);
  EXPECT_EQ(full.hessian_error, 0);
  EXPECT_EQ(full.true_gradient_error, 0);
  EXPECT_EQ(full.true_hessian_error, 0);
}

TEST(ErrorDrivenOptions, WhatTheyNeed) {
  Context<Cpu> ctx(1);
  const auto run = [&](const std::function<void(SecondOrderOptions&)>& change) {
    SecondOrderOptions options;
    options.stopping.max_iterations = 1;
    change(options);
    return minimize<double, Cpu>(Method::trust_region, ctx, Opposites{}, {3}, options);
  };
  const auto gradient = [](SecondOrderOptions& o) { o.gradient.rule = Rule::error_driven; };
  const auto hessian = [](SecondOrderOptions& o) {
    o.hessian.sampling = Sampling::row_norm;
    o.hessian.size = HessianOptions::Size::error_driven;
  };
  EXPECT_THROW(run([&](auto& o) { gradient(o), o.stopping.eps_g = 0; }), InvalidArgument);
  EXPECT_THROW(run([&](auto& o) { hessian(o), o.stopping.eps_g = 0; }), InvalidArgument);
  EXPECT_THROW(run([&](auto& o) { hessian(o), o.stopping.eps_h = 0; }), InvalidArgument);
  EXPECT_NO_THROW(run([&](auto& o) { gradient(o), o.stopping.eps_h = 0; }));
  EXPECT_THROW(run([&](auto& o) { gradient(o), o.gradient.tolerance = 0; }), InvalidArgument);
  EXPECT_THROW(run([&](auto& o) { hessian(o), o.hessian.tolerance = 0; }), InvalidArgument);
  EXPECT_THROW(run([&](auto& o) { o.hessian.refresh = 0; }), InvalidArgument);
  EXPECT_THROW(run([&](auto& o) { o.hessian.sampling = Sampling::given; }), InvalidArgument);
  EXPECT_THROW(run([&](auto& o) { o.hessian.sampling = Sampling::given_bernoulli; }),
               InvalidArgument);
  EXPECT_THROW(run([&](auto& o) { o.checkpoint_seconds = -1; }), InvalidArgument);
  // More at the least than half of all terms: all of them, or as many as asked for.
  const auto most = run([&](auto& o) {
    gradient(o), o.gradient.min_fraction = o.gradient.max_fraction = 0.75;
    o.stopping.max_iterations = 3;
  });
  for (const Iteration& row : most.result.trace) EXPECT_GE(row.gradient_sample, 3);
}

TEST(ErrorDrivenOptions, WhatOverflowsAsksForAllRowsAndNothingElse) {
  Context<Cpu> ctx(1);
  const double nan = std::nan("");
  for (const Method method : methods) {
    for (const Sampling rule : {Sampling::uniform, Sampling::row_norm}) {
      SecondOrderOptions options = error_driven(0.5);
      options.hessian.sampling = rule, options.hessian.size = HessianOptions::Size::error_driven;
      options.stopping.max_iterations = 3;
      for (const double broken : {HUGE_VAL, nan}) {
        const Opposites scores{broken, 1, 1}, norms{1, 1, broken}, gradients{1, broken, broken};
        const auto scored = minimize<double, Cpu>(method, ctx, scores, {3}, options);
        EXPECT_EQ(scored.result.trace.at(0).hessian_sample, 4);
        const auto normed = minimize<double, Cpu>(method, ctx, norms, {3}, options);
        EXPECT_EQ(normed.result.trace.at(0).gradient_sample, 4);
        EXPECT_EQ(normed.result.trace.at(0).gradient_norm, 3);
        const auto failed = minimize<double, Cpu>(method, ctx, gradients, {3}, options);
        EXPECT_EQ(failed.result.stop, Stop::not_finite);
        EXPECT_EQ(failed.x[0], 3);
      }
    }
  }
}

}  // namespace
}  // namespace randnla
