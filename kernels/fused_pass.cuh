// The fused pass over dense and sparse rows (see seam/seam.hpp for what it computes).
//
// Mapping   Dense rows up to 32 KB: a team of lanes a row, 64 bytes of it a lane in registers, from
//           two lanes to a block of 512; two rows a team in flight; v and the team's sum in
//           registers too. Longer dense rows: a block of 1,024 takes two rows, its sum in shared
//           memory, beyond 226 KB in its partial vector.
//           Sparse rows: a team of up to 32 lanes a row, its first four entries a lane kept in
//           registers. Teams add to sums in shared memory, a sum a team where 64 KB suffice; where
//           teams share a sum, or have the block's partial vector, they take turns at a barrier.
//           Then fused_pass.cu joins the partial vectors.
// Order     Rows are dealt out by their number, sums joined in the order of lanes, warps and blocks:
//           bits repeat from run to run on one kind of device. No atomics.
// Traffic   The least is one read of the selected rows; v and the result are small beside it.
//           Partial vectors add 16 bytes a column and block, written and read in the L2 cache, for
//           at least eight rows a block where that fills the device. Long dense rows, and sparse
//           ones of more than 128 entries, are read again from a cache for the sum; so from about
//           20,000 columns in double on, when the rows in flight outgrow the L2 cache, partly from
//           memory.
// Bound     memory for many rows, latency for few
// Twin      cpu/fused_pass.hpp        Test  tests/seam/
// Model     (simulator's H100, no GPU measured it) in fp64 for f = weight times margin, pass + join,
//           beside the least time to read the rows at 3.35 TB/s:
//             dense 200,000 x 54      29.3 + 5.8 us   26 us
//             dense 20,000 x 54        6.2 + 4.3 us    2.6 us    3 us of each is the launch
//             dense 2,000 x 1,000      8.3 + 4.8 us    4.8 us
//             dense 200 x 10,000      14.8 + 6.4 us    4.8 us
//             sparse 32,561 x 123, 14 entries a row     10.7 +  5.3 us   1.6 us
//             sparse 20,000 x 5,000, 60 a row           33.0 +  6.6 us   4.3 us
//             sparse 5,000 x 47,236, 73 a row           77.0 + 12.6 us   1.3 us
// Lost      A finishing loop over the blocks in one block (43 us at 20,000 x 54). By calculation
//           only: a join in the last block to finish, in two levels, has two hand-overs of about
//           1.5 us, what the launch of the second kernel costs, and one block's bandwidth.
// Open      Sparse rows with more columns than shared memory holds: turns on sums in the L2 cache
//           are slow; the transposed sample would need no sums at all.
#pragma once

#include "loops.cuh"

#include <bit>
#include <variant>

namespace randnla {

/// Dense rows of up to 32 KB: a team of lanes holds a row, 64 bytes a lane, beside as much of v and
/// of the sum: with two rows in flight that is 256 bytes or 64 registers of the 128 a thread has.
struct DensePassPolicy {
  static constexpr int lane_bytes = 64;
  static constexpr int rows = 2;          // in flight per team
  static constexpr int threads = 256;     // of a block of teams that are a part of a warp
  static constexpr int max_team = 512;    // lanes; from 64 on the team is the block
  static constexpr int sm_threads = 512;  // resident on a multiprocessor, at 128 registers
};

/// Longer dense rows: read from memory for their margins and again from the L2 cache.
struct WidePassPolicy {
  static constexpr int rows = 2;
  static constexpr int threads = 1024;
};

struct CsrPassPolicy {
  static constexpr int entries = 4;  // of a row that a lane keeps in registers
  static constexpr int threads = 256, blocks_per_sm = 3;
  static constexpr int shared_bytes = 64 << 10;  // for the sums of a block, so that three fit
};

namespace fused {

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

template <class T, int Size>
struct alignas(Size * sizeof(T)) Pack {
  T x[Size];
};

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
  __shared__ T by_warp[Rows][32];
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

/// Joins the sums of the teams of a block, first within each warp, then over the warps in order.
template <class T, int Packs, int Size>
__device__ void store_warp_teams(const Pass<T>& pass, int lanes, Pack<T, Size> (&sum)[Packs]) {
  constexpr int warps = DensePassPolicy::threads / 32;
  __shared__ T by_warp[warps][32 * Packs * Size];
  const int lane = static_cast<int>(threadIdx.x % 32);
#pragma unroll
  for (int c = 0; c < Packs; ++c) {
#pragma unroll
    for (int i = 0; i < Size; ++i) {
      T x = sum[c].x[i];
      for (int offset = lanes; offset < 32; offset *= 2) {
        x += __shfl_xor_sync(loops::full_warp, x, offset);
      }
      if (lane < lanes) by_warp[threadIdx.x / 32][(c * lanes + lane) * Size + i] = x;
    }
  }
  __syncthreads();
  T* const out = pass.partial + blockIdx.x * pass.stride;
  for (int j = static_cast<int>(threadIdx.x); j < pass.cols; j += DensePassPolicy::threads) {
    T x = 0;
    for (int w = 0; w < warps; ++w) x += by_warp[w][j];
    out[j] = x;
  }
}

/// A team of `lanes` lanes a row: a part of a warp, or the block.
template <class T, int Size, bool WholeBlock, class F>
__global__ __launch_bounds__(
    WholeBlock ? DensePassPolicy::max_team : DensePassPolicy::threads,
    DensePassPolicy::sm_threads /
        (WholeBlock ? DensePassPolicy::max_team
                    : DensePassPolicy::threads)) void dense_kernel(const T* __restrict__ values,
                                                                   Pass<T> pass, F f, int lanes) {
  constexpr int packs = DensePassPolicy::lane_bytes / (Size * static_cast<int>(sizeof(T)));
  constexpr int rows = DensePassPolicy::rows;
  using P = Pack<T, Size>;
  const index_t count = pass.count();
  const unsigned active = pass.active_blocks(count);
  if (blockIdx.x >= active) return;
  const int lane = static_cast<int>(threadIdx.x) & (lanes - 1);
  const int team = static_cast<int>(threadIdx.x) / lanes;
  const int teams = static_cast<int>(blockDim.x) / lanes;
  const int width = static_cast<int>(pass.cols / Size);

  P v[packs], sum[packs] = {};
#pragma unroll
  for (int c = 0; c < packs; ++c) {
    const int p = c * lanes + lane;
#pragma unroll
    for (int i = 0; i < Size; ++i) v[c].x[i] = p < width ? pass.v[p * Size + i] : T(0);
  }
  double value = 0;
  for (index_t first = blockIdx.x * pass.step; first < count; first += active * pass.step) {
    index_t row[rows];
    P tile[rows][packs];
    T z[rows];
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      const index_t k = first + r * teams + team;
      row[r] = k < count ? pass.row(k) : -1;
    }
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      const P* const from = reinterpret_cast<const P*>(values + row[r] * pass.cols);
#pragma unroll
      for (int c = 0; c < packs; ++c) {
        const int p = c * lanes + lane;
        tile[r][c] = row[r] >= 0 && p < width ? from[p] : P{};
      }
    }
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      z[r] = 0;
#pragma unroll
      for (int c = 0; c < packs; ++c) {
#pragma unroll
        for (int i = 0; i < Size; ++i) z[r] += tile[r][c].x[i] * v[c].x[i];
      }
    }
    if constexpr (WholeBlock) {
      value += block_terms<rows>(f, first, count, row, z);
    } else {
      value += warp_terms<rows>(f, lanes, first + team, teams, count, row, z);
    }
#pragma unroll
    for (int r = 0; r < rows; ++r) {
#pragma unroll
      for (int c = 0; c < packs; ++c) {
#pragma unroll
        for (int i = 0; i < Size; ++i) sum[c].x[i] += z[r] * tile[r][c].x[i];
      }
    }
  }
  finish_value(pass, active, value);
  if (pass.partial == nullptr) return;
  if constexpr (WholeBlock) {
    P* const out = reinterpret_cast<P*>(pass.partial + blockIdx.x * pass.stride);
#pragma unroll
    for (int c = 0; c < packs; ++c) {
      const int p = c * lanes + lane;
      if (p < width) out[p] = sum[c];
    }
  } else {
    store_warp_teams(pass, lanes, sum);
  }
}

/// Rows too long for registers. Each thread owns the columns it visits, in shared memory where they
/// fit, else in the block's partial vector: no two threads meet there.
template <class T, class F>
__global__ __launch_bounds__(WidePassPolicy::threads) void wide_kernel(const T* __restrict__ values,
                                                                       Pass<T> pass, F f,
                                                                       bool in_shared) {
  constexpr int rows = WidePassPolicy::rows;
  extern __shared__ __align__(16) unsigned char bytes[];
  const index_t count = pass.count();
  const unsigned active = pass.active_blocks(count);
  if (blockIdx.x >= active) return;
  const bool wanted = pass.partial != nullptr;
  T* const out = wanted ? pass.partial + blockIdx.x * pass.stride : nullptr;
  T* const sum = in_shared ? reinterpret_cast<T*>(bytes) : out;
  if (wanted) {
    for (index_t j = threadIdx.x; j < pass.cols; j += WidePassPolicy::threads) sum[j] = 0;
  }
  double value = 0;
  for (index_t first = blockIdx.x * pass.step; first < count; first += active * pass.step) {
    index_t row[rows];
    const T* from[rows];
    T z[rows] = {};
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      // Past the end the last row again, with weight zero and no call of f.
      row[r] = pass.row(first + r < count ? first + r : count - 1);
      from[r] = values + row[r] * pass.cols;
    }
#pragma unroll 4
    for (index_t j = threadIdx.x; j < pass.cols; j += WidePassPolicy::threads) {
      const T x = pass.v[j];
#pragma unroll
      for (int r = 0; r < rows; ++r) z[r] += from[r][j] * x;
    }
    value += block_terms<rows>(f, first, count, row, z);
    if (!wanted) continue;
#pragma unroll 4
    for (index_t j = threadIdx.x; j < pass.cols; j += WidePassPolicy::threads) {
      T x = sum[j];
#pragma unroll
      for (int r = 0; r < rows; ++r) {
        if (first + r < count) x += z[r] * from[r][j];
      }
      sum[j] = x;
    }
  }
  finish_value(pass, active, value);
  if (!wanted || !in_shared) return;
  for (index_t j = threadIdx.x; j < pass.cols; j += WidePassPolicy::threads) out[j] = sum[j];
}

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
  const std::size_t values = (pass.blocks * sizeof(double) + 15) / 16 * 16;
  const std::size_t vectors = vector ? pass.blocks * static_cast<std::size_t>(pass.stride) : 0;
  auto* const memory =
      static_cast<unsigned char*>(ctx.workspace().scratch(values + vectors * sizeof(T)));
  pass.values = value ? reinterpret_cast<double*>(memory) : nullptr;
  pass.partial = vector ? reinterpret_cast<T*>(memory + values) : nullptr;
}

template <class T, int Size, class F>
void launch_dense(Context<Cuda>& ctx, const T* values, Pass<T>& pass, const F& f, bool vector,
                  bool value) {
  const index_t row_bytes = pass.cols * static_cast<index_t>(sizeof(T));
  const auto wanted = (row_bytes + DensePassPolicy::lane_bytes - 1) / DensePassPolicy::lane_bytes;
  const int lanes = static_cast<int>(
      std::bit_ceil(static_cast<std::uint64_t>(std::max<index_t>(wanted, DensePassPolicy::rows))));
  const bool whole_block = lanes > 32;
  const int threads = whole_block ? lanes : DensePassPolicy::threads;
  pass.step = threads / lanes * DensePassPolicy::rows;
  pass.blocks = blocks_for(pass.rows.bound, pass.step, ctx.workspace().multiprocessors,
                           DensePassPolicy::sm_threads / threads, row_bytes);
  place_partials(ctx, pass, vector, value);
  const auto kernel =
      whole_block ? &dense_kernel<T, Size, true, F> : &dense_kernel<T, Size, false, F>;
  kernel<<<pass.blocks, static_cast<unsigned>(threads), 0, ctx.stream()>>>(values, pass, f, lanes);
}

template <class T, class F>
void launch_wide(Context<Cuda>& ctx, const T* values, Pass<T>& pass, const F& f, bool vector,
                 bool value) {
  auto& workspace = ctx.workspace();
  const index_t row_bytes = pass.cols * static_cast<index_t>(sizeof(T));
  const bool in_shared = row_bytes <= workspace.shared_bytes - 1024;  // the rest: static arrays
  const std::size_t shared = in_shared ? static_cast<std::size_t>(row_bytes) : 0;
  pass.step = WidePassPolicy::rows;
  pass.blocks = blocks_for(pass.rows.bound, pass.step, workspace.multiprocessors, 1, row_bytes);
  place_partials(ctx, pass, vector, value);
  allow_shared(&wide_kernel<T, F>, shared);
  wide_kernel<<<pass.blocks, WidePassPolicy::threads, shared, ctx.stream()>>>(values, pass, f,
                                                                              in_shared);
}

template <class T, class F>
void launch(Context<Cuda>& ctx, const DenseRows<T, Cuda>& A, Pass<T>& pass, const F& f, bool vector,
            bool value) {
  const index_t row_bytes = pass.cols * static_cast<index_t>(sizeof(T));
  constexpr int widest = 16 / sizeof(T);
  if (row_bytes > DensePassPolicy::lane_bytes * DensePassPolicy::max_team) {
    launch_wide(ctx, A.values, pass, f, vector, value);
  } else if (row_bytes % 16 == 0 && reinterpret_cast<std::uintptr_t>(A.values) % 16 == 0) {
    launch_dense<T, widest>(ctx, A.values, pass, f, vector, value);
  } else {
    launch_dense<T, 1>(ctx, A.values, pass, f, vector, value);
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

template <class T, class F>
void fused_pass(Context<Cuda>& ctx, const Rows<T, Cuda>& A, RowSelection<Cuda> rows, const T* v,
                F f, T ridge, T* out, double* value) {
  static_assert(std::is_trivially_copyable_v<F>);
  ctx.workspace().activate();
  std::visit(
      [&](const auto& matrix) {
        fused::Pass<T> pass{};
        pass.rows = rows, pass.v = v, pass.ridge = ridge, pass.cols = matrix.cols;
        pass.stride = (matrix.cols + 3) / 4 * 4;  // each partial vector aligned for 16 bytes
        fused::launch(ctx, matrix, pass, f, out != nullptr, value != nullptr);
        check(cudaGetLastError());
        if (out != nullptr || value != nullptr) fused::join(ctx, pass, out, value);
      },
      A);
}

}  // namespace randnla
