// The products of cuBLAS that kernels are measured beside.
#pragma once

#include "cublas.cuh"
#include "seam/types.hpp"

#include <randnla/core/context.hpp>

namespace randnla::bench {

struct Shape {
  Transpose a, b;
  index_t m, n, k;

  static cublasOperation_t of(Transpose t) {
    return t == Transpose::yes ? CUBLAS_OP_T : CUBLAS_OP_N;
  }
};

inline cublasStatus_t product(cublasHandle_t blas, const Shape& s, int m, int n, int k,
                              const float* A, int lda, const float* B, int ldb, float* C) {
  const float one = 1, zero = 0;
  return cublasSgemm(blas, Shape::of(s.a), Shape::of(s.b), m, n, k, &one, A, lda, B, ldb, &zero, C,
                     m);
}
inline cublasStatus_t product(cublasHandle_t blas, const Shape& s, int m, int n, int k,
                              const double* A, int lda, const double* B, int ldb, double* C) {
  const double one = 1, zero = 0;
  return cublasDgemm(blas, Shape::of(s.a), Shape::of(s.b), m, n, k, &one, A, lda, B, ldb, &zero, C,
                     m);
}

/// C (m x n) = A B, each of which or its transpose lies there by columns; k is what they are summed over.
template <class T>
void gemm(Context<Cuda>& ctx, const Shape& s, const T* A, const T* B, T* C) {
  const int m = static_cast<int>(s.m), n = static_cast<int>(s.n), k = static_cast<int>(s.k);
  check(product(ctx.blas(), s, m, n, k, A, s.a == Transpose::yes ? k : m, B,
                s.b == Transpose::yes ? n : k, C));
}

}  // namespace randnla::bench
