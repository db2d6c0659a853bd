// The Hessian-vector product of softmax regression, one fused pass with K vectors, beside one read
// of A and beside two dgemm of OpenBLAS with the same work between them; and an evaluation beside
// two dgemm and the same softmax. Each iteration measures all of them one after the other, because
// the bandwidth of a shared host drifts; the counters are medians of the ratios.
#include "support/ceiling.hpp"

#include <randnla/core/random.hpp>
#include <randnla/data/synthetic.hpp>
#include <randnla/objective/softmax.hpp>

#include <benchmark/benchmark.h>
#include <cblas.h>

#include <cmath>
#include <vector>

namespace randnla {
namespace {

using bench::median;
using bench::seconds;

struct Shape {
  index_t rows, cols, classes;
};

/// out = (A' w(A V'))' with a function of the margins of each row in between.
template <class F>
void two_gemm(const Shape& n, int threads, const double* A, const double* V, double* z, double* out,
              const F& row_function) {
  const int m = static_cast<int>(n.rows), d = static_cast<int>(n.cols),
            K = static_cast<int>(n.classes);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, K, d, 1, A, d, V, d, 0, z, K);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (index_t k = 0; k < n.rows; ++k) row_function(k, z + k * n.classes);
  cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, K, d, m, 1, z, K, A, d, 0, out, d);
}

void softmax_weights(index_t classes, double* z) {
  double largest = z[0], sum = 0;
  for (index_t c = 1; c < classes; ++c) largest = std::max(largest, z[c]);
  for (index_t c = 0; c < classes; ++c) sum += z[c] = std::exp(z[c] - largest);
  for (index_t c = 0; c < classes; ++c) z[c] /= sum;
}

void curvature_weights(index_t classes, const double* s, double* z) {
  double sum = 0, mean = 0;
  for (index_t c = 0; c < classes; ++c) sum += s[c], mean += s[c] * z[c];
  for (index_t c = 0; c < classes; ++c) z[c] = s[c] * (z[c] - mean / sum);
}

void softmax(benchmark::State& state) {
  const Shape n{state.range(0), state.range(1), state.range(2)};
  Context<Cpu> ctx(static_cast<int>(state.range(3)));
  Dataset<double, Cpu> data = synthetic<double>(ctx, {.rows = n.rows, .cols = n.cols});
  for (index_t i = 0; i < n.rows; ++i) {
    data.targets.data()[i] = static_cast<double>(i % n.classes);
  }
  const SoftmaxRegression<Cpu, double> f(ctx, data, n.classes);
  Buffer<double, Cpu> V(ctx, f.dim()), out(ctx, f.dim()), p(ctx, n.rows * n.classes),
      z(ctx, n.rows * n.classes), value(ctx, 1);
  fill_normal(ctx, Rng{1, 0}, 0.1, V.view());
  const auto all = Sample<Cpu, double>::all(n.rows);
  f.evaluate(ctx, V.view(), all, {nullptr, nullptr, p.data()});
  const HessianSample<Cpu, double> H{V.view(), all, p.data()};
  const double* const A = data.values.data();
  const std::size_t bytes = static_cast<std::size_t>(n.rows * n.cols) * sizeof(double);
  openblas_set_num_threads(ctx.threads());
  std::vector<double> reads, evaluations, product_gemm, evaluation_gemm;
  const auto read = [&] { benchmark::DoNotOptimize(bench::read_once(A, bytes, ctx.threads())); };
  const auto gemm_product = [&] {
    two_gemm(n, ctx.threads(), A, V.data(), z.data(), out.data(), [&](index_t k, double* row) {
      curvature_weights(n.classes, p.data() + k * n.classes, row);
    });
  };
  const auto gemm_evaluation = [&] {
    two_gemm(n, ctx.threads(), A, V.data(), z.data(), out.data(),
             [&](index_t, double* row) { softmax_weights(n.classes, row); });
  };
  for ([[maybe_unused]] auto _ : state) {
    bench::let_threads_sleep();
    bench::warm_up(read);
    const double before = seconds(read);
    const double product = seconds([&] { f.hessian_product(ctx, H, V.view(), out.view()); });
    const double evaluation = seconds([&] {
      f.evaluate(ctx, V.view(), all, {value.data(), out.data(), p.data()});
    });
    const double one_read = (before + seconds(read)) / 2;
    state.SetIterationTime(product);
    reads.push_back(product / one_read);
    evaluations.push_back(evaluation / one_read);
    bench::let_threads_sleep();
    bench::warm_up(gemm_product);
    product_gemm.push_back(seconds(gemm_product) / product);
    evaluation_gemm.push_back(seconds(gemm_evaluation) / evaluation);
  }
  state.counters["product_reads"] = median(reads);
  state.counters["evaluate_reads"] = median(evaluations);
  state.counters["gemm/product"] = median(product_gemm);
  state.counters["gemm/evaluate"] = median(evaluation_gemm);
}

BENCHMARK(softmax)
    ->ArgNames({"rows", "cols", "classes", "threads"})
    ->Args({60'000, 784, 10, 2})
    ->Args({464'810, 54, 7, 2})
    ->Args({464'810, 54, 7, 1})
    ->UseManualTime()
    ->Iterations(11)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace randnla
