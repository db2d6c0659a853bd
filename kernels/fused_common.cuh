// What the dense and the sparse half of the fused pass share; fused_pass.cuh has the whole story.
#pragma once

#include "loops.cuh"

namespace randnla::fused {

/// Partial vectors of all blocks together stay below this, whatever the number of columns.
constexpr index_t partial_bytes_limit = index_t{256} << 20;

/// What the passes and the join behind them agree on.
template <class T>
struct Pass {
  RowSelection<Cuda> rows;
  const T* v;
  T ridge;
  index_t cols;
  index_t step;     // rows that a block takes at a time
  unsigned blocks;  // launched; those beyond the selection end at once
  index_t stride;   // between partial vectors
  T* partial;       // a vector a block; null: not wanted
  double* values;   // a number a block; null: not wanted

  RANDNLA_HD index_t count() const { return rows.count != nullptr ? *rows.count : rows.bound; }
  RANDNLA_HD index_t row(index_t k) const { return rows.rows != nullptr ? rows.rows[k] : k; }
  RANDNLA_HD unsigned active_blocks(index_t count) const {
    const index_t busy = (count + step - 1) / step;
    return busy < 1 ? 1U : busy < blocks ? static_cast<unsigned>(busy) : blocks;
  }
};

/// out = sum of the partial vectors + ridge v, value = sum of the values.
template <class T>
void join(Context<Cuda>& ctx, const Pass<T>& pass, T* out, double* value);

template <class T>
__device__ T team_sum(T z, int lanes) {
  for (int offset = lanes / 2; offset > 0; offset /= 2) {
    z += __shfl_xor_sync(loops::full_warp, z, offset);
  }
  return z;
}

/// The block's value: its rows' and its share of ridge/2 v'v.
template <class T>
__device__ void finish_value(const Pass<T>& pass, unsigned active, double value) {
  if (pass.values == nullptr) return;
  if (pass.ridge != 0) {
    double norm2 = 0;
    for (index_t j = static_cast<index_t>(blockIdx.x) * blockDim.x + threadIdx.x; j < pass.cols;
         j += static_cast<index_t>(active) * blockDim.x) {
      norm2 += static_cast<double>(pass.v[j]) * static_cast<double>(pass.v[j]);
    }
    value += static_cast<double>(pass.ridge) / 2 * norm2;
  }
  __shared__ double by_warp[32];
  value = team_sum(value, 32);
  if (threadIdx.x % 32 == 0) by_warp[threadIdx.x / 32] = value;
  __syncthreads();
  if (threadIdx.x >= 32) return;
  value = team_sum(threadIdx.x < blockDim.x / 32 ? by_warp[threadIdx.x] : 0.0, 32);
  if (threadIdx.x == 0) pass.values[blockIdx.x] = value;
}

/// Of the sums over `lanes` lanes of Rows numbers a lane, lanes / Rows lanes get the first, as many the
/// second, and so on. Each step leaves half of the sums to either half of the lanes: Rows - 1 exchanges
/// and those of one sum among its lanes, where one sum at a time would take Rows log2(lanes).
template <int Rows, class T>
__device__ T dealt_sum(T (&z)[Rows], int lanes) {
  int offset = lanes;
#pragma unroll
  for (int half = Rows / 2; half > 0; half /= 2) {
    offset /= 2;
    const bool upper = (static_cast<int>(threadIdx.x) & offset) != 0;
#pragma unroll
    for (int r = 0; r < half; ++r) {
      const T given = upper ? z[r] : z[r + half], kept = upper ? z[r + half] : z[r];
      z[r] = kept + __shfl_xor_sync(loops::full_warp, given, offset);
    }
  }
  return team_sum(z[0], lanes / Rows);
}

template <int Rows>
__device__ index_t chosen(const index_t (&row)[Rows], int r) {
  index_t mine = row[0];
#pragma unroll
  for (int i = 1; i < Rows; ++i) mine = r == i ? row[i] : mine;
  return mine;
}

/// The row function for `Rows` rows of a team that is the whole block. On entry every thread has its
/// share of the margins, on return the weights.
template <int Rows, class T, class F>
__device__ double block_terms(const F& f, index_t first, index_t count, const index_t (&row)[Rows],
                              T (&z)[Rows]) {
  constexpr int sharing = 32 / Rows;  // lanes of a row
  // The rows' sums begin in different banks, as far apart as there are any.
  __shared__ T by_warp[Rows][32 + 128 / (Rows * sizeof(T))];
  __shared__ T weight[Rows];
  const int lane = static_cast<int>(threadIdx.x % 32), warps = static_cast<int>(blockDim.x / 32);
  const int r = lane / sharing;
  const T of_warp = dealt_sum(z, 32);
  if (lane % sharing == 0) by_warp[r][threadIdx.x / 32] = of_warp;
  __syncthreads();
  double value = 0;
  if (threadIdx.x < 32) {
    T sum = 0;
    for (int w = lane % sharing; w < warps; w += sharing) sum += by_warp[r][w];
    sum = team_sum(sum, sharing);
    if (lane % sharing == 0) {
      RowTerm<T> term{};
      if (first + r < count) term = f(first + r, chosen(row, r), sum);
      weight[r] = term.weight;
      value = static_cast<double>(term.value);
    }
  }
  __syncthreads();
#pragma unroll
  for (int i = 0; i < Rows; ++i) z[i] = weight[i];
  return value;
}

/// Likewise for a team of `lanes` lanes of a warp, at least Rows, whose row r is number
/// first + r * distance.
template <int Rows, class T, class F>
__device__ double warp_terms(const F& f, int lanes, index_t first, index_t distance, index_t count,
                             const index_t (&row)[Rows], T (&z)[Rows]) {
  const int lane = static_cast<int>(threadIdx.x) & (lanes - 1), sharing = lanes / Rows;
  const int r = lane / sharing;
  const T margin = dealt_sum(z, lanes);
  const index_t k = first + r * distance;
  RowTerm<T> term{};
  if (lane % sharing == 0 && k < count) term = f(k, chosen(row, r), margin);
  const int leader = static_cast<int>(threadIdx.x % 32) & ~(lanes - 1);
#pragma unroll
  for (int i = 0; i < Rows; ++i) {
    z[i] = __shfl_sync(loops::full_warp, term.weight, leader + i * sharing);
  }
  return static_cast<double>(term.value);
}

/// Blocks for `rows` rows taken `step` at a time, as evenly as they go: as many as fit on the
/// device, but eight rows a block, so that its partial vector stays small beside what it reads,
/// unless multiprocessors would then lie idle.
inline unsigned blocks_for(index_t rows, index_t step, index_t multiprocessors, index_t per_sm,
                           index_t bytes) {
  const index_t steps = std::max<index_t>(1, (rows + step - 1) / step);
  const index_t limit =
      std::min(std::clamp<index_t>(rows / 8, multiprocessors, multiprocessors * per_sm),
               std::max<index_t>(1, partial_bytes_limit / std::max<index_t>(1, bytes)));
  const index_t each = (steps + limit - 1) / limit;
  return static_cast<unsigned>((steps + each - 1) / each);
}

template <class Kernel>
void allow_shared(Kernel* kernel, std::size_t bytes) {
  // Beyond 48 KB a kernel must ask.
  if (bytes > (48U << 10)) {
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(bytes)));
  }
}

/// Partial results in the workspace, as far as they are wanted.
template <class T>
void place_partials(Context<Cuda>& ctx, Pass<T>& pass, bool vector, bool value) {
  const std::size_t values = (pass.blocks * sizeof(double) + 127) / 128 * 128;  // whole cache lines
  const std::size_t vectors = vector ? pass.blocks * static_cast<std::size_t>(pass.stride) : 0;
  auto* const memory =
      static_cast<unsigned char*>(ctx.workspace().scratch(values + vectors * sizeof(T)));
  pass.values = value ? reinterpret_cast<double*>(memory) : nullptr;
  pass.partial = vector ? reinterpret_cast<T*>(memory + values) : nullptr;
}

}  // namespace randnla::fused
