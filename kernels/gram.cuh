// The weighted Gram matrix H = sum_k d[k] a_k a_k' + ridge I on the device (CPU twin: cpu/gram.hpp).
#pragma once

#include "context.cuh"
#include "seam/types.hpp"

#include <randnla/core/view.hpp>

namespace randnla {

/// H (cols x cols), both triangles written. Rows with d[k] = 0 count as absent: they may hold
/// anything.
template <class T>
void gram(Context<Cuda>& ctx, const Rows<T, Cuda>& A, RowSelection<Cuda> rows, const T* d, T ridge,
          MatrixView<T, Cuda> H);

}  // namespace randnla
