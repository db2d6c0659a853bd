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

template void gemv(Context<Cpu>&, Transpose, float, MatrixView<const float, Cpu>, const float*,
                   float, float*);
template void gemv(Context<Cpu>&, Transpose, double, MatrixView<const double, Cpu>, const double*,
                   double, double*);

}  // namespace randnla
