// Rows added into partial Hadamard sketches on the device (see seam/seam.hpp; the CPU twin is cpu/srht.hpp).
#pragma once

#include "context.cuh"
#include "seam/types.hpp"

#include <randnla/core/view.hpp>

namespace randnla {

template <class T>
SketchLayout srht_layout(const Context<Cuda>& ctx, index_t rows, int log_block, index_t cols);

inline index_t srht_segments_at_once(const Context<Cuda>&, SketchLayout, int) {
  return most_segments;
}

template <class T>
void srht_rows(Context<Cuda>& ctx, const Rows<T, Cuda>& A, RowSegments segments,
               const HadamardRows& sketch, SketchLayout layout, T* partial, T scale,
               MatrixView<T, Cuda> SA);

}  // namespace randnla
