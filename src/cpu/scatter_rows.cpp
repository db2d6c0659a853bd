#include "cpu/scatter_rows.hpp"

#include "cpu/aligned_array.hpp"
#include "cpu/simd.hpp"

#include <algorithm>
#include <bit>
#include <type_traits>
#include <variant>

namespace randnla {
namespace {

/// A stack of a tile, and the rows that pass through it, share the first-level cache.
constexpr index_t stack_bytes = index_t{16} << 10;

/// Tiles that are filled together, so that a row is read by sixteen lines at a time; and their packed rows.
constexpr index_t group_bytes = 1024, packed_bytes = index_t{512} << 10;

/// Rows [begin, end) of the columns of a few tiles, tile after tile, each by rows and padded with zeros.
template <class T>
struct PackedRows {
  const T* values;
  index_t begin, end;
};

/// Adds the rows to what their nonzeros number `from` to `to` - 1 name.
template <int vectors, class T>
void add_rows(const PackedRows<T>& rows, const RowPattern& pattern, index_t from, index_t to,
              T* tile) {
  constexpr index_t lanes = simd::lanes<T>, width = vectors * lanes;
  constexpr T signs[2] = {1, -1};
  for (index_t i = rows.begin; i < rows.end; ++i) {
    const T* const row = rows.values + (i - rows.begin) * width;
    for (index_t l = from; l < to; ++l) {
      const std::uint32_t nonzero = pattern.nonzero[i * pattern.per_row + l];
      T* const sum = tile + static_cast<index_t>(nonzero >> 1) * width;
      const T sign = signs[nonzero & 1];
      for (int v = 0; v < vectors; ++v) {
        simd::store(sum + v * lanes,
                    simd::load(sum + v * lanes) + sign * simd::load(row + v * lanes));
      }
    }
  }
}

/// One tile. A stack's rows lie together: one after the other stays in the cache while the rows pass.
template <int vectors, class T>
void add_to_tile(const PackedRows<T>& rows, const RowPattern& pattern, T* tile) {
  if (!pattern.stacked) return add_rows<vectors>(rows, pattern, 0, pattern.per_row, tile);
  for (index_t l = 0; l < pattern.per_row; ++l) {
    add_rows<vectors>(rows, pattern, l, l + 1, tile);
  }
}

template <class T>
void add_to_tile(const PackedRows<T>& rows, const RowPattern& pattern, index_t vectors, T* tile) {
  switch (vectors) {
    case 1:
      return add_to_tile<1>(rows, pattern, tile);
    case 2:
      return add_to_tile<2>(rows, pattern, tile);
    case 4:
      return add_to_tile<4>(rows, pattern, tile);
    default:
      return add_to_tile<8>(rows, pattern, tile);
  }
}

index_t tiles_together(SketchLayout layout, std::size_t scalar_bytes) {
  return std::max<index_t>(1, group_bytes / (layout.width() * static_cast<index_t>(scalar_bytes)));
}

/// A tile's columns of a row; whole ones by vectors, a call of memcpy for each takes longer than the copy.
template <class T>
void copy_row(const T* from, index_t filled, index_t width, T* to) {
  if (filled < width) {
    std::copy_n(from, filled, to);
    return;
  }
  for (index_t j = 0; j < width; j += simd::lanes<T>) simd::store(to + j, simd::load(from + j));
}

/// Some tiles of one segment.
template <class T>
void scatter_segment(const DenseRows<T, Cpu>& A, RowSegments segments, index_t g, Chunk tiles,
                     const RowPattern& pattern, SketchLayout layout, T* to) {
  const index_t width = layout.width(), count = tiles.end - tiles.begin;
  const index_t rows = std::min(segments.last(g) - segments.first(g),
                                packed_bytes / (count * width * static_cast<index_t>(sizeof(T))));
  // Not a power of two apart: the tiles' rows being copied would share few sets of the cache.
  const index_t apart = rows * width + simd::lanes<T>;
  const AlignedArray<T> packed(count * apart);
  for (index_t begin = segments.first(g); begin < segments.last(g); begin += rows) {
    const index_t end = std::min(begin + rows, segments.last(g));
    for (index_t i = begin; i < end; ++i) {
      const T* const row = A.values + i * A.cols;
      // The hardware does not see from one row's piece to the next one's: 160 ms in place of 188 at
      // 100,000 x 1,000.
      const T* const ahead = row + 8 * A.cols + tiles.begin * width;
      for (index_t j = 0; j < count * width; j += simd::lanes<T>) __builtin_prefetch(ahead + j);
      for (index_t tile = tiles.begin; tile < tiles.end; ++tile) {
        T* const to_row = packed.data + (tile - tiles.begin) * apart + (i - begin) * width;
        copy_row(row + tile * width, std::min(width, A.cols - tile * width), width, to_row);
      }
    }
    for (index_t tile = tiles.begin; tile < tiles.end; ++tile) {
      const PackedRows<T> mine{packed.data + (tile - tiles.begin) * apart, begin - segments.begin,
                               end - segments.begin};
      add_to_tile(mine, pattern, width / simd::lanes<T>, to + tile * layout.tile_size());
    }
  }
}

/// All tiles of one segment.
template <class T>
void scatter_segment(const CsrRows<T, Cpu>& A, RowSegments segments, index_t g,
                     const RowPattern& pattern, SketchLayout layout, T* to) {
  for (index_t i = segments.first(g); i < segments.last(g); ++i) {
    for (index_t l = 0; l < pattern.per_row; ++l) {
      const std::uint32_t nonzero = pattern.nonzero[(i - segments.begin) * pattern.per_row + l];
      const auto t = static_cast<index_t>(nonzero >> 1);
      const T sign = (nonzero & 1) != 0 ? T(-1) : T(1);
      for (index_t e = A.offsets[i]; e < A.offsets[i + 1]; ++e) {
        to[layout.index(t, A.columns[e])] += sign * A.values[e];
      }
    }
  }
}

}  // namespace

template <class T>
SketchLayout sketch_layout(const Context<Cpu>&, index_t rows, index_t stack_rows, index_t cols) {
  const auto fitting = std::bit_floor(static_cast<std::uint64_t>(std::max<index_t>(
      1, stack_bytes / (std::max<index_t>(1, stack_rows) * static_cast<index_t>(sizeof(T))))));
  const auto wanted = std::bit_ceil(static_cast<std::uint64_t>(std::max<index_t>(1, cols)));
  constexpr std::uint64_t lanes = simd::lanes<T>;
  const int shift = std::countr_zero(std::clamp(std::min(fitting, wanted), lanes, 8 * lanes));
  return {rows, (cols + (index_t{1} << shift) - 1) >> shift, shift};
}

template <class T>
void scatter_rows(Context<Cpu>& ctx, const Rows<T, Cpu>& A, RowSegments segments,
                  const RowPattern& pattern, SketchLayout layout, T* partial) {
  if (const auto* sparse = std::get_if<CsrRows<T, Cpu>>(&A)) {
    return parallel_for(ctx, segments.count(), [&](index_t g) {
      scatter_segment(*sparse, segments, g, pattern, layout, partial + g * layout.size());
    });
  }
  const auto& dense = std::get<DenseRows<T, Cpu>>(A);
  const index_t together = tiles_together(layout, sizeof(T));
  const index_t groups = (layout.tiles + together - 1) / together;
  parallel_for(ctx, segments.count() * groups, [&](index_t item) {
    const index_t g = item / groups, first = item % groups * together;
    scatter_segment(dense, segments, g, {first, std::min(first + together, layout.tiles)}, pattern,
                    layout, partial + g * layout.size());
  });
}

template SketchLayout sketch_layout<float>(const Context<Cpu>&, index_t, index_t, index_t);
template SketchLayout sketch_layout<double>(const Context<Cpu>&, index_t, index_t, index_t);
template void scatter_rows(Context<Cpu>&, const Rows<float, Cpu>&, RowSegments, const RowPattern&,
                           SketchLayout, float*);
template void scatter_rows(Context<Cpu>&, const Rows<double, Cpu>&, RowSegments, const RowPattern&,
                           SketchLayout, double*);

}  // namespace randnla
