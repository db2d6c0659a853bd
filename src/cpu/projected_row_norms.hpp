// Norms of the rows after a projection on the CPU (CUDA twin: kernels/projected_row_norms.cuh).
#pragma once

#include "cpu/loops.hpp"
#include "seam/types.hpp"

namespace randnla {

/// out[i] = |P D a_i|^2, D = diag(scale), or I where scale is null; P has any number of rows, none too, and
/// A.cols columns. D a_i is rounded to V, the arithmetic of all else. What is zero in P may count as absent:
/// an infinite entry of A need not make a norm NaN there.
template <class T, class V>
void projected_row_norms(Context<Cpu>& ctx, const Rows<T, Cpu>& A, const T* scale,
                         MatrixView<const V, Cpu> P, T* out);

}  // namespace randnla
