#include "seam/seam.hpp"
#include "sketch/apply_source.hpp"
#include "sketch/check_sketch.hpp"
#include "sketch/partial_sketches.hpp"
#include "sketch/select_rows.hpp"

#include <randnla/sketch/sketch.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <variant>

namespace randnla {
namespace {

/// Rows that are added to one partial sketch before it goes to the result. A property of the sketch alone: the
/// order of all additions hangs on it. 16 times the sketch's rows: zeroing and joining a partial sketch are
/// an eighth of reading the rows, and tall matrices have segments enough for a GPU. An srht, whose rows cost
/// less, has whole blocks and half of that share.
index_t segment_rows(const Sketch& S) {
  if (S.kind != SketchKind::srht) return std::max<index_t>(1024, 16 * S.rows);
  const index_t block = index_t{1} << log_block_rows(S);
  return (std::max<index_t>(1024, 32 * S.rows) + block - 1) / block * block;
}

constexpr index_t partial_bytes = index_t{64} << 20;

template <Backend B, class T>
void fill_zero(Context<B>& ctx, MatrixView<T, B> A) {
  T* const values = A.data;
  const index_t rows = A.rows, ld = A.ld;
  for_each(ctx, rows * A.cols, [=] RANDNLA_FN(index_t e) { values[e % rows + e / rows * ld] = 0; });
}

template <Backend B, class T>
SketchLayout layout_of(const Context<B>& ctx, const Sketch& S, const MatrixView<T, B>& SA) {
  if (S.kind == SketchKind::srht) return srht_layout<T>(ctx, S.rows, log_block_rows(S), SA.cols);
  if (!is_sparse(S.kind)) return dense_sketch_layout(S.rows, SA.cols);
  return sketch_layout<T>(ctx, S.rows, SA.cols);
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
  slots_ = std::clamp<index_t>(std::min(fitting, S.cols / segment_ + 1), 1, most_segments);
  partial_ = Buffer<T, B>(ctx, slots_ * size);
  if (is_sparse(S.kind)) {
    const index_t most_rows = pattern_rows(std::min(slots_ * segment_, S.cols));
    pattern_ = Buffer<std::uint32_t, B>(ctx, most_rows * nonzeros_per_column(S));
  }
  if (S.kind == SketchKind::srht) {
    selected_ = Buffer<std::uint64_t, B>(ctx, S.rows);
    select_rows(ctx, S, selected_.data());
  }
  if (S.cols == 0) fill_zero(ctx, SA);  // else the first segment begins it
}

template <Backend B, Scalar T>
void SketchStream<B, T>::add(Context<B>& ctx, const Rows<T, B>& rows) {
  const index_t more = rows_of(rows), cols = columns_of(rows);
  require(cols == SA_.cols, "SketchStream::add: rows of " + std::to_string(cols) +
                                " columns, the result has " + std::to_string(SA_.cols));
  require(more <= S_.cols - rows_seen(), "SketchStream::add: " + std::to_string(more) +
                                             " rows after " + std::to_string(rows_seen()) +
                                             ", the sketch has " + std::to_string(S_.cols) +
                                             " columns");
  if (const auto* dense = std::get_if<DenseRows<T, B>>(&rows);
      dense != nullptr && S_.kind == SketchKind::srht) {
    return add_whole_blocks(ctx, *dense);
  }
  add_waiting(ctx);
  add_now(ctx, rows);
}

/// A block is transformed once all of its rows are there: the order of additions would differ otherwise.
template <Backend B, Scalar T>
void SketchStream<B, T>::add_whole_blocks(Context<B>& ctx, const DenseRows<T, B>& rows) {
  const index_t block = index_t{1} << log_block_rows(S_);
  for (index_t begin = 0; begin < rows.rows;) {
    const index_t missing = block - rows_seen() % block, left = rows.rows - begin;
    const bool complete = left == S_.cols - rows_seen();  // no more rows will come
    const T* const values = rows.values + begin * rows.cols;
    if (waiting_ == 0 && (left >= missing || complete)) {
      const index_t taken = complete ? left : left - (left - missing) % block;
      add_now(ctx, DenseRows<T, B>{values, taken, rows.cols});
      begin += taken;
      continue;
    }
    if (rows_.size() == 0) rows_ = Buffer<T, B>(ctx, block * rows.cols);
    const index_t taken = std::min(missing, left);
    copy_values(ctx, values, taken * rows.cols, rows_.data() + waiting_ * rows.cols);
    waiting_ += taken, begin += taken;
    if (taken == missing || rows_seen() == S_.cols) add_waiting(ctx);
  }
}

template <Backend B, Scalar T>
void SketchStream<B, T>::add_waiting(Context<B>& ctx) {
  if (waiting_ == 0) return;
  const DenseRows<T, B> rows{rows_.data(), std::exchange(waiting_, 0), SA_.cols};
  add_now(ctx, rows);
}

template <Backend B, Scalar T>
void SketchStream<B, T>::add_now(Context<B>& ctx, const Rows<T, B>& rows) {
  const SketchLayout layout = layout_of(ctx, S_, SA_);
  const index_t more = rows_of(rows);
  index_t at_once = slots_;
  if (is_sparse(S_.kind)) {
    at_once = std::min(slots_, segments_at_once(ctx, rows, layout, nonzeros_per_column(S_)));
  }
  if (S_.kind == SketchKind::srht) {
    at_once = std::min(slots_, srht_segments_at_once(ctx, layout, log_block_rows(S_)));
  }
  for (index_t begin = 0; begin < more;) {
    const index_t before = seen_ % segment_;  // rows that the open segment has
    const index_t end = std::min(more, begin + at_once * segment_ - before);
    const bool ends = seen_ + end - begin == S_.cols;
    const RowSegments segments{begin, end, before, segment_, ends, seen_ / segment_};
    add_segments(ctx, rows, segments, layout);
    seen_ += end - begin, begin = end;
  }
}

template <Backend B, Scalar T>
void SketchStream<B, T>::add_segments(Context<B>& ctx, const Rows<T, B>& rows,
                                      const RowSegments& segments, const SketchLayout& layout) {
  T* const partial = partial_.data();
  const T scale = scale_of<T>(S_);
  if (is_sparse(S_.kind)) {
    const RowPattern pattern =
        draw_pattern(ctx, S_, rows, seen_, segments.end - segments.begin, pattern_.data());
    return scatter_rows(ctx, rows, segments, pattern, layout, partial, scale, SA_);
  }
  if (S_.kind == SketchKind::srht) {
    const HadamardRows sketch{selected_.data(), S_.rows, log_block_rows(S_), S_.rng, seen_};
    return srht_rows(ctx, rows, segments, sketch, layout, partial, scale, SA_);
  }
  zero_new(ctx, segments, layout, partial);
  const DenseSketch sketch{S_.rng, S_.kind == SketchKind::gaussian, S_.rows, seen_};
  dense_sketch_rows(ctx, rows, segments, sketch, layout, partial);
  join_complete(ctx, segments, layout, partial, scale, SA_);
}

template <Backend B, Scalar T>
void SketchStream<B, T>::finish(Context<B>&) {
  require(rows_seen() == S_.cols, "SketchStream::finish: " + std::to_string(rows_seen()) +
                                      " rows have come of " + std::to_string(S_.cols));
}

template <Backend B, Scalar T>
void apply(Context<B>& ctx, const Sketch& S, const Rows<T, B>& A, MatrixView<T, B> SA) {
  apply(ctx, S, RowSource<T, B>(A), SA);
}

template <Backend B, Scalar T>
void apply(Context<B>& ctx, const Sketch& S, const StreamedRows<T, B>& A, MatrixView<T, B> SA) {
  apply(ctx, S, RowSource<T, B>(A), SA);
}

template class SketchStream<ThisBackend, float>;
template class SketchStream<ThisBackend, double>;
template void apply(Context<ThisBackend>&, const Sketch&, const Rows<float, ThisBackend>&,
                    MatrixView<float, ThisBackend>);
template void apply(Context<ThisBackend>&, const Sketch&, const Rows<double, ThisBackend>&,
                    MatrixView<double, ThisBackend>);
template void apply(Context<ThisBackend>&, const Sketch&, const StreamedRows<float, ThisBackend>&,
                    MatrixView<float, ThisBackend>);
template void apply(Context<ThisBackend>&, const Sketch&, const StreamedRows<double, ThisBackend>&,
                    MatrixView<double, ThisBackend>);

}  // namespace randnla
