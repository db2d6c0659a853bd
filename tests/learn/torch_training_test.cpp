// The library's solvers on networks.
#include "learn/board.hpp"
#include "learn/tiny_network.hpp"

#include <randnla/core/buffer.hpp>
#include <randnla/krylov/lanczos.hpp>
#include <randnla/optimize/second_order.hpp>

#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>
#include <string>

namespace randnla {
namespace {

using test::Board;

struct Training {
  OptimizationResult result;
  std::vector<double> x;
};

template <class Solver>
Training run(Solver solver, const SecondOrderOptions& options) {
  Context<Cpu> ctx(2);
  const Board board;
  const TorchObjective<Cpu, double> f(ctx, board.net(), board.inputs, board.targets,
                                      {.micro_batch = 128});
  Buffer<double, Cpu> x(ctx, f.dim());
  f.get_parameters(ctx, x.view());
  OptimizationResult result = solver(ctx, f, x.view(), options);
  return {std::move(result), x.download()};
}

const auto by_trust_region = [](auto& ctx, const auto& f, auto x, const auto& options) {
  return trust_region(ctx, f, x, options);
};
const auto by_cubic_newton = [](auto& ctx, const auto& f, auto x, const auto& options) {
  return cubic_newton(ctx, f, x, options);
};

/// Sampled uniformly, which takes passes; the certificate's work is kept small.
SecondOrderOptions sampled(std::int64_t iterations) {
  SecondOrderOptions options;
  options.hessian = {
      .sampling = Sampling::uniform, .fraction = 0.5, .form = HessianOptions::Form::passes};
  options.stopping = {.lanczos_steps = 5, .max_iterations = iterations};
  options.inner_iterations = 20;
  options.initial_radius = 1;
  return options;
}

/// A linear classifier stays above 0.68.
void expect_descent(const Training& run, double below) {
  EXPECT_NEAR(run.result.initial_loss, std::log(2.0), 0.1);
  double loss = run.result.initial_loss;
  for (const Iteration& step : run.result.trace) {
    EXPECT_LE(step.loss, loss);
    loss = step.loss;
  }
  EXPECT_LT(run.result.loss, below);
  EXPECT_EQ(run.result.work.hessian_matrices, 0);
}

TEST(NetworkTraining, TrustRegionLowersTheLossAndRepeatsItsBits) {
  const Training first = run(by_trust_region, sampled(60)),
                 again = run(by_trust_region, sampled(60));
  expect_descent(first, 0.35);
  EXPECT_EQ(first.x, again.x);
}

TEST(NetworkTraining, CubicNewtonLowersTheLossAndRepeatsItsBits) {
  const Training first = run(by_cubic_newton, sampled(60)),
                 again = run(by_cubic_newton, sampled(60));
  expect_descent(first, 0.5);
  EXPECT_EQ(first.x, again.x);
}

TEST(NetworkTraining, GaussNewtonStepsLowerTheLoss) {
  SecondOrderOptions options = sampled(60);
  options.hessian.curvature = Curvature::gauss_newton;
  expect_descent(run(by_trust_region, options), 0.5);
}

TEST(NetworkTraining, ErrorDrivenGradientsTakeTheTermsNorms) {
  SecondOrderOptions options = sampled(5);
  options.gradient.rule = GradientOptions::Rule::error_driven;
  options.gradient.tolerance = 2;
  const Training first = run(by_trust_region, options);
  EXPECT_LT(first.result.loss, first.result.initial_loss);
  EXPECT_GT(first.result.trace.front().gradient_error, 0);
  EXPECT_LT(first.result.trace.front().gradient_sample, 150);
}

TEST(NetworkTraining, SamplingByScoresIsRefused) {
  SecondOrderOptions options = sampled(5);
  options.hessian.sampling = Sampling::row_norm;
  try {
    run(by_trust_region, options);
    FAIL() << "went on";
  } catch (const InvalidArgument& error) {
    EXPECT_NE(std::string(error.what()).find("sample uniformly"), std::string::npos);
  }
}

TEST(NetworkTraining, L2EndsWithSmallerWeights) {
  Context<Cpu> ctx(2);
  const Board board;
  const auto end = [&](double l2) {
    const TorchObjective<Cpu, double> f(ctx, board.net(), board.inputs, board.targets,
                                        {.micro_batch = 128, .l2 = l2});
    Buffer<double, Cpu> x(ctx, f.dim());
    f.get_parameters(ctx, x.view());
    const OptimizationResult result = trust_region<Cpu, double>(ctx, f, x.view(), sampled(30));
    EXPECT_LT(result.loss, result.initial_loss);
    double square = 0;
    for (const double entry : x.download()) square += entry * entry;
    return square;
  };
  EXPECT_LT(end(0.01), 0.5 * end(0));
}

TEST(NetworkCertificate, SmallestEigenvalueIsThatOfTheExplicitHessian) {
  Context<Cpu> ctx(2);
  const test::TinyProblem tiny({NetworkLoss::cross_entropy, Activation::tanh});
  const TorchObjective<Cpu, double> f = tiny.objective(ctx);
  test::Values x(43), weights(12, 1.0 / 12);
  f.get_parameters(ctx, {x.data(), 43});
  std::vector<index_t> rows;
  for (index_t i = 0; i < 12; ++i) rows.push_back(i);
  const test::Square H = test::reference_hessian(tiny, x, rows, weights);
  torch::Tensor explicit_H = torch::empty({43, 43}, torch::kDouble);
  for (index_t i = 0; i < 43; ++i) {
    for (index_t j = 0; j < 43; ++j) {
      explicit_H[i][j] = H[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)];
    }
  }
  const torch::Tensor eigenvalues = torch::linalg_eigvalsh(explicit_H);
  const auto smallest = eigenvalues[0].item<double>();
  const double norm = eigenvalues.abs().max().item<double>();
  const HessianOperator<Cpu, double> op{
      f, {{x.data(), 43}, Sample<Cpu, double>::all(12), weights.data()}};
  Buffer<double, Cpu> v(ctx, 43);
  const SmallestEigenvalue found = smallest_eigenvalue<Cpu, double>(
      ctx, op, v.view(), Rng{3, 0}, {.threshold = smallest, .max_steps = 43});
  // The threshold cannot be decided about: the whole space is searched.
  EXPECT_NEAR(found.value, smallest, 1e-12 * norm);
}

TEST(NetworkTraining, FloatAgreesWithDouble) {
  Context<Cpu> ctx(2);
  const Board board;
  const Network net = board.net();
  const TorchObjective<Cpu, double> f(ctx, net, board.inputs, board.targets);
  std::vector<double> x(static_cast<std::size_t>(f.dim())), g(x.size()), Hv(x.size());
  f.get_parameters(ctx, {x.data(), f.dim()});
  const Network rounded = mlp({2, 12, 12, 2}, Activation::tanh);
  const TorchObjective<Cpu, float> single(ctx, rounded, board.inputs.to(torch::kFloat),
                                          board.targets);
  const std::vector<float> start(x.begin(), x.end());
  std::vector<float> g1(x.size()), Hv1(x.size());
  double value = 0, value1 = 0;
  f.evaluate(ctx, {x.data(), f.dim()}, Sample<Cpu, double>::all(300), {&value, g.data()});
  single.evaluate(ctx, {start.data(), f.dim()}, Sample<Cpu, float>::all(300), {&value1, g1.data()});
  const std::vector<double> w(300, 1.0 / 300);
  const std::vector<float> w1(300, 1.0F / 300);
  f.hessian_product(ctx, {{x.data(), f.dim()}, Sample<Cpu, double>::all(300), w.data()},
                    {x.data(), f.dim()}, {Hv.data(), f.dim()});
  single.hessian_product(ctx, {{start.data(), f.dim()}, Sample<Cpu, float>::all(300), w1.data()},
                         {start.data(), f.dim()}, {Hv1.data(), f.dim()});
  EXPECT_NEAR(value1, value, 1e-6);
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_NEAR(g1[i], g[i], 1e-6) << i;
    EXPECT_NEAR(Hv1[i], Hv[i], 1e-5) << i;
  }
}

}  // namespace
}  // namespace randnla
