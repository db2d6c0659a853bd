// Rows added into partial sketches on the CPU (see seam/seam.hpp; the CUDA twin is kernels/scatter_rows.cuh).
#pragma once

#include "cpu/draw_columns.hpp"
#include "cpu/loops.hpp"

namespace randnla {

template <class T>
SketchLayout sketch_layout(const Context<Cpu>& ctx, index_t rows, index_t cols);

template <class T>
index_t segments_at_once(const Context<Cpu>& ctx, const Rows<T, Cpu>& A, SketchLayout layout,
                         index_t per_row);

template <class T>
RowPattern draw_pattern(Context<Cpu>& ctx, const Sketch& S, const Rows<T, Cpu>&, index_t first,
                        index_t count, std::uint32_t* memory) {
  draw_columns(ctx, S, first, count, memory);
  return {memory, nonzeros_per_column(S)};
}

template <class T>
void scatter_rows(Context<Cpu>& ctx, const Rows<T, Cpu>& A, RowSegments segments,
                  const RowPattern& pattern, SketchLayout layout, T* partial, T scale,
                  MatrixView<T, Cpu> SA);

}  // namespace randnla
