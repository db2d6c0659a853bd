// The fused pass over dense rows; see fused_pass.cuh.
#pragma once

#include "fused_common.cuh"

#include <bit>

namespace randnla {

/// How a team of lanes holds a dense row, beside as much of v and of the sum: Size numbers at a time, up
/// to Bytes bytes a lane, by LeastTeam lanes, where the row has numbers for them, to MostTeam.
template <class T, int Size, int Bytes, int LeastTeam = 1, int MostTeam = 512>
struct DensePassPolicy {
  using Value = T;
  static constexpr int size = Size, lane_bytes = Bytes;
  static constexpr int rows = std::min(8, 128 / lane_bytes);  // in flight per team
  // A team's rows follow one another: 8 lanes then use 32 bytes of curvatures. Else the teams' do, as
  // short rows of neighbouring teams share sectors.
  static constexpr bool in_a_row = rows == 8;
  static constexpr int threads = 256;  // of a block of teams that are a part of a warp
  static constexpr int least_team = LeastTeam, max_team = MostTeam;
  static constexpr int largest_part_of_warp = 32;  // from 64 lanes on the team is the block
  static constexpr int sm_threads = 512;           // resident on a multiprocessor, at 128 registers
  static constexpr int max_row_bytes = lane_bytes * max_team;
  static constexpr int most_threads(bool whole_block) { return whole_block ? max_team : threads; }
};

/// Rows in packs of 16 bytes, up to 32 KB: two in flight take 64 registers of the 128 a thread has.
template <class T>
using PackedRows = DensePassPolicy<T, 16 / sizeof(T), 64>;

/// Those of 2 to 16 KB: four in flight, as the row function is run by a thread a row while the block waits.
template <class T>
using PackedRowsOfBlock = DensePassPolicy<T, 16 / sizeof(T), 32, 64>;

/// Floats in pairs, up to 8 KB: 16 lanes share a row of 54, so that a request asks for 128 bytes of it.
/// With 8 lanes and a number at a time it asked for 32, and as such rows begin anywhere in a sector, the
/// sectors touched were 1.78 times the least; now 1.17.
using PairedRows = DensePassPolicy<float, 2, 16>;

/// Numbers, up to 16 KB: half as many bytes of twice the rows as packs have, 48 registers, as every number
/// has an address and a bound of its own. Requests of 128 bytes here, too: 1.20 times the least at 55 columns.
template <class T>
using SingleRows = DensePassPolicy<T, 1, 32, 128 / sizeof(T)>;

/// Of up to 64 floats: few enough a lane for eight rows. 1.21 times the least sectors at 55 columns.
using ShortSingleRows = DensePassPolicy<float, 1, 8, 32, 32>;

/// Longer dense rows: read from memory for their margins and again from the L2 cache.
struct WidePassPolicy {
  static constexpr int rows = 2;
  static constexpr int threads = 1024;
  static constexpr int blocks_per_sm = 1;  // unsaid, ptxas spills to make room for two
};

namespace fused {

template <class T, int Size>
struct alignas(Size * sizeof(T)) Pack {
  T x[Size];
};

/// v's values p Size, ..., whole where they are aligned so.
template <class T, int Size>
__device__ Pack<T, Size> load_pack(const T* v, int p) {
  using P = Pack<T, Size>;
  if (reinterpret_cast<std::uintptr_t>(v) % sizeof(P) == 0) return reinterpret_cast<const P*>(v)[p];
  P out;
#pragma unroll
  for (int i = 0; i < Size; ++i) out.x[i] = v[p * Size + i];
  return out;
}

/// Joins the sums of the teams of a block, first within each warp, then over the warps in order.
template <class Policy, class T, int Packs, int Size>
__device__ void store_warp_teams(const Pass<T>& pass, int lanes, Pack<T, Size> (&sum)[Packs]) {
  constexpr int threads = Policy::threads, warps = threads / 32;
  __shared__ alignas(16) T by_warp[warps][32 * Packs * Size];
  const int lane = static_cast<int>(threadIdx.x % 32);
  auto* const mine = reinterpret_cast<Pack<T, Size>*>(by_warp[threadIdx.x / 32]);
#pragma unroll
  for (int c = 0; c < Packs; ++c) {
#pragma unroll
    for (int i = 0; i < Size; ++i) {
      T& x = sum[c].x[i];
      for (int offset = lanes; offset < 32; offset *= 2) {
        x += __shfl_xor_sync(loops::full_warp, x, offset);
      }
    }
    if (lane < lanes) mine[c * lanes + lane] = sum[c];
  }
  __syncthreads();
  T* const out = pass.partial + blockIdx.x * pass.stride;
  for (int j = static_cast<int>(threadIdx.x); j < pass.cols; j += threads) {
    T x = 0;
    for (int w = 0; w < warps; ++w) x += by_warp[w][j];
    out[j] = x;
  }
}

/// A team of `lanes` lanes a row: a part of a warp, or the block.
template <class Policy, bool WholeBlock, class F, class T = typename Policy::Value>
__global__ __launch_bounds__(
    Policy::most_threads(WholeBlock),
    Policy::sm_threads /
        Policy::most_threads(WholeBlock)) void dense_kernel(const T* __restrict__ values,
                                                            Pass<T> pass, F f, int lanes) {
  constexpr int size = Policy::size, rows = Policy::rows;
  using P = Pack<T, size>;
  constexpr int packs = Policy::lane_bytes / static_cast<int>(sizeof(P));
  const index_t count = pass.count();
  const unsigned active = pass.active_blocks(count);
  if (blockIdx.x >= active) return;
  const int lane = static_cast<int>(threadIdx.x) & (lanes - 1);
  const int team = static_cast<int>(threadIdx.x) / lanes;
  const int teams = static_cast<int>(blockDim.x) / lanes;
  const int width = static_cast<int>(pass.cols / size);

  P v[packs], sum[packs] = {};
#pragma unroll
  for (int c = 0; c < packs; ++c) {
    const int p = c * lanes + lane;
    v[c] = p < width ? load_pack<T, size>(pass.v, p) : P{};
  }
  const int mine = Policy::in_a_row ? team * rows : team, apart = Policy::in_a_row ? 1 : teams;
  double value = 0;
  for (index_t first = blockIdx.x * pass.step; first < count; first += active * pass.step) {
    index_t row[rows];
    P tile[rows][packs];
    T z[rows];
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      const index_t k = first + mine + r * apart;
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
        for (int i = 0; i < size; ++i) z[r] += tile[r][c].x[i] * v[c].x[i];
      }
    }
    if constexpr (WholeBlock) {
      value += block_terms<rows>(f, first, count, row, z);
    } else {
      value += warp_terms<rows>(f, lanes, first + mine, apart, count, row, z);
    }
#pragma unroll
    for (int r = 0; r < rows; ++r) {
#pragma unroll
      for (int c = 0; c < packs; ++c) {
#pragma unroll
        for (int i = 0; i < size; ++i) sum[c].x[i] += z[r] * tile[r][c].x[i];
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
    store_warp_teams<Policy>(pass, lanes, sum);
  }
}

/// Rows too long for registers. Each thread owns the columns it visits, in shared memory where they
/// fit, else in the block's partial vector: no two threads meet there.
template <class T, class F>
__global__ __launch_bounds__(
    WidePassPolicy::threads,
    WidePassPolicy::blocks_per_sm) void wide_kernel(const T* __restrict__ values, Pass<T> pass, F f,
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

/// False where rows are too long for it.
template <class Policy, class F, class T = typename Policy::Value>
bool launch_dense(Context<Cuda>& ctx, const T* values, Pass<T>& pass, const F& f, bool vector,
                  bool value) {
  const index_t row_bytes = pass.cols * static_cast<index_t>(sizeof(T));
  if (row_bytes > Policy::max_row_bytes) return false;
  const index_t wanted =
      std::max({(row_bytes + Policy::lane_bytes - 1) / Policy::lane_bytes,
                std::min<index_t>(pass.cols, Policy::least_team), index_t{Policy::rows}});
  const int lanes = static_cast<int>(std::bit_ceil(static_cast<std::uint64_t>(wanted)));
  const bool whole_block = lanes > Policy::largest_part_of_warp;
  const int threads = whole_block ? lanes : Policy::threads;
  pass.step = threads / lanes * Policy::rows;
  pass.blocks = blocks_for(pass.rows.bound, pass.step, ctx.workspace().multiprocessors,
                           Policy::sm_threads / threads, row_bytes);
  place_partials(ctx, pass, vector, value);
  const auto queue = [&](auto kernel) {
    kernel<<<pass.blocks, static_cast<unsigned>(threads), 0, ctx.stream()>>>(values, pass, f,
                                                                             lanes);
  };
  if constexpr (Policy::max_team > Policy::largest_part_of_warp) {
    if (whole_block) queue(&dense_kernel<Policy, true, F>);
  }
  if constexpr (Policy::least_team <= Policy::largest_part_of_warp) {
    if (!whole_block) queue(&dense_kernel<Policy, false, F>);
  }
  return true;
}

template <class T, class F>
void launch_wide(Context<Cuda>& ctx, const T* values, Pass<T>& pass, const F& f, bool vector,
                 bool value) {
  auto& workspace = ctx.workspace();
  const index_t row_bytes = pass.cols * static_cast<index_t>(sizeof(T));
  const bool in_shared = row_bytes <= workspace.shared_bytes - 1024;  // the rest: static arrays
  const std::size_t shared = in_shared ? static_cast<std::size_t>(row_bytes) : 0;
  pass.step = WidePassPolicy::rows;
  pass.blocks = blocks_for(pass.rows.bound, pass.step, workspace.multiprocessors,
                           WidePassPolicy::blocks_per_sm, row_bytes);
  place_partials(ctx, pass, vector, value);
  allow_shared(&wide_kernel<T, F>, shared);
  wide_kernel<<<pass.blocks, WidePassPolicy::threads, shared, ctx.stream()>>>(values, pass, f,
                                                                              in_shared);
}

template <class T, class F>
void launch(Context<Cuda>& ctx, const DenseRows<T, Cuda>& A, Pass<T>& pass, const F& f, bool vector,
            bool value) {
  const auto begin = reinterpret_cast<std::uintptr_t>(A.values);
  const auto row_bytes = static_cast<std::uintptr_t>(pass.cols) * sizeof(T);
  const auto whole = [&](std::uintptr_t bytes) { return (begin | row_bytes) % bytes == 0; };
  const auto launched = [&](auto policy) {
    return launch_dense<decltype(policy)>(ctx, A.values, pass, f, vector, value);
  };
  if (whole(16)) {
    if (row_bytes > 2048 && launched(PackedRowsOfBlock<T>{})) return;
    if (launched(PackedRows<T>{})) return;
  } else {
    if constexpr (std::is_same_v<T, float>) {
      if (whole(8) && launched(PairedRows{})) return;
      if (launched(ShortSingleRows{})) return;
    }
    if (launched(SingleRows<T>{})) return;
  }
  launch_wide(ctx, A.values, pass, f, vector, value);
}

}  // namespace fused
}  // namespace randnla
