// Mapping   A block takes tiles of rows of Q (column-major), 64 rows or, where these would be more than 256 tiles, 256.
//           First its threads are rows, of 64 four to a row, which take Q's part out of w; then its warps are columns,
//           four at a time, which add to the block's own sums. The last block to finish joins the sums of all.
// Traffic   Q once where a tile stays in a cache between the two (256 rows of 50 columns are 100 KB in double), w once
//           or twice.
// Bound by  latency up to some 10,000 rows, memory beyond.
// Twin      project_twice in cpu/loops.hpp; tests/seam (ProjectsTwice); bench/cuda/inner_bench.cpp
#include "project.cuh"

#include <algorithm>

namespace randnla {
namespace {

struct ProjectPolicy {
  static constexpr int threads = 256;
  static constexpr int warps = threads / 32;
  static constexpr int small_tile = 64, large_tile = 256;
  static constexpr index_t most_blocks = 256;
  /// Of a warp: as many sums in flight hide the shuffles' latency.
  static constexpr int columns_at_once = 4;
};

constexpr int at_once = ProjectPolicy::columns_at_once;

/// Every lane gets the warp's sums.
template <class T>
__device__ void warp_sums(T (&sum)[at_once]) {
  for (int offset = 16; offset > 0; offset /= 2) {
#pragma unroll
    for (T& s : sum) s += __shfl_xor_sync(loops::full_warp, s, offset);
  }
}

/// store(q, sum[q]) by lane q, for q < count.
template <class T, class Store>
__device__ void by_lane(const T (&sum)[at_once], int count, Store store) {
  const int lane = static_cast<int>(threadIdx.x % 32);
#pragma unroll
  for (int q = 0; q < at_once; ++q) {
    if (lane == q && q < count) store(q, sum[q]);
  }
}

/// The tile's entries of w, without take's part, also to `rows`; zeros beyond the last.
template <int tile, class T>
__device__ void take_out(MatrixView<const T, Cuda> Q, const T* take, index_t start, T* w, T* rows) {
  constexpr int shares = ProjectPolicy::threads / tile;
  __shared__ T part[ProjectPolicy::threads];
  const int row = static_cast<int>(threadIdx.x) % tile,
            share = static_cast<int>(threadIdx.x) / tile;
  const index_t i = start + row;
  T sum = 0;
  if (take != nullptr && i < Q.rows) {
#pragma unroll 8
    for (index_t c = share; c < Q.cols; c += shares) sum = fma(Q.data[i + c * Q.ld], take[c], sum);
  }
  part[threadIdx.x] = sum;
  __syncthreads();
  if (share == 0) {
    for (int s = 1; s < shares; ++s) sum += part[s * tile + row];
    const T entry = i < Q.rows ? w[i] - sum : T(0);
    if (take != nullptr && i < Q.rows) w[i] = entry;
    rows[row] = entry;
  }
  __syncthreads();
}

/// partial: of column c and block b at c * gridDim.x + b
template <int tile, class T>
__global__ __launch_bounds__(ProjectPolicy::threads,
                             2) void project_kernel(MatrixView<const T, Cuda> Q, const T* take,
                                                    T* w, T* h, index_t rows_of_block, T* partial,
                                                    unsigned* ticket) {
  constexpr index_t stride = ProjectPolicy::warps * at_once;
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x % 32);
  const index_t blocks = gridDim.x, first = blockIdx.x * rows_of_block;
  const index_t last = min(Q.rows, first + rows_of_block);
  __shared__ T rows[tile];
  for (index_t start = first; start < last; start += tile) {
    take_out<tile>(Q, take, start, w, rows);
    for (index_t c = warp * at_once; c < Q.cols; c += stride) {
      const int count = static_cast<int>(min(index_t{at_once}, Q.cols - c));
      T* const sums = partial + c * blocks + blockIdx.x;
      const T before = start > first && lane < count ? sums[lane * blocks] : T(0);
      T sum[at_once] = {};
#pragma unroll
      for (int r = 0; r < tile; r += 32) {
        if (start + r + lane >= last) continue;
        const T x = rows[r + lane];
        const T* const entries = Q.data + start + r + lane + c * Q.ld;
#pragma unroll
        for (int q = 0; q < at_once; ++q) {
          if (q < count) sum[q] = fma(entries[q * Q.ld], x, sum[q]);
        }
      }
      warp_sums(sum);
      by_lane(sum, count, [&](int q, T s) { loops::hand_over(sums + q * blocks, before + s); });
    }
    __syncthreads();  // before the next tile's rows
  }
  __shared__ bool joins;
  __threadfence();  // the sums before the ticket
  __syncthreads();
  if (threadIdx.x == 0) {
    joins = atomicInc(ticket, gridDim.x - 1) == gridDim.x - 1;  // wraps to zero for the next user
    __threadfence();  // and the ticket before the others' sums
  }
  __syncthreads();
  if (!joins) return;
  for (index_t c = warp * at_once; c < Q.cols; c += stride) {
    const int count = static_cast<int>(min(index_t{at_once}, Q.cols - c));
    T sum[at_once] = {};
    for (index_t b = lane; b < blocks; b += 32) {
#pragma unroll
      for (int q = 0; q < at_once; ++q) {
        if (q < count) sum[q] += loops::handed_over(partial + (c + q) * blocks + b);
      }
    }
    warp_sums(sum);
    by_lane(sum, count, [&](int q, T s) { h[c + q] = s; });
  }
}

template <int tile, class T>
void launch(Context<Cuda>& ctx, MatrixView<const T, Cuda> Q, const T* take, T* w, T* h) {
  using Policy = ProjectPolicy;
  auto& workspace = ctx.workspace();
  workspace.activate();
  const index_t tiles = (Q.rows + tile - 1) / tile;
  const index_t of_block = (tiles + Policy::most_blocks - 1) / Policy::most_blocks;
  const index_t blocks = (tiles + of_block - 1) / of_block;
  const auto bytes = static_cast<std::size_t>(blocks * Q.cols) * sizeof(T);
  T* const partial = static_cast<T*>(workspace.scratch(bytes));
  project_kernel<tile><<<static_cast<unsigned>(blocks), Policy::threads, 0, ctx.stream()>>>(
      Q, take, w, h, of_block * tile, partial, workspace.ticket);
  check_launch(ctx);
}

}  // namespace

template <class T>
void take_and_project(Context<Cuda>& ctx, MatrixView<const T, Cuda> Q, const T* take, T* w, T* h) {
  if (Q.rows <= 0 || Q.cols <= 0) return;
  using Policy = ProjectPolicy;
  if (Q.rows <= Policy::small_tile * Policy::most_blocks) {
    launch<Policy::small_tile>(ctx, Q, take, w, h);
  } else {
    launch<Policy::large_tile>(ctx, Q, take, w, h);
  }
}

template void take_and_project(Context<Cuda>&, MatrixView<const float, Cuda>, const float*, float*,
                               float*);
template void take_and_project(Context<Cuda>&, MatrixView<const double, Cuda>, const double*,
                               double*, double*);

}  // namespace randnla
