// Every loss, every method and every sampling rule on both backends: the same samples, steps and
// losses. What each of them does is tested elsewhere; this says that none is left out on a device.
#include "optimize/runs.hpp"
#include "support/backends.hpp"
#include "support/problems.hpp"

#include <randnla/objective/softmax.hpp>
#include <randnla/optimize/baselines.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace randnla {
namespace {

constexpr index_t rows = 150, cols = 4, classes = 3;
constexpr int iterations = 4;

/// A method by name, on either backend.
struct EveryMethod {
  const char* name;
  SecondOrderOptions options = {};
  int baseline = 0;  // 0: trust_region, 1: cubic_newton, 2, 3: scr, 4: lbfgs, 5: sgd

  template <Backend B>
  OptimizationResult run(Context<B>& ctx, FiniteSumRef<B, double> f,
                         VectorView<double, B> x) const {
    const auto shared = [&](auto o) {
      o.stopping = options.stopping;
      return o;
    };
    switch (baseline) {
      case 0:
        return trust_region<B, double>(ctx, f, x, options);
      case 1:
        return cubic_newton<B, double>(ctx, f, x, options);
      case 2:
      case 3: {
        ScrOptions o = shared(ScrOptions{});
        o.gradient_fraction = 0.5, o.hessian_fraction = 0.3;
        if (baseline == 3) o.solver = ScrOptions::Solver::gradient_descent;
        return scr<B, double>(ctx, f, x, o);
      }
      case 4:
        return lbfgs<B, double>(ctx, f, x, shared(LbfgsOptions{}));
      default: {
        SgdOptions o = shared(SgdOptions{});
        o.batch = 32;
        return sgd<B, double>(ctx, f, x, o);
      }
    }
  }
};

/// The default of most tests: a row-norm sample, and a first size that both backends round alike.
EveryMethod method(const char* name, int baseline, Sampling sampling = Sampling::row_norm) {
  EveryMethod m{name, {}, baseline};
  m.options.hessian.sampling = sampling;
  m.options.hessian.fraction = 0.3;
  m.options.initial_sigma = 1, m.options.initial_radius = 1;
  m.options.inner_tolerance = 1e-6;  // at 1e-15 rounding decides when an inner solve ends
  m.options.stopping.max_iterations = iterations;
  return m;
}

std::vector<EveryMethod> all_methods() {
  std::vector<EveryMethod> all = {method("trust region", 0), method("cubic", 1)};
  all.push_back(method("gltr", 0));
  all.back().options.ball = SecondOrderOptions::Ball::gltr;
  all.push_back(method("arcqk", 1));
  all.back().options.cubic = SecondOrderOptions::Cubic::shifted;
  all.push_back(method("gauss-newton", 0));
  all.back().options.hessian.curvature = Curvature::gauss_newton;
  all.push_back(method("error-driven", 0));
  all.back().options.gradient.rule = GradientOptions::Rule::error_driven;
  all.back().options.hessian.size = HessianOptions::Size::error_driven;
  all.push_back(method("scr by Lanczos", 2));
  all.push_back(method("scr by gradient descent", 3));
  all.push_back(method("l-bfgs", 4));
  all.push_back(method("sgd", 5));
  return all;
}

std::vector<EveryMethod> all_rules() {
  std::vector<EveryMethod> all;
  for (const auto& [name, rule] :
       {std::pair{"full", Sampling::full}, std::pair{"uniform", Sampling::uniform},
        std::pair{"with replacement", Sampling::uniform_with_replacement},
        std::pair{"row norms", Sampling::row_norm},
        std::pair{"row norms, Bernoulli", Sampling::row_norm_bernoulli},
        std::pair{"leverage", Sampling::leverage},
        std::pair{"leverage, Bernoulli", Sampling::leverage_bernoulli}}) {
    all.push_back(method(name, 0, rule));
    all.push_back(method(name, 1, rule));
    all.push_back(method(name, 1, rule));
    all.back().options.gradient.rule = GradientOptions::Rule::uniform;
    all.back().options.gradient.fraction = 0.4;
  }
  return all;
}

template <Backend B, class Objective>
OptimizationResult run(Context<B>& ctx, const Objective& f, const EveryMethod& m) {
  auto x = test::place<double>(ctx, test::normals(5, f.dim(), 0.5));
  return m.run<B>(ctx, f, x.view());
}

test::Problem problem_of(bool with_classes) {
  test::Problem p = test::classes(21, rows, cols);
  for (index_t i = 0; with_classes && i < rows; ++i) {
    p.targets[static_cast<std::size_t>(i)] = static_cast<double>(i % classes);
  }
  return p;
}

template <Backend B, class Loss>
OptimizationResult run_linear(Context<B>& ctx, const EveryMethod& m, bool sparse) {
  const auto data = test::dataset<B, double>(ctx, problem_of(false), sparse);
  return run<B>(ctx, LinearModel<Loss, B, double>(ctx, data, {.l2 = 0.01, .nonconvex = 0.02}), m);
}

template <Backend B>
OptimizationResult run_softmax(Context<B>& ctx, const EveryMethod& m, bool sparse) {
  const auto data = test::dataset<B, double>(ctx, problem_of(true), sparse);
  return run<B>(ctx, SoftmaxRegression<B, double>(ctx, data, classes, {.l2 = 0.01}), m);
}

template <Backend B>
std::vector<std::pair<const char*, OptimizationResult (*)(Context<B>&, const EveryMethod&, bool)>>
all_losses() {
  return {{"nls", run_linear<B, SigmoidSquares>},  {"logistic", run_linear<B, LogisticLoss>},
          {"squared", run_linear<B, SquaredLoss>}, {"cauchy", run_linear<B, CauchyLoss>},
          {"tukey", run_linear<B, TukeyLoss>},     {"softmax", run_softmax<B>}};
}

/// Whether a run did what its method is for: it went down, and said so in its trace.
void expect_progress(const OptimizationResult& result) {
  EXPECT_EQ(result.iterations, static_cast<std::int64_t>(result.trace.size()));
  EXPECT_GE(result.iterations, 1);
  EXPECT_LT(result.loss, result.initial_loss);
}

TEST(EveryMethod, GoesDownOnEveryLoss) {
  Context<Cpu> ctx(1);
  for (const auto& [loss, runner] : all_losses<Cpu>()) {
    for (const EveryMethod& m : all_methods()) {
      SCOPED_TRACE(std::string(loss) + ", " + m.name);
      expect_progress(runner(ctx, m, false));
    }
  }
  for (const EveryMethod& m : all_rules()) {
    SCOPED_TRACE(m.name);
    expect_progress(run_linear<Cpu, SigmoidSquares>(ctx, m, true));
  }
}

#if defined(RANDNLA_TEST_CUDA)

void expect_agreement(const OptimizationResult& here, const OptimizationResult& there) {
  ASSERT_EQ(here.trace.size(), there.trace.size());
  for (std::size_t i = 0; i < here.trace.size(); ++i) {
    const Iteration &a = here.trace[i], &b = there.trace[i];
    EXPECT_EQ(a.gradient_sample, b.gradient_sample) << i;
    EXPECT_EQ(a.hessian_sample, b.hessian_sample) << i;
    EXPECT_EQ(a.accepted, b.accepted) << i;
    EXPECT_EQ(a.work.props, b.work.props) << i;
    EXPECT_NEAR(a.loss, b.loss, 1e-9 * (1 + std::abs(b.loss))) << i;
  }
  EXPECT_EQ(here.stop, there.stop);
}

class EveryMethodCuda : public ::testing::Test {
 protected:
  void SetUp() override {
    if (cuda_device_count() == 0) GTEST_SKIP() << "no CUDA device answers";
  }
};

TEST_F(EveryMethodCuda, AgreesWithTheCpuOnEveryLoss) {
  Context<Cpu> cpu(1);
  Context<Cuda> cuda;
  const auto here = all_losses<Cpu>();
  const auto there = all_losses<Cuda>();
  for (std::size_t i = 0; i < here.size(); ++i) {
    for (const EveryMethod& m : all_methods()) {
      SCOPED_TRACE(std::string(here[i].first) + ", " + m.name);
      const bool sparse = i % 2 == 1;
      expect_agreement(here[i].second(cpu, m, sparse), there[i].second(cuda, m, sparse));
    }
  }
}

TEST_F(EveryMethodCuda, AgreesWithTheCpuForEverySamplingRule) {
  Context<Cpu> cpu(1);
  Context<Cuda> cuda;
  for (const EveryMethod& m : all_rules()) {
    SCOPED_TRACE(m.name);
    expect_agreement(run_linear<Cpu, SigmoidSquares>(cpu, m, false),
                     run_linear<Cuda, SigmoidSquares>(cuda, m, false));
  }
}

#endif

}  // namespace
}  // namespace randnla
