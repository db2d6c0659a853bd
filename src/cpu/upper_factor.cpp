// Parts of the rows in parallel, each by panels that pass through the cache: a panel is reduced into the
// triangle that stands so far, LAPACK's QR of a triangle above a rectangle. The parts' triangles are then
// joined in pairs. Parts and panels depend on the shape alone, so bits do not depend on the number of threads.
#include "cpu/upper_factor.hpp"

#include "cpu/serial_blas.hpp"

#include <randnla/core/error.hpp>

#include <lapacke.h>

#include <algorithm>
#include <string>
#include <variant>

namespace randnla {
namespace {

constexpr index_t panel_bytes = index_t{256} << 10;  // a panel and its work stay in the L2 cache

lapack_int reduce(int rows, int cols, int trapezoid, int block, double* R, double* panel, int ld,
                  double* t, double* work) {
  return LAPACKE_dtpqrt_work(LAPACK_COL_MAJOR, rows, cols, trapezoid, block, R, cols, panel, ld, t,
                             block, work);
}
lapack_int reduce(int rows, int cols, int trapezoid, int block, float* R, float* panel, int ld,
                  float* t, float* work) {
  return LAPACKE_stpqrt_work(LAPACK_COL_MAJOR, rows, cols, trapezoid, block, R, cols, panel, ld, t,
                             block, work);
}

/// A triangle that takes up rows.
template <class T>
class Triangle {
 public:
  explicit Triangle(index_t cols)
      : R(static_cast<std::size_t>(cols * cols), T(0)),
        cols_(static_cast<int>(cols)),
        t_(static_cast<std::size_t>(block() * cols)),
        work_(t_.size()) {}

  /// Overwrites them; `trapezoid` of their last rows are upper triangular.
  void add(T* rows, index_t count, index_t trapezoid = 0) {
    const lapack_int status =
        reduce(static_cast<int>(count), cols_, static_cast<int>(trapezoid), block(), R.data(), rows,
               static_cast<int>(count), t_.data(), work_.data());
    if (status != 0) {
      throw BackendError("LAPACK tpqrt of " + std::to_string(cols_) +
                         " columns ended with status " + std::to_string(status));
    }
  }

  std::vector<T> R;

 private:
  int block() const { return std::min(cols_, 32); }

  int cols_;
  std::vector<T> t_, work_;
};

/// fill(begin, end, panel) writes rows of the matrix to a column-major panel.
template <class T, class Fill>
std::vector<double> factor(Context<Cpu>& ctx, index_t rows, index_t cols, Fill fill) {
  if (cols == 0) return {};
  const SerialBlas guard;
  const index_t panel =
      std::max<index_t>(cols, panel_bytes / (cols * static_cast<index_t>(sizeof(T))));
  // A power of two of them. Joining two costs a third of what 2 cols rows do.
  index_t parts = 1;
  while (parts < 64 && rows >= 4 * parts * panel) parts *= 2;
  std::vector<Triangle<T>> triangle(static_cast<std::size_t>(parts), Triangle<T>(cols));
  parallel_for(ctx, parts, [&](index_t p) {
    const auto [begin, end] = chunk_of(rows, parts, p);
    std::vector<T> values(static_cast<std::size_t>(std::min(panel, end - begin) * cols));
    for (index_t i = begin; i < end; i += panel) {
      const index_t last = std::min(end, i + panel);
      fill(i, last, values.data());
      triangle[static_cast<std::size_t>(p)].add(values.data(), last - i);
    }
  });
  for (index_t apart = 1; apart < parts; apart *= 2) {
    parallel_for(ctx, parts / (2 * apart), [&](index_t pair) {
      const auto first = static_cast<std::size_t>(2 * apart * pair);
      triangle[first].add(triangle[first + static_cast<std::size_t>(apart)].R.data(), cols, cols);
    });
  }
  return {triangle[0].R.begin(), triangle[0].R.end()};
}

template <class T>
void fill_rows(const DenseRows<T, Cpu>& A, index_t begin, index_t end, T* panel) {
  const index_t rows = end - begin;
  for (index_t i = 0; i < rows; ++i) {
    for (index_t j = 0; j < A.cols; ++j) panel[i + j * rows] = A.values[(begin + i) * A.cols + j];
  }
}

template <class T>
void fill_rows(const CsrRows<T, Cpu>& A, index_t begin, index_t end, T* panel) {
  const index_t rows = end - begin;
  std::fill_n(panel, rows * A.cols, T(0));
  for (index_t i = 0; i < rows; ++i) {
    for (index_t e = A.offsets[begin + i]; e < A.offsets[begin + i + 1]; ++e) {
      panel[i + A.columns[e] * rows] = A.values[e];
    }
  }
}

}  // namespace

template <class T>
std::vector<double> upper_factor(Context<Cpu>& ctx, const Rows<T, Cpu>& A, const T* b, index_t K) {
  return std::visit(
      [&](const auto& matrix) {
        return factor<T>(ctx, matrix.rows, matrix.cols + K,
                         [&](index_t begin, index_t end, T* panel) {
                           fill_rows(matrix, begin, end, panel);
                           fill_rows(DenseRows<T, Cpu>{b, matrix.rows, K}, begin, end,
                                     panel + (end - begin) * matrix.cols);
                         });
      },
      A);
}

template <class T>
std::vector<double> upper_factor(Context<Cpu>& ctx, MatrixView<const T, Cpu> M) {
  return factor<T>(ctx, M.rows, M.cols, [&](index_t begin, index_t end, T* panel) {
    for (index_t j = 0; j < M.cols; ++j) {
      std::copy(M.data + begin + j * M.ld, M.data + end + j * M.ld, panel + j * (end - begin));
    }
  });
}

template std::vector<double> upper_factor(Context<Cpu>&, const Rows<float, Cpu>&, const float*,
                                          index_t);
template std::vector<double> upper_factor(Context<Cpu>&, const Rows<double, Cpu>&, const double*,
                                          index_t);
template std::vector<double> upper_factor(Context<Cpu>&, MatrixView<const float, Cpu>);
template std::vector<double> upper_factor(Context<Cpu>&, MatrixView<const double, Cpu>);

}  // namespace randnla
