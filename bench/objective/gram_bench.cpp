// The weighted Gram matrix A'DA beside OpenBLAS's dsyrk of A alone (which has no weights to apply), the
// machine's multiply-add rate, and one fused product over the same rows.
#include "support/ceiling.hpp"

#include <randnla/core/random.hpp>
#include <randnla/data/synthetic.hpp>
#include <randnla/objective/linear_model.hpp>

#include <benchmark/benchmark.h>
#include <cblas.h>

namespace randnla {
namespace {

using bench::median;
using bench::seconds;

void gram(benchmark::State& state) {
  const index_t rows = state.range(0), cols = state.range(1);
  Context<Cpu> ctx(static_cast<int>(state.range(2)));
  const Dataset<double, Cpu> data = synthetic<double>(ctx, {.rows = rows, .cols = cols});
  const LogisticRegression<Cpu, double> f(ctx, data);
  Buffer<double, Cpu> v(ctx, cols), out(ctx, cols), weights(ctx, rows), H(ctx, cols * cols);
  fill_normal(ctx, Rng{1, 0}, 1.0, v.view());
  fill_normal(ctx, Rng{1, 1}, 1.0, weights.view());
  const HessianSample<Cpu, double> sample{v.view(), Sample<Cpu, double>::all(rows), weights.data()};
  const auto matrix = [&] { f.hessian_matrix(ctx, sample, {H.data(), cols, cols, cols}); };
  const auto product = [&] { f.hessian_product(ctx, sample, v.view(), out.view()); };
  const auto syrk = [&] {
    const int n = static_cast<int>(cols), k = static_cast<int>(rows);
    cblas_dsyrk(CblasColMajor, CblasUpper, CblasNoTrans, n, k, 1, data.values.data(), n, 0,
                H.data(), n);
  };
  openblas_set_num_threads(ctx.threads());
  const double work = static_cast<double>(rows) * static_cast<double>(cols * (cols + 1) / 2);
  std::vector<double> of_peak, of_syrk, products, peak;
  for ([[maybe_unused]] auto _ : state) {
    bench::let_threads_sleep();
    bench::warm_up(product);
    const double applied = seconds(product);
    matrix();
    const double formed = seconds(matrix);
    peak.push_back(bench::multiply_add_rate<double>(ctx.threads()));
    bench::let_threads_sleep();
    bench::warm_up(syrk);
    of_syrk.push_back(seconds(syrk) / formed);
    of_peak.push_back(work / formed / peak.back());
    products.push_back(formed / applied);
    state.SetIterationTime(formed);
  }
  state.counters["dsyrk/time"] = median(of_syrk);
  state.counters["of_peak"] = median(of_peak);
  state.counters["products"] = median(products);
  state.counters["peak_GFMA/s"] = median(peak) * 1e-9;
}

BENCHMARK(gram)
    ->ArgNames({"rows", "cols", "threads"})
    ->Args({464'810, 54, 2})
    ->Args({464'810, 54, 1})
    ->Args({20'000, 54, 2})
    ->Args({49'990, 22, 2})
    ->Args({100'000, 1'000, 2})
    ->UseManualTime()
    ->Iterations(9)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace randnla
