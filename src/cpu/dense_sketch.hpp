// Gaussian and Rademacher sketches of rows on the CPU (see seam/seam.hpp; the CUDA twin is
// kernels/dense_sketch.cuh).
#pragma once

#include "cpu/loops.hpp"

namespace randnla {

template <class T>
void dense_sketch_rows(Context<Cpu>& ctx, const Rows<T, Cpu>& A, RowSegments segments,
                       const DenseSketch& sketch, SketchLayout layout, T* partial);

}  // namespace randnla
