// The Hessian-vector product and the evaluation over compressed sparse rows, beside one read of values
// and column numbers.
#include "support/ceiling.hpp"

#include <randnla/core/random.hpp>
#include <randnla/objective/linear_model.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>

namespace randnla {
namespace {

/// `per_row` different columns a row on average, drawn uniformly, with normal values. With `vary` rows
/// have per_row - per_row / 4 to per_row + per_row / 4 of them: the processor learns the end of rows
/// that are all equally long. Values and column numbers are read as they lie in memory, values first.
Dataset<double, Cpu> random_sparse(Context<Cpu>& ctx, index_t rows, index_t cols, index_t per_row,
                                   bool vary) {
  Dataset<double, Cpu> data;
  std::mt19937_64 draw(1);
  const index_t less = vary ? per_row / 4 : 0;
  std::uniform_int_distribution<index_t> length(per_row - less, per_row + less);
  data.rows = rows, data.cols = cols;
  data.offsets = Buffer<index_t, Cpu>(ctx, rows + 1);
  index_t* const offsets = data.offsets.data();
  offsets[0] = 0;
  for (index_t i = 0; i < rows; ++i) offsets[i + 1] = offsets[i] + length(draw);
  data.nonzeros = offsets[rows];
  data.values = Buffer<double, Cpu>(ctx, data.nonzeros);
  data.columns = Buffer<std::int32_t, Cpu>(ctx, data.nonzeros);
  data.targets = Buffer<double, Cpu>(ctx, rows);
  fill_normal(ctx, Rng{2, 0}, 1.0, data.values.view());
  for (index_t i = 0; i < rows; ++i) {
    data.targets.data()[i] = static_cast<double>(draw() % 2);
    std::int32_t* const row = data.columns.data() + offsets[i];
    const index_t entries = offsets[i + 1] - offsets[i];
    for (index_t e = 0; e < entries; ++e) {
      do {
        row[e] = static_cast<std::int32_t>(draw() % static_cast<std::uint64_t>(cols));
      } while (std::find(row, row + e, row[e]) != row + e);
    }
    std::sort(row, row + entries);
  }
  return data;
}

enum class What { product, evaluation };

template <What what>
void sparse(benchmark::State& state) {
  const index_t rows = state.range(0), cols = state.range(1), per_row = state.range(2);
  Context<Cpu> ctx(static_cast<int>(state.range(3)));
  const Dataset<double, Cpu> data = random_sparse(ctx, rows, cols, per_row, state.range(4) != 0);
  const LogisticRegression<Cpu, double> f(ctx, data);
  Buffer<double, Cpu> v(ctx, cols), out(ctx, cols), curvature(ctx, rows), value(ctx, 1);
  fill_normal(ctx, Rng{1, 0}, 1.0, v.view());
  fill_normal(ctx, Rng{1, 1}, 1.0, curvature.view());
  const auto all = Sample<Cpu, double>::all(rows);
  // The values are two thirds of what is read.
  const std::size_t value_bytes = static_cast<std::size_t>(data.nonzeros) * sizeof(double);
  bench::BesideRead beside;
  for ([[maybe_unused]] auto _ : state) {
    state.SetIterationTime(beside.measure(data.values.data(), value_bytes, ctx.threads(), [&] {
      if constexpr (what == What::product) {
        f.hessian_product(ctx, {v.view(), all, curvature.data()}, v.view(), out.view());
      } else {
        f.evaluate(ctx, v.view(), all, {value.data(), out.data(), curvature.data()});
      }
    }));
  }
  state.counters["reads"] = beside.ratio() * 2 / 3;
  state.counters["read_GB/s"] = beside.read_rate() * 1e-9;
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"rows", "cols", "per_row", "threads", "vary"});
  for (const int threads : {2, 1}) {
    for (const int vary : {0, 1}) {
      bench->Args({32'561, 123, 14, threads, vary});
      bench->Args({1'000'000, 100'000, 30, threads, vary});
    }
  }
  bench->UseManualTime()->Iterations(11)->Unit(benchmark::kMillisecond);
}

BENCHMARK(sparse<What::product>)->Name("sparse_product")->Apply(shapes);
BENCHMARK(sparse<What::evaluation>)->Name("sparse_evaluate")->Apply(shapes);

}  // namespace
}  // namespace randnla
