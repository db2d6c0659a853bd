// Leverage scores beside what OpenBLAS and LAPACK take for them on as many threads: explicit Q by geqrf and orgqr, and
// Gram matrix, Cholesky and a triangular solve.
#include "support/ceiling.hpp"

#include <randnla/data/synthetic.hpp>
#include <randnla/sketch/leverage.hpp>

#include <benchmark/benchmark.h>
#include <cblas.h>
#include <lapacke.h>

#include <algorithm>
#include <vector>

namespace randnla {
namespace {

/// A as LAPACK wants it.
std::vector<double> by_columns(const Dataset<double, Cpu>& data) {
  std::vector<double> out(static_cast<std::size_t>(data.rows * data.cols));
  for (index_t i = 0; i < data.rows; ++i) {
    for (index_t j = 0; j < data.cols; ++j) {
      out[static_cast<std::size_t>(i + j * data.rows)] = data.values.data()[i * data.cols + j];
    }
  }
  return out;
}

void row_norms_of(const std::vector<double>& Q, index_t n, index_t d, double* scores) {
  std::fill_n(scores, n, 0.0);
  for (index_t j = 0; j < d; ++j) {
    const double* const column = Q.data() + j * n;
    for (index_t i = 0; i < n; ++i) scores[i] += column[i] * column[i];
  }
}

double lapack_qr_seconds(std::vector<double> A, index_t n, index_t d, double* scores) {
  const auto rows = static_cast<lapack_int>(n), cols = static_cast<lapack_int>(d);
  std::vector<double> tau(static_cast<std::size_t>(d));
  return bench::seconds([&] {
    LAPACKE_dgeqrf(LAPACK_COL_MAJOR, rows, cols, A.data(), rows, tau.data());
    LAPACKE_dorgqr(LAPACK_COL_MAJOR, rows, cols, cols, A.data(), rows, tau.data());
    row_norms_of(A, n, d, scores);
  });
}

double blas_cholesky_seconds(std::vector<double> A, index_t n, index_t d, double* scores) {
  const auto rows = static_cast<int>(n), cols = static_cast<int>(d);
  std::vector<double> H(static_cast<std::size_t>(d * d));
  return bench::seconds([&] {
    cblas_dsyrk(CblasColMajor, CblasUpper, CblasTrans, cols, rows, 1, A.data(), rows, 0, H.data(),
                cols);
    LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'U', cols, H.data(), cols);
    cblas_dtrsm(CblasColMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, rows, cols, 1,
                H.data(), cols, A.data(), rows);
    row_norms_of(A, n, d, scores);
  });
}

/// Arguments: rows, columns, threads. The time is that of `method`; counters: how many times longer LAPACK's QR, BLAS's
/// Cholesky and our own Cholesky took in the same round.
template <LeverageMethod method>
void leverage(benchmark::State& state) {
  const index_t n = state.range(0), d = state.range(1);
  Context<Cpu> ctx(static_cast<int>(state.range(2)));
  const Dataset<double, Cpu> data = synthetic<double>(ctx, {.rows = n, .cols = d});
  const std::vector<double> columns = by_columns(data);
  Buffer<double, Cpu> scores(ctx, n);
  const auto ours = [&](LeverageMethod which) {
    return bench::seconds([&] {
      leverage_scores(ctx, data.view(), {.method = which, .rng = {1, 0}}, scores.view());
    });
  };
  std::vector<double> qr, blas, cholesky, own;
  for ([[maybe_unused]] auto _ : state) {
    if (qr.empty()) qr.push_back(lapack_qr_seconds(columns, n, d, scores.data()));
    blas.push_back(blas_cholesky_seconds(columns, n, d, scores.data()));
    bench::let_threads_sleep();
    cholesky.push_back(ours(LeverageMethod::cholesky));
    own.push_back(ours(method));
    state.SetIterationTime(own.back());
  }
  const double mine = bench::median(own);
  state.counters["lapack_qr"] = bench::median(qr) / mine;
  state.counters["blas_cholesky"] = bench::median(blas) / mine;
  state.counters["cholesky"] = bench::median(cholesky) / mine;
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"rows", "cols", "threads"});
  bench->Args({464'810, 54, 2})->Args({200'000, 200, 2});
  bench->Args({100'000, 1'000, 2})->Args({20'000, 2'000, 2});
  bench->UseManualTime()->Iterations(5)->Unit(benchmark::kMillisecond);
}

BENCHMARK(leverage<LeverageMethod::approximate>)->Name("leverage_approximate")->Apply(shapes);
BENCHMARK(leverage<LeverageMethod::automatic>)->Name("leverage_automatic")->Apply(shapes);
BENCHMARK(leverage<LeverageMethod::qr>)->Name("leverage_qr")->Apply(shapes);

}  // namespace
}  // namespace randnla
