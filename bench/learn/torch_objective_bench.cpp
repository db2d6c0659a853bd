// A gradient, a Hessian product and a Gauss-Newton product of a perceptron on the same rows. Each
// iteration measures all three one after the other, because the speed of a shared host drifts; the
// counters are medians of the ratios.
#include <randnla/core/buffer.hpp>
#include <randnla/core/random.hpp>
#include <randnla/learn/mlp.hpp>
#include <randnla/learn/torch_objective.hpp>

#include <benchmark/benchmark.h>
#include <torch/utils.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace randnla {
namespace {

template <class F>
double seconds(F f) {
  const auto begin = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// 784 inputs, 10 classes; one hidden layer.
template <class T>
void products(benchmark::State& state) {
  const index_t hidden = state.range(0), rows = state.range(1);
  torch::set_num_threads(static_cast<int>(state.range(2)));
  const torch::Dtype type = torch::CppTypeToScalarType<T>::value;
  Context<Cpu> ctx(1);
  const TorchObjective<Cpu, T> f(ctx, mlp({784, hidden, 10}, Activation::softplus, type),
                                 torch::rand({rows, 784}, type),
                                 torch::randint(10, {rows}, torch::kInt64));
  Buffer<T, Cpu> x(ctx, f.dim()), v(ctx, f.dim()), out(ctx, f.dim());
  const Buffer<T, Cpu> weights(
      ctx, std::vector<T>(static_cast<std::size_t>(rows), T(1) / static_cast<T>(rows)));
  f.get_parameters(ctx, x.view());
  fill_normal(ctx, Rng{1, 0}, T(1), v.view());
  const auto all = Sample<Cpu, T>::all(rows);
  const auto product = [&](Curvature kind) {
    return seconds([&] {
      f.hessian_product(ctx, {x.view(), all, weights.data(), kind}, v.view(), out.view());
    });
  };
  std::vector<double> hessian, gauss_newton;
  for ([[maybe_unused]] auto _ : state) {
    const double gradient =
        seconds([&] { f.evaluate(ctx, x.view(), all, {.gradient = out.data()}); });
    hessian.push_back(product(Curvature::hessian) / gradient);
    gauss_newton.push_back(product(Curvature::gauss_newton) / gradient);
    state.SetIterationTime(gradient);
  }
  state.counters["hessian"] = median(hessian);
  state.counters["gauss_newton"] = median(gauss_newton);
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"hidden", "rows", "threads"});
  for (const int threads : {1, 2}) {
    bench->Args({16, 10'000, threads})->Args({128, 10'000, threads});
    bench->Args({1'024, 2'000, threads});
  }
  bench->UseManualTime()->Iterations(21)->Unit(benchmark::kMillisecond);
}

BENCHMARK(products<float>)->Apply(shapes);
BENCHMARK(products<double>)->Apply(shapes);

}  // namespace
}  // namespace randnla
