// Rows added into partial sketches on the CPU (see seam/seam.hpp; the CUDA twin is kernels/scatter_rows.cuh).
#pragma once

#include "cpu/loops.hpp"

namespace randnla {

template <class T>
SketchLayout sketch_layout(const Context<Cpu>& ctx, index_t rows, index_t stack_rows, index_t cols);

template <class T>
void scatter_rows(Context<Cpu>& ctx, const Rows<T, Cpu>& A, RowSegments segments,
                  const RowPattern& pattern, SketchLayout layout, T* partial);

}  // namespace randnla
