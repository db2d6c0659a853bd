// The triangular factor of a tall matrix by Householder reflections on the CPU (CUDA twin:
// kernels/upper_factor.cuh).
#pragma once

#include "cpu/loops.hpp"
#include "seam/types.hpp"

#include <vector>

namespace randnla {

/// R (c x c, column-major, zeros below the diagonal) of [A b] = Q R, c = columns of A + K, for any number of
/// rows; b (rows x K) by rows.
template <class T>
std::vector<double> upper_factor(Context<Cpu>& ctx, const Rows<T, Cpu>& A, const T* b, index_t K);

/// The same of a column-major matrix, c = M.cols.
template <class T>
std::vector<double> upper_factor(Context<Cpu>& ctx, MatrixView<const T, Cpu> M);

}  // namespace randnla
