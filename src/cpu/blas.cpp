// BLAS on the CPU: OpenBLAS, one thread a call, called from our own threads on fixed parts. One
// threading layer only (OpenBLAS's own threads beside OpenMP's cost a factor of 1.65), and bits
// that do not depend on the number of threads, which a threaded BLAS does not promise.
#include "cpu/serial_blas.hpp"
#include "seam/seam.hpp"

#include <cblas.h>

#include <type_traits>

namespace randnla {
namespace {

void call(CBLAS_TRANSPOSE trans, index_t m, index_t n, double alpha, const double* a, index_t ld,
          const double* x, double beta, double* y) {
  cblas_dgemv(CblasColMajor, trans, static_cast<int>(m), static_cast<int>(n), alpha, a,
              static_cast<int>(ld), x, 1, beta, y, 1);
}
void call(CBLAS_TRANSPOSE trans, index_t m, index_t n, float alpha, const float* a, index_t ld,
          const float* x, float beta, float* y) {
  cblas_sgemv(CblasColMajor, trans, static_cast<int>(m), static_cast<int>(n), alpha, a,
              static_cast<int>(ld), x, 1, beta, y, 1);
}

/// C (m x n) = A'B over k rows.
void product(int m, int n, int k, const double* a, int lda, const double* b, int ldb, double* c,
             int ldc) {
  cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, m, n, k, 1, a, lda, b, ldb, 0, c, ldc);
}
void product(int m, int n, int k, const float* a, int lda, const float* b, int ldb, float* c,
             int ldc) {
  cblas_sgemm(CblasColMajor, CblasTrans, CblasNoTrans, m, n, k, 1, a, lda, b, ldb, 0, c, ldc);
}

constexpr index_t gram_block = 128;  // columns

}  // namespace

template <class T>
void gemv(Context<Cpu>& ctx, Transpose trans, T alpha, MatrixView<const T, Cpu> A, const T* x,
          T beta, T* y) {
  const index_t terms = trans == Transpose::no ? A.cols : A.rows;
  if (terms == 0) {  // BLAS leaves y alone then
    const index_t results = A.rows + A.cols - terms;
    for_each(ctx, results, [=](index_t i) { y[i] = beta == 0 ? T(0) : beta * y[i]; });
    return;
  }
  const SerialBlas guard;
  if (trans == Transpose::no) {  // parts of the rows
    const index_t chunks = chunk_count(A.rows);
    parallel_for(ctx, chunks, [&](index_t c) {
      const auto [begin, end] = chunk_of(A.rows, chunks, c);
      call(CblasNoTrans, end - begin, A.cols, alpha, A.data + begin, A.ld, x, beta, y + begin);
    });
  } else {  // parts of the columns
    const index_t chunks = std::clamp<index_t>(A.rows * A.cols / loop_grain, A.cols > 0 ? 1 : 0,
                                               std::min<index_t>(A.cols, 64));
    parallel_for(ctx, chunks, [&](index_t c) {
      const auto [begin, end] = chunk_of(A.cols, chunks, c);
      call(CblasTrans, A.rows, end - begin, alpha, A.data + begin * A.ld, A.ld, x, beta, y + begin);
    });
  }
}

template <class T>
void column_gram(Context<Cpu>& ctx, MatrixView<const T, Cpu> M, MatrixView<T, Cpu> H) {
  const index_t blocks = (M.cols + gram_block - 1) / gram_block;
  const SerialBlas guard;
  parallel_for(ctx, blocks * (blocks + 1) / 2, [&](index_t task) {
    index_t right = 0;  // the task's block in the upper triangle
    while ((right + 1) * (right + 2) / 2 <= task) ++right;
    const index_t left = task - right * (right + 1) / 2;
    const index_t i = left * gram_block, j = right * gram_block;
    const index_t m = std::min(gram_block, M.cols - i), n = std::min(gram_block, M.cols - j);
    product(static_cast<int>(m), static_cast<int>(n), static_cast<int>(M.rows), M.data + i * M.ld,
            static_cast<int>(M.ld), M.data + j * M.ld, static_cast<int>(M.ld),
            H.data + i + j * H.ld, static_cast<int>(H.ld));
    for (index_t l = 0; l < n && left < right; ++l) {
      for (index_t k = 0; k < m; ++k)
        H.data[j + l + (i + k) * H.ld] = H.data[i + k + (j + l) * H.ld];
    }
  });
}

template void column_gram(Context<Cpu>&, MatrixView<const float, Cpu>, MatrixView<float, Cpu>);
template void column_gram(Context<Cpu>&, MatrixView<const double, Cpu>, MatrixView<double, Cpu>);
template void gemv(Context<Cpu>&, Transpose, float, MatrixView<const float, Cpu>, const float*,
                   float, float*);
template void gemv(Context<Cpu>&, Transpose, double, MatrixView<const double, Cpu>, const double*,
                   double, double*);

}  // namespace randnla
