// The triangular factor of streamed rows.
#pragma once

#include "seam/streamed_passes.hpp"

#include <algorithm>
#include <cstddef>
#include <variant>
#include <vector>

namespace randnla {

/// Entries of the rows that are factored at a time; but at least as many rows as columns, so that the triangle above
/// them is no more work than they are.
inline constexpr index_t factored_together = index_t{1} << 24;

/// Rows [begin, begin + M.rows - above) of A are below the first `above` rows of M, which is zero.
template <Backend B, class T>
void copy_below(Context<B>& ctx, const DenseRows<T, B>& A, index_t begin, index_t above,
                MatrixView<T, B> M) {
  const index_t rows = M.rows - above;
  const T* const from = A.values + begin * A.cols;
  for_each(ctx, rows * A.cols, [=] RANDNLA_FN(index_t e) {
    M.data[above + e % rows + e / rows * M.ld] = from[e % rows * A.cols + e / rows];
  });
}

template <Backend B, class T>
void copy_below(Context<B>& ctx, const CsrRows<T, B>& A, index_t begin, index_t above,
                MatrixView<T, B> M) {
  for_each(ctx, M.rows - above, [=] RANDNLA_FN(index_t i) {
    for (index_t e = A.offsets[begin + i]; e < A.offsets[begin + i + 1]; ++e)
      M.data[above + i + A.columns[e] * M.ld] = A.values[e];
  });
}

/// M = [R; 0].
template <Backend B, class T>
void put_on_top(Context<B>& ctx, const std::vector<double>& R, MatrixView<T, B> M) {
  const Buffer<T, B> triangle(ctx, std::vector<T>(R.begin(), R.end()));
  const T* const from = triangle.data();
  const index_t size = M.cols;
  for_each(ctx, M.rows * M.cols, [=] RANDNLA_FN(index_t e) {
    const index_t i = e % M.rows, j = e / M.rows;
    M.data[i + j * M.ld] = i < size ? from[i + j * size] : T(0);
  });
}

/// R as upper_factor(ctx, A, b, K) gives it, b (rows of A x K) by rows, from the triangle of the rows so far on top of
/// the next ones. Waits for each of them.
template <Backend B, class T>
std::vector<double> stacked_factor(Context<B>& ctx, const RowSource<T, B>& A, const T* b,
                                   index_t K) {
  const index_t size = A.cols + K;
  std::vector<double> R(static_cast<std::size_t>(size * size), 0.0);
  const index_t most = std::max(size, factored_together / std::max<index_t>(1, size));
  A.for_each_chunk(ctx, [&](index_t first, const Rows<T, B>& chunk) {
    for (index_t begin = 0; begin < rows_in(chunk); begin += most) {
      const index_t count = std::min(most, rows_in(chunk) - begin);
      Buffer<T, B> memory(ctx, (size + count) * size);
      const MatrixView<T, B> M{memory.data(), size + count, size, size + count};
      put_on_top(ctx, R, M);
      std::visit(
          [&](const auto& rows) { copy_below(ctx, rows, begin, size, M.first_cols(A.cols)); },
          chunk);
      if (K > 0) {
        const DenseRows<T, B> sides{b + first * K, rows_in(chunk), K};
        copy_below(ctx, sides, begin, size,
                   MatrixView<T, B>{M.data + A.cols * M.ld, M.rows, K, M.ld});
      }
      R = upper_factor(ctx, MatrixView<const T, B>(M));
    }
  });
  return R;
}

}  // namespace randnla
