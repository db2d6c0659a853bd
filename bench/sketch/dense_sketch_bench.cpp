// Gaussian sketches beside the product alone with an S that is there, Hadamard sketches beside reads of A and
// beside the transform column by column.
#include "cpu/loops.hpp"
#include "support/ceiling.hpp"

#include <randnla/data/synthetic.hpp>
#include <randnla/sketch/sketch.hpp>

#include <benchmark/benchmark.h>
#include <cblas.h>

#include <bit>
#include <vector>

namespace randnla {
namespace {

/// Arguments: rows and columns of A, rows of S over columns of A, threads.
struct Problem {
  explicit Problem(const benchmark::State& state, SketchKind kind)
      : rows(state.range(0)),
        cols(state.range(1)),
        ctx(static_cast<int>(state.range(3))),
        data(synthetic<double>(ctx, {.rows = rows, .cols = cols})),
        S{.kind = kind, .rows = state.range(2) * cols, .cols = rows, .rng = {1, 0}},
        SA(ctx, S.rows * cols) {}

  void apply_sketch() {
    apply(ctx, S, data.view(), MatrixView<double, Cpu>{SA.data(), S.rows, cols, S.rows});
  }

  index_t rows, cols;
  Context<Cpu> ctx;
  Dataset<double, Cpu> data;
  Sketch S;
  Buffer<double, Cpu> SA;
};

template <SketchKind kind>
void beside_gemm(benchmark::State& state) {
  Problem p(state, kind);
  std::vector<double> S(static_cast<std::size_t>(p.S.rows * p.rows), 0.5);
  openblas_set_num_threads(p.ctx.threads());
  const auto product = [&] {
    const auto m = static_cast<int>(p.S.rows), n = static_cast<int>(p.cols);
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasTrans, m, n, static_cast<int>(p.rows), 1,
                S.data(), m, p.data.values.data(), n, 0, p.SA.data(), m);
  };
  product(), p.apply_sketch();
  std::vector<double> ratios;
  for ([[maybe_unused]] auto _ : state) {
    bench::let_threads_sleep();
    product();  // wakes its threads
    const double gemm = bench::seconds(product);
    bench::let_threads_sleep();
    const double spent = bench::seconds([&] { p.apply_sketch(); });
    ratios.push_back(spent / gemm);
    state.SetIterationTime(spent);
  }
  state.counters["gemms"] = bench::median(ratios);
}

/// Every column to an array of its own, signs left out, and one step after the other over all of it.
void transform_columns(Context<Cpu>& ctx, const Dataset<double, Cpu>& data, double* out) {
  const auto padded = static_cast<index_t>(std::bit_ceil(static_cast<std::uint64_t>(data.rows)));
  parallel_for(ctx, data.cols, [&](index_t j) {
    double* const x = out + j * padded;
    for (index_t i = 0; i < padded; ++i) {
      x[i] = i < data.rows ? data.values.data()[i * data.cols + j] : 0;
    }
    for (index_t near = 1; near < padded; near *= 2) {
      for (index_t base = 0; base < padded; base += 2 * near) {
        for (index_t i = base; i < base + near; ++i) {
          const double sum = x[i] + x[i + near];
          x[i + near] = x[i] - x[i + near];
          x[i] = sum;
        }
      }
    }
  });
}

void srht(benchmark::State& state) {
  Problem p(state, SketchKind::srht);
  const auto padded = static_cast<std::size_t>(std::bit_ceil(static_cast<std::uint64_t>(p.rows)));
  std::vector<double> columns(padded * static_cast<std::size_t>(p.cols));
  bench::BesideRead beside;
  std::vector<double> ratios;
  for ([[maybe_unused]] auto _ : state) {
    const double spent =
        beside.measure(p.data.values.data(), static_cast<std::size_t>(p.rows * p.cols) * 8,
                       p.ctx.threads(), [&] { p.apply_sketch(); });
    ratios.push_back(bench::seconds([&] { transform_columns(p.ctx, p.data, columns.data()); }) /
                     spent);
    state.SetIterationTime(spent);
  }
  state.counters["reads"] = beside.ratio();
  state.counters["naive/srht"] = bench::median(ratios);
  state.counters["read_GB/s"] = beside.read_rate() * 1e-9;
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"rows", "cols", "per_col", "threads"});
  bench->Args({464'810, 54, 4, 2})->Args({200'000, 200, 4, 2});
  bench->UseManualTime()->Iterations(5)->Unit(benchmark::kMillisecond);
}

BENCHMARK(beside_gemm<SketchKind::gaussian>)->Name("gaussian")->Apply(shapes);
BENCHMARK(beside_gemm<SketchKind::rademacher>)->Name("rademacher")->Apply(shapes);
BENCHMARK(srht)->Apply(shapes);

}  // namespace
}  // namespace randnla
