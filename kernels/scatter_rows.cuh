// Rows added into partial sketches on the device (see seam/seam.hpp; the CPU twin is cpu/scatter_rows.hpp).
#pragma once

#include "context.cuh"
#include "seam/types.hpp"

#include <randnla/core/view.hpp>

#include <cstdint>

namespace randnla {

template <class T>
SketchLayout sketch_layout(const Context<Cuda>& ctx, index_t rows, index_t cols);

template <class T>
index_t segments_at_once(const Context<Cuda>&, const Rows<T, Cuda>&, SketchLayout, index_t) {
  return most_segments;
}

template <class T>
void scatter_rows(Context<Cuda>& ctx, const Rows<T, Cuda>& A, RowSegments segments,
                  const RowPattern& pattern, SketchLayout layout, T* partial, T scale,
                  MatrixView<T, Cuda> SA);

}  // namespace randnla
