// QR by blocks of rows, as many as share the work and the shape alone decides (Demmel, Grigori, Hoemmen & Langou,
// SIAM J. Sci. Comput. 34 (2012), TSQR): LAPACK factors each on one thread; the triangles, one above the other,
// are factored again, and every block's reflectors are applied to its part of that Q.
#include "cpu/householder_qr.hpp"

#include "cpu/serial_blas.hpp"

#include <randnla/core/error.hpp>

#include <lapacke.h>

#include <algorithm>
#include <string>

namespace randnla {
namespace {

/// Blocks have eight times as many rows as columns: the QR of the triangles is an eighth of the work.
constexpr index_t most_blocks = 8, least_shape = 8;

template <class V>
V* at(V* data, index_t i) {
  return data + static_cast<std::ptrdiff_t>(i);
}

lapack_int geqrf(lapack_int m, lapack_int n, float* a, lapack_int ld, float* tau) {
  return LAPACKE_sgeqrf(LAPACK_COL_MAJOR, m, n, a, ld, tau);
}
lapack_int geqrf(lapack_int m, lapack_int n, double* a, lapack_int ld, double* tau) {
  return LAPACKE_dgeqrf(LAPACK_COL_MAJOR, m, n, a, ld, tau);
}
lapack_int orgqr(lapack_int m, lapack_int n, float* a, lapack_int ld, const float* tau) {
  return LAPACKE_sorgqr(LAPACK_COL_MAJOR, m, n, n, a, ld, tau);
}
lapack_int orgqr(lapack_int m, lapack_int n, double* a, lapack_int ld, const double* tau) {
  return LAPACKE_dorgqr(LAPACK_COL_MAJOR, m, n, n, a, ld, tau);
}
lapack_int ormqr(lapack_int m, lapack_int n, const float* a, lapack_int ld, const float* tau,
                 float* c) {
  return LAPACKE_sormqr(LAPACK_COL_MAJOR, 'L', 'N', m, n, n, a, ld, tau, c, m);
}
lapack_int ormqr(lapack_int m, lapack_int n, const double* a, lapack_int ld, const double* tau,
                 double* c) {
  return LAPACKE_dormqr(LAPACK_COL_MAJOR, 'L', 'N', m, n, n, a, ld, tau, c, m);
}

void check(lapack_int status, const char* routine, index_t rows, index_t cols) {
  if (status == 0) return;
  throw BackendError(std::string("LAPACK ") + routine + " of " + std::to_string(rows) + " x " +
                     std::to_string(cols) + " ended with status " + std::to_string(status));
}

/// The upper triangle of `from` (no fewer rows than columns), with zeros below it.
template <class T, class To>
void copy_triangle(MatrixView<const T, Cpu> from, To* to, index_t ld) {
  for (index_t j = 0; j < from.cols; ++j) {
    for (index_t i = 0; i < from.cols; ++i) {
      to[i + j * ld] = i <= j ? static_cast<To>(from.data[i + j * from.ld]) : To(0);
    }
  }
}

/// A becomes its reflectors and R.
template <class T>
std::vector<T> factor(MatrixView<T, Cpu> A) {
  std::vector<T> tau(static_cast<std::size_t>(A.cols));
  check(geqrf(static_cast<lapack_int>(A.rows), static_cast<lapack_int>(A.cols), A.data,
              static_cast<lapack_int>(A.ld), tau.data()),
        "geqrf", A.rows, A.cols);
  return tau;
}

template <class T>
std::vector<double> factor_at_once(MatrixView<T, Cpu> A) {
  const std::vector<T> tau = factor(A);
  std::vector<double> R(static_cast<std::size_t>(A.cols * A.cols));
  copy_triangle(MatrixView<const T, Cpu>(A), R.data(), A.cols);
  check(orgqr(static_cast<lapack_int>(A.rows), static_cast<lapack_int>(A.cols), A.data,
              static_cast<lapack_int>(A.ld), tau.data()),
        "orgqr", A.rows, A.cols);
  return R;
}

/// A block, which holds its reflectors, becomes their product with `top` above zeros.
template <class T>
void expand(MatrixView<T, Cpu> block, const std::vector<T>& tau, MatrixView<const T, Cpu> top) {
  std::vector<T> Q(static_cast<std::size_t>(block.rows * block.cols), T(0));
  for (index_t j = 0; j < block.cols; ++j) {
    std::copy_n(top.data + j * top.ld, top.rows, at(Q.data(), j * block.rows));
  }
  check(ormqr(static_cast<lapack_int>(block.rows), static_cast<lapack_int>(block.cols), block.data,
              static_cast<lapack_int>(block.ld), tau.data(), Q.data()),
        "ormqr", block.rows, block.cols);
  for (index_t j = 0; j < block.cols; ++j) {
    std::copy_n(at(Q.data(), j * block.rows), block.rows, block.data + j * block.ld);
  }
}

}  // namespace

template <class T>
std::vector<double> householder_qr(Context<Cpu>& ctx, MatrixView<T, Cpu> A) {
  const SerialBlas guard;
  const index_t d = A.cols;
  if (d == 0) return {};
  const index_t blocks = std::min(most_blocks, A.rows / (least_shape * d));
  if (blocks < 2) return factor_at_once(A);
  const auto block = [&](index_t b) {
    const Chunk rows = chunk_of(A.rows, blocks, b);
    return MatrixView<T, Cpu>{A.data + rows.begin, rows.end - rows.begin, d, A.ld};
  };
  std::vector<T> triangles(static_cast<std::size_t>(blocks * d * d));
  const index_t ld = blocks * d;
  std::vector<std::vector<T>> tau(static_cast<std::size_t>(blocks));
  parallel_for(ctx, blocks, [&](index_t b) {
    tau[static_cast<std::size_t>(b)] = factor(block(b));
    copy_triangle(MatrixView<const T, Cpu>(block(b)), at(triangles.data(), b * d), ld);
  });
  std::vector<double> R = factor_at_once(MatrixView<T, Cpu>{triangles.data(), ld, d, ld});
  parallel_for(ctx, blocks, [&](index_t b) {
    expand(block(b), tau[static_cast<std::size_t>(b)],
           MatrixView<const T, Cpu>{at(triangles.data(), b * d), d, d, ld});
  });
  return R;
}

template std::vector<double> householder_qr(Context<Cpu>&, MatrixView<float, Cpu>);
template std::vector<double> householder_qr(Context<Cpu>&, MatrixView<double, Cpu>);

}  // namespace randnla
