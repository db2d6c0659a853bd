// Sketches S A, drawn and applied, beside one read of A.
#include "support/ceiling.hpp"

#include <randnla/data/synthetic.hpp>
#include <randnla/sketch/sketch.hpp>

#include <benchmark/benchmark.h>

namespace randnla {
namespace {

/// Arguments: rows and columns of A, rows of S over columns of A, nonzeros a column of S, threads.
template <SketchKind kind>
void sketch(benchmark::State& state) {
  const index_t rows = state.range(0), cols = state.range(1);
  Context<Cpu> ctx(static_cast<int>(state.range(4)));
  const Dataset<double, Cpu> data = synthetic<double>(ctx, {.rows = rows, .cols = cols});
  const Sketch S{.kind = kind,
                 .rows = state.range(2) * cols,
                 .cols = rows,
                 .nonzeros = state.range(3),
                 .rng = {1, 0}};
  Buffer<double, Cpu> SA(ctx, S.rows * cols);
  bench::BesideRead beside;
  const std::size_t bytes = static_cast<std::size_t>(rows * cols) * sizeof(double);
  for ([[maybe_unused]] auto _ : state) {
    state.SetIterationTime(beside.measure(data.values.data(), bytes, ctx.threads(), [&] {
      apply(ctx, S, data.view(), MatrixView<double, Cpu>{SA.data(), S.rows, cols, S.rows});
    }));
  }
  state.counters["reads"] = beside.ratio();
  state.counters["read_GB/s"] = beside.read_rate() * 1e-9;
}

template <index_t nonzeros>
void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"rows", "cols", "per_col", "nonzeros", "threads"});
  for (const int threads : {2, 1}) {
    bench->Args({464'810, 54, 4, nonzeros, threads})
        ->Args({200'000, 200, 4, nonzeros, threads})
        ->Args({100'000, 1'000, 2, nonzeros, threads})
        ->Args({20'000, 2'000, 2, nonzeros, threads});
  }
  bench->UseManualTime()->Iterations(5)->Unit(benchmark::kMillisecond);
}

BENCHMARK(sketch<SketchKind::sparse_stack>)->Name("sparse_stack")->Apply(shapes<8>);
BENCHMARK(sketch<SketchKind::sparse_sign>)->Name("sparse_sign")->Apply(shapes<8>);
BENCHMARK(sketch<SketchKind::count_sketch>)->Name("count_sketch")->Apply(shapes<1>);

}  // namespace
}  // namespace randnla
