// User-written objectives, every way to stop, and the options' ranges. On the CPU.
#include "optimize/runs.hpp"
#include "optimize/user_sums.hpp"
#include "support/near.hpp"

#include <randnla/optimize/second_order.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

namespace randnla {
namespace {

using test::Method;
using test::methods;
using test::UserSum;

template <class F>
test::Run<double> run(Method method, const F& f, const std::vector<double>& start,
                      const SecondOrderOptions& options = {}) {
  Context<Cpu> ctx(1);
  return test::minimize<double, Cpu>(method, ctx, f, start, options);
}

/// All Hessian choices that a user's objective meets.
std::vector<SecondOrderOptions> forms() {
  SecondOrderOptions passes, matrix, bernoulli, gradients;
  passes.hessian.form = HessianOptions::Form::passes;
  matrix.hessian.form = HessianOptions::Form::matrix;
  bernoulli.hessian = {Sampling::row_norm_bernoulli, 1, HessianOptions::Form::automatic};
  gradients.gradient.rule = GradientOptions::Rule::uniform;
  gradients.gradient.fraction = 1;
  return {passes, matrix, bernoulli, gradients};
}

TEST(UserObjectives, ASaddleAtTheStartIsLeft) {
  const UserSum<test::SaddleTerm> f;
  for (const Method method : methods) {
    for (const SecondOrderOptions& options : forms()) {
      SCOPED_TRACE(test::name(method));
      const auto got = run(method, f, {0, 0, 0}, options);
      EXPECT_EQ(got.result.initial_loss, 0);
      EXPECT_EQ(got.result.stop, Stop::optimal);
      EXPECT_NEAR(std::abs(got.x[1]), 1, 1e-5);
      EXPECT_NEAR(got.result.loss, -0.25, 1e-10);
      // Hessian diag(1, 2, 2) at the minimum.
      EXPECT_NEAR(got.result.certificate.lambda_min, 1, 1e-4);
      EXPECT_LE(got.result.certificate.lambda_min_bound, 1 + 1e-12);
      bool along_eigenvector = false;
      for (const Iteration& row : got.result.trace) {
        along_eigenvector = along_eigenvector || row.step == StepKind::eigenvector;
        if (row.step == StepKind::eigenvector) {
          EXPECT_EQ(row.hessian_sample, 4);
          EXPECT_EQ(row.inner_iterations, 0);
          EXPECT_EQ(row.inner_stop, InnerStop::negative_curvature);
        }
      }
      // With a sampled gradient the model's own negative curvature may come first.
      EXPECT_TRUE(along_eigenvector || options.gradient.rule != GradientOptions::Rule::full);
    }
  }
}

TEST(UserObjectives, TheFirstStepFromASaddleIsTheOnePromised) {
  // Along a unit vector v with v'Hv = lambda < 0: by Delta, or by -lambda / sigma in the cubic model.
  const UserSum<test::SaddleTerm> f;
  for (const Method method : methods) {
    SecondOrderOptions options;
    options.initial_radius = 0.5, options.initial_sigma = 2, options.stopping.max_iterations = 1;
    const auto got = run(method, f, {0, 0, 0}, options);
    ASSERT_EQ(got.result.trace.size(), 1U);
    const Iteration& row = got.result.trace[0];
    const double length = std::hypot(got.x[0], got.x[1], got.x[2]);
    const double sHs = got.x[0] * got.x[0] - got.x[1] * got.x[1] + 2 * got.x[2] * got.x[2];
    const double lambda = sHs / (length * length);
    EXPECT_LT(lambda, -1e-3);
    const double sigma = method == Method::cubic ? 2 : 0;
    EXPECT_NEAR(length, sigma > 0 ? -lambda / sigma : 0.5, 1e-14);
    const double promised = -sHs / 2 - sigma / 3 * std::pow(length, 3);
    EXPECT_NEAR(row.step_norm, length, 1e-14);
    EXPECT_NEAR(row.rho, -row.loss / promised, 1e-10);
    EXPECT_EQ(row.work.props, 2 * 4 * got.result.work.hessian_products + 4);
    EXPECT_EQ(row.work.host_waits, 3);  // start, eigenvalue, iteration
    EXPECT_EQ(row.work.gradients, 0);
  }
}

TEST(UserObjectives, TheStepFromNearASaddleIsDownhill) {
  // The gradient, -x1 to first order, counts as small; its side is the one to take.
  const UserSum<test::SaddleTerm> f;
  for (const Method method : methods) {
    for (const double side : {-1.0, 1.0}) {
      for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        SecondOrderOptions options;
        options.seed = seed, options.stopping.eps_g = 0.1, options.stopping.max_iterations = 1;
        options.initial_radius = 0.5, options.initial_sigma = 2;
        const auto got = run(method, f, {0, side * 0.01, 0}, options);
        ASSERT_EQ(got.result.trace.size(), 1U);
        EXPECT_EQ(got.result.trace[0].step, StepKind::eigenvector);
        EXPECT_GT(side * got.x[1], 0.01);
      }
    }
  }
}

TEST(UserObjectives, RosenbrockAndAQuadratic) {
  for (const Method method : methods) {
    for (const SecondOrderOptions& options : forms()) {
      SCOPED_TRACE(test::name(method));
      const auto valley = run(method, UserSum<test::RosenbrockTerm>{}, {-1.2, 1}, options);
      EXPECT_EQ(valley.result.stop, Stop::optimal);
      EXPECT_NEAR(valley.x[0], 1, 1e-4);
      EXPECT_NEAR(valley.x[1], 1, 2e-4);
      EXPECT_LT(valley.result.iterations, 80);
      const auto bowl = run(method, UserSum<test::QuadraticTerm>{}, {3, -2, 1}, options);
      EXPECT_EQ(bowl.result.stop, Stop::optimal);
      for (const double v : bowl.x) EXPECT_NEAR(v, 0, 1e-5);
      EXPECT_NEAR(bowl.result.certificate.lambda_min, 1, 1e-10);
    }
  }
  // Within a large region a quadratic takes one step, from zero as from a random point.
  for (const bool random : {false, true}) {
    SecondOrderOptions options;
    options.random_start = random;
    const auto got = run(Method::trust_region, UserSum<test::QuadraticTerm>{}, {3, -2, 1}, options);
    EXPECT_EQ(got.result.iterations, 1);
    EXPECT_NEAR(got.result.trace[0].rho, 1, 1e-12);
    EXPECT_EQ(got.result.trace[0].inner_iterations, 3);
    EXPECT_EQ(got.result.work.hessian_products, random ? 4 : 3);
  }
}

SecondOrderOptions with(const std::function<void(SecondOrderOptions&)>& change) {
  SecondOrderOptions options;
  change(options);
  return options;
}

TEST(Stopping, EveryReason) {
  const UserSum<test::RosenbrockTerm> f;
  const std::vector<double> start{-1.2, 1};
  for (const Method method : methods) {
    SCOPED_TRACE(test::name(method));
    const auto optimal = run(method, f, start);
    EXPECT_EQ(optimal.result.stop, Stop::optimal);
    EXPECT_TRUE(optimal.result.certificate.eps_g_met && optimal.result.certificate.eps_h_met);

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

    const auto props = run(method, f, start, with([](auto& o) { o.stopping.max_props = 40; }));
    EXPECT_EQ(props.result.stop, Stop::max_props);
    EXPECT_GE(props.result.work.props, 40);
    EXPECT_LT(props.result.trace.at(props.result.trace.size() - 2).work.props, 40);

    for (const int limit : {0, 3}) {
      const auto limited =
          run(method, f, start, with([&](auto& o) { o.stopping.max_iterations = limit; }));
      EXPECT_EQ(limited.result.stop, Stop::max_iterations);
      EXPECT_EQ(limited.result.iterations, limit);
      EXPECT_EQ(limited.result.trace.size(), static_cast<std::size_t>(limit));
      EXPECT_GT(limited.result.certificate.gradient_norm, 0.1);
      if (limit == 0) {
        EXPECT_EQ(limited.x, start);
        EXPECT_EQ(limited.result.loss, limited.result.initial_loss);
      }
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

    const auto stalled = run(method, UserSum<test::LyingTerm>{}, {1});
    EXPECT_EQ(stalled.result.stop, Stop::stalled);
    EXPECT_EQ(stalled.result.accepted, 0);
    EXPECT_EQ(stalled.x[0], 1);
    EXPECT_LE(stalled.result.trace.back().step_norm, 0x1p-52);
    EXPECT_GT(stalled.result.trace.at(stalled.result.trace.size() - 2).step_norm, 0x1p-52);
  }
}

TEST(Stopping, NotFinite) {
  const double nan = std::nan("");
  for (const Method method : methods) {
    SCOPED_TRACE(test::name(method));
    const auto value = run(method, UserSum<test::BrokenTerm>{{nan, 1, 1}}, {1});
    EXPECT_EQ(value.result.stop, Stop::not_finite);
    EXPECT_EQ(value.result.iterations, 0);
    EXPECT_FALSE(value.result.certificate.eps_g_met);
    EXPECT_FALSE(value.result.certificate.eps_h_met);
    for (const auto& broken :
         {test::BrokenTerm{1, nan, 1}, test::BrokenTerm{1, 1, nan},
          test::BrokenTerm{1, HUGE_VAL, 1}, test::BrokenTerm{1, 1, HUGE_VAL}}) {
      const auto got = run(method, UserSum<test::BrokenTerm>{broken}, {1});
      EXPECT_EQ(got.result.stop, Stop::not_finite);
      EXPECT_EQ(got.x[0], 1);
      EXPECT_EQ(got.result.loss, 1);
    }
    // A value that is not finite at a trial point is a step that failed, no more: from x = 4 the
    // Newton step is -4, and the cliff is at 1.
    for (const double abyss : {nan, HUGE_VAL, -HUGE_VAL}) {
      const auto got =
          run(method, UserSum<test::BrokenTerm>{{1, 1, 1, 1, abyss}}, {4}, with([](auto& o) {
                o.initial_sigma = 1e-6;
                o.stopping.target_loss = 1.5;
                o.stopping.max_iterations = 60;
              }));
      EXPECT_EQ(got.result.stop, Stop::target_loss);
      EXPECT_FALSE(got.result.trace.at(0).accepted);
      EXPECT_GE(got.x[0], 1);
    }
  }
}

TEST(Stopping, TheBestKnownPointIsReturned) {
  // Rejected steps leave x and the loss alone, and the certificate is about x.
  const UserSum<test::RosenbrockTerm> f;
  for (const Method method : methods) {
    for (int limit = 1; limit <= 12; ++limit) {
      const auto got =
          run(method, f, {-1.2, 1}, with([&](auto& o) { o.stopping.max_iterations = limit; }));
      const double r = got.x[1] - got.x[0] * got.x[0], s = 1 - got.x[0];
      EXPECT_NEAR(got.result.loss, (100 * r * r + s * s) / 2, 1e-13 * (1 + got.result.loss));
      const double g0 = (-400 * r * got.x[0] - 2 * s) / 2, g1 = 100 * r;
      EXPECT_NEAR(got.result.certificate.gradient_norm, std::hypot(g0, g1),
                  1e-12 * (1 + std::hypot(g0, g1)));
    }
  }
}

TEST(OptionsOfOptimizers, OutOfRangeThrows) {
  using Options = SecondOrderOptions;
  const double nan = std::nan("");
  const UserSum<test::RosenbrockTerm> f;
  std::vector<std::pair<std::string, std::function<void(Options&, double)>>> fractions{
      {"gradient", [](Options& o, double v) { o.gradient.fraction = v; }},
      {"max", [](Options& o, double v) { o.gradient.max_fraction = v; }},
      {"hessian", [](Options& o, double v) { o.hessian.fraction = v; }}};
  std::vector<Options> bad;
  for (const auto& [name, set] : fractions) {
    for (const double v : {0.0, -0.1, 1.1, 2.0, nan}) {
      bad.push_back(with([&, &change = set](auto& o) { change(o, v); }));
    }
  }
  const std::function<void(Options&)> others[] = {
      [](Options& o) { o.gradient.min_fraction = 0; },
      [](Options& o) { o.gradient.min_fraction = 0.6; },  // above max_fraction
      [](Options& o) { o.gradient.factor = 1; },
      [](Options& o) { o.stopping.eps_g = -1; },
      [&](Options& o) { o.stopping.eps_g = nan; },
      [](Options& o) { o.stopping.eps_h = -1; },
      [](Options& o) { o.stopping.failure_probability = 0; },
      [](Options& o) { o.stopping.failure_probability = 1; },
      [](Options& o) { o.stopping.lanczos_steps = 0; },
      [](Options& o) { o.stopping.max_iterations = -1; },
      [](Options& o) { o.stopping.max_props = -1; },
      [](Options& o) { o.initial_radius = 0; },
      [&](Options& o) { o.initial_radius = nan; },
      [](Options& o) { o.max_radius = 0; },
      [](Options& o) { o.initial_sigma = -2; },
      [](Options& o) { o.min_sigma = 0; },
      [](Options& o) { o.eta1 = 1; },
      [](Options& o) { o.eta2 = 0; },
      [](Options& o) { o.eta2 = 0.9; },
      [](Options& o) { o.gamma1 = 1, o.gamma2 = 1; },
      [](Options& o) { o.gamma2 = 0.5; },
      [](Options& o) { o.gamma2 = 3; },
      [](Options& o) { o.max_failures = -1; },
      [](Options& o) { o.inner_iterations = 0; },
      [](Options& o) { o.inner_tolerance = -1e-9; }};
  for (const auto& change : others) bad.push_back(with(change));
  for (const Method method : methods) {
    for (std::size_t i = 0; i < bad.size(); ++i) {
      EXPECT_THROW(run(method, f, {0, 0}, bad[i]), InvalidArgument) << i;
    }
    EXPECT_THROW(run(method, f, {0, 0, 0}), InvalidArgument);
    EXPECT_NO_THROW(run(method, f, {0, 0}, with([](auto& o) {
                          o.gradient.fraction = o.hessian.fraction = 1;
                          o.stopping.eps_g = o.stopping.eps_h = 0;
                          o.inner_tolerance = 0;
                          o.stopping.max_iterations = 3;
                        })));
  }
}

TEST(OptionsOfOptimizers, RadiusAndSigmaStayWithinTheirLimits) {
  const UserSum<test::RosenbrockTerm> f;
  const auto small = run(Method::trust_region, f, {-1.2, 1},
                         with([](auto& o) { o.max_radius = 0.25, o.initial_radius = 0.125; }));
  double largest = 0;
  for (const Iteration& row : small.result.trace) largest = std::max(largest, row.size);
  EXPECT_EQ(largest, 0.25);
  const auto stiff = run(Method::cubic, f, {-1.2, 1},
                         with([](auto& o) { o.min_sigma = 0.5, o.initial_sigma = 1; }));
  double least = HUGE_VAL;
  for (const Iteration& row : stiff.result.trace) least = std::min(least, row.size);
  EXPECT_EQ(least, 0.5);
}

TEST(Reports, NamesAndSummary) {
  EXPECT_STREQ(name(Stop::optimal), "optimal");
  EXPECT_STREQ(name(Stop::uncertified), "uncertified");
  EXPECT_STREQ(name(Stop::saddle), "saddle");
  EXPECT_STREQ(name(Stop::target_loss), "target_loss");
  EXPECT_STREQ(name(Stop::max_props), "max_props");
  EXPECT_STREQ(name(Stop::max_iterations), "max_iterations");
  EXPECT_STREQ(name(Stop::stalled), "stalled");
  EXPECT_STREQ(name(Stop::interrupted), "interrupted");
  EXPECT_STREQ(name(Stop::not_finite), "not_finite");
  EXPECT_STREQ(name(InnerStop::running), "running");
  EXPECT_STREQ(name(InnerStop::converged), "converged");
  EXPECT_STREQ(name(InnerStop::boundary), "boundary");
  EXPECT_STREQ(name(InnerStop::negative_curvature), "negative_curvature");
  EXPECT_STREQ(name(InnerStop::iteration_limit), "iteration_limit");
  EXPECT_STREQ(name(InnerStop::not_finite), "not_finite");

  OptimizationResult result;
  result.stop = Stop::target_loss, result.iterations = 12, result.accepted = 9;
  result.loss = 0.125, result.work.gradients = 7, result.certificate.eps_g_met = true;
  const std::string text = summary(result);
  for (const char* part : {"target_loss after 12 iterations (9 accepted)", "0.125", "eps_g met",
                           "eps_H NOT met", "7 gradients"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
  EXPECT_EQ(text.back(), '\n');
  EXPECT_EQ(text.find("launches"), std::string::npos) << "of a device only";
  result.work.launches = 30;
  EXPECT_NE(summary(result).find("30 launches (2.5 an iteration)"), std::string::npos);
  // Numbers of any size fit.
  result.loss = result.initial_loss = -std::numeric_limits<double>::max();
  result.iterations = result.accepted = std::numeric_limits<std::int64_t>::max();
  result.work.data_passes = std::numeric_limits<double>::max();
  result.work.gradients = result.work.hessian_products = std::numeric_limits<std::int64_t>::max();
  result.work.launches = result.work.host_waits = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(summary(result).find('\0'), std::string::npos);
}

}  // namespace
}  // namespace randnla
