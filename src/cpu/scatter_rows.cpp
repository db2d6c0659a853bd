#include "cpu/scatter_rows.hpp"

#include "cpu/simd.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <variant>

namespace randnla {
namespace {

/// A tile stays in half of a usual second-level cache while the rows of a segment pass.
constexpr index_t tile_bytes = index_t{512} << 10;

template <class T>
simd::Vector<T> signed_one(std::uint32_t nonzero) {
  return simd::Vector<T>{} + ((nonzero & 1) != 0 ? T(-1) : T(1));
}

/// `vectors` vectors of a row, added to or subtracted from its rows of the tile.
template <class T>
void scatter_row(const T* row, index_t vectors, const std::uint32_t* nonzero, index_t nonzeros,
                 int shift, T* tile) {
  constexpr index_t lanes = simd::lanes<T>;
  for (index_t l = 0; l < nonzeros; ++l) {
    const auto sign = signed_one<T>(nonzero[l]);
    T* const to = tile + (static_cast<index_t>(nonzero[l] >> 1) << shift);
    for (index_t j = 0; j < vectors * lanes; j += lanes) {
      simd::store(to + j, simd::load(to + j) + sign * simd::load(row + j));
    }
  }
}

/// One tile of one segment. The last vector of a row reads on into the next one, and what it finds there goes
/// where nobody reads; the last row of the matrix has no next one and is copied.
template <class T>
void scatter_segment(const DenseRows<T, Cpu>& A, RowSegments segments, index_t g, index_t tile,
                     const std::uint32_t* pattern, index_t nonzeros, SketchLayout layout, T* to) {
  constexpr index_t lanes = simd::lanes<T>;
  const index_t left = tile << layout.shift, width = std::min(layout.width(), A.cols - left);
  const index_t vectors = (width + lanes - 1) / lanes;
  const bool reads_on = left + vectors * lanes > A.cols;
  T* const mine = to + tile * layout.tile_size();
  for (index_t i = segments.first(g); i < segments.last(g); ++i) {
    const std::uint32_t* const nonzero = pattern + (i - segments.begin) * nonzeros;
    const T* const row = A.values + i * A.cols + left;
    if (reads_on && i * A.cols + left + vectors * lanes > A.rows * A.cols) {
      std::vector<T> copy(static_cast<std::size_t>(vectors * lanes), T(0));
      std::copy_n(row, width, copy.begin());
      scatter_row(copy.data(), vectors, nonzero, nonzeros, layout.shift, mine);
    } else {
      scatter_row(row, vectors, nonzero, nonzeros, layout.shift, mine);
    }
  }
}

/// All tiles of one segment.
template <class T>
void scatter_segment(const CsrRows<T, Cpu>& A, RowSegments segments, index_t g,
                     const std::uint32_t* pattern, index_t nonzeros, SketchLayout layout, T* to) {
  for (index_t i = segments.first(g); i < segments.last(g); ++i) {
    for (index_t l = 0; l < nonzeros; ++l) {
      const std::uint32_t nonzero = pattern[(i - segments.begin) * nonzeros + l];
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
SketchLayout sketch_layout(const Context<Cpu>&, index_t rows, index_t cols) {
  const auto fitting = std::bit_floor(static_cast<std::uint64_t>(std::max<index_t>(
      1, tile_bytes / (std::max<index_t>(1, rows) * static_cast<index_t>(sizeof(T))))));
  const auto wanted = std::bit_ceil(static_cast<std::uint64_t>(std::max<index_t>(1, cols)));
  const std::uint64_t width =
      std::max<std::uint64_t>(simd::lanes<T>, std::min<std::uint64_t>(fitting, wanted));
  const int shift = std::countr_zero(width);
  return {rows, (cols + (index_t{1} << shift) - 1) >> shift, shift};
}

template <class T>
void scatter_rows(Context<Cpu>& ctx, const Rows<T, Cpu>& A, RowSegments segments,
                  const std::uint32_t* pattern, index_t nonzeros, SketchLayout layout, T* partial) {
  std::visit(
      [&](const auto& matrix) {
        constexpr bool dense = std::is_same_v<std::decay_t<decltype(matrix)>, DenseRows<T, Cpu>>;
        const index_t tiles = dense ? layout.tiles : 1;
        parallel_for(ctx, segments.count() * tiles, [&](index_t item) {
          const index_t g = item / tiles;
          T* const to = partial + g * layout.size();
          if constexpr (dense) {
            scatter_segment(matrix, segments, g, item % tiles, pattern, nonzeros, layout, to);
          } else {
            scatter_segment(matrix, segments, g, pattern, nonzeros, layout, to);
          }
        });
      },
      A);
}

template SketchLayout sketch_layout<float>(const Context<Cpu>&, index_t, index_t);
template SketchLayout sketch_layout<double>(const Context<Cpu>&, index_t, index_t);
template void scatter_rows(Context<Cpu>&, const Rows<float, Cpu>&, RowSegments,
                           const std::uint32_t*, index_t, SketchLayout, float*);
template void scatter_rows(Context<Cpu>&, const Rows<double, Cpu>&, RowSegments,
                           const std::uint32_t*, index_t, SketchLayout, double*);

}  // namespace randnla
