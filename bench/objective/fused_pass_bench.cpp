// The fused Hessian-vector product A'(D(Av)) beside one read of A and beside two dgemv of OpenBLAS,
// row- and column-major. Each iteration measures all of them one after the other, because the
// bandwidth of a shared host drifts; the counters are medians of the ratios.
#include "support/ceiling.hpp"

#include <randnla/core/random.hpp>
#include <randnla/data/synthetic.hpp>
#include <randnla/objective/linear_model.hpp>

#include <benchmark/benchmark.h>
#include <cblas.h>

#include <vector>

namespace randnla {
namespace {

using bench::median;
using bench::seconds;

/// out = A'(w .* (A v)) by two products.
void two_gemv(CBLAS_ORDER order, index_t rows, index_t cols, const double* A, const double* w,
              const double* v, double* z, double* out) {
  const int m = static_cast<int>(rows), n = static_cast<int>(cols);
  const int ld = order == CblasRowMajor ? n : m;
  cblas_dgemv(order, CblasNoTrans, m, n, 1, A, ld, v, 1, 0, z, 1);
  for (index_t i = 0; i < rows; ++i) z[i] *= w[i];
  cblas_dgemv(order, CblasTrans, m, n, 1, A, ld, z, 1, 0, out, 1);
}

void hessian_product(benchmark::State& state) {
  const index_t rows = state.range(0), cols = state.range(1);
  Context<Cpu> ctx(static_cast<int>(state.range(2)));
  const Dataset<double, Cpu> data = synthetic<double>(ctx, {.rows = rows, .cols = cols});
  const NonlinearLeastSquares<Cpu, double> f(ctx, data);
  Buffer<double, Cpu> v(ctx, cols), out(ctx, cols), weights(ctx, rows), z(ctx, rows);
  Buffer<double, Cpu> columns(ctx, rows * cols);
  fill_normal(ctx, Rng{1, 0}, 1.0, v.view());
  fill_normal(ctx, Rng{1, 1}, 1.0, weights.view());
  const double* const A = data.values.data();
  for (index_t i = 0; i < rows; ++i) {
    for (index_t j = 0; j < cols; ++j) columns.data()[j * rows + i] = A[i * cols + j];
  }
  const HessianSample<Cpu, double> H{v.view(), Sample<Cpu, double>::all(rows), weights.data()};
  const std::size_t bytes = static_cast<std::size_t>(rows * cols) * sizeof(double);
  openblas_set_num_threads(ctx.threads());
  std::vector<double> reads, row_major, column_major, bandwidth;
  const auto read = [&] { benchmark::DoNotOptimize(bench::read_once(A, bytes, ctx.threads())); };
  const auto gemv = [&](CBLAS_ORDER order) {
    two_gemv(order, rows, cols, order == CblasRowMajor ? A : columns.data(), weights.data(),
             v.data(), z.data(), out.data());
  };
  for ([[maybe_unused]] auto _ : state) {
    bench::let_threads_sleep();
    bench::warm_up(read);
    const double before = seconds(read);
    const double product = seconds([&] { f.hessian_product(ctx, H, v.view(), out.view()); });
    const double after = seconds(read);
    state.SetIterationTime(product);
    reads.push_back(product / ((before + after) / 2));
    bandwidth.push_back(static_cast<double>(bytes) / std::min(before, after));
    bench::let_threads_sleep();
    bench::warm_up([&] { gemv(CblasRowMajor); });
    row_major.push_back(seconds([&] { gemv(CblasRowMajor); }) / product);
    column_major.push_back(seconds([&] { gemv(CblasColMajor); }) / product);
  }
  state.counters["one_reads"] = median(reads);
  state.counters["read_GB/s"] = median(bandwidth) * 1e-9;
  state.counters["row_major_gemv"] = median(row_major);
  state.counters["col_major_gemv"] = median(column_major);
}

BENCHMARK(hessian_product)
    ->ArgNames({"rows", "cols", "threads"})
    ->Args({464'810, 54, 2})
    ->Args({464'810, 54, 1})
    ->Args({100'000, 1'000, 2})
    ->Args({20'000, 2'000, 2})
    ->UseManualTime()
    ->Iterations(31)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace randnla
