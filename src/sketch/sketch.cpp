#include "seam/seam.hpp"
#include "sketch/column_pattern.hpp"

#include <randnla/core/math.hpp>
#include <randnla/sketch/sketch.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <variant>

namespace randnla {
namespace {

void check_sketch(const Sketch& S) {
  const index_t nonzeros = nonzeros_per_column(S);
  // A column has 2^18 random words, and rarely needs more than two for a nonzero.
  require(nonzeros >= 1 && nonzeros <= index_t{1} << 16,
          "Sketch: " + std::to_string(nonzeros) + " nonzeros a column, want 1 to 2^16");
  require(S.rows >= nonzeros && S.rows <= index_t{1} << 31,
          "Sketch: " + std::to_string(S.rows) + " rows, want " + std::to_string(nonzeros) +
              " (the nonzeros a column) to 2^31");
  require(S.cols >= 0 && S.cols <= index_t{1} << 48,
          "Sketch: " + std::to_string(S.cols) + " columns, want 0 to 2^48");
}

/// Rows that are added to one partial sketch before it goes to the result. A property of the sketch alone: the
/// order of all additions hangs on it. 16 times the sketch's rows: zeroing and joining a partial sketch are
/// an eighth of reading the rows, and tall matrices have segments enough for a GPU.
index_t segment_rows(const Sketch& S) { return std::max<index_t>(1024, 16 * S.rows); }

constexpr index_t partial_bytes = index_t{64} << 20, most_slots = 128;

/// out += scale times the first `count` partial sketches, in order.
template <Backend B, class T>
void join(Context<B>& ctx, SketchLayout layout, const T* partial, index_t count, T scale,
          MatrixView<T, B> out) {
  const index_t rows = out.rows, ld = out.ld, size = layout.size();
  T* const SA = out.data;
  for_each(ctx, rows * out.cols, [=] RANDNLA_FN(index_t e) {
    const index_t t = e % rows, j = e / rows;
    T sum = SA[t + j * ld];
    const T* const mine = partial + layout.index(t, j);
    for (index_t g = 0; g < count; ++g) sum = math::fma(scale, mine[g * size], sum);
    SA[t + j * ld] = sum;
  });
}

template <Backend B, class T>
void fill_zero(Context<B>& ctx, T* values, index_t n) {
  for_each(ctx, n, [=] RANDNLA_FN(index_t i) { values[i] = 0; });
}

template <Backend B, class T>
void fill_zero(Context<B>& ctx, MatrixView<T, B> A) {
  for_each(ctx, A.rows * A.cols,
           [=] RANDNLA_FN(index_t e) { A.data[e % A.rows + e / A.rows * A.ld] = 0; });
}

template <Backend B, class T>
SketchLayout layout_of(const Context<B>& ctx, const Sketch& S, const MatrixView<T, B>& SA) {
  const index_t stacks = S.kind == SketchKind::sparse_stack ? S.nonzeros : 1;
  return sketch_layout<T>(ctx, S.rows, (S.rows + stacks - 1) / stacks, SA.cols);
}

template <class T>
T scale_of(const Sketch& S) {
  return static_cast<T>(1 / std::sqrt(static_cast<double>(nonzeros_per_column(S))));
}

template <Backend B, class T>
index_t columns_of(const Rows<T, B>& A) {
  return std::visit([](const auto& matrix) { return matrix.cols; }, A);
}

template <Backend B, class T>
index_t rows_of(const Rows<T, B>& A) {
  return std::visit([](const auto& matrix) { return matrix.rows; }, A);
}

}  // namespace

template <Backend B, Scalar T>
SketchStream<B, T>::SketchStream(Context<B>& ctx, const Sketch& S, MatrixView<T, B> SA)
    : S_(S), SA_(SA) {
  check_sketch(S);
  require(SA.rows == S.rows && SA.cols >= 0 && SA.ld >= SA.rows,
          "SketchStream: the result is " + std::to_string(SA.rows) + " x " +
              std::to_string(SA.cols) + " with leading dimension " + std::to_string(SA.ld) +
              ", the sketch has " + std::to_string(S.rows) + " rows");
  segment_ = segment_rows(S);
  const index_t size = layout_of(ctx, S, SA).size();
  const index_t fitting =
      partial_bytes / (std::max<index_t>(1, size) * static_cast<index_t>(sizeof(T)));
  slots_ = std::clamp<index_t>(std::min(fitting, S.cols / segment_ + 1), 1, most_slots);
  partial_ = Buffer<T, B>(ctx, slots_ * size);
  pattern_ =
      Buffer<std::uint32_t, B>(ctx, std::min(slots_ * segment_, S.cols) * nonzeros_per_column(S));
  fill_zero(ctx, SA);
}

template <Backend B, Scalar T>
void SketchStream<B, T>::add(Context<B>& ctx, const Rows<T, B>& rows) {
  const index_t more = rows_of(rows), cols = columns_of(rows);
  require(cols == SA_.cols, "SketchStream::add: rows of " + std::to_string(cols) +
                                " columns, the result has " + std::to_string(SA_.cols));
  require(more <= S_.cols - seen_, "SketchStream::add: " + std::to_string(more) + " rows after " +
                                       std::to_string(seen_) + ", the sketch has " +
                                       std::to_string(S_.cols) + " columns");
  const SketchLayout layout = layout_of(ctx, S_, SA_);
  const index_t nonzeros = nonzeros_per_column(S_);
  T* const partial = partial_.data();
  std::uint32_t* const pattern = pattern_.data();
  for (index_t begin = 0; begin < more;) {
    const index_t before = seen_ % segment_;  // rows that the open segment has
    const index_t end = std::min(more, begin + slots_ * segment_ - before);
    const RowSegments segments{begin, end, before, segment_};
    const index_t touched = segments.count();
    const index_t kept = before > 0 ? layout.size() : 0;
    fill_zero(ctx, partial + kept, touched * layout.size() - kept);
    const Sketch S = S_;
    const index_t first = seen_;
    for_each(ctx, end - begin,
             [=] RANDNLA_FN(index_t i) { draw_column(S, first + i, pattern + i * nonzeros); });
    scatter_rows(ctx, rows, segments,
                 RowPattern{pattern, nonzeros, S.kind == SketchKind::sparse_stack}, layout,
                 partial);
    seen_ += end - begin, begin = end;
    const index_t complete = seen_ % segment_ == 0 ? touched : touched - 1;
    if (complete > 0) join(ctx, layout, partial, complete, scale_of<T>(S_), SA_);
    if (complete > 0 && complete < touched) {
      const T* const open = partial + complete * layout.size();
      for_each(ctx, layout.size(), [=] RANDNLA_FN(index_t e) { partial[e] = open[e]; });
    }
  }
}

template <Backend B, Scalar T>
void SketchStream<B, T>::finish(Context<B>& ctx) {
  require(seen_ == S_.cols, "SketchStream::finish: " + std::to_string(seen_) +
                                " rows have come of " + std::to_string(S_.cols));
  if (seen_ % segment_ > 0) {
    join(ctx, layout_of(ctx, S_, SA_), partial_.data(), 1, scale_of<T>(S_), SA_);
  }
}

template <Backend B, Scalar T>
void apply(Context<B>& ctx, const Sketch& S, const Rows<T, B>& A, MatrixView<T, B> SA) {
  require(rows_of(A) == S.cols && columns_of(A) == SA.cols,
          "apply: a matrix of " + std::to_string(rows_of(A)) + " x " +
              std::to_string(columns_of(A)) + ", want " + std::to_string(S.cols) + " x " +
              std::to_string(SA.cols));
  SketchStream<B, T> stream(ctx, S, SA);
  stream.add(ctx, A);
  stream.finish(ctx);
}

template class SketchStream<ThisBackend, float>;
template class SketchStream<ThisBackend, double>;
template void apply(Context<ThisBackend>&, const Sketch&, const Rows<float, ThisBackend>&,
                    MatrixView<float, ThisBackend>);
template void apply(Context<ThisBackend>&, const Sketch&, const Rows<double, ThisBackend>&,
                    MatrixView<double, ThisBackend>);

}  // namespace randnla
