// What the trace tells of the errors of sampled Hessians, and sample sizes made from it.
#include "optimize/terms.hpp"
#include "support/near.hpp"
#include "support/statistics.hpp"

#include <randnla/sketch/row_sampling.hpp>

#include <gtest/gtest.h>

#include <algorithm>
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
using Size = HessianOptions::Size;
using Errors = SecondOrderOptions::Errors;

constexpr Sampling rules[] = {Sampling::uniform, Sampling::uniform_with_replacement,
                              Sampling::row_norm, Sampling::row_norm_bernoulli};

/// Of the norms q_i of the terms' Hessians, whose mean is H: the second moment of one draw over its
/// probability, and E|H_S - H|_F^2 itself, as the rules are defined.
struct HessianMoments {
  real estimate2 = 0, error2 = 0;
};

HessianMoments moments(const Terms& terms, Sampling rule, real s) {
  const real n = static_cast<real>(terms.count()), H2 = frobenius2(terms.mean_hessian());
  real sum = 0, squares = 0, coins = 0;
  for (std::size_t i = 0; i < terms.count(); ++i) {
    sum += terms.hessian_norm(i), squares += terms.hessian_norm(i) * terms.hessian_norm(i);
  }
  for (std::size_t i = 0; i < terms.count(); ++i) {
    const real q = terms.hessian_norm(i), kept = std::min<real>(1, s * q / sum);
    coins += kept > 0 ? (1 - kept) / kept * q * q / (n * n) : 0;
  }
  const real mean = sum / n, mean_square = squares / n;
  const real rest = (n - s) / (n - 1);
  switch (rule) {
    case Sampling::uniform:
      return {mean_square / s * rest, (mean_square - H2) / s * rest};
    case Sampling::uniform_with_replacement:
      return {mean_square / s, (mean_square - H2) / s};
    case Sampling::row_norm:
      return {mean * mean / s, (mean * mean - H2) / s};
    default:
      return {mean * mean / s, coins};
  }
}

/// H_S of the first draw of a run, from the rows and weights that its random stream stands for.
template <Backend B, Scalar T>
Dense sampled_hessian(Context<B>& ctx, const FiniteSumRef<B, T>& f, const Terms& terms,
                      const std::vector<double>& start, Curvature kind, Sampling rule, index_t size,
                      std::uint64_t seed) {
  const index_t n = f.terms();
  const auto x = test::place<T>(ctx, start);
  Buffer<T, B> curvature(ctx, n), scores(ctx, n);
  f.evaluate(ctx, x.view(), Sample<B, T>::all(n), {.curvature = curvature.data(), .kind = kind});
  f.importance(ctx, curvature.view(), scores.view());
  RowSampler<B, T> sampler(ctx, n);
  const auto sample = sampler.draw(ctx, rule, size, scores.view(), Rng{seed, 0});
  const index_t count =
      sample.count != nullptr ? test::fetch(ctx, sample.count, 1)[0] : sample.bound;
  const auto rows = test::fetch(ctx, sample.rows, count);
  std::vector<T> weights(rows.size(), static_cast<T>(1 / static_cast<real>(count)));
  if (sample.weights != nullptr) weights = test::fetch(ctx, sample.weights, count);
  Dense H(static_cast<index_t>(start.size()));
  for (std::size_t k = 0; k < rows.size(); ++k) {
    terms.add_hessian(static_cast<std::size_t>(rows[k]), weights[k], H);
  }
  return H;
}

Dense difference(Dense A, const Dense& B) {
  for (std::size_t i = 0; i < A.entries.size(); ++i) A.entries[i] -= B.entries[i];
  return A;
}

template <class Instance>
class HessianErrors : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(HessianErrors, test::Instances, test::InstanceName);

TYPED_TEST(HessianErrors, AreThoseOfTheSampleAndEstimatedFromAllTerms) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const index_t n = 150, d = 4, s = 30;
  const Problem p = test::classes(11, n, d);
  const auto data = dataset<B, T>(this->ctx(), p);
  const NonlinearLeastSquares<B, T> f(this->ctx(), data, {0.125});
  const std::vector<double> start = test::normals(3, d);
  for (const Curvature kind : {Curvature::hessian, Curvature::gauss_newton}) {
    const Terms terms = test::terms_at(SigmoidSquares{}, p, start, kind);
    const Dense all = terms.mean_hessian();
    for (const Sampling rule : rules) {
      SCOPED_TRACE(static_cast<int>(rule));
      for (int seed = 1; seed <= test::sized<B>(5, 1); ++seed) {
        SecondOrderOptions options;
        options.hessian.sampling = rule, options.hessian.fraction = 0.2001;
        options.hessian.curvature = kind;
        options.errors = Errors::exact, options.seed = static_cast<std::uint64_t>(seed);
        options.stopping.max_iterations = 1;
        const auto run = minimize<T, B>(Method::cubic, this->ctx(), f, start, options);
        const Iteration row = run.result.trace.at(0);
        const HessianMoments want = moments(terms, rule, s);
        // Sums of n numbers of that size; the curvatures have a few roundings of numbers near one.
        const real rounding = 4 * static_cast<real>(n + d) * std::numeric_limits<T>::epsilon();
        EXPECT_TRUE(near(row.hessian_error, std::sqrt(want.estimate2),
                         rounding * std::sqrt(want.estimate2)));
        EXPECT_GE(row.hessian_error * row.hessian_error, want.error2);
        const Dense H =
            sampled_hessian<B, T>(this->ctx(), f, terms, start, kind, rule, s, options.seed);
        const real error = spectral_norm(difference(H, all));
        // The search for the ends of the spectrum stops at 1e-6 of it.
        EXPECT_TRUE(
            near(row.true_hessian_error, error, 4e-6L * error + rounding * spectral_norm(all)));
        EXPECT_GT(error, 1e-3L);
      }
    }
  }
}

TEST(HessianErrorsInTheMean, AreBelowTheEstimates) {
  Context<Cpu> ctx(1);
  const index_t n = 100, d = 3;
  const Problem p = test::classes(8, n, d);
  const auto data = dataset<Cpu, double>(ctx, p);
  const NonlinearLeastSquares<Cpu, double> f(ctx, data);
  const std::vector<double> start = test::normals(3, d);
  for (const Sampling rule : rules) {
    real sum = 0, squares = 0, estimate = 0;
    constexpr int runs = 100;
    for (std::uint64_t seed = 1; seed <= runs; ++seed) {
      SecondOrderOptions options;
      options.hessian.sampling = rule, options.hessian.fraction = 0.1;
      options.errors = Errors::exact, options.seed = seed, options.stopping.max_iterations = 1;
      const auto run = minimize<double, Cpu>(Method::trust_region, ctx, f, start, options);
      const Iteration row = run.result.trace.at(0);
      const real error2 = row.true_hessian_error * row.true_hessian_error;
      sum += error2 / runs, squares += error2 * error2 / runs, estimate = row.hessian_error;
    }
    const real deviation = std::sqrt((squares - sum * sum) / (runs - 1));
    EXPECT_LT(sum - test::z_limit * deviation, estimate * estimate) << static_cast<int>(rule);
    // Of the Frobenius norm, and a factor of two for terms that are not independent of their mean.
    EXPECT_GT(sum + test::z_limit * deviation, estimate * estimate / (2 * d));
  }
}

template <class Instance>
class ErrorDrivenHessians : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(ErrorDrivenHessians, test::DoubleInstances, test::InstanceName);

/// Sizes by the header's rule, row by row: as many as the tolerance asks for, not one more.
void expect_sizes(const OptimizationResult& result, const SecondOrderOptions& options, index_t n) {
  const StoppingOptions& stopping = options.stopping;
  const auto least =
      static_cast<index_t>(std::ceil(options.hessian.fraction * static_cast<double>(n)));
  const bool coins = options.hessian.sampling == Sampling::row_norm_bernoulli;
  for (const Iteration& row : result.trace) {
    SCOPED_TRACE("iteration " + std::to_string(row.iteration));
    const double delta = options.hessian.tolerance * stopping.eps_h *
                         std::sqrt(std::max(1.0, row.gradient_norm / stopping.eps_g));
    EXPECT_LE(row.hessian_error, delta * (1 + 1e-12));
    if (coins) continue;  // the row has the number that the coins gave
    EXPECT_GE(row.hessian_sample, least);
    EXPECT_EQ(row.hessian_error == 0, row.hessian_sample == n);
    EXPECT_TRUE(row.hessian_sample == n || row.hessian_sample <= n / 2) << row.hessian_sample;
    if (row.hessian_sample == least || row.hessian_sample == n) continue;
    // One fewer would not do.
    const auto error_of = [&](real s) {
      const bool replaced = options.hessian.sampling != Sampling::uniform;
      return replaced ? 1 / s : (n - s) / s;
    };
    const real s = static_cast<real>(row.hessian_sample);
    EXPECT_GT(row.hessian_error * std::sqrt(error_of(s - 1) / error_of(s)), delta * (1 - 1e-12L));
  }
}

TYPED_TEST(ErrorDrivenHessians, SizesAreTheSmallestThatMeetTheTolerance) {
  using B = typename TypeParam::Space;
  const index_t n = 600, d = 5;
  const Problem p = test::classes(21, n, d);
  const auto data = dataset<B, double>(this->ctx(), p);
  const NonlinearLeastSquares<B, double> f(this->ctx(), data, {0.03125});
  for (const Method method : methods) {
    for (const Sampling rule : rules) {
      SCOPED_TRACE(static_cast<int>(rule));
      SecondOrderOptions options;
      options.hessian.sampling = rule, options.hessian.fraction = 0.02;
      options.hessian.size = Size::error_driven;
      options.stopping.eps_g = 1e-5, options.stopping.eps_h = 3e-3;
      options.hessian.tolerance = 1;
      options.stopping.max_iterations = test::sized<B>(100, 12);
      const auto run = minimize<double, B>(method, this->ctx(), f, test::normals(3, d), options);
      expect_sizes(run.result, options, n);
      if (test::sized<B>(1, 0) == 0) continue;
      EXPECT_EQ(run.result.stop, Stop::optimal);
      index_t fewest = n, most = 0;
      for (const Iteration& row : run.result.trace) {
        fewest = std::min(fewest, row.hessian_sample), most = std::max(most, row.hessian_sample);
      }
      EXPECT_LT(fewest, n / 10);
      EXPECT_EQ(most, n);
    }
  }
}

TYPED_TEST(ErrorDrivenHessians, GoWithErrorDrivenGradients) {
  using B = typename TypeParam::Space;
  const index_t n = 600, d = 5;
  const Problem p = test::classes(21, n, d);
  const auto data = dataset<B, double>(this->ctx(), p);
  const LogisticRegression<B, double> f(this->ctx(), data, {0.03125});
  for (const Method method : methods) {
    SecondOrderOptions options;
    options.hessian.sampling = Sampling::row_norm, options.hessian.fraction = 0.02;
    options.hessian.size = Size::error_driven, options.hessian.tolerance = 1;
    options.gradient.rule = GradientOptions::Rule::error_driven;
    options.stopping.max_iterations = test::sized<B>(100, 40);
    const auto run = minimize<double, B>(method, this->ctx(), f, test::normals(3, d), options);
    EXPECT_EQ(run.result.stop, Stop::optimal);
    expect_sizes(run.result, options, n);
    EXPECT_LT(run.result.trace.at(0).gradient_sample, n);
    EXPECT_LE(exact(LogisticLoss{}, p, 0.03125, run.x).gradient_norm, 1e-5L + 1e-12L);
  }
}

}  // namespace
}  // namespace randnla
