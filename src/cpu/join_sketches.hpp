// Partial sketches joined on the CPU (see seam/seam.hpp; the CUDA twin is kernels/join_sketches.cu).
#pragma once

#include "cpu/loops.hpp"
#include "seam/types.hpp"

#include <randnla/core/math.hpp>
#include <randnla/core/view.hpp>

namespace randnla {

template <class T>
void join_sketches(Context<Cpu>& ctx, SketchLayout layout, const T* partial, index_t count, T scale,
                   bool starts, MatrixView<T, Cpu> SA) {
  const index_t rows = SA.rows, size = layout.size();
  for_each(ctx, rows * SA.cols, [=](index_t e) {
    const index_t t = e % rows, j = e / rows;
    T& entry = SA.data[t + j * SA.ld];
    const T* const mine = partial + layout.index(t, j);
    T sum = starts ? T(0) : entry;
    for (index_t g = 0; g < count; ++g) sum = math::fma(scale, mine[g * size], sum);
    entry = sum;
  });
}

}  // namespace randnla
