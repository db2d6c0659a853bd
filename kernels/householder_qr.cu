// Householder QR by cuSOLVER: geqrf, R to the host, orgqr.
//
// Twin  cpu/householder_qr.cpp        Test  tests/seam/, tests/sketch/leverage_test.cpp
#include "cusolver.cuh"
#include "householder_qr.cuh"
#include "loops.cuh"

#include <randnla/core/error.hpp>

#include <algorithm>
#include <limits>
#include <string>

namespace randnla {
namespace {

/// Workspace in numbers, enough for both steps.
int workspace(cusolverDnHandle_t solver, int m, int n, float* a, int ld, float* tau) {
  int factor = 0, form = 0;
  check(cusolverDnSgeqrf_bufferSize(solver, m, n, a, ld, &factor));
  check(cusolverDnSorgqr_bufferSize(solver, m, n, n, a, ld, tau, &form));
  return std::max(factor, form);
}
int workspace(cusolverDnHandle_t solver, int m, int n, double* a, int ld, double* tau) {
  int factor = 0, form = 0;
  check(cusolverDnDgeqrf_bufferSize(solver, m, n, a, ld, &factor));
  check(cusolverDnDorgqr_bufferSize(solver, m, n, n, a, ld, tau, &form));
  return std::max(factor, form);
}

void factor(cusolverDnHandle_t solver, int m, int n, float* a, int ld, float* tau,
            Buffer<float, Cuda>& work, int* info) {
  check(
      cusolverDnSgeqrf(solver, m, n, a, ld, tau, work.data(), static_cast<int>(work.size()), info));
}
void factor(cusolverDnHandle_t solver, int m, int n, double* a, int ld, double* tau,
            Buffer<double, Cuda>& work, int* info) {
  check(
      cusolverDnDgeqrf(solver, m, n, a, ld, tau, work.data(), static_cast<int>(work.size()), info));
}
void form(cusolverDnHandle_t solver, int m, int n, float* a, int ld, const float* tau,
          Buffer<float, Cuda>& work, int* info) {
  check(cusolverDnSorgqr(solver, m, n, n, a, ld, tau, work.data(), static_cast<int>(work.size()),
                         info));
}
void form(cusolverDnHandle_t solver, int m, int n, double* a, int ld, const double* tau,
          Buffer<double, Cuda>& work, int* info) {
  check(cusolverDnDorgqr(solver, m, n, n, a, ld, tau, work.data(), static_cast<int>(work.size()),
                         info));
}

int narrow(const char* what, index_t n) {
  require(n <= std::numeric_limits<int>::max(),
          std::string("householder_qr: ") + what + " = " + std::to_string(n) + ", want at most " +
              std::to_string(std::numeric_limits<int>::max()));
  return static_cast<int>(n);
}

}  // namespace

template <class T>
std::vector<double> householder_qr(Context<Cuda>& ctx, MatrixView<T, Cuda> A) {
  const int m = narrow("rows", A.rows), n = narrow("cols", A.cols), ld = narrow("ld", A.ld);
  if (n == 0) return {};
  ctx.workspace().activate();
  const SolverHandle solver(ctx.stream());
  Buffer<T, Cuda> tau(ctx, n), triangle(ctx, A.cols * A.cols);
  Buffer<int, Cuda> info(ctx, 2);
  Buffer<T, Cuda> work(ctx, workspace(solver, m, n, A.data, ld, tau.data()));
  factor(solver, m, n, A.data, ld, tau.data(), work, info.data());
  ++ctx.counters.launches;
  T* const R = triangle.data();
  for_each(ctx, A.cols * A.cols, [=] __device__(index_t e) {
    const index_t i = e % A.cols, j = e / A.cols;
    R[e] = i <= j ? A.data[i + j * A.ld] : T(0);
  });
  form(solver, m, n, A.data, ld, tau.data(), work, info.data() + 1);
  ++ctx.counters.launches;
  const std::vector<int> wrong = info.download();
  if (wrong[0] != 0 || wrong[1] != 0) {
    throw BackendError("cuSOLVER geqrf and orgqr of " + std::to_string(m) + " x " +
                       std::to_string(n) + " ended with " + std::to_string(wrong[0]) + " and " +
                       std::to_string(wrong[1]));
  }
  const std::vector<T> host = triangle.download();
  return {host.begin(), host.end()};
}

template std::vector<double> householder_qr(Context<Cuda>&, MatrixView<float, Cuda>);
template std::vector<double> householder_qr(Context<Cuda>&, MatrixView<double, Cuda>);

}  // namespace randnla
