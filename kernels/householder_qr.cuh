// Householder QR with explicit Q on the device (CPU twin: cpu/householder_qr.hpp).
#pragma once

#include "context.cuh"
#include "seam/types.hpp"

#include <randnla/core/view.hpp>

#include <vector>

namespace randnla {

/// A (rows x cols, rows >= cols) becomes Q, with orthonormal columns whatever A's rank. Returns R (cols x cols,
/// column-major, zeros below the diagonal), A = Q R. Waits.
template <class T>
std::vector<double> householder_qr(Context<Cuda>& ctx, MatrixView<T, Cuda> A);

}  // namespace randnla
