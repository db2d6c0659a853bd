// Dense rows with one nonzero each, added as they come: A is read from front to back, the sums of all of the sketch
// lie in the caches of the thread that has the segment.
#pragma once

#include "cpu/scatter_sums.hpp"
#include "cpu/simd.hpp"

#include <algorithm>

namespace randnla::scatter {

/// Sums up to this size: those of 1.6 MB take 1.1 reads at 200,000 x 200 (sorted by targets 1.25), those of 16 MB
/// 1.8 at 100,000 x 1,000 (1.2).
constexpr index_t streamed_bytes = index_t{2} << 20;

/// Sums of all segments at a time, per thread.
constexpr index_t streamed_at_once_bytes = index_t{4} << 20;

/// How far before its use A is asked for, on to the second-level cache: nearer and not at all are slower by a tenth.
constexpr index_t stream_ahead_bytes = 16384;

template <class T>
bool streams(SketchLayout layout, index_t per_row) {
  return per_row == 1 && layout.size() * static_cast<index_t>(sizeof(T)) <= streamed_bytes;
}

/// Segments at a time, where they are streamed.
template <class T>
index_t streamed_segments(int threads, SketchLayout layout) {
  const index_t size = std::max<index_t>(1, layout.size() * static_cast<index_t>(sizeof(T)));
  return threads * std::clamp<index_t>(streamed_at_once_bytes / size, 1, 8);
}

/// sums += sign * row, tile by tile; `sums` is the row of the first tile. Columns beyond the last whole vector may
/// be followed by anything where `beyond` may be read.
template <class T>
void add_streamed(const T* row, index_t cols, bool beyond, T sign, SketchLayout layout, T* sums) {
  constexpr index_t lanes = simd::lanes<T>;
  const T* const ahead = row + stream_ahead_bytes / static_cast<index_t>(sizeof(T));
  const index_t width = layout.width();
  for (index_t left = 0; left < cols; left += width, sums += layout.tile_size()) {
    const index_t filled = std::min(width, cols - left);
    index_t j = 0;
    for (; j + lanes <= filled || (j < filled && beyond); j += lanes) {
      __builtin_prefetch(ahead + left + j, 0, 2);
      simd::store(sums + j, simd::load(sums + j) + sign * simd::load(row + left + j));
    }
    for (; j < filled; ++j) sums[j] += sign * row[left + j];
  }
}

/// All rows of one segment.
template <class T>
void stream_segment(const DenseRows<T, Cpu>& A, RowSegments segments, index_t g,
                    const std::uint32_t* nonzero, SketchLayout layout, T* sums) {
  const index_t last = segments.last(g);
  for (index_t i = segments.first(g); i < last; ++i) {
    const std::uint32_t word = nonzero[i - segments.begin];
    const bool beyond = (A.rows - i - 1) * A.cols >= simd::lanes<T>;
    add_streamed(A.values + i * A.cols, A.cols, beyond, (word & 1) != 0 ? T(-1) : T(1), layout,
                 sums + (static_cast<index_t>(word >> 1) << layout.shift));
  }
}

}  // namespace randnla::scatter
