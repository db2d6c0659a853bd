// Gaussian and Rademacher sketches of rows on the device (see seam/seam.hpp; the CPU twin is
// cpu/dense_sketch.hpp).
#pragma once

#include "context.cuh"
#include "seam/types.hpp"

#include <randnla/core/view.hpp>

namespace randnla {

template <class T>
void dense_sketch_rows(Context<Cuda>& ctx, const Rows<T, Cuda>& A, RowSegments segments,
                       const DenseSketch& sketch, SketchLayout layout, T* partial);

}  // namespace randnla
