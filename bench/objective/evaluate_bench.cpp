// Value, gradient and curvatures in one pass over dense rows, beside one read of the matrix.
#include "support/ceiling.hpp"

#include <randnla/core/random.hpp>
#include <randnla/data/synthetic.hpp>
#include <randnla/objective/linear_model.hpp>

#include <benchmark/benchmark.h>

namespace randnla {
namespace {

template <class Loss>
void evaluate(benchmark::State& state) {
  const index_t rows = state.range(0), cols = state.range(1);
  Context<Cpu> ctx(static_cast<int>(state.range(2)));
  const Dataset<double, Cpu> data = synthetic<double>(ctx, {.rows = rows, .cols = cols});
  const LinearModel<Loss, Cpu, double> f(ctx, data);
  Buffer<double, Cpu> x(ctx, cols), gradient(ctx, cols), curvature(ctx, rows), value(ctx, 1);
  fill_normal(ctx, Rng{1, 0}, 1.0, x.view());
  const std::size_t bytes = static_cast<std::size_t>(rows * cols) * sizeof(double);
  bench::BesideRead beside;
  for ([[maybe_unused]] auto _ : state) {
    state.SetIterationTime(beside.measure(data.values.data(), bytes, ctx.threads(), [&] {
      f.evaluate(ctx, x.view(), Sample<Cpu, double>::all(rows),
                 {value.data(), gradient.data(), curvature.data()});
    }));
  }
  state.counters["reads"] = beside.ratio();
  state.counters["read_GB/s"] = beside.read_rate() * 1e-9;
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"rows", "cols", "threads"});
  for (const int threads : {2, 1}) {
    bench->Args({49'990, 22, threads})
        ->Args({464'810, 54, threads})
        ->Args({100'000, 1'000, threads});
  }
  bench->UseManualTime()->Iterations(21)->Unit(benchmark::kMillisecond);
}

BENCHMARK(evaluate<LogisticLoss>)->Apply(shapes);
BENCHMARK(evaluate<SigmoidSquares>)->Apply(shapes);

}  // namespace
}  // namespace randnla
