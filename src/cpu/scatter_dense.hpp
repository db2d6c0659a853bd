// Dense rows with several nonzeros each, added tile by tile from packed rows in the cache.
#pragma once

#include "cpu/aligned_array.hpp"
#include "cpu/scatter_order.hpp"
#include "cpu/scatter_sums.hpp"
#include "cpu/simd.hpp"

#include <algorithm>
#include <utility>

namespace randnla::scatter {

/// A tile and the packed rows that are added to it share the second-level cache. Smaller ones measured: packed rows of
/// 256 KB 84 ms in place of 79 at 100,000 x 1,000, tiles of 256 KB 61 in place of 54 at 20,000 x 2,000 (but 37 in
/// place of 43 at 200,000 x 200).
constexpr index_t tile_bytes = index_t{512} << 10, packed_bytes = index_t{512} << 10;
constexpr index_t most_vectors = 8;

/// Rows of a block; a property of the layout.
template <class T>
index_t block_rows(SketchLayout layout) {
  return packed_bytes / (layout.width() * static_cast<index_t>(sizeof(T)));
}

/// Asks memory, on to the second-level cache, for the pieces of rows that are packed next, while others are added:
/// 79 ms in place of 86 at 100,000 x 1,000.
template <class T>
struct NextPieces {
  const T* at;
  index_t rows, apart, done = 0;

  /// One vector's line; a row has `vectors`.
  void ask(index_t vectors) {
    if (rows == 0) return;
    __builtin_prefetch(at + done * simd::lanes<T>, 0, 2);
    if (++done == vectors) done = 0, at += apart, --rows;
  }
};

/// Adds packed rows of `vectors` vectors to a tile whose rows are `width` apart.
template <int vectors, class T>
void add_rows(const T* packed, const Addition* addition, const Addition* end, index_t width,
              NextPieces<T>& next, T* tile) {
  constexpr index_t lanes = simd::lanes<T>;
  constexpr T signs[2] = {1, -1};
  while (addition != end) {
    const std::uint32_t target = addition->target;
    T* const out = tile + target * width;
    simd::Vector<T> sum[vectors];
    for (int v = 0; v < vectors; ++v) sum[v] = simd::load(out + v * lanes);
    do {
      const T* const row = packed + static_cast<index_t>(addition->row >> 1) * vectors * lanes;
      const T sign = signs[addition->row & 1];
      for (int v = 0; v < vectors; ++v) sum[v] += sign * simd::load(row + v * lanes);
      ++addition;
      next.ask(vectors);
    } while (addition != end && addition->target == target);
    for (int v = 0; v < vectors; ++v) simd::store(out + v * lanes, sum[v]);
  }
}

/// The same for a number of vectors that is known when it runs.
template <class T, int... v>
void add_rows(std::integer_sequence<int, v...>, index_t vectors, const T* packed,
              const Addition* addition, const Addition* end, index_t width, NextPieces<T>& next,
              T* tile) {
  (void)((vectors == v + 1 && (add_rows<v + 1>(packed, addition, end, width, next, tile), true)) ||
         ...);
}

/// Columns [left, left + filled) of rows [begin, end), one after the other, `width` apart; what follows
/// them is of no use.
template <class T>
void pack_rows(const DenseRows<T, Cpu>& A, index_t begin, index_t end, index_t left, index_t filled,
               index_t width, T* packed) {
  const T* const all = A.values + A.rows * A.cols;
  for (index_t i = begin; i < end; ++i, packed += width) {
    const T* const row = A.values + i * A.cols + left;
    // The hardware does not see from one row's piece to the next one's. On to the second-level cache: 84 ms
    // in place of 105 at 100,000 x 1,000; 8, 16 and 64 rows ahead are 86 to 90.
    const T* const ahead = row + 32 * A.cols;
    for (index_t j = 0; j < width; j += simd::lanes<T>) __builtin_prefetch(ahead + j, 0, 2);
    if (row + width <= all) {
      for (index_t j = 0; j < width; j += simd::lanes<T>)
        simd::store(packed + j, simd::load(row + j));
    } else {
      std::copy_n(row, filled, packed);
    }
  }
}

/// One tile of one segment; `ordered` are the additions of its blocks.
template <class T>
void scatter_tile(const DenseRows<T, Cpu>& A, RowSegments segments, index_t g, index_t tile,
                  const Addition* ordered, index_t per_row, SketchLayout layout, index_t filled,
                  T* to) {
  constexpr index_t lanes = simd::lanes<T>;
  const index_t vectors = (filled + lanes - 1) / lanes;
  const index_t first = segments.first(g), last = segments.last(g);
  const index_t rows = std::min(last - first, block_rows<T>(layout));
  const AlignedArray<T> packed(rows * vectors * lanes);
  for (index_t begin = first; begin < last; begin += rows) {
    const index_t end = std::min(begin + rows, last);
    pack_rows(A, begin, end, tile * layout.width(), filled, vectors * lanes, packed.data);
    const Addition* const mine = ordered + (begin - segments.begin) * per_row;
    NextPieces<T> next{A.values + end * A.cols + tile * layout.width(), std::min(rows, last - end),
                       A.cols};
    add_rows(std::make_integer_sequence<int, most_vectors>(), vectors, packed.data, mine,
             mine + (end - begin) * per_row, layout.width(), next, to);
  }
}

/// The additions of all blocks, those of row i from place i * per_row on.
template <class T>
void order_blocks(Context<Cpu>& ctx, RowSegments segments, const RowPattern& pattern,
                  SketchLayout layout, Addition* ordered) {
  const index_t rows = block_rows<T>(layout), blocks = (segments.length + rows - 1) / rows;
  parallel_for(ctx, segments.count() * blocks, [&](index_t item) {
    const index_t g = item / blocks, last = segments.last(g);
    const index_t begin = segments.first(g) + item % blocks * rows;
    if (begin >= last) return;
    const index_t place = (begin - segments.begin) * pattern.per_row;
    const index_t here = std::min(rows, last - begin);
    order_additions(pattern.nonzero + place, here, pattern.per_row, layout.rows,
                    sorting_pays(here * pattern.per_row, layout.rows), ordered + place);
  });
}

}  // namespace randnla::scatter
