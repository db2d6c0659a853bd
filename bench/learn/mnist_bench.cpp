// Work that sub-sampled trust region and SGD need to a training loss of 0.2 on MNIST, in gradients of
// all rows: the counts are the figures, the times are not. RANDNLA_DATA names the folder that holds
// mnist/.
#include <randnla/core/buffer.hpp>
#include <randnla/io/images.hpp>
#include <randnla/learn/image_tensors.hpp>
#include <randnla/learn/mlp.hpp>
#include <randnla/learn/torch_objective.hpp>
#include <randnla/optimize/baselines.hpp>

#include <benchmark/benchmark.h>
#include <torch/utils.h>

#include <cstdlib>
#include <optional>
#include <string>

namespace randnla {
namespace {

constexpr double target = 0.2;

/// The perceptron 784-16-10 on the training set, from the same parameters for one seed.
struct Problem {
  explicit Problem(std::uint64_t seed) : x(ctx, f(seed).dim()) {
    objective->get_parameters(ctx, x.view());
  }
  const TorchObjective<Cpu, float>& f(std::uint64_t seed) {
    const std::string folder = std::string(std::getenv("RANDNLA_DATA")) + "/mnist/train-";
    const Images images =
        read_mnist(folder + "images-idx3-ubyte.gz", folder + "labels-idx1-ubyte.gz");
    torch::manual_seed(seed);
    return objective.emplace(ctx, mlp({784, 16, 10}, Activation::softplus), pixel_tensor(images),
                             label_tensor(images));
  }

  Context<Cpu> ctx{1};
  std::optional<TorchObjective<Cpu, float>> objective;
  Buffer<float, Cpu> x;
};

bool no_data(benchmark::State& state) {
  if (std::getenv("RANDNLA_DATA") != nullptr) return false;
  state.SkipWithError("RANDNLA_DATA names no folder");
  return true;
}

/// A product of a row counts as a gradient of it, as the papers count (`gradients`), and as two,
/// about what it takes (`gradients_timed`).
void report(benchmark::State& state, const OptimizationResult& run, index_t rows) {
  const double gradient = 2 * static_cast<double>(rows);
  double products = 0;  // in gradients
  for (const Iteration& step : run.trace) {
    products += static_cast<double>(step.hessian_sample * step.inner_iterations) /
                static_cast<double>(rows);
  }
  state.counters["reached"] = run.loss <= target ? 1 : 0;
  state.counters["loss"] = run.loss;
  state.counters["iterations"] = static_cast<double>(run.iterations);
  state.counters["gradients"] = static_cast<double>(run.work.props) / gradient;
  state.counters["gradients_timed"] = static_cast<double>(run.work.props) / gradient + products;
}

StoppingOptions until_target(std::int64_t iterations) {
  StoppingOptions stopping;
  stopping.target_loss = target;
  stopping.max_iterations = iterations;
  stopping.lanczos_steps = 1;
  return stopping;
}

/// With the settings of arXiv 1802.06925.
void trust_region_to_target(benchmark::State& state) {
  if (no_data(state)) return;
  for ([[maybe_unused]] auto _ : state) {
    Problem problem(static_cast<std::uint64_t>(state.range(0)));
    const auto rows = static_cast<double>(problem.objective->terms());
    SecondOrderOptions options;
    options.gradient = {.rule = GradientOptions::Rule::adaptive,
                        .fraction = 5'000 / rows,
                        .factor = 1.2,
                        .min_fraction = 1'000 / rows,
                        .max_fraction = 1};
    options.hessian = {.sampling = Sampling::uniform,
                       .fraction = 1'000 / rows,
                       .form = HessianOptions::Form::passes};
    options.initial_radius = 1, options.max_radius = 10;
    options.inner_iterations = 250;
    options.stopping = until_target(200);
    const OptimizationResult run =
        trust_region(problem.ctx, *problem.objective, problem.x.view(), options);
    report(state, run, problem.objective->terms());
  }
}

void sgd_to_target(benchmark::State& state) {
  if (no_data(state)) return;
  for ([[maybe_unused]] auto _ : state) {
    Problem problem(static_cast<std::uint64_t>(state.range(0)));
    SgdOptions options;
    options.batch = state.range(1);
    options.learning_rate = static_cast<double>(state.range(2)) / 1000;
    options.stopping = until_target(40);
    const OptimizationResult run = sgd(problem.ctx, *problem.objective, problem.x.view(), options);
    report(state, run, problem.objective->terms());
  }
}

BENCHMARK(trust_region_to_target)->ArgName("seed")->DenseRange(1, 3)->Iterations(1);
BENCHMARK(sgd_to_target)
    ->ArgNames({"seed", "batch", "thousandths"})
    ->ArgsProduct({{1, 2, 3}, {128, 1'000}, {1, 10, 100, 1'000}})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace randnla
