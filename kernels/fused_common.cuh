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

/// The row function for `Rows` rows of a team that is the whole block: thread r takes row r. On
/// entry every thread has its share of the margins, on return the weights.
template <int Rows, class T, class F>
__device__ double block_terms(const F& f, index_t first, index_t count, const index_t (&row)[Rows],
                              T (&z)[Rows]) {
  __shared__ T by_warp[Rows][33];  // the column of padding spares the reads below bank conflicts
  __shared__ T weight[Rows];
  const int lane = static_cast<int>(threadIdx.x % 32), warps = static_cast<int>(blockDim.x / 32);
  double value = 0;
#pragma unroll
  for (int r = 0; r < Rows; ++r) {
    z[r] = team_sum(z[r], 32);
    if (lane == 0) by_warp[r][threadIdx.x / 32] = z[r];
  }
  __syncthreads();
  if (threadIdx.x < Rows) {
    index_t mine = row[0];
#pragma unroll
    for (int r = 1; r < Rows; ++r) mine = lane == r ? row[r] : mine;
    T sum = 0;
    for (int w = 0; w < warps; ++w) sum += by_warp[lane][w];
    RowTerm<T> term{};
    if (first + lane < count) term = f(first + lane, mine, sum);
    weight[lane] = term.weight;
    value = static_cast<double>(term.value);
  }
  __syncthreads();
#pragma unroll
  for (int r = 0; r < Rows; ++r) z[r] = weight[r];
  return value;
}

/// Likewise for a team of `lanes` lanes of a warp, whose row r is number first + r * distance.
template <int Rows, class T, class F>
__device__ double warp_terms(const F& f, int lanes, index_t first, index_t distance, index_t count,
                             const index_t (&row)[Rows], T (&z)[Rows]) {
  const int lane = static_cast<int>(threadIdx.x) & (lanes - 1);
  index_t mine = row[0];
  T margin = 0;
#pragma unroll
  for (int r = 0; r < Rows; ++r) {
    const T sum = team_sum(z[r], lanes);
    if (lane == r) mine = row[r], margin = sum;
  }
  const index_t k = first + lane * distance;
  RowTerm<T> term{};
  if (lane < Rows && k < count) term = f(k, mine, margin);
  const int leader = static_cast<int>(threadIdx.x % 32) & ~(lanes - 1);
#pragma unroll
  for (int r = 0; r < Rows; ++r) z[r] = __shfl_sync(loops::full_warp, term.weight, leader + r);
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
