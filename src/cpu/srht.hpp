// Rows added into partial Hadamard sketches on the CPU (see seam/seam.hpp; the CUDA twin is kernels/srht.cuh).
#pragma once

#include "cpu/loops.hpp"

namespace randnla {

template <class T>
SketchLayout srht_layout(const Context<Cpu>& ctx, index_t rows, int log_block, index_t cols);

index_t srht_segments_at_once(const Context<Cpu>& ctx, SketchLayout layout, int log_block);

template <class T>
void srht_rows(Context<Cpu>& ctx, const Rows<T, Cpu>& A, RowSegments segments,
               const HadamardRows& sketch, SketchLayout layout, T* partial, T scale,
               MatrixView<T, Cpu> SA);

}  // namespace randnla
