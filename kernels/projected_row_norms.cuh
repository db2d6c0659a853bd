// Norms of the rows after a projection on the device (CPU twin: cpu/projected_row_norms.hpp).
#pragma once

#include "context.cuh"
#include "seam/types.hpp"

#include <randnla/core/view.hpp>

namespace randnla {

/// out[i] = |P D a_i|^2, D = diag(scale), or I where scale is null; P has any number of rows, none too, and
/// A.cols columns.
template <class T>
void projected_row_norms(Context<Cuda>& ctx, const Rows<T, Cuda>& A, const T* scale,
                         MatrixView<const T, Cuda> P, T* out);

}  // namespace randnla
