#include "optimize/runs.hpp"
#include "support/backends.hpp"
#include "support/near.hpp"

#include <randnla/optimize/second_order.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

namespace randnla {
namespace {

using test::dataset;
using test::Method;
using test::methods;
using test::minimize;
using test::near;
using test::Problem;
using test::real;

std::vector<double> start_of(index_t d, double scale = 1) {
  return test::normals(77, d, scale / std::sqrt(static_cast<double>(d)));
}

SecondOrderOptions sampled(Sampling hessian, double fraction, GradientOptions::Rule gradient) {
  SecondOrderOptions options;
  options.hessian = {hessian, fraction, HessianOptions::Form::automatic};
  options.gradient.rule = gradient;
  options.gradient.fraction = 0.2;
  return options;
}

/// The variants that every backend goes through.
std::vector<SecondOrderOptions> variants() {
  using Rule = GradientOptions::Rule;
  return {sampled(Sampling::full, 1, Rule::full), sampled(Sampling::uniform, 0.2, Rule::full),
          sampled(Sampling::row_norm, 0.2, Rule::full),
          sampled(Sampling::row_norm_bernoulli, 0.2, Rule::uniform),
          sampled(Sampling::uniform_with_replacement, 0.3, Rule::adaptive)};
}

template <class Instance>
class SecondOrder : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(SecondOrder, test::DoubleInstances, test::InstanceName);

template <class Loss, Backend B, Scalar T>
void expect_optimal(Context<B>& ctx, double l2, bool sparse) {
  const Problem p = test::classes(5, 200, 8);
  const auto data = dataset<B, T>(ctx, p, sparse);
  const LinearModel<Loss, B, T> f(ctx, data, {.l2 = l2});
  for (const Method method : methods) {
    for (const SecondOrderOptions& options :
         {sampled(Sampling::full, 1, GradientOptions::Rule::full),
          sampled(Sampling::row_norm, 0.5, GradientOptions::Rule::full)}) {
      SCOPED_TRACE(test::name(method));
      const auto run = minimize<T, B>(method, ctx, f, start_of(8), options);
      EXPECT_EQ(run.result.stop, Stop::optimal);
      EXPECT_TRUE(run.result.certificate.eps_g_met);
      EXPECT_TRUE(run.result.certificate.eps_h_met);
      EXPECT_LT(run.result.loss, run.result.initial_loss);
      expect_true_certificate(Loss{}, p, l2, run, options.stopping);
    }
  }
}

TYPED_TEST(SecondOrder, EndsOptimalWithATrueCertificate) {
  using B = typename TypeParam::Space;
  expect_optimal<SigmoidSquares, B, double>(this->ctx(), 0, false);
  expect_optimal<LogisticLoss, B, double>(this->ctx(), 0.01, true);
}

/// Follows a run by the rules of the headers, from its trace alone.
void expect_consistent(const OptimizationResult& result, const SecondOrderOptions& options,
                       index_t n, bool cubic) {
  const bool gradients_sampled = options.gradient.rule != GradientOptions::Rule::full;
  const bool hessians_sampled = options.hessian.sampling != Sampling::full;
  double size = cubic ? options.initial_sigma.value() : options.initial_radius,
         loss = result.initial_loss;
  bool new_gradient = true, new_hessian = true;
  int failures = 0;
  Work before;
  std::int64_t accepted = 0, number = 0;
  for (const Iteration& row : result.trace) {
    SCOPED_TRACE("iteration " + std::to_string(row.iteration));
    ASSERT_EQ(row.iteration, ++number);
    ASSERT_EQ(row.step, StepKind::model);
    EXPECT_EQ(row.size, size);
    EXPECT_EQ(row.accepted, row.rho >= options.eta2);
    EXPECT_EQ(row.hessian_sample == n, !hessians_sampled);
    EXPECT_EQ(row.gradient_sample == n, !gradients_sampled);
    const std::int64_t products = row.work.hessian_products - before.hessian_products;
    // Trust region: CG from a random point, unless the last step failed. Cubic: the Krylov space of
    // the last solve, unless something changed.
    if (cubic) {
      EXPECT_EQ(products, row.inner_iterations);
      EXPECT_EQ(products == 0, !new_gradient && !new_hessian);
    } else {
      EXPECT_EQ(products, row.inner_iterations + (options.random_start && failures == 0 ? 1 : 0));
    }
    EXPECT_EQ(row.work.props - before.props,
              (new_gradient ? 2 * row.gradient_sample : 0) + 2 * row.hessian_sample * products + n);
    EXPECT_EQ(row.work.gradients - before.gradients, new_gradient ? 1 : 0);
    EXPECT_EQ(row.work.values - before.values, number == 1 ? 2 : 1);
    EXPECT_EQ(row.work.hessian_matrices - before.hessian_matrices,
              row.hessian_formed && new_hessian ? 1 : 0);
    EXPECT_EQ(row.work.host_waits, number + 1);  // one at the start
    // Rows read: all at the trial point (and the start), the gradient's, and the Hessian's once for
    // its matrix or once a product.
    const std::int64_t reads = row.hessian_formed ? (new_hessian ? 1 : 0) : products;
    const std::int64_t rows_read = (number == 1 ? 2 * n : n) + reads * row.hessian_sample +
                                   (new_gradient && gradients_sampled ? row.gradient_sample : 0);
    EXPECT_NEAR(row.work.data_passes - before.data_passes,
                static_cast<double>(rows_read) / static_cast<double>(n), 1e-9);
    EXPECT_GE(row.work.flag_polls, before.flag_polls);
    if (row.accepted) {
      EXPECT_LT(row.loss, loss + 1e-14);
      ++accepted;
    } else {
      EXPECT_EQ(row.loss, loss);
    }
    EXPECT_TRUE(cubic || row.step_norm <= size * (1 + 1e-12));
    // What comes next.
    const bool very_good = row.rho >= options.eta1;
    const double change = row.accepted && !very_good ? options.gamma2 : options.gamma1;
    size = row.accepted != cubic ? size * change : size / change;
    size = cubic ? std::max(size, options.min_sigma) : std::min(size, options.max_radius);
    failures = row.accepted ? 0 : failures + 1;
    const bool redraw = failures == options.max_failures && options.max_failures > 0;
    if (redraw) failures = 0;
    new_gradient = row.accepted || (redraw && gradients_sampled);
    new_hessian = row.accepted || (redraw && hessians_sampled);
    loss = row.loss, before = row.work;
  }
  EXPECT_EQ(result.iterations, number);
  EXPECT_EQ(result.accepted, accepted);
  EXPECT_EQ(result.loss, loss);
  EXPECT_EQ(result.work.props, before.props);
}

TYPED_TEST(SecondOrder, EveryRowOfTheTraceFollowsTheRules) {
  using B = typename TypeParam::Space;
  const index_t n = 300;
  const Problem p = test::classes(3, n, 10);
  const auto data = dataset<B, double>(this->ctx(), p);
  const NonlinearLeastSquares<B, double> f(this->ctx(), data);
  int rejected = 0, redrawn = 0;
  for (const Method method : methods) {
    const bool cubic = method == Method::cubic;
    for (SecondOrderOptions options : variants()) {
      for (const double size : {1e-3, 1e3}) {
        SCOPED_TRACE(test::name(method));
        options.initial_sigma = options.initial_radius = size;  // steps that fail, for either
        options.stopping.eps_g = 0;
        options.stopping.max_iterations = test::sized<B>(30, 8);
        const auto run = minimize<double, B>(method, this->ctx(), f, start_of(10, 3), options);
        EXPECT_EQ(run.result.stop, Stop::max_iterations);
        expect_consistent(run.result, options, n, cubic);
        int in_a_row = 0;
        for (const Iteration& row : run.result.trace) {
          rejected += !row.accepted;
          in_a_row = row.accepted ? 0 : in_a_row + 1;
          redrawn += in_a_row == 3;
        }
        // The certificate: a gradient where none was known, the eigenvalue, and the end.
        const bool gradients_sampled = options.gradient.rule != GradientOptions::Rule::full;
        EXPECT_EQ(run.result.work.host_waits, run.result.iterations + 1);
        EXPECT_EQ(run.result.certificate_work.host_waits, gradients_sampled ? 2 : 1);
        EXPECT_EQ(run.counters.host_waits,
                  run.result.work.host_waits + run.result.certificate_work.host_waits + 1);
        EXPECT_EQ(run.result.certificate_work.gradients, gradients_sampled ? 1 : 0);
        EXPECT_EQ(run.result.certificate_work.hessian_products,
                  run.result.certificate.lanczos_steps);
        EXPECT_EQ(run.result.certificate_work.props,
                  2 * n * (run.result.certificate.lanczos_steps + (gradients_sampled ? 1 : 0)));
      }
    }
  }
  EXPECT_GE(rejected, test::sized<B>(10, 2));
  EXPECT_GE(redrawn, test::sized<B>(2, 0));
}

TYPED_TEST(SecondOrder, SampleSizesAreTheFractionsAskedFor) {
  using B = typename TypeParam::Space;
  const index_t n = 301;
  const Problem p = test::classes(3, n, 6);
  const auto data = dataset<B, double>(this->ctx(), p);
  const NonlinearLeastSquares<B, double> f(this->ctx(), data);
  for (const Method method : methods) {
    SecondOrderOptions options = sampled(Sampling::uniform, 0.1, GradientOptions::Rule::uniform);
    options.stopping.max_iterations = 5;
    for (const Iteration& row :
         minimize<double, B>(method, this->ctx(), f, start_of(6), options).result.trace) {
      EXPECT_EQ(row.hessian_sample, 30);
      EXPECT_EQ(row.gradient_sample, 60);
    }
    options.hessian.sampling = Sampling::row_norm_bernoulli;
    double sum = 0;
    index_t least = n, most = 0;
    const auto run = minimize<double, B>(method, this->ctx(), f, start_of(6), options);
    for (const Iteration& row : run.result.trace) {
      sum += static_cast<double>(row.hessian_sample);
      least = std::min(least, row.hessian_sample), most = std::max(most, row.hessian_sample);
    }
    // The expected number is 30 or less (where q_i = 1), of standard deviation below sqrt(30).
    EXPECT_NEAR(sum / 5, 28, 5 * std::sqrt(30.0 / 5) + 2);
    EXPECT_LT(least, most);
    options.hessian.fraction = 1e-9;  // at least one row
    options.hessian.sampling = Sampling::uniform;
    options.stopping.max_iterations = 1;
    const auto one = minimize<double, B>(method, this->ctx(), f, start_of(6), options);
    EXPECT_EQ(one.result.trace.at(0).hessian_sample, 1);
  }
}

TYPED_TEST(SecondOrder, AdaptedGradientSamplesFollowTheGradient) {
  using B = typename TypeParam::Space;
  const index_t n = 1000;
  const Problem p = test::classes(3, n, 6);
  const auto data = dataset<B, double>(this->ctx(), p);
  const NonlinearLeastSquares<B, double> f(this->ctx(), data);
  for (const Method method : methods) {
    SecondOrderOptions options = sampled(Sampling::uniform, 0.1, GradientOptions::Rule::adaptive);
    options.gradient.fraction = 0.05;
    options.stopping.max_iterations = test::sized<B>(40, 10);
    const auto run = minimize<double, B>(method, this->ctx(), f, start_of(6), options);
    ASSERT_FALSE(run.result.trace.empty());
    EXPECT_EQ(run.result.trace[0].gradient_sample, 50);
    // The rule, again, from the trace: as many factors as the norm has moved by.
    double fraction = 0.05, reference = run.result.trace[0].gradient_norm, last_norm = 0;
    std::int64_t most = 0, gradients = 0;
    for (const Iteration& row : run.result.trace) {
      EXPECT_GE(row.gradient_sample, 20);
      EXPECT_LE(row.gradient_sample, 500);
      most = std::max(most, row.gradient_sample);
      const bool drawn = row.work.gradients > gradients;
      gradients = row.work.gradients, last_norm = row.gradient_norm;
      if (!drawn) continue;
      EXPECT_EQ(row.gradient_sample, static_cast<index_t>(std::floor(fraction * 1000)));
      for (; last_norm > 1.2 * reference; reference *= 1.2) fraction /= 1.2;
      for (; last_norm < reference / 1.2; reference /= 1.2) fraction *= 1.2;
      fraction = std::min(0.5, std::max(0.02, fraction));
    }
    EXPECT_GT(most, 50);
  }
}

TYPED_TEST(SecondOrder, FormedHessiansGiveTheRunOfAppliedOnes) {
  using B = typename TypeParam::Space;
  const Problem p = test::classes(3, 300, 10);
  const auto data = dataset<B, double>(this->ctx(), p);
  const NonlinearLeastSquares<B, double> f(this->ctx(), data);
  for (const Method method : methods) {
    for (const Sampling rule : {Sampling::full, Sampling::row_norm, Sampling::row_norm_bernoulli}) {
      SecondOrderOptions options = sampled(rule, 0.3, GradientOptions::Rule::full);
      // CG that ends in negative curvature amplifies rounding, some tenfold in every iteration.
      options.stopping.max_iterations = test::sized<B>(10, 6);
      options.hessian.form = HessianOptions::Form::matrix;
      const auto formed = minimize<double, B>(method, this->ctx(), f, start_of(10), options);
      options.hessian.form = HessianOptions::Form::passes;
      const auto passes = minimize<double, B>(method, this->ctx(), f, start_of(10), options);
      ASSERT_EQ(formed.result.trace.size(), passes.result.trace.size());
      for (std::size_t i = 0; i < formed.result.trace.size(); ++i) {
        const Iteration &a = formed.result.trace[i], &b = passes.result.trace[i];
        EXPECT_TRUE(a.hessian_formed);
        EXPECT_FALSE(b.hessian_formed);
        EXPECT_EQ(a.accepted, b.accepted) << i;
        EXPECT_EQ(a.hessian_sample, b.hessian_sample);
        EXPECT_EQ(a.inner_iterations, b.inner_iterations);
        EXPECT_NEAR(a.loss, b.loss, 1e-10 * b.loss) << i;
      }
    }
  }
}

template <class T>
void expect_same_run(const test::Run<T>& a, const test::Run<T>& b) {
  EXPECT_EQ(a.x, b.x);
  ASSERT_EQ(a.result.trace.size(), b.result.trace.size());
  for (std::size_t i = 0; i < a.result.trace.size(); ++i) {
    const Iteration &p = a.result.trace[i], &q = b.result.trace[i];
    EXPECT_EQ(p.loss, q.loss) << i;
    EXPECT_EQ(p.rho, q.rho) << i;
    EXPECT_EQ(p.gradient_norm, q.gradient_norm) << i;
    EXPECT_EQ(p.step_norm, q.step_norm) << i;
    EXPECT_EQ(p.inner_iterations, q.inner_iterations) << i;
    EXPECT_EQ(p.hessian_sample, q.hessian_sample) << i;
    EXPECT_EQ(p.work.props, q.work.props) << i;
  }
  EXPECT_EQ(a.result.stop, b.result.stop);
  EXPECT_EQ(a.result.certificate.lambda_min, b.result.certificate.lambda_min);
  EXPECT_EQ(a.result.certificate.gradient_norm, b.result.certificate.gradient_norm);
}

TYPED_TEST(SecondOrder, LateReadsOfTheStopFlagChangeNoBit) {
  using B = typename TypeParam::Space;
  auto& ctx = this->ctx();
  const Problem p = test::classes(3, 200, 12);
  const auto data = dataset<B, double>(ctx, p);
  const NonlinearLeastSquares<B, double> f(ctx, data);
  for (const Method method : methods) {
    for (SecondOrderOptions options : variants()) {
      options.stopping.max_iterations = test::sized<B>(15, 4);
      options.inner_tolerance = 1e-3;
      options.stopping.lanczos_steps = 9;
      ctx.poll_lag = 0;
      const auto want = minimize<double, B>(method, ctx, f, start_of(12), options);
      ctx.poll_lag = 4;
      const auto late = minimize<double, B>(method, ctx, f, start_of(12), options);
      expect_same_run(want, late);
      EXPECT_EQ(want.counters.host_waits, late.counters.host_waits);
      EXPECT_EQ(want.result.work.hessian_products, late.result.work.hessian_products);
    }
  }
}

TYPED_TEST(SecondOrder, LeavesASaddlePointOfALinearModel) {
  // One constant feature and one of pairs +-u: at x = (log 1/4, 0) all margins are log 1/4 and the
  // sigmoid is 1/5, the share of targets 1, so the gradient vanishes. The curvature of the rows with
  // target 1 is negative there, and theirs are the large u.
  using B = typename TypeParam::Space;
  Problem p{20, 2, {}, {}};
  for (int i = 0; i < 20; ++i) {
    const double u = (i % 2 == 0 ? 1 : -1) * (i < 4 ? 3 : 0.125);
    p.values.push_back(1), p.values.push_back(u), p.targets.push_back(i < 4 ? 1 : 0);
  }
  const std::vector<double> start{std::log(0.25), 0};
  const test::ExactPoint at = exact(SigmoidSquares{}, p, 1e-3, std::vector<double>(start));
  const auto data = dataset<B, double>(this->ctx(), p);
  const NonlinearLeastSquares<B, double> flat(this->ctx(), data);
  ASSERT_LT(exact(SigmoidSquares{}, p, 0, start).gradient_norm, 1e-15L);
  ASSERT_LT(test::eigen(at.hessian).values[0], -0.05L);
  for (const Method method : methods) {
    SecondOrderOptions options;
    options.stopping.max_iterations = 100;
    const auto run = minimize<double, B>(method, this->ctx(), flat, start, options);
    ASSERT_FALSE(run.result.trace.empty()) << test::name(method);
    EXPECT_EQ(run.result.trace[0].step, StepKind::eigenvector);
    EXPECT_EQ(run.result.trace[0].inner_iterations, 0);
    EXPECT_EQ(run.result.stop, Stop::optimal);
    EXPECT_LT(run.result.loss, run.result.initial_loss - 0.01);
    expect_true_certificate(SigmoidSquares{}, p, 0, run, options.stopping);
  }
}

template <class Instance>
class SecondOrderScalars : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(SecondOrderScalars, test::Instances, test::InstanceName);

TYPED_TEST(SecondOrderScalars, EitherPrecisionReachesItsAccuracy) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const Problem p = test::classes(5, 200, 8);
  const auto data = dataset<B, T>(this->ctx(), p);
  const LogisticRegression<B, T> f(this->ctx(), data, {.l2 = 0.01});
  for (const Method method : methods) {
    SecondOrderOptions options;
    options.stopping.eps_g = sizeof(T) == 4 ? 1e-4 : 1e-9;
    const auto run = minimize<T, B>(method, this->ctx(), f, start_of(8), options);
    EXPECT_EQ(run.result.stop, Stop::optimal) << test::name(method);
    expect_true_certificate(LogisticLoss{}, p, static_cast<double>(static_cast<T>(0.01)), run,
                            options.stopping);
  }
}

TEST(SecondOrderThreads, SameBitsForAnyNumberOfThreads) {
  const Problem p = test::classes(3, 9000, 12);
  for (const Method method : methods) {
    for (SecondOrderOptions options : variants()) {
      options.stopping.max_iterations = 6;
      options.stopping.lanczos_steps = 8;
      std::vector<test::Run<double>> runs;
      for (const int threads : {1, 2, 7}) {
        Context<Cpu> ctx(threads);
        const auto data = dataset<Cpu, double>(ctx, p);
        const NonlinearLeastSquares<Cpu, double> f(ctx, data);
        runs.push_back(minimize<double, Cpu>(method, ctx, f, start_of(12), options));
      }
      expect_same_run(runs[0], runs[1]);
      expect_same_run(runs[0], runs[2]);
    }
  }
}

TEST(SecondOrderSeeds, AnotherSeedIsAnotherRunAndTheSameSeedTheSame) {
  Context<Cpu> ctx(2);
  const Problem p = test::classes(3, 500, 6);
  const auto data = dataset<Cpu, double>(ctx, p);
  const NonlinearLeastSquares<Cpu, double> f(ctx, data);
  for (const Method method : methods) {
    SecondOrderOptions options = sampled(Sampling::uniform, 0.1, GradientOptions::Rule::full);
    options.stopping.max_iterations = 6;
    const auto first = minimize<double, Cpu>(method, ctx, f, start_of(6), options);
    const auto again = minimize<double, Cpu>(method, ctx, f, start_of(6), options);
    expect_same_run(first, again);
    options.seed = 2;
    const auto other = minimize<double, Cpu>(method, ctx, f, start_of(6), options);
    EXPECT_NE(first.x, other.x);
  }
}

}  // namespace
}  // namespace randnla
