// Dense rows with one nonzero each: every row is read once, from where it is, and added to the sums of its target.
#pragma once

#include "cpu/aligned_array.hpp"
#include "cpu/scatter_order.hpp"
#include "cpu/scatter_sums.hpp"
#include "cpu/simd.hpp"

#include <algorithm>

namespace randnla::scatter {

/// Targets whose sums a thread has at a time: a line of SA's columns.
template <class T>
constexpr index_t single_targets = 64 / sizeof(T);

/// How far before its use a row is asked for, on to the second-level cache: to the first-level cache it is 44 ms in
/// place of 28 at 100,000 x 1,000, 65,536 bytes before 17 in place of 12 at 200,000 x 200.
constexpr index_t ahead_bytes = 16384;

/// sums += sign * row, while the row `ahead` is brought in.
template <class T>
void add_row(const T* row, const T* ahead, index_t cols, T sign, T* sums) {
  constexpr index_t lanes = simd::lanes<T>;
  index_t j = 0;
  for (; j + lanes <= cols; j += lanes) {
    __builtin_prefetch(ahead + j, 0, 2);
    simd::store(sums + j, simd::load(sums + j) + sign * simd::load(row + j));
  }
  if (j < cols) __builtin_prefetch(ahead + j, 0, 2);
  for (; j < cols; ++j) sums[j] += sign * row[j];
}

/// Rows of one segment that go to targets [top, bottom), whose sums are `width` apart.
template <class T>
void add_single(const DenseRows<T, Cpu>& A, index_t first, const Addition* begin,
                const Addition* end, index_t top, index_t bottom, index_t width, T* sums) {
  const auto by_target = [](const Addition& a, index_t target) { return a.target < target; };
  const Addition* addition = std::lower_bound(begin, end, top, by_target);
  const Addition* const mine_end = std::lower_bound(addition, end, bottom, by_target);
  const T* const rows = A.values + first * A.cols;
  const index_t distance =
      std::max<index_t>(1, ahead_bytes / (A.cols * static_cast<index_t>(sizeof(T)) + 1));
  for (; addition != mine_end; ++addition) {
    const Addition& ahead = end - addition > distance ? addition[distance] : *addition;
    add_row(rows + (addition->row >> 1) * A.cols, rows + (ahead.row >> 1) * A.cols, A.cols,
            (addition->row & 1) != 0 ? T(-1) : T(1), sums + (addition->target - top) * width);
  }
}

/// Copies sums of rows [top, bottom) to or from where the layout has them.
template <class T, class F>
void each_open(SketchLayout layout, index_t top, index_t bottom, index_t cols, F f) {
  for (index_t t = top; t < bottom; ++t) {
    for (index_t j = 0; j < cols; ++j) f(t, j, layout.index(t, j));
  }
}

/// Every item has the rows of the sketch that make a line of SA's columns: all their segments one after the other.
template <class T>
void scatter_single(Context<Cpu>& ctx, const DenseRows<T, Cpu>& A, RowSegments segments,
                    const std::uint32_t* nonzero, const SketchSums<T>& to) {
  const index_t count = segments.count(), together = single_targets<T>;
  Buffer<Addition, Cpu> additions(ctx, segments.end - segments.begin);
  Addition* const ordered = additions.data() - segments.begin;
  parallel_for(ctx, count, [&](index_t g) {
    const index_t first = segments.first(g);
    order_additions(nonzero + first - segments.begin, segments.last(g) - first, 1, to.layout.rows,
                    true, ordered + first);
  });
  const index_t width = (A.cols + simd::lanes<T> - 1) / simd::lanes<T> * simd::lanes<T>;
  parallel_for(ctx, (to.layout.rows + together - 1) / together, [&](index_t item) {
    const index_t top = item * together, bottom = std::min(top + together, to.layout.rows);
    const AlignedArray<T> array(together * width);
    T* const sums = array.data;
    if (segments.before > 0) {
      each_open<T>(to.layout, top, bottom, A.cols, [&](index_t t, index_t j, index_t place) {
        sums[(t - top) * width + j] = to.open[place];
      });
    }
    for (index_t g = 0; g < count; ++g) {
      add_single(A, segments.first(g), ordered + segments.first(g), ordered + segments.last(g), top,
                 bottom, width, sums);
      if (g < segments.complete()) {
        join_sums(sums, width, top, bottom, 0, A.cols, to.scale, segments.starts(g), to.SA);
        std::fill_n(sums, together * width, T(0));
      } else {
        each_open<T>(to.layout, top, bottom, A.cols, [&](index_t t, index_t j, index_t place) {
          to.open[place] = sums[(t - top) * width + j];
        });
      }
    }
  });
}

}  // namespace randnla::scatter
