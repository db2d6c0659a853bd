// The subsampled randomised Hadamard transform of rows, block by block in shared memory.
//
// Mapping   Dense: a block of threads takes a tile of columns of one segment, 32 KB of shared memory for a block of
//           rows; the steps of the transform follow one another with a barrier between; then every entry of the
//           sketch's tile is one thread's, who adds its row of what was transformed.
//           Sparse: an entry of the sketch is one thread's by its row; the thread goes over the segment's rows.
// Order     The steps join rows 1, 2, 4, ... apart and blocks come in order, so that the bits are the CPU's:
//           products by 1 and -1 are exact. No atomics.
// Traffic   Dense: A once; the sketch's tile in and out for every block of rows, from the L2 cache. Sparse: A for
//           every 256 rows of the sketch, from the L2 cache after the first; the entries likewise.
// Bound     shared memory and the barriers between the steps
// Twin      cpu/srht.cpp        Test  tests/sketch/sketch_backends_test.cpp
// Open      several steps in registers; the sparse kernel has few threads
#include "join_sketches.cuh"
#include "loops.cuh"
#include "sketch/partial_sketches.hpp"
#include "sketch/srht.hpp"
#include "srht.cuh"

#include <algorithm>
#include <bit>
#include <variant>

namespace randnla {
namespace {

struct SrhtPolicy {
  static constexpr int threads = 256;
  static constexpr index_t tile_bytes = 32 << 10;  // of rows in the transform
  static constexpr index_t width_bytes = 256;      // of a row in a tile, at most
};

/// Rows [begin, end) of a block whose row 0 is row `first` of A, with their signs; zeros for the others.
template <class T>
__device__ void load_block(const DenseRows<T, Cuda>& A, index_t first, index_t begin, index_t end,
                           Rng rng, index_t at, index_t left, int log_block, int shift, T* tile) {
  for (int e = static_cast<int>(threadIdx.x); e < 1 << (log_block + shift);
       e += SrhtPolicy::threads) {
    const index_t i = e >> shift, j = left + (e & ((1 << shift) - 1));
    const bool there = i >= begin && i < end && j < A.cols;
    const T value = there ? A.values[(first + i) * A.cols + j] : T(0);
    tile[e] = srht_sign(rng, at + i) ? -value : value;
  }
}

template <class T>
__device__ void transform(int log_block, int shift, T* tile) {
  const int pairs = (1 << (log_block + shift)) / 2;
  for (int step = shift; step < log_block + shift; ++step) {
    for (int p = static_cast<int>(threadIdx.x); p < pairs; p += SrhtPolicy::threads) {
      const int a = (p >> step << (step + 1)) + (p & ((1 << step) - 1)), b = a + (1 << step);
      const T sum = tile[a] + tile[b];
      tile[b] = tile[a] - tile[b];
      tile[a] = sum;
    }
    __syncthreads();
  }
}

template <class T>
__global__ __launch_bounds__(SrhtPolicy::threads) void dense_kernel(DenseRows<T, Cuda> A,
                                                                    RowSegments segments,
                                                                    HadamardRows sketch,
                                                                    SketchLayout layout,
                                                                    T* partial) {
  __shared__ T tile[SrhtPolicy::tile_bytes / sizeof(T)];
  const int shift = layout.shift;
  const index_t number = blockIdx.x % layout.tiles, g = blockIdx.x / layout.tiles;
  T* const out = partial + g * layout.size() + number * layout.tile_size();
  const index_t last = segments.last(g), mask = (index_t{1} << sketch.log_block) - 1;
  for (index_t begin = segments.first(g); begin < last;) {
    const index_t at = sketch.first + begin - segments.begin;  // in the whole matrix
    const index_t above = at & mask, end = min(last, begin + mask + 1 - above);
    load_block(A, begin - above, above, above + end - begin, sketch.rng, at - above,
               number << shift, sketch.log_block, shift, tile);
    __syncthreads();
    transform(sketch.log_block, shift, tile);
    const auto q = static_cast<std::uint64_t>(at >> sketch.log_block);
    for (index_t e = threadIdx.x; e < layout.tile_size(); e += SrhtPolicy::threads) {
      const std::uint64_t row = sketch.selected[e >> shift];
      const T value = tile[(static_cast<index_t>(row) & mask) << shift | (e & ((1 << shift) - 1))];
      out[e] += odd_ones(row >> sketch.log_block & q) ? -value : value;
    }
    __syncthreads();
    begin = end;
  }
}

template <class T>
__global__ __launch_bounds__(SrhtPolicy::threads) void sparse_kernel(CsrRows<T, Cuda> A,
                                                                     RowSegments segments,
                                                                     HadamardRows sketch,
                                                                     SketchLayout layout,
                                                                     unsigned parts, T* partial) {
  const index_t g = blockIdx.x / parts;
  const index_t t = static_cast<index_t>(blockIdx.x % parts) * SrhtPolicy::threads + threadIdx.x;
  if (t >= sketch.count) return;
  T* const out = partial + g * layout.size();
  const std::uint64_t row = sketch.selected[t];
  for (index_t i = segments.first(g); i < segments.last(g); ++i) {
    const index_t at = sketch.first + i - segments.begin;
    const bool negative =
        odd_ones(row & static_cast<std::uint64_t>(at)) != srht_sign(sketch.rng, at);
    for (index_t e = A.offsets[i]; e < A.offsets[i + 1]; ++e) {
      const T value = A.values[e];
      out[layout.index(t, A.columns[e])] += negative ? -value : value;
    }
  }
}

template <class T>
void launch(Context<Cuda>& ctx, const DenseRows<T, Cuda>& A, RowSegments segments,
            const HadamardRows& sketch, SketchLayout layout, T* partial) {
  dense_kernel<<<static_cast<unsigned>(segments.count() * layout.tiles), SrhtPolicy::threads, 0,
                 ctx.stream()>>>(A, segments, sketch, layout, partial);
}

template <class T>
void launch(Context<Cuda>& ctx, const CsrRows<T, Cuda>& A, RowSegments segments,
            const HadamardRows& sketch, SketchLayout layout, T* partial) {
  const index_t parts = (sketch.count + SrhtPolicy::threads - 1) / SrhtPolicy::threads;
  sparse_kernel<<<static_cast<unsigned>(segments.count() * parts), SrhtPolicy::threads, 0,
                  ctx.stream()>>>(A, segments, sketch, layout, static_cast<unsigned>(parts),
                                  partial);
}

}  // namespace

/// As wide as a tile's block of rows allows, and no wider than the matrix.
template <class T>
SketchLayout srht_layout(const Context<Cuda>&, index_t rows, int log_block, index_t cols) {
  constexpr index_t size = sizeof(T);
  const index_t fitting = SrhtPolicy::tile_bytes / (size << log_block);
  const auto wanted = std::bit_ceil(static_cast<std::uint64_t>(std::max<index_t>(1, cols)));
  const index_t width =
      std::min({fitting, static_cast<index_t>(wanted), SrhtPolicy::width_bytes / size});
  return {rows, (cols + width - 1) / width, std::countr_zero(static_cast<std::uint64_t>(width))};
}

template <class T>
void srht_rows(Context<Cuda>& ctx, const Rows<T, Cuda>& A, RowSegments segments,
               const HadamardRows& sketch, SketchLayout layout, T* partial, T scale,
               MatrixView<T, Cuda> SA) {
  if (segments.begin >= segments.end || layout.size() == 0) return;
  zero_new(ctx, segments, layout, partial);
  std::visit(
      [&](const auto& matrix) {
        ctx.workspace().activate();
        launch(ctx, matrix, segments, sketch, layout, partial);
        check_launch(ctx);
      },
      A);
  join_complete(ctx, segments, layout, partial, scale, SA);
}

template SketchLayout srht_layout<float>(const Context<Cuda>&, index_t, int, index_t);
template SketchLayout srht_layout<double>(const Context<Cuda>&, index_t, int, index_t);
template void srht_rows(Context<Cuda>&, const Rows<float, Cuda>&, RowSegments, const HadamardRows&,
                        SketchLayout, float*, float, MatrixView<float, Cuda>);
template void srht_rows(Context<Cuda>&, const Rows<double, Cuda>&, RowSegments, const HadamardRows&,
                        SketchLayout, double*, double, MatrixView<double, Cuda>);

}  // namespace randnla
