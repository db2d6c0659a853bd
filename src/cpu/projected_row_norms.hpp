// Norms of the rows after a projection on the CPU (CUDA twin: kernels/projected_row_norms.cuh).
#pragma once

#include "cpu/loops.hpp"
#include "seam/types.hpp"

namespace randnla {

/// out[i] = |P a_i|^2 with P of any number of rows, none too, and A.cols columns.
template <class T>
void projected_row_norms(Context<Cpu>& ctx, const Rows<T, Cpu>& A, MatrixView<const T, Cpu> P,
                         T* out);

}  // namespace randnla
