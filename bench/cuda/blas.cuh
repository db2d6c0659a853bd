// The products of cuBLAS that kernels are measured beside.
#pragma once

#include "cublas.cuh"

#include <randnla/core/context.hpp>

namespace randnla::bench {

inline cublasStatus_t product(cublasHandle_t blas, int m, int n, int k, const float* a, int lda,
                              const float* b, int ldb, float* c) {
  const float one = 1, zero = 0;
  return cublasSgemm(blas, CUBLAS_OP_N, CUBLAS_OP_T, m, n, k, &one, a, lda, b, ldb, &zero, c, m);
}
inline cublasStatus_t product(cublasHandle_t blas, int m, int n, int k, const double* a, int lda,
                              const double* b, int ldb, double* c) {
  const double one = 1, zero = 0;
  return cublasDgemm(blas, CUBLAS_OP_N, CUBLAS_OP_T, m, n, k, &one, a, lda, b, ldb, &zero, c, m);
}

/// C = A B' (m x n) over k columns of both, all by columns.
template <class T>
void gemm(Context<Cuda>& ctx, index_t m, index_t n, index_t k, const T* A, const T* B, T* C) {
  check(product(ctx.blas(), static_cast<int>(m), static_cast<int>(n), static_cast<int>(k), A,
                static_cast<int>(m), B, static_cast<int>(n), C));
}

}  // namespace randnla::bench
