// What the baselines compute, against independent replays in long double.
#include "optimize/baseline_runs.hpp"
#include "support/near.hpp"

#include <randnla/optimize/baselines.hpp>
#include <randnla/sketch/row_sampling.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>

namespace randnla {
namespace {

using test::Baseline;
using test::BaselineOptions;
using test::baselines;
using test::Dense;
using test::dot;
using test::near;
using test::norm2;
using test::Problem;
using test::real;
using test::Vector;

std::vector<double> start_of(index_t d, double scale = 1) {
  return test::normals(77, d, scale / std::sqrt(static_cast<double>(d)));
}

/// A z = b by elimination with pivots.
Vector solve(Dense A, Vector b) {
  const std::size_t n = A.n;
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i) {
      if (std::abs(A(i, k)) > std::abs(A(pivot, k))) pivot = i;
    }
    std::swap(b[k], b[pivot]);
    for (std::size_t j = 0; j < n; ++j) std::swap(A(k, j), A(pivot, j));
    for (std::size_t i = k + 1; i < n; ++i) {
      const real factor = A(i, k) / A(k, k);
      for (std::size_t j = k; j < n; ++j) A(i, j) -= factor * A(k, j);
      b[i] -= factor * b[k];
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t j = k + 1; j < n; ++j) b[k] -= A(k, j) * b[j];
    b[k] /= A(k, k);
  }
  return b;
}

/// Newton's method on a strongly convex problem, from 0.
Vector newton_minimum(const Problem& p, double l2) {
  Vector x(static_cast<std::size_t>(p.cols), 0);
  for (int k = 0; k < 30; ++k) {
    const test::ExactPoint at = exact(LogisticLoss{}, p, l2, x);
    const Vector step = solve(at.hessian, at.gradient);
    for (std::size_t j = 0; j < x.size(); ++j) x[j] -= step[j];
  }
  return x;
}

/// The rows that the library draws without replacement.
template <Backend B>
std::vector<index_t> drawn(Context<B>& ctx, index_t terms, index_t size, Rng rng) {
  RowSampler<B, double> sampler(ctx, terms);
  const auto sample = sampler.draw(ctx, Sampling::uniform, size, {}, rng);
  return test::fetch(ctx, sample.rows, size);
}

Problem subset(const Problem& p, const std::vector<index_t>& rows) {
  Problem out{static_cast<index_t>(rows.size()), p.cols, {}, {}};
  for (const index_t i : rows) {
    for (index_t j = 0; j < p.cols; ++j) out.values.push_back(p.at(i, j));
    out.targets.push_back(p.targets[static_cast<std::size_t>(i)]);
  }
  return out;
}

Vector difference(const Vector& a, const Vector& b) {
  Vector out(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) out[i] = a[i] - b[i];
  return out;
}

template <class Instance>
class BaselineScalars : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(BaselineScalars, test::Instances, test::InstanceName);

TYPED_TEST(BaselineScalars, AllReachTheMinimiserOfAConvexProblem) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const Problem p = test::classes(5, 200, 8);
  const auto data = test::dataset<B, T>(this->ctx(), p);
  const T l2 = static_cast<T>(0.01);
  const LogisticRegression<B, T> f(this->ctx(), data, {l2});
  const Vector minimum = newton_minimum(p, l2);
  BaselineOptions options;
  options.all([](auto& o) { o.stopping.eps_g = sizeof(T) == 4 ? 1e-5 : 1e-8; });
  options.scr.gradient_fraction = options.scr.hessian_fraction = 1;
  options.scr.sigma = 0.1;
  options.sgd.batch = 1000;  // all terms: gradient descent
  options.sgd.learning_rate = 4, options.sgd.momentum = 0.5;
  for (const Baseline method : baselines) {
    SCOPED_TRACE(test::name(method));
    const auto run = test::minimize<T, B>(method, this->ctx(), f, start_of(8), options);
    EXPECT_EQ(run.result.stop, Stop::optimal);
    EXPECT_LT(run.result.iterations, 150);
    expect_true_certificate(LogisticLoss{}, p, l2, run, options.scr.stopping);
    // Strong convexity: |x - x*| <= |grad F(x)| / l2, the gradient with its rounding.
    const real gradient =
        options.scr.stopping.eps_g + 10 * std::numeric_limits<T>::epsilon() * std::sqrt(200.0L);
    EXPECT_LE(norm2(difference(test::cast<real>(run.x), minimum)), gradient / l2);
  }
}

template <class Instance>
class Baselines : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(Baselines, test::DoubleInstances, test::InstanceName);

TYPED_TEST(Baselines, ScrStepsMinimiseTheCubicModelOfTheirSamples) {
  using B = typename TypeParam::Space;
  const index_t n = 300, d = 8;
  const Problem p = test::classes(3, n, d);
  const auto data = test::dataset<B, double>(this->ctx(), p);
  const NonlinearLeastSquares<B, double> f(this->ctx(), data);
  const auto x = start_of(d, 3);
  const Problem gradient_rows = subset(p, drawn(this->ctx(), n, 90, {9, 0}));
  const Problem hessian_rows = subset(p, drawn(this->ctx(), n, 60, {9, 1}));
  const Vector g = exact(SigmoidSquares{}, gradient_rows, 0, x).gradient;
  const Dense H = exact(SigmoidSquares{}, hessian_rows, 0, x).hessian;
  ASSERT_LT(test::eigen(H).values[0], -1e-3L);  // else the cubic term would matter little
  for (const double sigma : {0.01, 1.0}) {
    const real best = cubic_minimum(test::eigen(H), g, sigma);
    for (const Baseline method : {Baseline::scr_lanczos, Baseline::scr_descent}) {
      SCOPED_TRACE(test::name(method));
      BaselineOptions options;
      options.scr.gradient_fraction = 0.3, options.scr.hessian_fraction = 0.2;
      options.scr.sigma = sigma, options.scr.seed = 9;
      options.scr.inner_tolerance = 1e-6;
      options.scr.stopping.max_iterations = 1;
      const auto run = test::minimize<double, B>(method, this->ctx(), f, x, options);
      const Iteration& row = run.result.trace.at(0);
      EXPECT_EQ(row.inner_stop, InnerStop::converged);
      EXPECT_TRUE(near(row.gradient_norm, norm2(g), 1e-14L));
      const Vector s = difference(test::cast<real>(run.x), test::cast<real>(x));
      const real length = norm2(s);
      EXPECT_TRUE(near(row.step_norm, length, 1e-13L));
      const real value = quadratic_model(H, g, s) + sigma / 3 * length * length * length;
      // The solvers' linear term is g and a random part of norm sqrt(eps) |g|, and the model's
      // gradient is at most 1e-6 |g|: that changes its minimum by so much of |g| |s|.
      EXPECT_TRUE(near(value, best, 4e-6L * norm2(g) * length));
      EXPECT_GE(value, best - 1e-12L);
    }
  }
}

/// -H g for H from the given pairs (oldest first), by the update of the inverse as a dense matrix.
Vector bfgs_direction(const std::deque<std::pair<Vector, Vector>>& pairs, const Vector& g) {
  const std::size_t n = g.size();
  Dense H(static_cast<index_t>(n));
  for (std::size_t i = 0; i < n; ++i) {
    H(i, i) = pairs.empty() ? 1
                            : dot(pairs.back().first, pairs.back().second) /
                                  dot(pairs.back().second, pairs.back().second);
  }
  for (const auto& [s, y] : pairs) {
    const real sy = dot(s, y);
    const Vector Hy = H.times(y);
    const real factor = (1 + dot(y, Hy) / sy) / sy;
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t i = 0; i < n; ++i) {
        H(i, j) += factor * s[i] * s[j] - (Hy[i] * s[j] + s[i] * Hy[j]) / sy;
      }
    }
  }
  Vector out = H.times(g);
  for (real& v : out) v = -v;
  return out;
}

TYPED_TEST(Baselines, LbfgsStepsAreThoseOfTheDenseUpdateAndSatisfyWolfe) {
  using B = typename TypeParam::Space;
  const index_t d = 8;
  const Problem p = test::classes(3, 150, d);
  const auto data = test::dataset<B, double>(this->ctx(), p);
  const NonlinearLeastSquares<B, double> f(this->ctx(), data);
  BaselineOptions options;
  options.lbfgs.memory = 3;  // the ring turns twice
  options.lbfgs.stopping.eps_g = 0;
  std::deque<std::pair<Vector, Vector>> pairs;
  Vector x = test::cast<real>(start_of(d, 3));
  for (int k = 1; k <= 8; ++k) {
    SCOPED_TRACE(k);
    options.lbfgs.stopping.max_iterations = k;
    const auto run =
        test::minimize<double, B>(Baseline::lbfgs, this->ctx(), f, start_of(d, 3), options);
    const Iteration& row = run.result.trace.back();
    ASSERT_TRUE(row.accepted);
    const Vector to = test::cast<real>(run.x), s = difference(to, x);
    const auto before = exact(SigmoidSquares{}, p, 0, x), after = exact(SigmoidSquares{}, p, 0, to);
    EXPECT_TRUE(near(row.gradient_norm, before.gradient_norm, 1e-14L));
    EXPECT_TRUE(near(row.loss, after.value, 1e-14L));
    EXPECT_TRUE(near(row.step_norm, norm2(s), 1e-13L * (1 + norm2(s))));
    const Vector direction = bfgs_direction(pairs, before.gradient);
    // Rounding of y, relative to it some eps |g| / |y|, grows with the condition of the updates.
    for (std::size_t j = 0; j < s.size(); ++j) {
      EXPECT_TRUE(near(s[j], row.size * direction[j], 1e-9L * norm2(s)));
    }
    const real slope = dot(before.gradient, direction), now = dot(after.gradient, direction);
    EXPECT_LE(std::abs(now), 0.9L * std::abs(slope) * (1 + 1e-9L));
    EXPECT_LE(after.value, before.value + 1e-4L * row.size * slope + 1e-15L);
    pairs.emplace_back(s, difference(after.gradient, before.gradient));
    if (pairs.size() > 3) pairs.pop_front();
    x = to;
  }
}

TYPED_TEST(Baselines, SgdStepsAreThoseOfTheFormula) {
  using B = typename TypeParam::Space;
  const index_t n = 110, d = 5;
  const Problem p = test::classes(3, n, d);
  const auto data = test::dataset<B, double>(this->ctx(), p);
  const LogisticRegression<B, double> f(this->ctx(), data, {0.01});
  using Decay = SgdOptions::Decay;
  for (const Decay decay : {Decay::none, Decay::inverse_root, Decay::steps}) {
    BaselineOptions options;
    options.sgd.batch = 25;  // the last has 10
    options.sgd.learning_rate = 0.5, options.sgd.momentum = 0.75, options.sgd.seed = 4;
    options.sgd.decay = decay, options.sgd.decay_factor = 0.25, options.sgd.decay_epochs = 2;
    options.sgd.stopping.eps_g = 0, options.sgd.stopping.max_iterations = 3;
    const auto run = test::minimize<double, B>(Baseline::sgd, this->ctx(), f, start_of(d), options);
    Vector x = test::cast<real>(start_of(d)), v(x.size(), 0);
    const real thirds[] = {1, 1 / std::sqrt(2.0L), 1 / std::sqrt(3.0L)}, steps[] = {1, 1, 0.25L};
    for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
      const real factor = decay == Decay::none    ? 1
                          : decay == Decay::steps ? steps[epoch]
                                                  : thirds[epoch];
      const Iteration& row = run.result.trace.at(epoch);
      EXPECT_TRUE(near(row.size, 0.5L * factor, 1e-16L));
      EXPECT_TRUE(near(row.gradient_norm, exact(LogisticLoss{}, p, 0.01, x).gradient_norm, 1e-13L));
      const auto order = drawn(this->ctx(), n, n, {4, epoch});
      for (index_t begin = 0; begin < n; begin += 25) {
        const std::vector<index_t> rows(order.begin() + begin,
                                        order.begin() + std::min<index_t>(n, begin + 25));
        const Vector g = exact(LogisticLoss{}, subset(p, rows), 0.01, x).gradient;
        for (std::size_t j = 0; j < x.size(); ++j) {
          v[j] = 0.75L * v[j] + g[j];
          x[j] -= 0.5L * factor * v[j];
        }
      }
      EXPECT_TRUE(near(row.loss, exact(LogisticLoss{}, p, 0.01, x).value, 1e-13L));
    }
    for (std::size_t j = 0; j < x.size(); ++j) EXPECT_TRUE(near(run.x[j], x[j], 1e-13L));
    expect_true_certificate(LogisticLoss{}, p, 0.01, run, options.sgd.stopping);
  }
}

/// The counts of the header, by hand from the trace.
void expect_counts(Baseline method, const OptimizationResult& result, index_t n) {
  Work before;
  bool first = true;
  for (const Iteration& row : result.trace) {
    SCOPED_TRACE(row.iteration);
    const Work& work = row.work;
    const auto products = work.hessian_products - before.hessian_products;
    const auto props = work.props - before.props, values = work.values - before.values,
               gradients = work.gradients - before.gradients,
               waits = work.host_waits - before.host_waits;
    const double passes = work.data_passes - before.data_passes;
    if (method == Baseline::lbfgs) {
      const int extra = first ? 1 : 0;  // the start
      EXPECT_EQ(props, 3 * n * row.inner_iterations + extra * 2 * n);
      EXPECT_EQ(values, row.inner_iterations + extra);
      EXPECT_EQ(gradients, row.inner_iterations + extra);
      EXPECT_EQ(waits, row.inner_iterations + extra);
      EXPECT_EQ(passes, row.inner_iterations + extra);
      EXPECT_EQ(row.gradient_sample, n);
    } else if (method == Baseline::sgd) {
      EXPECT_EQ(props, 2 * n);
      EXPECT_EQ(gradients, 5);
      EXPECT_EQ(row.inner_iterations, 5);
      EXPECT_EQ(passes, first ? 3 : 2);
      EXPECT_EQ(waits, first ? 2 : 1);
      EXPECT_EQ(values, 0);
      EXPECT_EQ(row.gradient_sample, 64);
    } else {
      EXPECT_EQ(row.gradient_sample, 30);
      EXPECT_EQ(row.hessian_sample, 15);
      EXPECT_EQ(products, row.inner_iterations);
      EXPECT_GE(products, 1);
      EXPECT_EQ(props, 2 * 30 + 2 * 15 * products);
      EXPECT_EQ(gradients, 1);
      EXPECT_EQ(waits, first ? 2 : 1);
      EXPECT_EQ(values, 0);
      EXPECT_EQ(work.hessian_matrices - before.hessian_matrices, row.hessian_formed ? 1 : 0);
      const auto reads = 1 + (row.hessian_formed ? 1 : products);
      EXPECT_NEAR(passes, (first ? 2 : 1) + static_cast<double>(30 + 15 * reads) / 301.0, 1e-12);
    }
    EXPECT_TRUE(row.accepted || method == Baseline::lbfgs);
    first = false, before = row.work;
  }
  EXPECT_EQ(result.work.props, before.props);
  EXPECT_EQ(result.certificate_work.props, 2 * n * result.certificate.lanczos_steps);
  EXPECT_EQ(result.certificate_work.hessian_products, result.certificate.lanczos_steps);
  EXPECT_EQ(result.certificate_work.host_waits, 1);
}

TYPED_TEST(Baselines, CountsAreThoseOfTheHeader) {
  using B = typename TypeParam::Space;
  const index_t n = 301;
  const Problem p = test::classes(3, n, 6);
  const auto data = test::dataset<B, double>(this->ctx(), p);
  const NonlinearLeastSquares<B, double> f(this->ctx(), data);
  BaselineOptions options;
  options.all([](auto& o) { o.stopping.eps_g = 0, o.stopping.max_iterations = 6; });
  options.scr.hessian_fraction = 0.05;
  options.sgd.batch = 64;
  for (const Baseline method : baselines) {
    SCOPED_TRACE(test::name(method));
    const auto run = test::minimize<double, B>(method, this->ctx(), f, start_of(6, 3), options);
    EXPECT_EQ(run.result.stop, Stop::max_iterations);
    EXPECT_EQ(run.result.iterations, 6);
    ASSERT_EQ(run.result.trace.size(), 6U);
    expect_counts(method, run.result, n);
    EXPECT_EQ(run.counters.host_waits,
              run.result.work.host_waits + run.result.certificate_work.host_waits + 1);
    EXPECT_EQ(run.counters.flag_polls,
              run.result.work.flag_polls + run.result.certificate_work.flag_polls);
    expect_true_certificate(SigmoidSquares{}, p, 0, run, options.scr.stopping);
    EXPECT_LT(run.result.loss, run.result.initial_loss);
    EXPECT_EQ(run.result.loss, run.result.trace.back().loss);
  }
}

TYPED_TEST(Baselines, EpochsWithoutALookChangeNothingElse) {
  using B = typename TypeParam::Space;
  const Problem p = test::classes(3, 120, 6);
  const auto data = test::dataset<B, double>(this->ctx(), p);
  const NonlinearLeastSquares<B, double> f(this->ctx(), data);
  BaselineOptions options;
  options.sgd.batch = 40, options.sgd.stopping.max_iterations = 8;
  const auto every = test::minimize<double, B>(Baseline::sgd, this->ctx(), f, start_of(6), options);
  options.sgd.monitor = 3;
  const auto third = test::minimize<double, B>(Baseline::sgd, this->ctx(), f, start_of(6), options);
  EXPECT_EQ(every.x, third.x);
  for (std::size_t i = 0; i < 8; ++i) {
    const Iteration &a = every.result.trace.at(i), &b = third.result.trace.at(i);
    const bool looked = (i + 1) % 3 == 0 || i == 7, looked_before = i % 3 == 0;
    EXPECT_TRUE(looked ? a.loss == b.loss : std::isnan(b.loss)) << i;
    EXPECT_TRUE(looked_before ? a.gradient_norm == b.gradient_norm : std::isnan(b.gradient_norm));
  }
  EXPECT_EQ(third.result.work.data_passes, 1 + 8 + 3);
  EXPECT_EQ(every.result.loss, third.result.loss);
  // Interrupted where the loss is not known: it is found all the same.
  options.sgd.progress = [](const Iteration& row) { return row.iteration < 2; };
  const auto two = test::minimize<double, B>(Baseline::sgd, this->ctx(), f, start_of(6), options);
  EXPECT_EQ(two.result.stop, Stop::interrupted);
  EXPECT_EQ(two.result.loss, every.result.trace.at(1).loss);
  expect_true_certificate(SigmoidSquares{}, p, 0, two, options.sgd.stopping);
}

void expect_same_run(const test::Run<double>& a, const test::Run<double>& b) {
  EXPECT_EQ(a.x, b.x);
  ASSERT_EQ(a.result.trace.size(), b.result.trace.size());
  for (std::size_t i = 0; i < a.result.trace.size(); ++i) {
    const Iteration &p = a.result.trace[i], &q = b.result.trace[i];
    EXPECT_EQ(p.loss, q.loss) << i;
    EXPECT_EQ(p.gradient_norm, q.gradient_norm) << i;
    EXPECT_EQ(p.step_norm, q.step_norm) << i;
    EXPECT_EQ(p.inner_iterations, q.inner_iterations) << i;
    EXPECT_EQ(p.work.props, q.work.props) << i;
  }
  EXPECT_EQ(a.result.certificate.lambda_min, b.result.certificate.lambda_min);
  EXPECT_EQ(a.result.certificate.gradient_norm, b.result.certificate.gradient_norm);
}

BaselineOptions short_runs() {
  BaselineOptions options;
  options.all([](auto& o) {
    o.stopping.eps_g = 0, o.stopping.max_iterations = 6, o.stopping.lanczos_steps = 9;
  });
  options.scr.hessian_fraction = 0.1, options.scr.inner_tolerance = 1e-3;
  options.lbfgs.memory = 4;
  return options;
}

TYPED_TEST(Baselines, LateReadsOfTheStopFlagChangeNoBit) {
  using B = typename TypeParam::Space;
  auto& ctx = this->ctx();
  const Problem p = test::classes(3, 200, 12);
  const auto data = test::dataset<B, double>(ctx, p);
  const NonlinearLeastSquares<B, double> f(ctx, data);
  for (const Baseline method : baselines) {
    SCOPED_TRACE(test::name(method));
    ctx.poll_lag = 0;
    const auto want = test::minimize<double, B>(method, ctx, f, start_of(12, 3), short_runs());
    ctx.poll_lag = 4;
    const auto late = test::minimize<double, B>(method, ctx, f, start_of(12, 3), short_runs());
    expect_same_run(want, late);
    EXPECT_EQ(want.counters.host_waits, late.counters.host_waits);
    EXPECT_EQ(want.result.trace.at(0).inner_stop, late.result.trace.at(0).inner_stop);
  }
}

TEST(BaselineThreads, SameBitsForAnyNumberOfThreads) {
  const Problem p = test::classes(3, 9000, 12);
  for (const Baseline method : baselines) {
    SCOPED_TRACE(test::name(method));
    std::vector<test::Run<double>> runs;
    for (const int threads : {1, 7}) {
      Context<Cpu> ctx(threads);
      const auto data = test::dataset<Cpu, double>(ctx, p);
      const NonlinearLeastSquares<Cpu, double> f(ctx, data);
      runs.push_back(test::minimize<double, Cpu>(method, ctx, f, start_of(12), short_runs()));
    }
    expect_same_run(runs[0], runs[1]);
  }
}

TEST(BaselineSeeds, AnotherSeedIsAnotherRunAndTheSameSeedTheSame) {
  Context<Cpu> ctx(1);
  const Problem p = test::classes(3, 500, 6);
  const auto data = test::dataset<Cpu, double>(ctx, p);
  const NonlinearLeastSquares<Cpu, double> f(ctx, data);
  for (const Baseline method : baselines) {
    BaselineOptions options = short_runs();
    const auto first = test::minimize<double, Cpu>(method, ctx, f, start_of(6), options);
    expect_same_run(first, test::minimize<double, Cpu>(method, ctx, f, start_of(6), options));
    options.all([](auto& o) { o.seed = 2; });
    const auto other = test::minimize<double, Cpu>(method, ctx, f, start_of(6), options);
    EXPECT_EQ(first.x == other.x, method == Baseline::lbfgs) << test::name(method);
  }
}

#if defined(RANDNLA_TEST_CUDA)

TEST(CudaBaselines, RunsAgreeWithTheCpu) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "no CUDA device answers";
  Context<Cpu> cpu(1);
  Context<Cuda> cuda;
  const Problem p = test::classes(3, 300, 9);
  const auto data = test::dataset<Cpu, double>(cpu, p);
  const auto copy = test::dataset<Cuda, double>(cuda, p);
  const NonlinearLeastSquares<Cpu, double> f(cpu, data);
  const NonlinearLeastSquares<Cuda, double> g(cuda, copy);
  for (const Baseline method : baselines) {
    SCOPED_TRACE(test::name(method));
    const auto here = test::minimize<double, Cpu>(method, cpu, f, start_of(9), short_runs());
    const auto there = test::minimize<double, Cuda>(method, cuda, g, start_of(9), short_runs());
    ASSERT_EQ(here.result.trace.size(), there.result.trace.size());
    for (std::size_t i = 0; i < here.result.trace.size(); ++i) {
      const Iteration &a = here.result.trace[i], &b = there.result.trace[i];
      EXPECT_EQ(a.inner_iterations, b.inner_iterations);
      EXPECT_EQ(a.work.props, b.work.props);
      EXPECT_EQ(a.work.host_waits, b.work.host_waits);
      EXPECT_NEAR(a.loss, b.loss, 1e-10 * a.loss);  // another sample would show in the third digit
    }
  }
}

#endif

}  // namespace
}  // namespace randnla
