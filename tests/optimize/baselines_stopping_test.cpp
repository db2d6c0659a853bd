// User-written objectives, every way to stop, and the ranges of the baselines' options. On the CPU.
#include "optimize/baseline_runs.hpp"
#include "optimize/user_sums.hpp"
#include "support/near.hpp"

#include <randnla/optimize/baselines.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

namespace randnla {
namespace {

using test::Baseline;
using test::BaselineOptions;
using test::baselines;
using test::UserSum;

template <class F>
test::Run<double> run(Baseline method, const F& f, const std::vector<double>& start,
                      const BaselineOptions& options) {
  Context<Cpu> ctx(1);
  return test::minimize<double, Cpu>(method, ctx, f, start, options);
}

/// Samples of all terms, so that all methods converge.
BaselineOptions exact_samples() {
  BaselineOptions options;
  options.scr.gradient_fraction = options.scr.hessian_fraction = 1;
  options.sgd.batch = 100, options.sgd.learning_rate = 1e-3;
  options.all([](auto& o) { o.stopping.max_iterations = 100'000; });
  return options;
}

template <class F>
BaselineOptions with(F change) {
  BaselineOptions options = exact_samples();
  options.all(change);
  return options;
}

TEST(BaselineObjectives, RosenbrockAndAQuadratic) {
  for (const Baseline method : baselines) {
    SCOPED_TRACE(test::name(method));
    BaselineOptions options = exact_samples();
    const auto valley = run(method, UserSum<test::RosenbrockTerm>{}, {-1.2, 1}, options);
    EXPECT_EQ(valley.result.stop, Stop::optimal);
    // The Hessian at the minimum has an eigenvalue of 0.2 (half of Rosenbrock's 0.4).
    EXPECT_NEAR(valley.x[0], 1, 1e-5 / 0.19);
    EXPECT_NEAR(valley.x[1], 1, 1e-5 / 0.19);
    EXPECT_NEAR(valley.result.certificate.lambda_min, 0.2, 1e-3);
    options.sgd.learning_rate = 0.05;
    options.all([](auto& o) { o.stopping.eps_g = 1e-8; });
    const auto bowl = run(method, UserSum<test::QuadraticTerm>{}, {3, -2, 1}, options);
    EXPECT_EQ(bowl.result.stop, Stop::optimal);
    for (const double v : bowl.x) EXPECT_NEAR(v, 0, 1e-8);
    EXPECT_NEAR(bowl.result.certificate.lambda_min, 1, 1e-10);
  }
}

TEST(BaselineObjectives, LbfgsIsAsFastAsItShouldBe) {
  const auto options = with([](auto& o) { o.stopping.eps_g = 1e-10; });
  const auto valley = run(Baseline::lbfgs, UserSum<test::RosenbrockTerm>{}, {-1.2, 1}, options);
  EXPECT_LT(valley.result.iterations, 60);
  EXPECT_EQ(valley.result.stop, Stop::optimal);
  const auto bowl = run(Baseline::lbfgs, UserSum<test::QuadraticTerm>{}, {3, -2, 1}, options);
  EXPECT_LT(bowl.result.iterations, 20);
}

/// The quadratic far above zero, its values up to 1e-9 (4 eps |F|) off as long sums are.
struct HighTerm : test::QuadraticTerm {
  double value(index_t i, const test::Point<3>& x) const {
    return 1e6 + 1e-9 * std::sin(1e16 * (x[0] + x[1] + x[2])) + QuadraticTerm::value(i, x);
  }
};

TEST(BaselineObjectives, LbfgsGoesByGradientsWhereValuesAreRounding) {
  const auto options = with([](auto& o) { o.stopping.eps_g = 1e-11; });
  for (const double side : {-1.0, 1.0}) {
    const auto got = run(Baseline::lbfgs, UserSum<HighTerm>{}, {3, -2 * side, side}, options);
    EXPECT_EQ(got.result.stop, Stop::optimal);
    for (const double v : got.x) EXPECT_NEAR(v, 0, 1e-11);
  }
}

/// Slopes that halve with every evaluation, whatever x is.
struct FadingTerm {
  static constexpr int dim = 1;
  static constexpr index_t terms = 1;
  double* slope;
  double value(index_t, const test::Point<1>&) const { return 1; }
  void gradient(index_t, const test::Point<1>&, double factor, test::Point<1>& g) const {
    g[0] += factor * (*slope /= 2);
  }
  void product(index_t, const test::Point<1>&, const test::Point<1>& v, double factor,
               test::Point<1>& out) const {
    out[0] += factor * v[0];
  }
};

TEST(BaselineObjectives, LbfgsLeavesOutPairsWithoutCurvature) {
  // Steps are lost in x = 1e20, so that s = 0 where y is not.
  double slope = 8;
  const auto got = run(Baseline::lbfgs, UserSum<FadingTerm>{{&slope}}, {1e20}, exact_samples());
  EXPECT_EQ(got.result.stop, Stop::optimal);
  EXPECT_EQ(got.x[0], 1e20);
  for (const Iteration& row : got.result.trace) {
    EXPECT_TRUE(row.accepted);
    EXPECT_EQ(row.size, 1 / row.gradient_norm);  // the step of a run without pairs
  }
}

TEST(BaselineObjectives, ASaddleIsSeenAndLeftWhereSamplesCan) {
  // The gradient is exactly zero at the start. Gradients know no way out; the cubic model does, in
  // the hard case, too, with a linear term orthogonal to the negative curvature.
  const UserSum<test::SaddleTerm> f;
  for (const std::vector<double>& start : {std::vector<double>{0, 0, 0}, {1, 0, 1}}) {
    for (const Baseline method : {Baseline::scr_lanczos, Baseline::scr_descent}) {
      SCOPED_TRACE(test::name(method));
      const auto got = run(method, f, start, exact_samples());
      EXPECT_EQ(got.result.stop, Stop::optimal);
      EXPECT_NEAR(std::abs(got.x[1]), 1, 1e-5);
      EXPECT_NEAR(got.result.loss, -0.25, 1e-10);
      EXPECT_NEAR(got.result.certificate.lambda_min, 1, 1e-4);
      EXPECT_LT(got.result.iterations, 60);
    }
  }
  const auto stuck = run(Baseline::lbfgs, f, {0, 0, 0}, exact_samples());
  EXPECT_EQ(stuck.result.stop, Stop::saddle);
  EXPECT_EQ(stuck.result.iterations, 0);
  EXPECT_NEAR(stuck.result.certificate.lambda_min, -1, 1e-6);
  EXPECT_TRUE(stuck.result.certificate.eps_g_met);
  EXPECT_FALSE(stuck.result.certificate.eps_h_met);
  EXPECT_EQ(stuck.result.work.props, 2 * 4);
  // Mini-batches of one tilted term.
  BaselineOptions options = exact_samples();
  options.sgd.batch = 1, options.sgd.learning_rate = 0.01, options.sgd.momentum = 0;
  options.all([](auto& o) { o.stopping.eps_g = 5e-3; });
  const auto shaken = run(Baseline::sgd, f, {0, 0, 0}, options);
  EXPECT_EQ(shaken.result.stop, Stop::optimal);
  EXPECT_NEAR(std::abs(shaken.x[1]), 1, 1e-2);
}

TEST(BaselineObjectives, LooksAtASaddleBecomeRareAndAreNotTheRuns) {
  // Without noise gradient descent stays; it looks at iterations 0, 2, 6, 14 and at the end, 15.
  auto options = with([](auto& o) { o.stopping.max_iterations = 15; });
  const auto got = run(Baseline::sgd, UserSum<test::SaddleTerm>{}, {0, 0, 0}, options);
  EXPECT_EQ(got.result.stop, Stop::max_iterations);
  EXPECT_EQ(got.result.certificate_work.host_waits, 5);
  EXPECT_EQ(got.result.work.host_waits, 16);
  EXPECT_EQ(got.result.work.props, 15 * 2 * 4);
}

TEST(BaselineStopping, EveryReason) {
  const UserSum<test::RosenbrockTerm> f;
  const std::vector<double> start{-1.2, 1};
  for (const Baseline method : baselines) {
    SCOPED_TRACE(test::name(method));
    const auto uncertified =
        run(method, f, start, with([](auto& o) { o.stopping.lanczos_steps = 1; }));
    EXPECT_EQ(uncertified.result.stop, Stop::uncertified);
    EXPECT_TRUE(uncertified.result.certificate.eps_g_met);
    EXPECT_FALSE(uncertified.result.certificate.eps_h_met);

    const auto target = run(method, f, start, with([](auto& o) { o.stopping.target_loss = 0.5; }));
    EXPECT_EQ(target.result.stop, Stop::target_loss);
    EXPECT_LE(target.result.loss, 0.5);
    EXPECT_GT(target.result.trace.at(target.result.trace.size() - 2).loss, 0.5);
    EXPECT_FALSE(target.result.certificate.eps_g_met);

    // Two or more iterations of at most 4 (1 + 500) propagations, or of some 10.
    const std::int64_t budget = method == Baseline::scr_descent ? 3000 : 100;
    const auto props = run(method, f, start, with([&](auto& o) { o.stopping.max_props = budget; }));
    EXPECT_EQ(props.result.stop, Stop::max_props);
    EXPECT_GE(props.result.work.props, budget);
    EXPECT_LT(props.result.trace.at(props.result.trace.size() - 2).work.props, budget);

    for (const int limit : {0, 3}) {
      const auto limited =
          run(method, f, start, with([&](auto& o) { o.stopping.max_iterations = limit; }));
      EXPECT_EQ(limited.result.stop, Stop::max_iterations);
      EXPECT_EQ(limited.result.iterations, limit);
      EXPECT_EQ(limited.result.trace.size(), static_cast<std::size_t>(limit));
      const double r = limited.x[1] - limited.x[0] * limited.x[0], s = 1 - limited.x[0];
      EXPECT_NEAR(limited.result.loss, (100 * r * r + s * s) / 2, 1e-13);
      EXPECT_NEAR(limited.result.certificate.gradient_norm,
                  std::hypot(200 * r * limited.x[0] + s, 100 * r), 1e-10);
    }

    int calls = 0;
    const auto interrupted = run(method, f, start, with([&](auto& o) {
                                   o.progress = [&](const Iteration& row) {
                                     EXPECT_EQ(row.iteration, ++calls);
                                     return calls < 4;
                                   };
                                 }));
    EXPECT_EQ(interrupted.result.stop, Stop::interrupted);
    EXPECT_EQ(interrupted.result.iterations, 4);
    EXPECT_GT(interrupted.result.certificate.gradient_norm, 0);
  }
}

TEST(BaselineStopping, AGradientThatLiesStallsLbfgs) {
  const auto got = run(Baseline::lbfgs, UserSum<test::LyingTerm>{}, {1}, exact_samples());
  EXPECT_EQ(got.result.stop, Stop::stalled);
  EXPECT_EQ(got.result.accepted, 0);
  EXPECT_EQ(got.x[0], 1);
  EXPECT_EQ(got.result.trace.size(), 1U);
  EXPECT_EQ(got.result.trace[0].inner_iterations, LbfgsOptions{}.search_evaluations);
}

TEST(BaselineStopping, NotFinite) {
  const double nan = std::nan("");
  for (const Baseline method : baselines) {
    SCOPED_TRACE(test::name(method));
    for (const auto& broken : {test::BrokenTerm{nan, 1, 1}, test::BrokenTerm{1, nan, 1},
                               test::BrokenTerm{1, HUGE_VAL, 1}}) {
      const auto got = run(method, UserSum<test::BrokenTerm>{broken}, {1}, exact_samples());
      EXPECT_EQ(got.result.stop, Stop::not_finite);
      EXPECT_EQ(got.result.iterations, 0);
      EXPECT_EQ(got.x[0], 1);
      EXPECT_FALSE(got.result.certificate.eps_g_met || got.result.certificate.eps_h_met);
    }
    for (const double factor : {nan, HUGE_VAL}) {
      if (!test::is_scr(method)) continue;  // the others do not ask for the Hessian on the way
      const auto got = run(method, UserSum<test::BrokenTerm>{{1, 1, factor}}, {1}, exact_samples());
      EXPECT_EQ(got.result.stop, Stop::not_finite);
      EXPECT_EQ(got.x[0], 1);
    }
  }
  // A line search walks round a value that is not finite.
  for (const double abyss : {nan, HUGE_VAL, -HUGE_VAL}) {
    const auto got = run(Baseline::lbfgs, UserSum<test::BrokenTerm>{{1, 1, 1, -0.5, abyss}}, {4},
                         exact_samples());
    EXPECT_EQ(got.result.stop, Stop::optimal);
    EXPECT_NEAR(got.x[0], 0, 1e-5);
  }
  // Rates beyond 2 / |H| diverge, here from 1 by a factor of 3 a step; also where nobody looks.
  for (const int monitor : {1, 1000}) {
    BaselineOptions options = exact_samples();
    options.sgd.learning_rate = 2, options.sgd.momentum = 0, options.sgd.monitor = monitor;
    const auto got = run(Baseline::sgd, UserSum<test::BrokenTerm>{}, {1}, options);
    EXPECT_EQ(got.result.stop, Stop::not_finite);
    EXPECT_LT(got.result.iterations, 1000);
  }
}

TEST(OptionsOfBaselines, OutOfRangeThrows) {
  const double nan = std::nan("");
  const UserSum<test::RosenbrockTerm> f;
  const auto expect_bad = [&](std::initializer_list<Baseline> methods,
                              const std::function<void(BaselineOptions&)>& change) {
    BaselineOptions options;
    change(options);
    for (const Baseline method : methods) {
      EXPECT_THROW(run(method, f, {0, 0}, options), InvalidArgument) << test::name(method);
    }
  };
  const std::initializer_list<Baseline> all{Baseline::scr_lanczos, Baseline::scr_descent,
                                            Baseline::lbfgs, Baseline::sgd};
  const std::initializer_list<Baseline> scr{Baseline::scr_lanczos, Baseline::scr_descent};
  const auto stopping = [&](const std::function<void(StoppingOptions&)>& change) {
    expect_bad(all, [&](auto& o) { o.all([&](auto& each) { change(each.stopping); }); });
  };
  stopping([](auto& s) { s.eps_g = -1; });
  stopping([&](auto& s) { s.eps_g = nan; });
  stopping([](auto& s) { s.eps_h = -1; });
  stopping([](auto& s) { s.failure_probability = 0; });
  stopping([](auto& s) { s.failure_probability = 1; });
  stopping([](auto& s) { s.lanczos_steps = 0; });
  stopping([](auto& s) { s.max_iterations = -1; });
  stopping([](auto& s) { s.max_props = -1; });
  for (const double v : {0.0, -0.1, 1.1, nan}) {
    expect_bad(scr, [&](auto& o) { o.scr.gradient_fraction = v; });
    expect_bad(scr, [&](auto& o) { o.scr.hessian_fraction = v; });
    expect_bad({Baseline::sgd}, [&](auto& o) { o.sgd.decay_factor = v; });
  }
  for (const double v : {0.0, -1.0, nan}) {
    expect_bad(scr, [&](auto& o) { o.scr.sigma = v; });
    expect_bad({Baseline::sgd}, [&](auto& o) { o.sgd.learning_rate = v; });
  }
  expect_bad(scr, [](auto& o) { o.scr.inner_iterations = 0; });
  expect_bad(scr, [](auto& o) { o.scr.inner_tolerance = -1e-9; });
  expect_bad({Baseline::lbfgs}, [](auto& o) { o.lbfgs.memory = 0; });
  expect_bad({Baseline::lbfgs}, [](auto& o) { o.lbfgs.search_evaluations = 0; });
  for (const double v : {-0.1, 1.0, nan}) {
    expect_bad({Baseline::sgd}, [&](auto& o) { o.sgd.momentum = v; });
  }
  expect_bad({Baseline::sgd}, [](auto& o) { o.sgd.batch = 0; });
  expect_bad({Baseline::sgd}, [](auto& o) { o.sgd.decay_epochs = 0; });
  expect_bad({Baseline::sgd}, [](auto& o) { o.sgd.monitor = 0; });
  for (const Baseline method : all) {
    EXPECT_THROW(run(method, f, {0, 0, 0}, {}), InvalidArgument);
    EXPECT_NO_THROW(run(method, f, {0, 0}, with([](auto& o) { o.stopping.max_iterations = 2; })));
  }
}

}  // namespace
}  // namespace randnla
