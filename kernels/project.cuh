// The projection out of the span of a basis, twice, on the device (see seam/seam.hpp; the CPU twin is in
// cpu/loops.hpp): three launches in place of the five that two matrix-vector products each and a sum take. The second
// one takes the first parts out of a tile of w and finds the second parts of the same tile, whose rows of Q are then
// in a cache: by calculation Q is read from memory three times, not four.
#pragma once

#include "loops.cuh"

namespace randnla {

/// w -= Q take, unless take is null; then h = Q'w. Bits depend on the rows and columns of Q alone.
template <class T>
void take_and_project(Context<Cuda>& ctx, MatrixView<const T, Cuda> Q, const T* take, T* w, T* h);

/// Of one entry of w.
template <class T, class Map>
struct TakeAndMap {
  MatrixView<const T, Cuda> Q;
  const T* take;
  T* w;
  Map map;

  __device__ auto operator()(index_t i) const {
    T sum = 0;
#pragma unroll 8
    for (index_t c = 0; c < Q.cols; ++c) sum = fma(Q.data[i + c * Q.ld], take[c], sum);
    w[i] -= sum;
    return map(i);
  }
};

template <class S, class T, class Map, class Then>
void project_twice(Context<Cuda>& ctx, MatrixView<const T, Cuda> Q, T* w, T* h, T* again, Map map,
                   Then then) {
  take_and_project<T>(ctx, Q, nullptr, w, h);
  take_and_project<T>(ctx, Q, h, w, again);
  // An entry is a row of Q: a thread has enough of one.
  loops::reduce_then<S>(ctx, Q.rows, TakeAndMap<T, Map>{Q, again, w, map}, loops::Add{}, then, 1);
}

}  // namespace randnla
