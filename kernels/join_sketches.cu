// Partial sketches, which lie in tiles of columns by rows, added to the result, which lies by columns.
//
// Mapping   A block takes 1,024 entries that are neighbours in a tile, one a thread. The result's come to shared
//           memory by columns, are added to in the tile's order, and go back by columns.
// Order     An entry is a chain of fused multiply-adds in the order of the partial sketches: the bits are the CPU's.
// Traffic   the least possible: partial sketches once, from the L2 cache where they fit, the result out, and in
//           where there is one yet
// Bound     latency of the launch for small sketches, else the L2 cache
// Twin      cpu/join_sketches.hpp        Test  tests/sketch/sketch_backends_test.cpp
// Lost      a thread an entry by columns: 2 (double) to 6 times (float) the sectors that the requests could do with
#include "join_sketches.cuh"

#include <randnla/core/math.hpp>

#include <algorithm>

namespace randnla {
namespace {

constexpr int join_threads = 1024;

template <class T>
__global__ __launch_bounds__(join_threads) void join_kernel(SketchLayout layout,
                                                            const T* __restrict__ partial,
                                                            index_t count, T scale, bool starts,
                                                            MatrixView<T, Cuda> SA,
                                                            unsigned parts) {
  constexpr int at_once = 128 / sizeof(T);  // values that come from all banks at the same time
  __shared__ T entries[join_threads + 2 * at_once];
  const int thread = static_cast<int>(threadIdx.x), shift = layout.shift;
  const int height = join_threads >> shift;
  // Rows of the tile that are read together begin in different banks.
  const int pitch = height + max(1, at_once >> shift);
  const index_t tile = blockIdx.x / parts, top = blockIdx.x % parts * height, left = tile << shift;

  const int t = thread & (height - 1), j = thread / height;
  const bool mine = top + t < SA.rows && left + j < SA.cols;
  T* const out = SA.data + top + t + (left + j) * SA.ld;
  if (mine) entries[j * pitch + t] = starts ? T(0) : *out;
  __syncthreads();
  const int row = thread >> shift, column = thread & ((1 << shift) - 1);
  if (top + row < SA.rows && left + column < SA.cols) {
    const T* const from = partial + tile * layout.tile_size() + (top << shift) + thread;
    T sum = entries[column * pitch + row];
#pragma unroll 4
    for (index_t g = 0; g < count; ++g) sum = math::fma(scale, from[g * layout.size()], sum);
    entries[column * pitch + row] = sum;
  }
  __syncthreads();
  if (mine) *out = entries[j * pitch + t];
}

}  // namespace

template <class T>
void join_sketches(Context<Cuda>& ctx, SketchLayout layout, const T* partial, index_t count,
                   T scale, bool starts, MatrixView<T, Cuda> SA) {
  if (count == 0 || SA.rows * SA.cols == 0) return;
  ctx.workspace().activate();
  const index_t height = join_threads >> layout.shift;
  const index_t parts = (SA.rows + height - 1) / height;
  join_kernel<<<static_cast<unsigned>(layout.tiles * parts), join_threads, 0, ctx.stream()>>>(
      layout, partial, count, scale, starts, SA, static_cast<unsigned>(parts));
  check_launch(ctx);
}

template void join_sketches(Context<Cuda>&, SketchLayout, const float*, index_t, float, bool,
                            MatrixView<float, Cuda>);
template void join_sketches(Context<Cuda>&, SketchLayout, const double*, index_t, double, bool,
                            MatrixView<double, Cuda>);

}  // namespace randnla
