// Rows added into partial sketches: as many additions at a time as keep the order of each entry's.
//
// Mapping   Dense: a block takes a tile of up to 256 bytes of columns of one segment, or up to an eighth of its
//           rows where multiprocessors would lie idle. A's rows and their pattern come to shared memory in
//           chunks of 64 rows or 256 nonzeros while the chunk before is worked on (cp.async). Row t of the tile
//           belongs to warp t mod 16: a warp finds its nonzeros in the chunk by votes, in order, and adds them
//           to the tile, 8 bytes of a row a lane. The tile is in shared memory where it fits, else it stays
//           where it is (L2 cache), four additions in flight.
//           Sparse: a warp takes one row of a segment's sketch, or every 256th of more than 256; it finds
//           its nonzeros in the pattern by votes, and its lanes go over the entries of A's rows.
// Order     An entry has one owner (sparse: one warp, with a __syncwarp between the rows of A), who adds in the
//           order of i, then l, and products by 1 and -1 are exact: the bits are the CPU's. No atomics.
// Traffic   Dense: A and, for every tile, the pattern; the parts of a tile read both from the L2 cache after the
//           first; the tile once in and out. Sparse: a row once for each of its nonzeros, the pattern once for
//           every warp of a segment, both from the L2 cache after the first.
// Bound     few segments: latency; many: what a warp does to find its nonzeros (instruction issue)
// Twin      cpu/scatter_rows.cpp        Test  tests/sketch/sketch_backends_test.cpp
// Model     (simulator's H100, no GPU measured it) fp64, SparseStack with 4 nonzeros, 20,000 x 54 to 216 rows:
//           78 us, 8.6 MB from DRAM, which is A alone (compulsory with the pattern and the sketches: 9.6 MB),
//           sectors 8.4 times the compulsory (8 parts), coalescing 0.94, no bank conflicts; as full CSR 192 us
// Lost      votes one after the other, each waiting for its load: 92 us, and then 150 us with tiles never in
//           parts, 102 us with 256 threads; sparse with 4 rows a warp: 519 us
// Open      most instructions are integer: requests of rows and votes; narrow tiles leave lanes idle
#include "scatter_dense.cuh"
#include "scatter_rows.cuh"

#include <algorithm>
#include <bit>
#include <variant>

namespace randnla {

struct ScatterSparsePolicy {
  static constexpr int threads = 256, block_warps = threads / 32;
  static constexpr index_t rows = 8;     // of the sketch that a block has,
  static constexpr index_t blocks = 32;  // or more: at most so many blocks a segment
};

namespace scatter {

/// One row added to or subtracted from one row of a partial sketch, by a warp.
template <class T>
__device__ void add_entries(const CsrRows<T, Cuda>& A, index_t begin, index_t end,
                            std::uint32_t word, SketchLayout layout, T* to) {
  const T sign = (word & 1) != 0 ? T(-1) : T(1);
  for (index_t e = begin + threadIdx.x % 32; e < end; e += 32) {
    to[layout.index(word >> 1, A.columns[e])] += sign * A.values[e];
  }
  __syncwarp();
}

/// Warp `owner` adds what goes to the rows of the sketch that are its own.
template <class T>
__global__ __launch_bounds__(ScatterSparsePolicy::threads) void sparse_kernel(
    CsrRows<T, Cuda> A, RowSegments segments, const std::uint32_t* __restrict__ pattern,
    std::uint32_t nonzeros, SketchLayout layout, unsigned blocks, T* partial) {
  constexpr unsigned block_warps = ScatterSparsePolicy::block_warps;
  const unsigned lane = threadIdx.x % 32, owners = blocks * block_warps;
  const unsigned owner = blockIdx.x % blocks * block_warps + threadIdx.x / 32;
  const index_t g = blockIdx.x / blocks;
  T* const out = partial + g * layout.size();
  Place place{segments.first(g), 0};
  const std::uint32_t* const words = pattern + (place.row - segments.begin) * nonzeros;
  const index_t count = (segments.last(g) - place.row) * nonzeros;
  std::uint32_t next = lane < count ? words[lane] : 0;
  place.advance(lane, nonzeros);
  for (index_t first = 0; first < count; first += 32, place.advance(32, nonzeros)) {
    const std::uint32_t word = next;
    if (first + 32 + lane < count) next = words[first + 32 + lane];
    const bool mine = first + lane < count && (word >> 1) % owners == owner;
    const index_t begin = mine ? A.offsets[place.row] : 0;
    const index_t end = mine ? A.offsets[place.row + 1] : 0;
    for (unsigned votes = __ballot_sync(loops::full_warp, mine); votes != 0; votes &= votes - 1) {
      const int from = __ffs(static_cast<int>(votes)) - 1;
      add_entries(A, __shfl_sync(loops::full_warp, begin, from),
                  __shfl_sync(loops::full_warp, end, from),
                  __shfl_sync(loops::full_warp, word, from), layout, out);
    }
  }
}

template <class T>
void launch(Context<Cuda>& ctx, const CsrRows<T, Cuda>& A, RowSegments segments,
            const std::uint32_t* pattern, std::uint32_t nonzeros, SketchLayout layout, T* partial) {
  const auto blocks =
      std::clamp<index_t>(layout.rows / ScatterSparsePolicy::rows, 1, ScatterSparsePolicy::blocks);
  sparse_kernel<<<static_cast<unsigned>(segments.count() * blocks), ScatterSparsePolicy::threads, 0,
                  ctx.stream()>>>(A, segments, pattern, nonzeros, layout,
                                  static_cast<unsigned>(blocks), partial);
}

}  // namespace scatter

/// As wide as the matrix and a lane's share of a warp allow, and narrower, down to two sectors, where the tile
/// would not fit otherwise.
template <class T>
SketchLayout sketch_layout(const Context<Cuda>&, index_t rows, index_t, index_t cols) {
  constexpr index_t widest = ScatterPolicy::width_bytes / sizeof(T), least = 16 / sizeof(T);
  const auto wanted = std::bit_ceil(static_cast<std::uint64_t>(std::max<index_t>(1, cols)));
  index_t width = std::clamp(static_cast<index_t>(wanted), least, widest);
  const index_t fitting =
      ScatterPolicy::tile_bytes / (std::max<index_t>(1, rows) * static_cast<index_t>(sizeof(T)));
  if (fitting >= widest / 4) {
    width =
        std::min(width, static_cast<index_t>(std::bit_floor(static_cast<std::uint64_t>(fitting))));
  }
  const int shift = std::countr_zero(static_cast<std::uint64_t>(width));
  return {rows, (cols + width - 1) / width, shift};
}

template <class T>
void scatter_rows(Context<Cuda>& ctx, const Rows<T, Cuda>& A, RowSegments segments,
                  const RowPattern& pattern, SketchLayout layout, T* partial) {
  std::visit(
      [&](const auto& matrix) {
        if (segments.begin >= segments.end || layout.size() == 0) return;
        ctx.workspace().activate();
        scatter::launch(ctx, matrix, segments, pattern.nonzero,
                        static_cast<std::uint32_t>(pattern.per_row), layout, partial);
        check(cudaGetLastError());
      },
      A);
}

template SketchLayout sketch_layout<float>(const Context<Cuda>&, index_t, index_t, index_t);
template SketchLayout sketch_layout<double>(const Context<Cuda>&, index_t, index_t, index_t);
template void scatter_rows(Context<Cuda>&, const Rows<float, Cuda>&, RowSegments, const RowPattern&,
                           SketchLayout, float*);
template void scatter_rows(Context<Cuda>&, const Rows<double, Cuda>&, RowSegments,
                           const RowPattern&, SketchLayout, double*);

}  // namespace randnla
