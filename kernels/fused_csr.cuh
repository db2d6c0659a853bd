// The fused pass over compressed sparse rows; see fused_pass.cuh.
#pragma once

#include "fused_common.cuh"

#include <bit>

namespace randnla {

struct CsrPassPolicy {
  static constexpr int entries = 4;  // of a row that a lane keeps in registers
  static constexpr int threads = 256, blocks_per_sm = 3;
  static constexpr int shared_bytes = 64 << 10;  // for the sums of a block, so that three fit
};

namespace fused {

/// Entries of a row that one lane keeps.
template <class T>
struct Entries {
  static constexpr int size = CsrPassPolicy::entries;
  std::int32_t column[size];  // -1: none
  T value[size];

  __device__ Entries(const CsrRows<T, Cuda>& A, index_t e, index_t end, int lanes) {
#pragma unroll
    for (int i = 0; i < size; ++i, e += lanes) {
      column[i] = e < end ? A.columns[e] : -1;
      value[i] = e < end ? A.values[e] : T(0);
    }
  }
  __device__ T dot(const T* v) const {
    T sum = 0;
#pragma unroll
    for (int i = 0; i < size; ++i) sum += column[i] >= 0 ? value[i] * v[column[i]] : T(0);
    return sum;
  }
  /// The columns differ, so all loads may come before the first store.
  __device__ void add_to(T* out, T weight) const {
    T before[size];
#pragma unroll
    for (int i = 0; i < size; ++i) before[i] = column[i] >= 0 ? out[column[i]] : T(0);
#pragma unroll
    for (int i = 0; i < size; ++i) {
      if (column[i] >= 0) out[column[i]] = before[i] + weight * value[i];
    }
  }
};

/// A team of `lanes` lanes of a warp a row. `copies` vectors of sums in shared memory, or none and
/// the block's partial vector; teams that share one take turns.
template <class T, class F>
__global__ __launch_bounds__(CsrPassPolicy::threads,
                             CsrPassPolicy::blocks_per_sm) void csr_kernel(CsrRows<T, Cuda> A,
                                                                           Pass<T> pass, F f,
                                                                           int lanes, int copies) {
  constexpr int threads = CsrPassPolicy::threads;
  extern __shared__ __align__(16) unsigned char bytes[];
  const index_t count = pass.count();
  const unsigned active = pass.active_blocks(count);
  if (blockIdx.x >= active) return;
  const bool wanted = pass.partial != nullptr, in_shared = copies > 0;
  const int sharing = in_shared ? copies : 1;
  const int lane = static_cast<int>(threadIdx.x) & (lanes - 1);
  const int team = static_cast<int>(threadIdx.x) / lanes, teams = threads / lanes;
  const int turns = wanted ? teams / sharing : 0, my_turn = team / sharing;
  T* const out = wanted ? pass.partial + blockIdx.x * pass.stride : nullptr;
  T* const sums = in_shared ? reinterpret_cast<T*>(bytes) : out;
  if (wanted) {
    for (index_t j = threadIdx.x; j < sharing * pass.cols; j += threads) sums[j] = 0;
    __syncthreads();
  }
  T* const sum = sums + team % sharing * pass.cols;
  double value = 0;
  for (index_t first = blockIdx.x * pass.step; first < count; first += active * pass.step) {
    const index_t k = first + team;
    index_t row[1] = {-1}, begin = 0, end = 0;
    if (k < count) {
      row[0] = pass.row(k);
      begin = A.offsets[row[0]] + lane, end = A.offsets[row[0] + 1];
    }
    const Entries<T> head(A, begin, end, lanes);
    const index_t batch = static_cast<index_t>(lanes) * Entries<T>::size;
    T z[1] = {head.dot(pass.v)};
    for (index_t e = begin + batch; e < end; e += batch) {
      z[0] += Entries<T>(A, e, end, lanes).dot(pass.v);
    }
    value += warp_terms<1>(f, lanes, k, 0, count, row, z);
    for (int turn = 0; turn < turns; ++turn) {
      if (turn == my_turn) {
        head.add_to(sum, z[0]);
        for (index_t e = begin + batch; e < end; e += batch) {
          Entries<T>(A, e, end, lanes).add_to(sum, z[0]);
        }
      }
      if (turns > 1) __syncthreads();
    }
    __syncwarp();  // the next row's entries lie in other lanes
  }
  finish_value(pass, active, value);
  if (!wanted || !in_shared) return;
  __syncthreads();
  for (index_t j = threadIdx.x; j < pass.cols; j += threads) {
    T x = 0;
    for (int c = 0; c < copies; ++c) x += sums[c * pass.cols + j];
    out[j] = x;
  }
}

template <class T, class F>
void launch(Context<Cuda>& ctx, const CsrRows<T, Cuda>& A, Pass<T>& pass, const F& f, bool vector,
            bool value) {
  auto& workspace = ctx.workspace();
  const index_t row_bytes = pass.cols * static_cast<index_t>(sizeof(T));
  const index_t per_row = A.nonzeros / std::max<index_t>(1, A.rows);
  // Two entries a lane on average, so that most rows stay within the four that it keeps.
  const int lanes = static_cast<int>(
      std::bit_ceil(static_cast<std::uint64_t>(std::clamp<index_t>((per_row + 1) / 2, 1, 32))));
  const int teams = CsrPassPolicy::threads / lanes;
  index_t copies = CsrPassPolicy::shared_bytes / std::max<index_t>(1, row_bytes);
  if (copies == 0 && row_bytes <= workspace.shared_bytes - 1024) copies = 1;
  copies = static_cast<index_t>(
      std::bit_floor(static_cast<std::uint64_t>(std::min<index_t>(copies, teams))));
  const std::size_t shared = vector ? static_cast<std::size_t>(copies * row_bytes) : 0;
  pass.step = teams;
  // Partial vectors beyond the size of the entries would cost more than the pass.
  const index_t entries = pass.rows.bound * std::max<index_t>(1, per_row);
  const index_t by_join = std::max(entries / std::max<index_t>(1, pass.cols),
                                   static_cast<index_t>(workspace.multiprocessors / 4));
  pass.blocks = static_cast<unsigned>(
      std::min<index_t>(by_join, blocks_for(pass.rows.bound, pass.step, workspace.multiprocessors,
                                            CsrPassPolicy::blocks_per_sm, row_bytes)));
  place_partials(ctx, pass, vector, value);
  allow_shared(&csr_kernel<T, F>, shared);
  csr_kernel<<<pass.blocks, CsrPassPolicy::threads, shared, ctx.stream()>>>(
      A, pass, f, lanes, static_cast<int>(copies));
}

}  // namespace fused
}  // namespace randnla
