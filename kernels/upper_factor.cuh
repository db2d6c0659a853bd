// The triangular factor of a tall matrix by Householder reflections on the device (CPU twin:
// cpu/upper_factor.hpp).
#pragma once

#include "context.cuh"
#include "seam/types.hpp"

#include <randnla/core/view.hpp>

#include <vector>

namespace randnla {

/// R (c x c, column-major, zeros below the diagonal) of [A b] = Q R, c = columns of A + K, for any number of
/// rows; b (rows x K) by rows. By cuSOLVER on a copy of [A b] by columns. Waits.
template <class T>
std::vector<double> upper_factor(Context<Cuda>& ctx, const Rows<T, Cuda>& A, const T* b, index_t K);

/// The same of a column-major matrix, c = M.cols.
template <class T>
std::vector<double> upper_factor(Context<Cuda>& ctx, MatrixView<const T, Cuda> M);

}  // namespace randnla
