// What the CPU's ways to add rows into a sketch share: where the sums of a segment begin and where they go.
#pragma once

#include "cpu/loops.hpp"

#include <randnla/core/math.hpp>

#include <algorithm>

namespace randnla {

/// SA, which takes `scale` times every complete segment's sums, and the open segment's sums between two pieces.
template <class T>
struct SketchSums {
  SketchLayout layout;
  T* open;
  T scale;
  MatrixView<T, Cpu> SA;

  /// Columns that a tile has of the matrix.
  index_t filled(index_t tile) const {
    return std::min(layout.width(), SA.cols - tile * layout.width());
  }
};

/// Sums of rows [top, bottom) of the sketch, `width` apart, that go to SA from column `left` on, which is zero until
/// they do if they start it.
template <class T>
void join_sums(const T* sums, index_t width, index_t top, index_t bottom, index_t left,
               index_t columns, T scale, bool starts, MatrixView<T, Cpu> SA) {
  constexpr index_t together = 64 / sizeof(T);  // rows: a line of SA
  for (; top < bottom; top += together, sums += together * width) {
    const index_t rows = std::min(together, bottom - top);
    for (index_t j = 0; j < columns; ++j) {
      T* const out = SA.data + (left + j) * SA.ld + top;
      __builtin_prefetch(out + 16 * SA.ld, 1);  // columns are far apart
      if (rows == together) {
        for (index_t t = 0; t < together; ++t) {
          out[t] = math::fma(scale, sums[t * width + j], starts ? T(0) : out[t]);
        }
      } else {
        for (index_t t = 0; t < rows; ++t) {
          out[t] = math::fma(scale, sums[t * width + j], starts ? T(0) : out[t]);
        }
      }
    }
  }
}

}  // namespace randnla
