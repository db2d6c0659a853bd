// Partial sketches joined on the device (see seam/seam.hpp; the CPU twin is cpu/join_sketches.hpp).
#pragma once

#include "context.cuh"
#include "seam/types.hpp"

#include <randnla/core/view.hpp>

namespace randnla {

template <class T>
void join_sketches(Context<Cuda>& ctx, SketchLayout layout, const T* partial, index_t count,
                   T scale, bool starts, MatrixView<T, Cuda> SA);

}  // namespace randnla
