// Dense matrix times vector by cuBLAS, which repeats its bits on one stream.
#include "cublas.cuh"
#include "loops.cuh"

#include <randnla/core/error.hpp>

#include <limits>
#include <string>

namespace randnla {
namespace {

cublasStatus_t call(cublasHandle_t blas, cublasOperation_t trans, int m, int n, float alpha,
                    const float* a, int ld, const float* x, float beta, float* y) {
  return cublasSgemv(blas, trans, m, n, &alpha, a, ld, x, 1, &beta, y, 1);
}
cublasStatus_t call(cublasHandle_t blas, cublasOperation_t trans, int m, int n, double alpha,
                    const double* a, int ld, const double* x, double beta, double* y) {
  return cublasDgemv(blas, trans, m, n, &alpha, a, ld, x, 1, &beta, y, 1);
}

cublasStatus_t product(cublasHandle_t blas, int m, int k, const float* a, int ld, float* c,
                       int ldc) {
  const float one = 1, zero = 0;
  return cublasSgemm(blas, CUBLAS_OP_T, CUBLAS_OP_N, m, m, k, &one, a, ld, a, ld, &zero, c, ldc);
}
cublasStatus_t product(cublasHandle_t blas, int m, int k, const double* a, int ld, double* c,
                       int ldc) {
  const double one = 1, zero = 0;
  return cublasDgemm(blas, CUBLAS_OP_T, CUBLAS_OP_N, m, m, k, &one, a, ld, a, ld, &zero, c, ldc);
}

int narrow(const char* what, index_t n) {
  require(n <= std::numeric_limits<int>::max(),
          std::string("gemv: ") + what + " = " + std::to_string(n) + ", want at most " +
              std::to_string(std::numeric_limits<int>::max()));
  return static_cast<int>(n);
}

}  // namespace

template <class T>
void gemv(Context<Cuda>& ctx, Transpose trans, T alpha, MatrixView<const T, Cuda> A, const T* x,
          T beta, T* y) {
  const int m = narrow("rows", A.rows), n = narrow("cols", A.cols), ld = narrow("ld", A.ld);
  const bool transposed = trans == Transpose::yes;
  const index_t results = transposed ? n : m, terms = transposed ? m : n;
  if (terms == 0) {  // BLAS leaves y alone then
    for_each(ctx, results, [=] __device__(index_t i) { y[i] = beta == T(0) ? T(0) : beta * y[i]; });
  } else if (results > 0) {
    ctx.workspace().activate();
    check(call(ctx.blas(), transposed ? CUBLAS_OP_T : CUBLAS_OP_N, m, n, alpha, A.data, ld, x, beta,
               y));
    ++ctx.counters.launches;
  }
}

template <class T>
void column_gram(Context<Cuda>& ctx, MatrixView<const T, Cuda> M, MatrixView<T, Cuda> H) {
  const int m = narrow("cols", M.cols), k = narrow("rows", M.rows);
  if (m == 0) return;
  ctx.workspace().activate();
  check(product(ctx.blas(), m, k, M.data, narrow("ld", M.ld), H.data, narrow("ld", H.ld)));
  ++ctx.counters.launches;
}

template void column_gram(Context<Cuda>&, MatrixView<const float, Cuda>, MatrixView<float, Cuda>);
template void column_gram(Context<Cuda>&, MatrixView<const double, Cuda>, MatrixView<double, Cuda>);
template void gemv(Context<Cuda>&, Transpose, float, MatrixView<const float, Cuda>, const float*,
                   float, float*);
template void gemv(Context<Cuda>&, Transpose, double, MatrixView<const double, Cuda>, const double*,
                   double, double*);

}  // namespace randnla
