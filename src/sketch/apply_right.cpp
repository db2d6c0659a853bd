#include "seam/seam.hpp"
#include "sketch/check_sketch.hpp"
#include "sketch/column_pattern.hpp"
#include "sketch/select_rows.hpp"

#include <randnla/core/math.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <variant>

namespace randnla {
namespace {

/// Entries of what is turned round, or of S's columns, at a time.
constexpr index_t entries_at_hand = index_t{1} << 22;

/// Rows of S that a sum takes together.
constexpr index_t sums_together = 8;

index_t pieces_of(index_t entries_each, index_t count) {
  return std::clamp<index_t>(entries_at_hand / std::max<index_t>(1, entries_each), 1,
                             std::max<index_t>(1, count));
}

/// Rows [begin, begin + count) of A, by rows.
template <Backend B, class T>
void turn_round(Context<B>& ctx, MatrixView<const T, B> A, index_t begin, index_t count, T* out) {
  const index_t cols = A.cols, ld = A.ld;
  const T* const from = A.data + begin;
  for_each(ctx, count * cols,
           [=] RANDNLA_FN(index_t e) { out[e] = from[e / cols + e % cols * ld]; });
}

template <Backend B, class T>
void right_of(Context<B>& ctx, const DenseRows<T, B>& A, const Sketch& S, MatrixView<T, B> AS) {
  const index_t piece = pieces_of(std::max(A.cols, S.rows), A.rows), k = S.rows, ld = AS.ld;
  Buffer<T, B> turned(ctx, k * piece);
  for (index_t begin = 0; begin < A.rows; begin += piece) {
    const index_t count = std::min(piece, A.rows - begin);
    // By columns, A is its own transpose.
    apply(ctx, S, MatrixView<const T, B>{A.values + begin * A.cols, A.cols, count, A.cols},
          MatrixView<T, B>{turned.data(), k, count, k});
    const T* const from = turned.data();
    T* const to = AS.data + begin;
    for_each(ctx, count * k, [=] RANDNLA_FN(index_t e) {
      to[e % count + e / count * ld] = from[e / count + e % count * k];
    });
  }
}

/// Columns [first, first + count) of S, one after the other with room for `stride` rows each, unscaled.
template <Backend B, class T>
void form_columns(Context<B>& ctx, const Sketch& S, index_t first, index_t count, index_t stride,
                  const std::uint64_t* selected, T* out) {
  for_each(ctx, count * stride, [=] RANDNLA_FN(index_t e) {
    const index_t t = e % stride, i = first + e / stride;
    if (t >= S.rows) {
      out[e] = 0;
    } else if (S.kind == SketchKind::srht) {
      const bool odd = odd_ones(selected[t] & static_cast<std::uint64_t>(i));
      out[e] = odd != srht_sign(S.rng, i) ? T(-1) : T(1);
    } else {
      out[e] = dense_entry(S.rng, S.kind == SketchKind::gaussian, t, i);
    }
  });
}

/// Where the entries of A's rows that have been added end.
template <Backend B, class T>
void set_to_begin(Context<B>& ctx, const CsrRows<T, B>& A, index_t* done, MatrixView<T, B> AS) {
  const index_t rows = A.rows, ld = AS.ld;
  for_each(ctx, rows, [=] RANDNLA_FN(index_t i) { done[i] = A.offsets[i]; });
  for_each(ctx, rows * AS.cols,
           [=] RANDNLA_FN(index_t e) { AS.data[e % rows + e / rows * ld] = 0; });
}

template <Backend B, class T>
void advance(Context<B>& ctx, const CsrRows<T, B>& A, index_t end, index_t* done) {
  for_each(ctx, A.rows, [=] RANDNLA_FN(index_t i) {
    while (done[i] < A.offsets[i + 1] && A.columns[done[i]] < end) ++done[i];
  });
}

/// Adds the entries in columns [first, end), whose columns of S lie in `columns`.
template <Backend B, class T>
void add_products(Context<B>& ctx, const CsrRows<T, B>& A, index_t first, index_t end,
                  const index_t* done, const T* columns, index_t stride, T scale,
                  MatrixView<T, B> AS) {
  const index_t groups = stride / sums_together, ld = AS.ld, k = AS.cols;
  for_each(ctx, A.rows * groups, [=] RANDNLA_FN(index_t item) {
    const index_t i = item / groups, top = item % groups * sums_together;
    T sum[sums_together] = {};
    for (index_t e = done[i]; e < A.offsets[i + 1] && A.columns[e] < end; ++e) {
      const T* const s = columns + (A.columns[e] - first) * stride + top;
      const T value = A.values[e];
      for (index_t t = 0; t < sums_together; ++t) sum[t] = math::fma(s[t], value, sum[t]);
    }
    for (index_t t = 0; t < sums_together && top + t < k; ++t) {
      T& out = AS.data[i + (top + t) * ld];
      out = math::fma(scale, sum[t], out);
    }
  });
}

/// The same for sparse columns.
template <Backend B, class T>
void add_scattered(Context<B>& ctx, const CsrRows<T, B>& A, index_t first, index_t end,
                   const index_t* done, const std::uint32_t* pattern, index_t nonzeros, T scale,
                   MatrixView<T, B> AS) {
  const index_t ld = AS.ld;
  for_each(ctx, A.rows, [=] RANDNLA_FN(index_t i) {
    for (index_t e = done[i]; e < A.offsets[i + 1] && A.columns[e] < end; ++e) {
      const std::uint32_t* const word = pattern + (A.columns[e] - first) * nonzeros;
      for (index_t l = 0; l < nonzeros; ++l) {
        T& out = AS.data[i + static_cast<index_t>(word[l] >> 1) * ld];
        out = math::fma((word[l] & 1) != 0 ? -scale : scale, A.values[e], out);
      }
    }
  });
}

template <Backend B, class T>
void right_of(Context<B>& ctx, const CsrRows<T, B>& A, const Sketch& S, MatrixView<T, B> AS) {
  const bool sparse = is_sparse(S.kind);
  const index_t nonzeros = nonzeros_per_column(S);
  const index_t stride = (S.rows + sums_together - 1) / sums_together * sums_together;
  const index_t piece = pieces_of(sparse ? nonzeros : stride, S.cols);
  const T scale = static_cast<T>(1 / std::sqrt(static_cast<double>(nonzeros)));
  Buffer<index_t, B> done(ctx, A.rows);
  Buffer<std::uint32_t, B> pattern(ctx, sparse ? piece * nonzeros : 0);
  Buffer<T, B> columns(ctx, sparse ? 0 : piece * stride);
  Buffer<std::uint64_t, B> selected(ctx, S.kind == SketchKind::srht ? S.rows : 0);
  if (S.kind == SketchKind::srht) select_rows(ctx, S, selected.data());
  set_to_begin(ctx, A, done.data(), AS);
  for (index_t first = 0; first < S.cols; first += piece) {
    const index_t end = std::min(first + piece, S.cols);
    if (sparse) {
      draw_columns(ctx, S, first, end - first, pattern.data());
      add_scattered(ctx, A, first, end, done.data(), pattern.data(), nonzeros, scale, AS);
    } else {
      form_columns(ctx, S, first, end - first, stride, selected.data(), columns.data());
      add_products(ctx, A, first, end, done.data(), columns.data(), stride, scale, AS);
    }
    advance(ctx, A, end, done.data());
  }
}

std::string shape(index_t rows, index_t cols) {
  return std::to_string(rows) + " x " + std::to_string(cols);
}

}  // namespace

template <Backend B, Scalar T>
void apply(Context<B>& ctx, const Sketch& S, MatrixView<const T, B> A, MatrixView<T, B> SA) {
  require(A.rows == S.cols && A.cols == SA.cols && A.ld >= A.rows,
          "apply: a matrix of " + shape(A.rows, A.cols) + " with leading dimension " +
              std::to_string(A.ld) + ", want " + shape(S.cols, SA.cols));
  SketchStream<B, T> stream(ctx, S, SA);
  const index_t piece = pieces_of(A.cols, A.rows);
  Buffer<T, B> rows(ctx, piece * A.cols);
  for (index_t begin = 0; begin < A.rows; begin += piece) {
    const index_t count = std::min(piece, A.rows - begin);
    turn_round(ctx, A, begin, count, rows.data());
    stream.add(ctx, DenseRows<T, B>{rows.data(), count, A.cols});
  }
  stream.finish(ctx);
}

template <Backend B, Scalar T>
void apply_right(Context<B>& ctx, const Rows<T, B>& A, const Sketch& S, MatrixView<T, B> AS) {
  check_sketch(S);
  std::visit(
      [&](const auto& matrix) {
        require(matrix.cols == S.cols, "apply_right: a matrix of " +
                                           shape(matrix.rows, matrix.cols) + ", the sketch has " +
                                           std::to_string(S.cols) + " columns");
        require(AS.rows == matrix.rows && AS.cols == S.rows && AS.ld >= AS.rows,
                "apply_right: the result is " + shape(AS.rows, AS.cols) +
                    " with leading dimension " + std::to_string(AS.ld) + ", want " +
                    shape(matrix.rows, S.rows));
        right_of(ctx, matrix, S, AS);
      },
      A);
}

template <Backend B, Scalar T>
void apply(Context<B>& ctx, const ComposedSketch& S, const Rows<T, B>& A, MatrixView<T, B> SA) {
  require(S.second.cols == S.first.rows,
          "apply: the second sketch has " + std::to_string(S.second.cols) + " columns, the first " +
              std::to_string(S.first.rows) + " rows");
  require(S.first.rng.seed != S.second.rng.seed || S.first.rng.counter != S.second.rng.counter,
          "apply: both sketches are of stream " + std::to_string(S.first.rng.counter) +
              " of seed " + std::to_string(S.first.rng.seed));
  check_sketch(S.second);
  Buffer<T, B> between(ctx, S.first.rows * SA.cols);
  apply(ctx, S.first, A, MatrixView<T, B>{between.data(), S.first.rows, SA.cols, S.first.rows});
  apply(ctx, S.second, MatrixView<const T, B>{between.data(), S.first.rows, SA.cols, S.first.rows},
        SA);
}

#define RANDNLA_INSTANTIATE(T)                                                                   \
  template void apply(Context<ThisBackend>&, const Sketch&, MatrixView<const T, ThisBackend>,    \
                      MatrixView<T, ThisBackend>);                                               \
  template void apply_right(Context<ThisBackend>&, const Rows<T, ThisBackend>&, const Sketch&,   \
                            MatrixView<T, ThisBackend>);                                         \
  template void apply(Context<ThisBackend>&, const ComposedSketch&, const Rows<T, ThisBackend>&, \
                      MatrixView<T, ThisBackend>);
RANDNLA_INSTANTIATE(float)
RANDNLA_INSTANTIATE(double)
#undef RANDNLA_INSTANTIATE

}  // namespace randnla
