// The Hessian-vector product and the evaluation over compressed sparse rows, beside one read of values
// and column numbers.
#include "support/ceiling.hpp"
#include "support/random_sparse.hpp"

#include <randnla/core/random.hpp>
#include <randnla/objective/linear_model.hpp>

#include <benchmark/benchmark.h>

namespace randnla {
namespace {

enum class What { product, evaluation };

template <What what>
void sparse(benchmark::State& state) {
  const index_t rows = state.range(0), cols = state.range(1), per_row = state.range(2);
  Context<Cpu> ctx(static_cast<int>(state.range(3)));
  const Dataset<double, Cpu> data =
      bench::random_sparse<double>(ctx, rows, cols, per_row, state.range(4) != 0);
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
