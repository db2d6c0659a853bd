// The weighted Gram matrix H = sum_k d[k] a_k a_k' + ridge I on the CPU (CUDA twin:
// kernels/gram.cuh).
#pragma once

#include "cpu/loops.hpp"
#include "seam/types.hpp"

namespace randnla {

/// H (cols x cols), both triangles written. Rows with d[k] = 0 count as absent: they may hold
/// anything.
template <class T>
void gram(Context<Cpu>& ctx, const Rows<T, Cpu>& A, RowSelection<Cpu> rows, const T* d, T ridge,
          MatrixView<T, Cpu> H);

}  // namespace randnla
