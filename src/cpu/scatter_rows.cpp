#include "cpu/scatter_rows.hpp"

#include "cpu/scatter_dense.hpp"
#include "cpu/scatter_single.hpp"
#include "cpu/scatter_stream.hpp"

#include <algorithm>
#include <bit>
#include <variant>

namespace randnla {
namespace {

using scatter::Addition, scatter::most_vectors, scatter::tile_bytes;

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

/// Every item has a tile: all its segments one after the other, their sums nowhere but in the cache.
template <class T>
void scatter_tiles(Context<Cpu>& ctx, const DenseRows<T, Cpu>& A, RowSegments segments,
                   const Addition* ordered, index_t per_row, const SketchSums<T>& to) {
  const SketchLayout layout = to.layout;
  parallel_for(ctx, layout.tiles, [&](index_t tile) {
    const index_t size = layout.tile_size(), filled = to.filled(tile);
    T* const open = to.open + tile * size;
    const AlignedArray<T> sums(size);
    if (segments.before > 0) std::copy_n(open, size, sums.data);
    for (index_t g = 0; g < segments.count(); ++g) {
      scatter::scatter_tile(A, segments, g, tile, ordered, per_row, layout, filled, sums.data);
      if (g < segments.complete()) {
        join_sums(sums.data, layout.width(), 0, layout.rows, tile * layout.width(), filled,
                  to.scale, segments.starts(g), to.SA);
        std::fill_n(sums.data, size, T(0));
      } else {
        std::copy_n(sums.data, size, open);
      }
    }
  });
}

/// Every item has one of `parts` of a segment's sums: all, or a tile; `add(g, part, sums)` adds the rows.
template <class T, class F>
void scatter_segments(Context<Cpu>& ctx, RowSegments segments, const SketchSums<T>& to,
                      index_t parts, F add) {
  const SketchLayout layout = to.layout;
  const index_t complete = segments.complete(), size = layout.tile_size();
  parallel_for(ctx, segments.count() * parts, [&](index_t item) {
    const index_t sums_size = layout.size() / parts;
    T* const sums = to.open + item * sums_size;
    if (item >= parts || segments.before == 0) std::fill_n(sums, sums_size, T(0));
    add(item / parts, item % parts, sums);
  });
  constexpr index_t together = 64;  // rows of a tile that are joined by one item
  const index_t pieces = (layout.rows + together - 1) / together;
  parallel_for(ctx, layout.tiles * pieces, [&](index_t item) {
    const index_t tile = item / pieces, top = item % pieces * together;
    const index_t bottom = std::min(top + together, layout.rows);
    T* const sums = to.open + tile * size + top * layout.width();
    for (index_t g = 0; g < complete; ++g) {
      join_sums(sums + g * layout.size(), layout.width(), top, bottom, tile * layout.width(),
                to.filled(tile), to.scale, segments.starts(g), to.SA);
    }
    if (complete > 0 && complete < segments.count()) {
      std::copy_n(sums + complete * layout.size(), (bottom - top) * layout.width(), sums);
    }
  });
}

}  // namespace

template <class T>
SketchLayout sketch_layout(const Context<Cpu>&, index_t rows, index_t cols) {
  const auto fitting = std::bit_floor(static_cast<std::uint64_t>(std::max<index_t>(
      1, tile_bytes / (std::max<index_t>(1, rows) * static_cast<index_t>(sizeof(T))))));
  const auto wanted = std::bit_ceil(static_cast<std::uint64_t>(std::max<index_t>(1, cols)));
  constexpr std::uint64_t lanes = simd::lanes<T>;
  const int shift =
      std::countr_zero(std::clamp(std::min(fitting, wanted), lanes, most_vectors * lanes));
  return {rows, (cols + (index_t{1} << shift) - 1) >> shift, shift};
}

template <class T>
index_t segments_at_once(const Context<Cpu>& ctx, const Rows<T, Cpu>& A, SketchLayout layout,
                         index_t per_row) {
  if (std::holds_alternative<CsrRows<T, Cpu>>(A)) return most_segments;
  if (scatter::streams<T>(layout, per_row)) {
    return std::min(most_segments, scatter::streamed_segments<T>(ctx.threads(), layout));
  }
  return std::min(most_segments, 4 * ctx.threads() / std::max<index_t>(1, layout.tiles) + 1);
}

template <class T>
void scatter_rows(Context<Cpu>& ctx, const Rows<T, Cpu>& A, RowSegments segments,
                  const RowPattern& pattern, SketchLayout layout, T* partial, T scale,
                  MatrixView<T, Cpu> SA) {
  if (segments.begin >= segments.end || SA.cols == 0) return;
  const SketchSums<T> to{layout, partial, scale, SA};
  if (const auto* sparse = std::get_if<CsrRows<T, Cpu>>(&A)) {
    return scatter_segments(ctx, segments, to, 1, [&](index_t g, index_t, T* sums) {
      scatter_segment(*sparse, segments, g, pattern, layout, sums);
    });
  }
  const auto& dense = std::get<DenseRows<T, Cpu>>(A);
  const index_t per_row = pattern.per_row;
  if (scatter::streams<T>(layout, per_row) && segments.count() >= ctx.threads()) {
    return scatter_segments(ctx, segments, to, 1, [&](index_t g, index_t, T* sums) {
      scatter::stream_segment(dense, segments, g, pattern.nonzero, layout, sums);
    });
  }
  if (per_row == 1 && segments.end - segments.begin >= layout.rows) {
    return scatter::scatter_single(ctx, dense, segments, pattern.nonzero, to);
  }
  Buffer<Addition, Cpu> additions(ctx, (segments.end - segments.begin) * per_row);
  scatter::order_blocks<T>(ctx, segments, pattern, layout, additions.data());
  const Addition* const ordered = additions.data();
  if (layout.tiles >= 4 * ctx.threads()) {
    return scatter_tiles(ctx, dense, segments, ordered, per_row, to);
  }
  scatter_segments(ctx, segments, to, layout.tiles, [&](index_t g, index_t tile, T* sums) {
    scatter::scatter_tile(dense, segments, g, tile, ordered, per_row, layout, to.filled(tile),
                          sums);
  });
}

template SketchLayout sketch_layout<float>(const Context<Cpu>&, index_t, index_t);
template SketchLayout sketch_layout<double>(const Context<Cpu>&, index_t, index_t);
template index_t segments_at_once(const Context<Cpu>&, const Rows<float, Cpu>&, SketchLayout,
                                  index_t);
template index_t segments_at_once(const Context<Cpu>&, const Rows<double, Cpu>&, SketchLayout,
                                  index_t);
template void scatter_rows(Context<Cpu>&, const Rows<float, Cpu>&, RowSegments, const RowPattern&,
                           SketchLayout, float*, float, MatrixView<float, Cpu>);
template void scatter_rows(Context<Cpu>&, const Rows<double, Cpu>&, RowSegments, const RowPattern&,
                           SketchLayout, double*, double, MatrixView<double, Cpu>);

}  // namespace randnla
