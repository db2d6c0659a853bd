// Copies of a matrix's rows for their leverage scores: by columns, and by columns of length one.
#pragma once

#include "seam/streamed_passes.hpp"

#include <randnla/core/error.hpp>
#include <randnla/sketch/sketch.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace randnla {

/// Entries a task of a copy between rows and columns has: short stretches of both.
inline constexpr index_t copied_together = 64;

/// Entries that are scaled for a sketch at a time: they stay in a cache.
inline constexpr index_t scaled_together = index_t{1} << 18;

template <Backend B, class T>
void fill(Context<B>& ctx, T* values, index_t n, T value) {
  for_each(ctx, n, [=] RANDNLA_FN(index_t i) { values[i] = value; });
}

/// The first rows of `to`, which is zero, become those of A.
template <Backend B, class T>
void copy_by_columns(Context<B>& ctx, const DenseRows<T, B>& A, MatrixView<T, B> to) {
  const index_t pieces = (A.rows + copied_together - 1) / copied_together;
  for_each(ctx, pieces * A.cols, [=] RANDNLA_FN(index_t e) {
    const index_t j = e % A.cols, begin = e / A.cols * copied_together;
    for (index_t i = begin; i < A.rows && i < begin + copied_together; ++i) {
      to.data[i + j * to.ld] = A.values[i * A.cols + j];
    }
  });
}

template <Backend B, class T>
void copy_by_columns(Context<B>& ctx, const CsrRows<T, B>& A, MatrixView<T, B> to) {
  for_each(ctx, A.rows, [=] RANDNLA_FN(index_t i) {
    for (index_t e = A.offsets[i]; e < A.offsets[i + 1]; ++e) {
      to.data[i + A.columns[e] * to.ld] = A.values[e];
    }
  });
}

/// to, by rows, becomes the matrix.
template <Backend B, class T>
void copy_by_rows(Context<B>& ctx, MatrixView<const T, B> from, T* to) {
  const index_t pieces = (from.rows + copied_together - 1) / copied_together;
  for_each(ctx, pieces * from.cols, [=] RANDNLA_FN(index_t e) {
    const index_t j = e % from.cols, begin = e / from.cols * copied_together;
    for (index_t i = begin; i < from.rows && i < begin + copied_together; ++i) {
      to[i * from.cols + j] = from.data[i + j * from.ld];
    }
  });
}

struct Total {
  double value = 0;
  RANDNLA_HD Total& operator+=(const Total& o) {
    value += o.value;
    return *this;
  }
};

/// out[j] = length of column j, of numbers of any size. Two passes: the largest entry, and squares over it.
template <Backend B, class T>
void column_lengths(Context<B>& ctx, MatrixView<const T, B> A, double* out) {
  for (index_t j = 0; j < A.cols; ++j) {
    const T* const column = A.data + j * A.ld;
    double* const length = out + j;
    // What is not finite counts as infinite: a comparison would lose a NaN.
    max_then<double>(
        ctx, A.rows,
        [=] RANDNLA_FN(index_t i) {
          const double size = column[i] < 0 ? -column[i] : column[i];
          return size - size == 0 ? size : static_cast<double>(HUGE_VAL);
        },
        [=] RANDNLA_FN(double largest) { *length = largest; });
    sum_then<Total>(
        ctx, A.rows,
        [=] RANDNLA_FN(index_t i) -> Total {
          const double x = *length > 0 ? column[i] / *length : 0;
          return {x * x};
        },
        [=] RANDNLA_FN(const Total& sum) { *length *= sqrt(sum.value); });
  }
}

/// Divides the columns by these lengths; zeros stay.
template <Backend B, class T>
void divide_columns(Context<B>& ctx, MatrixView<T, B> A, const double* length) {
  for_each(ctx, A.rows * A.cols, [=] RANDNLA_FN(index_t e) {
    const index_t i = e % A.rows, j = e / A.rows;
    T& x = A.data[i + j * A.ld];
    if (length[j] > 0) x = static_cast<T>(x / length[j]);
  });
}

/// The lengths of the columns of [A; root(ridge) I], on the host.
template <Backend B, class T>
std::vector<double> lengths_with_ridge(Context<B>& ctx, MatrixView<T, B> A, double ridge) {
  Buffer<double, B> lengths(ctx, A.cols);
  column_lengths<B, T>(ctx, A, lengths.data());
  std::vector<double> out = lengths.download();
  for (double& length : out) length = std::hypot(length, std::sqrt(ridge));
  return out;
}

inline void require_finite(const std::vector<double>& lengths) {
  for (std::size_t j = 0; j < lengths.size(); ++j) {
    require(std::isfinite(lengths[j]), "leverage_scores: column " + std::to_string(j) +
                                           " of A has an entry that is not finite");
  }
}

/// Rows [first, first + lengths.size()) of A, zero so far, become diag(root / lengths).
template <Backend B, class T>
void add_ridge_rows(Context<B>& ctx, MatrixView<T, B> A, index_t first, double root,
                    const std::vector<double>& lengths) {
  std::vector<T> entries;
  entries.reserve(lengths.size());
  for (const double v : lengths) entries.push_back(v > 0 ? static_cast<T>(root / v) : T(0));
  const Buffer<T, B> diagonal(ctx, entries);
  const T* const from = diagonal.data();
  for_each(ctx, A.cols, [=] RANDNLA_FN(index_t j) { A.data[first + j + j * A.ld] = from[j]; });
}

/// to, no smaller, gets A in its first rows.
template <Backend B, class T>
void copy_matrix(Context<B>& ctx, MatrixView<const T, B> A, MatrixView<T, B> to) {
  for_each(ctx, A.rows * A.cols, [=] RANDNLA_FN(index_t e) {
    const index_t i = e % A.rows, j = e / A.rows;
    to.data[i + j * to.ld] = A.data[i + j * A.ld];
  });
}

/// Adds the next rows of |D|^(1/2) A to a sketch, D the weights of these rows. Some are scaled at a time.
template <Backend B, class T>
void add_weighted(Context<B>& ctx, const DenseRows<T, B>& A, const T* weights,
                  SketchStream<B, T>& sketch) {
  const index_t cols = A.cols, piece = std::max<index_t>(1, scaled_together / cols);
  Buffer<T, B> memory(ctx, std::min(piece, A.rows) * cols);
  for (index_t begin = 0; begin < A.rows; begin += piece) {
    const index_t count = std::min(piece, A.rows - begin);
    const T *const from = A.values + begin * cols, *const weight = weights + begin;
    T* const scaled = memory.data();
    for_each(ctx, count * cols, [=] RANDNLA_FN(index_t e) {
      const T w = weight[e / cols];
      scaled[e] = std::sqrt(w < 0 ? -w : w) * from[e];
    });
    sketch.add(ctx, DenseRows<T, B>{scaled, count, cols});
  }
}

template <Backend B, class T>
void add_weighted(Context<B>& ctx, const CsrRows<T, B>& A, const T* weights,
                  SketchStream<B, T>& sketch) {
  Buffer<T, B> memory(ctx, A.nonzeros);
  T* const scaled = memory.data();
  for_each(ctx, A.rows, [=] RANDNLA_FN(index_t i) {
    const T w = weights[i], root = std::sqrt(w < 0 ? -w : w);
    for (index_t e = A.offsets[i]; e < A.offsets[i + 1]; ++e) scaled[e] = root * A.values[e];
  });
  sketch.add(ctx, CsrRows<T, B>{A.offsets, A.columns, scaled, A.rows, A.cols, A.nonzeros});
}

/// S |D|^(1/2) A.
template <Backend B, class T>
void sketch_weighted(Context<B>& ctx, const Sketch& S, const RowSource<T, B>& A, const T* weights,
                     MatrixView<T, B> SA) {
  SketchStream<B, T> sketch(ctx, S, SA);
  A.for_each_chunk(ctx, [&](index_t first, const Rows<T, B>& chunk) {
    std::visit([&](const auto& rows) { add_weighted(ctx, rows, weights + first, sketch); }, chunk);
  });
  sketch.finish(ctx);
}

/// A'A + ridge I, on the host.
template <Backend B, class T>
std::vector<T> gram_of(Context<B>& ctx, const RowSource<T, B>& A, double ridge) {
  Buffer<T, B> ones(ctx, A.rows), H(ctx, A.cols * A.cols);
  fill(ctx, ones.data(), A.rows, T(1));
  gram<B, T>(ctx, A, ones.data(), static_cast<T>(ridge),
             MatrixView<T, B>{H.data(), A.cols, A.cols, A.cols});
  return H.download();
}

}  // namespace randnla
