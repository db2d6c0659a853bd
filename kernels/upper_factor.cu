// Copies by columns, cuSOLVER's geqrf, and the triangle as doubles on the host.
#include "cusolver.cuh"
#include "loops.cuh"
#include "upper_factor.cuh"

#include <randnla/core/error.hpp>

#include <algorithm>
#include <limits>
#include <string>
#include <variant>

namespace randnla {
namespace {

cusolverStatus_t workspace(cusolverDnHandle_t h, int m, int n, double* a, int* entries) {
  return cusolverDnDgeqrf_bufferSize(h, m, n, a, m, entries);
}
cusolverStatus_t workspace(cusolverDnHandle_t h, int m, int n, float* a, int* entries) {
  return cusolverDnSgeqrf_bufferSize(h, m, n, a, m, entries);
}
cusolverStatus_t geqrf(cusolverDnHandle_t h, int m, int n, double* a, double* tau, double* work,
                       int entries, int* info) {
  return cusolverDnDgeqrf(h, m, n, a, m, tau, work, entries, info);
}
cusolverStatus_t geqrf(cusolverDnHandle_t h, int m, int n, float* a, float* tau, float* work,
                       int entries, int* info) {
  return cusolverDnSgeqrf(h, m, n, a, m, tau, work, entries, info);
}

/// Factors M (rows x cols, rows >= cols, contiguous) in place.
template <class T>
std::vector<double> factor(Context<Cuda>& ctx, Buffer<T, Cuda> M, index_t rows, index_t cols) {
  require(rows <= std::numeric_limits<int>::max(),
          "upper_factor: " + std::to_string(rows) + " rows, want at most 2^31 - 1");
  const SolverHandle solver(ctx.stream());
  const int m = static_cast<int>(rows), n = static_cast<int>(cols);
  int entries = 0;
  check(workspace(solver, m, n, M.data(), &entries));
  Buffer<T, Cuda> tau(ctx, cols), work(ctx, entries);
  Buffer<int, Cuda> info(ctx, 1);
  check(geqrf(solver, m, n, M.data(), tau.data(), work.data(), entries, info.data()));
  ++ctx.counters.launches;
  Buffer<double, Cuda> R(ctx, cols * cols);
  const T* const from = M.data();
  double* const to = R.data();
  for_each(ctx, cols * cols, [=] __device__(index_t e) {
    const index_t i = e % cols, j = e / cols;
    to[e] = i <= j ? static_cast<double>(from[i + j * rows]) : 0.0;
  });
  const int status = info.read(0);
  if (status != 0) throw BackendError("cuSOLVER geqrf ended with status " + std::to_string(status));
  return R.download();
}

template <class T>
void fill(Context<Cuda>& ctx, T* values, index_t n) {
  for_each(ctx, n, [=] __device__(index_t i) { values[i] = 0; });
}

/// A by columns, `stride` apart.
template <class T>
void copy_columns(Context<Cuda>& ctx, const DenseRows<T, Cuda>& A, index_t stride, T* out) {
  for_each(ctx, A.rows * A.cols, [=] __device__(index_t e) {
    const index_t i = e % A.rows, j = e / A.rows;
    out[i + j * stride] = A.values[i * A.cols + j];
  });
}

template <class T>
void copy_columns(Context<Cuda>& ctx, const CsrRows<T, Cuda>& A, index_t stride, T* out) {
  for_each(ctx, A.rows, [=] __device__(index_t i) {
    for (index_t e = A.offsets[i]; e < A.offsets[i + 1]; ++e)
      out[i + A.columns[e] * stride] = A.values[e];
  });
}

}  // namespace

template <class T>
std::vector<double> upper_factor(Context<Cuda>& ctx, const Rows<T, Cuda>& A, const T* b,
                                 index_t K) {
  ctx.workspace().activate();
  const auto [given, cols] =
      std::visit([](const auto& matrix) { return std::pair(matrix.rows, matrix.cols); }, A);
  if (cols + K == 0) return {};
  const index_t rows = std::max(given, cols + K);
  Buffer<T, Cuda> M(ctx, rows * (cols + K));
  T* const to = M.data();
  fill(ctx, to, rows * (cols + K));
  std::visit([&](const auto& matrix) { copy_columns(ctx, matrix, rows, to); }, A);
  copy_columns(ctx, DenseRows<T, Cuda>{b, given, K}, rows, to + rows * cols);
  return factor(ctx, std::move(M), rows, cols + K);
}

template <class T>
std::vector<double> upper_factor(Context<Cuda>& ctx, MatrixView<const T, Cuda> M) {
  ctx.workspace().activate();
  if (M.cols == 0) return {};
  const index_t rows = std::max(M.rows, M.cols);
  Buffer<T, Cuda> copy(ctx, rows * M.cols);
  T* const to = copy.data();
  for_each(ctx, rows * M.cols, [=] __device__(index_t e) {
    const index_t i = e % rows, j = e / rows;
    to[e] = i < M.rows ? M.data[i + j * M.ld] : T(0);
  });
  return factor(ctx, std::move(copy), rows, M.cols);
}

template std::vector<double> upper_factor(Context<Cuda>&, const Rows<float, Cuda>&, const float*,
                                          index_t);
template std::vector<double> upper_factor(Context<Cuda>&, const Rows<double, Cuda>&, const double*,
                                          index_t);
template std::vector<double> upper_factor(Context<Cuda>&, MatrixView<const float, Cuda>);
template std::vector<double> upper_factor(Context<Cuda>&, MatrixView<const double, Cuda>);

}  // namespace randnla
