// Sparse rows added into partial sketches; see scatter_rows.cu.
#pragma once

#include "fused_common.cuh"
#include "seam/types.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace randnla {

struct ScatterSparsePolicy {
  static constexpr int threads = 128, warps = threads / 32;
  static constexpr int blocks_per_sm = 4;  // aimed at; unsaid, ptxas spills
  static constexpr index_t blocks = 128;  // of a segment, at most, unless the sums need more to fit
  static constexpr int words = 16;        // of the pattern that a lane asks for at a time
  static constexpr int flight = 4;        // rows of A whose entries are asked for together
  static constexpr index_t sums_bytes = 96 << 10;  // of a block, in shared memory, at most
};

namespace scatter {

/// Nonzeros that a warp has found and not added yet.
struct Found {
  index_t row[32];
  std::uint32_t word[32];  // as the pattern's, of the row's place in the sums
};

/// Sums of the sketch's rows that are one warp's own: in shared memory row after row, or where they are.
template <bool InShared, class T>
struct OwnSums {
  T* values;
  SketchLayout layout;
  index_t cols;
  unsigned owner, log_owners;

  /// What `add` takes for row t.
  __device__ std::uint32_t place(std::uint32_t t) const { return InShared ? t >> log_owners : t; }
  __device__ void add(std::uint32_t place, std::int32_t column, T value) const {
    values[InShared ? place * cols + column : layout.index(place, column)] += value;
  }
  /// Between shared memory and `out`.
  template <class F>
  __device__ void each(F f) const {
    for (index_t t = owner, k = 0; t < layout.rows; t += index_t{1} << log_owners, ++k) {
      for (index_t j = threadIdx.x % 32; j < cols; j += 32)
        f(values[k * cols + j], layout.index(t, j));
    }
  }
};

/// Adds what was found, in its order: the rows' offsets come together, entries `flight` rows at a time.
template <class Sums, class T>
__device__ void add_found(const CsrRows<T, Cuda>& A, const Found& found, int count,
                          const Sums& sums) {
  constexpr int flight = ScatterSparsePolicy::flight;
  __syncwarp();
  const int lane = static_cast<int>(threadIdx.x % 32);
  const index_t row = lane < count ? found.row[lane] : -1;
  const index_t mine = row >= 0 ? A.offsets[row] : 0, mine_end = row >= 0 ? A.offsets[row + 1] : 0;
  for (int k = 0; k < count; k += flight) {
    index_t entry[flight], end[flight];
    std::int32_t column[flight];
    T value[flight];
#pragma unroll
    for (int f = 0; f < flight; ++f) {  // lanes beyond the last one found have no entries
      entry[f] = __shfl_sync(loops::full_warp, mine, k + f) + lane;
      end[f] = __shfl_sync(loops::full_warp, mine_end, k + f);
      if (entry[f] < end[f]) column[f] = A.columns[entry[f]], value[f] = A.values[entry[f]];
    }
#pragma unroll
    for (int f = 0; f < flight; ++f) {
      const std::uint32_t word = k + f < count ? found.word[k + f] : 0;
      const T sign = (word & 1) != 0 ? T(-1) : T(1);
      if (entry[f] < end[f]) sums.add(word >> 1, column[f], sign * value[f]);
      for (index_t e = entry[f] + 32; e < end[f]; e += 32) {
        sums.add(word >> 1, A.columns[e], sign * A.values[e]);
      }
      __syncwarp();
    }
  }
}

/// A warp adds what goes to the rows of the sketch that are its own: those of its number mod the owners'.
template <bool InShared, class T>
__global__ __launch_bounds__(
    ScatterSparsePolicy::threads,
    ScatterSparsePolicy::
        blocks_per_sm) void sparse_kernel(CsrRows<T, Cuda> A, RowSegments segments,
                                          const std::uint32_t* __restrict__ pattern,
                                          std::uint32_t nonzeros, SketchLayout layout,
                                          unsigned log_blocks, unsigned height, T* partial) {
  constexpr int words = ScatterSparsePolicy::words;
  extern __shared__ __align__(16) unsigned char bytes[];
  __shared__ Found queues[ScatterSparsePolicy::warps];
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, below = (1U << lane) - 1;
  constexpr unsigned log_warps = std::countr_zero(unsigned{ScatterSparsePolicy::warps});
  const unsigned block = blockIdx.x & ((1U << log_blocks) - 1);
  const index_t g = blockIdx.x >> log_blocks;
  T* const out = partial + g * layout.size();
  const OwnSums<InShared, T> sums{
      InShared ? reinterpret_cast<T*>(bytes) + index_t{warp} * height * A.cols : out, layout,
      A.cols, (block << log_warps) + warp, log_blocks + log_warps};
  if (InShared) sums.each([=](T& sum, index_t e) { sum = out[e]; });

  Found& queue = queues[warp];
  int queued = 0;
  const index_t top = segments.first(g), count = (segments.last(g) - top) * nonzeros;
  const std::uint32_t* const all = pattern + (top - segments.begin) * nonzeros;
  std::uint32_t next[words];
  const auto ask = [&](index_t first) {
#pragma unroll
    for (int u = 0; u < words; ++u) {
      if (first + 32 * u + lane < count) next[u] = all[first + 32 * u + lane];
    }
  };
  ask(0);
  for (index_t first = 0; first < count; first += 32 * words) {
    std::uint32_t word[words];
#pragma unroll
    for (int u = 0; u < words; ++u) word[u] = next[u];
    ask(first + 32 * words);
#pragma unroll
    for (int u = 0; u < words; ++u) {
      const index_t n = first + 32 * u + lane;
      const std::uint32_t t = word[u] >> 1;
      const bool mine = n < count && (t & ((1U << sums.log_owners) - 1)) == sums.owner;
      const unsigned votes = __ballot_sync(loops::full_warp, mine);
      if (votes == 0) continue;
      if (queued + __popc(votes) > 32) add_found(A, queue, std::exchange(queued, 0), sums);
      const int place = queued + __popc(votes & below);
      if (mine) {
        queue.row[place] = top + n / nonzeros;
        queue.word[place] = sums.place(t) << 1 | (word[u] & 1);
      }
      queued += __popc(votes);
    }
  }
  add_found(A, queue, queued, sums);
  if (InShared) sums.each([=](T& sum, index_t e) { out[e] = sum; });
}

/// Blocks of one row a warp at least, in a power of two; sums in shared memory where one row of each warp fits.
template <class T>
void launch(Context<Cuda>& ctx, const CsrRows<T, Cuda>& A, RowSegments segments,
            const RowPattern& pattern, SketchLayout layout, T* partial) {
  using Policy = ScatterSparsePolicy;
  const auto power = [](index_t n) { return std::bit_ceil(static_cast<std::uint64_t>(n)); };
  const index_t least = (layout.rows + Policy::warps - 1) / Policy::warps;
  const index_t row = Policy::warps * A.cols * static_cast<index_t>(sizeof(T));
  const index_t limit = std::min<index_t>(
      Policy::sums_bytes,
      ctx.workspace().shared_bytes - static_cast<index_t>(sizeof(Found) * Policy::warps));
  const index_t fitting = limit / std::max<index_t>(1, row);
  std::uint64_t blocks = power(std::min(least, Policy::blocks));
  if (fitting >= 1) blocks = std::max(blocks, power((least + fitting - 1) / fitting));
  const auto owners = static_cast<index_t>(blocks) * Policy::warps;
  const index_t height = (layout.rows + owners - 1) / owners;
  const auto run = [&](auto kernel, std::size_t shared) {
    fused::allow_shared(kernel, shared);
    kernel<<<static_cast<unsigned>(segments.count() * static_cast<index_t>(blocks)),
             Policy::threads, shared, ctx.stream()>>>(
        A, segments, pattern.nonzero, static_cast<std::uint32_t>(pattern.per_row), layout,
        static_cast<unsigned>(std::countr_zero(blocks)), static_cast<unsigned>(height), partial);
  };
  if (fitting < 1) return run(&sparse_kernel<false, T>, 0);
  run(&sparse_kernel<true, T>, static_cast<std::size_t>(height * row));
}

}  // namespace scatter
}  // namespace randnla
