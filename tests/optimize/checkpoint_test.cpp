// Runs that go on from a checkpoint take the steps of the run that made it, to the last bit.
#include "optimize/checkpoints.hpp"
#include "optimize/runs.hpp"
#include "optimize/user_sums.hpp"
#include "support/temporary.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace randnla {
namespace {

using test::dataset;
using test::expect_same;
using test::Method;
using test::methods;
using test::minimize;
using test::Problem;
using Rule = GradientOptions::Rule;
using Size = HessianOptions::Size;

SecondOrderOptions plain() {
  SecondOrderOptions options;
  options.initial_radius = 1;
  options.stopping.max_iterations = 14;
  return options;
}

/// Options of every kind of state that a run carries from one iteration to the next.
struct Variant {
  const char* name;
  std::function<void(SecondOrderOptions&)> change;
};

const std::vector<Variant>& variants() {
  static const std::vector<Variant> all{
      {"full", [](SecondOrderOptions&) {}},
      {"fixed samples",
       [](SecondOrderOptions& o) {
         o.hessian.sampling = Sampling::uniform, o.hessian.fraction = 0.3;
         o.gradient.rule = Rule::uniform, o.gradient.fraction = 0.3;
         o.errors = SecondOrderOptions::Errors::exact;
       }},
      {"adaptive",
       [](SecondOrderOptions& o) {
         o.hessian.sampling = Sampling::row_norm_bernoulli, o.hessian.fraction = 0.3;
         o.gradient.rule = Rule::adaptive, o.gradient.fraction = 0.2;
         o.initial_sigma = 1e-4;
       }},
      {"error-driven",
       [](SecondOrderOptions& o) {
         o.hessian.sampling = Sampling::row_norm, o.hessian.fraction = 0.05;
         o.hessian.size = Size::error_driven, o.hessian.tolerance = 0.01;
         o.gradient.rule = Rule::error_driven, o.gradient.tolerance = 0.7;
       }},
      {"error-driven, uniform, Gauss-Newton",
       [](SecondOrderOptions& o) {
         o.hessian.sampling = Sampling::uniform, o.hessian.fraction = 0.05;
         o.hessian.size = Size::error_driven, o.hessian.tolerance = 0.02;
         o.hessian.curvature = Curvature::gauss_newton;
         o.gradient.rule = Rule::error_driven;
         o.random_start = false, o.max_failures = 0;
       }},
      {"leverage scores, the other inner solvers",
       [](SecondOrderOptions& o) {
         o.hessian.sampling = Sampling::leverage, o.hessian.fraction = 0.3, o.hessian.refresh = 3;
         o.cubic = SecondOrderOptions::Cubic::shifted, o.ball = SecondOrderOptions::Ball::gltr;
       }},
      {"looks at the full gradient", [](SecondOrderOptions& o) {
         o.hessian.sampling = Sampling::row_norm, o.hessian.fraction = 0.3;
         o.hessian.form = HessianOptions::Form::passes;
         o.gradient.rule = Rule::uniform, o.gradient.fraction = 0.03;
         o.stopping.eps_g = 0.05, o.stopping.eps_h = 0.5;
       }}};
  return all;
}

template <class Instance>
class Checkpoints : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(Checkpoints, test::Instances, test::InstanceName);

TYPED_TEST(Checkpoints, EveryOneContinuesTheRunToTheLastBit) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const index_t n = test::sized<B>(400, 200), d = 5;
  const Problem p = test::classes(21, n, d);
  const auto data = dataset<B, T>(this->ctx(), p);
  const NonlinearLeastSquares<B, T> f(this->ctx(), data, {0.0078125});
  const test::TemporaryFolder folder;
  bool looked = false;  // at a full gradient that a sampled one called for
  for (const Method method : methods) {
    for (const Variant& variant : variants()) {
      // Where a GPU may be simulated, either precision does one half of the list.
      const bool other_half = (&variant - variants().data() + static_cast<int>(method)) % 2 == 0;
      if (test::sized<B>(1, 0) == 0 && other_half == (sizeof(T) == 4)) continue;
      SCOPED_TRACE(std::string(test::name(method)) + ", " + variant.name);
      SecondOrderOptions options = plain();
      variant.change(options);
      options.stopping.max_iterations = test::sized<B>(14, 6);
      std::vector<Checkpoint> seen;
      const auto silent = minimize<T, B>(method, this->ctx(), f, test::normals(3, d, 2), options);
      options.checkpoint = [&](const Checkpoint& at) { seen.push_back(at); };
      options.checkpoint_seconds = 0;
      const auto whole = minimize<T, B>(method, this->ctx(), f, test::normals(3, d, 2), options);
      EXPECT_EQ(whole.x, silent.x);  // looking at it changes nothing
      expect_same(whole.result, silent.result);
      ASSERT_EQ(static_cast<std::int64_t>(seen.size()), whole.result.accepted);
      ASSERT_FALSE(seen.empty());
      looked = looked || seen.back().look_gap > 1;
      constexpr std::size_t stride = test::sized<B>(1, 3);
      for (std::size_t k = 0; k < seen.size(); k += stride) {
        SCOPED_TRACE("checkpoint " + std::to_string(k));
        Checkpoint from = seen[k];
        if (k % 3 == 1) {
          Checkpoint noted = seen[k];
          noted.notes = {0.5, 2};
          save(folder.file("run"), noted);
          from = load_checkpoint(folder.file("run"));
          expect_same(noted, from);
        }
        std::vector<Checkpoint> again;
        options.checkpoint = [&](const Checkpoint& at) { again.push_back(at); };
        options.resume = &from;
        // The point to start from is the checkpoint's.
        const auto rest =
            minimize<T, B>(method, this->ctx(), f, std::vector<double>(d, 1e9), options);
        EXPECT_EQ(rest.x, whole.x);
        expect_same(rest.result, whole.result);
        ASSERT_EQ(again.size(), seen.size() - k - 1);
        for (std::size_t i = 0; i < again.size(); ++i) expect_same(again[i], seen[k + 1 + i]);
        EXPECT_GE(rest.result.seconds, from.result.seconds);
      }
    }
  }
  EXPECT_TRUE(looked || test::sized<B>(1, 0) == 0);
}

TEST(CheckpointsOnTheCpu, GoOnFromASaddleAndWithOtherThreads) {
  Context<Cpu> ctx(1), other(3);
  const Problem p = test::classes(3, 9000, 6);  // enough rows for all threads
  const auto data = dataset<Cpu, double>(ctx, p), copy = dataset<Cpu, double>(other, p);
  const NonlinearLeastSquares<Cpu, double> f(ctx, data), g(other, copy);
  const test::UserSum<test::SaddleTerm> saddle;
  for (const Method method : methods) {
    SecondOrderOptions options = plain();
    options.stopping.max_iterations = 6;
    std::vector<Checkpoint> seen;
    options.checkpoint_seconds = 0;
    options.checkpoint = [&](const Checkpoint& at) { seen.push_back(at); };
    const auto leaving = minimize<double, Cpu>(method, ctx, saddle, {0, 0, 0}, options);
    ASSERT_EQ(leaving.result.trace.at(0).step, StepKind::eigenvector);
    ASSERT_TRUE(leaving.result.trace.at(0).accepted);
    options.checkpoint = nullptr, options.resume = &seen.at(0);
    const auto left = minimize<double, Cpu>(method, ctx, saddle, {0, 0, 0}, options);
    EXPECT_EQ(left.x, leaving.x);
    expect_same(left.result, leaving.result);

    variants()[3].change(options);
    options.resume = nullptr;
    std::vector<Checkpoint> made;
    options.checkpoint = [&](const Checkpoint& at) { made.push_back(at); };
    const auto whole = minimize<double, Cpu>(method, ctx, f, test::normals(3, 6), options);
    options.checkpoint = nullptr, options.resume = &made.at(1);
    const auto rest = minimize<double, Cpu>(method, other, g, test::normals(3, 6), options);
    EXPECT_EQ(rest.x, whole.x);
    expect_same(rest.result, whole.result);
  }
}

}  // namespace
}  // namespace randnla
