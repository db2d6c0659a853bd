// Householder QR with explicit Q on the CPU (CUDA twin: kernels/householder_qr.cuh).
#pragma once

#include "cpu/loops.hpp"
#include "seam/types.hpp"

#include <vector>

namespace randnla {

/// A (rows x cols, rows >= cols) becomes Q, with orthonormal columns whatever A's rank. Returns R (cols x cols,
/// column-major, zeros below the diagonal), A = Q R.
/// Determinism   same bits for any number of threads
/// Throws        BackendError where LAPACK refuses a size
template <class T>
std::vector<double> householder_qr(Context<Cpu>& ctx, MatrixView<T, Cpu> A);

}  // namespace randnla
