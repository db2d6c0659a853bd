// Rows added into partial sketches: as many additions at a time as keep the order of each entry's.
//
// Mapping   Dense: a block takes a tile of up to 256 bytes of columns of one segment, or up to an eighth of its
//           rows where multiprocessors would lie idle. A's rows and their pattern come to shared memory in
//           chunks of 64 rows or 256 nonzeros while the chunk before is worked on (cp.async). Row t of the tile
//           belongs to warp t mod 16: a warp finds its nonzeros in the chunk by votes, in order, and adds them
//           to the tile, 8 bytes of a row a lane. The tile is in shared memory where it fits, else it stays
//           where it is (L2 cache), four additions in flight.
//           Sparse: a warp takes one row of a segment's sketch, or every 512th of more than 512, with sums in
//           shared memory where they fit (columns of a warp's row in 24 KB). It finds its nonzeros in the
//           pattern by votes, 512 words at a time while the next ones are on their way, queues them, and its
//           lanes go over the entries of A's rows, four rows in flight.
// Order     An entry has one owner (sparse: one warp, with a __syncwarp between the rows of A), who adds in the
//           order of i, then l, and products by 1 and -1 are exact: the bits are the CPU's. No atomics.
// Traffic   Dense: A and, for every tile, the pattern; the parts of a tile read both from the L2 cache after the
//           first; the tile once in and out. Sparse: a row once for each of its nonzeros, the pattern once for
//           every warp of a segment, both from the L2 cache after the first.
// Bound     few segments: latency; many: what a warp does to find its nonzeros (instruction issue)
// Twin      cpu/scatter_rows.cpp        Test  tests/sketch/sketch_backends_test.cpp
// Model     (simulator's H100, no GPU measured it) fp64, SparseStack with 4 nonzeros, 20,000 x 54 to 216 rows:
//           78 us, 8.6 MB from DRAM, which is A alone (compulsory with the pattern and the sketches: 9.6 MB),
//           sectors 8.4 times the compulsory (8 parts), coalescing 0.94, no bank conflicts. Sparse, 8 nonzeros,
//           20,000 x 200 with 30 entries a row to 800 rows: 242 us, sectors 1.04 of the least
// Lost      float at 54 columns 4 bytes a request: 1.15 times the least sectors, now (8 bytes) 1.06;
//           votes one after the other, each waiting for its load: 92 us, and then 150 us with tiles never in
//           parts, 102 us with 256 threads. Sparse: sums where they are and a row after the other 1,057 us, sectors 1.55;
//           every 256th row 332 us, 1,024th 183 us, but then the pattern alone is 0.7 GB from the L2 cache
// Open      most instructions are integer: requests of rows and votes; narrow tiles leave lanes idle
#include "join_sketches.cuh"
#include "scatter_dense.cuh"
#include "scatter_rows.cuh"
#include "scatter_sparse.cuh"
#include "sketch/partial_sketches.hpp"

#include <algorithm>
#include <bit>
#include <variant>

namespace randnla {

/// As wide as the matrix and a lane's share of a warp allow, and narrower, down to two sectors, where the tile
/// would not fit otherwise.
template <class T>
SketchLayout sketch_layout(const Context<Cuda>&, index_t rows, index_t cols) {
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
                  const RowPattern& pattern, SketchLayout layout, T* partial, T scale,
                  MatrixView<T, Cuda> SA) {
  if (segments.begin >= segments.end || layout.size() == 0) return;
  zero_new(ctx, segments, layout, partial);
  std::visit(
      [&](const auto& matrix) {
        ctx.workspace().activate();
        scatter::launch(ctx, matrix, segments, pattern.nonzero,
                        static_cast<std::uint32_t>(pattern.per_row), layout, partial);
        check_launch(ctx);
      },
      A);
  join_complete(ctx, segments, layout, partial, scale, SA);
}

template SketchLayout sketch_layout<float>(const Context<Cuda>&, index_t, index_t);
template SketchLayout sketch_layout<double>(const Context<Cuda>&, index_t, index_t);
template void scatter_rows(Context<Cuda>&, const Rows<float, Cuda>&, RowSegments, const RowPattern&,
                           SketchLayout, float*, float, MatrixView<float, Cuda>);
template void scatter_rows(Context<Cuda>&, const Rows<double, Cuda>&, RowSegments,
                           const RowPattern&, SketchLayout, double*, double,
                           MatrixView<double, Cuda>);

}  // namespace randnla
