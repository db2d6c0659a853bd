// Rows added into partial sketches: as many additions at a time as keep the order of each entry's.
//
// Mapping   Dense: every entry of the partial sketch has one owner, who gathers its rows of A. 8 to 32 lanes, 16
//           bytes of a row each, take one row of the sketch; a block has 16 to 64 rows of it that are neighbours and
//           looks through those stacks of the segment's pattern that go there, 8,192 nonzeros at a time: votes and
//           a sum over its warps make a list of its own in their order, which each warp sorts by owner; the
//           rows then come eight at a time, sums are registers. Blocks of the same columns run one after the
//           other, fewer columns the longer the segment, so that these columns stay in the L2 cache (no matrix
//           larger than the cache was counted).
//           Sparse: a warp takes one row of a segment's sketch, or every 512th of more than 512, with sums in
//           shared memory where they fit (columns of a warp's row in 24 KB). It finds its nonzeros in the
//           pattern by votes, 512 words at a time while the next ones are on their way, queues them, and its
//           lanes go over the entries of A's rows, four rows in flight.
// Order     An entry has one owner (sparse: one warp, with a __syncwarp between the rows of A), who adds in the
//           order of i, then l, and products by 1 and -1 are exact: the bits are the CPU's. No atomics.
// Traffic   A row once for each of its nonzeros, after the first time from the L2 cache; the pattern (dense: a stack
//           of it) once for every block (sparse: warp) of a segment, from the L2 cache; dense: a partial sketch out
// Bound     dense: the L2 cache; sparse: what a warp does to find its nonzeros (instruction issue)
// Twin      cpu/scatter_rows.cpp        Test  tests/sketch/sketch_backends_test.cpp
// Model     (simulator's H100, no GPU measured it) dense, SparseStack: float, 16,384 x 256 to 1,024 rows with 4
//           nonzeros 19.7 us, of which the L2 cache alone would take 14 and the launch 3; double, 20,000 x 54 to 216
//           rows with 8 nonzeros 28 us, CountSketch 8.9. Sparse, 8 nonzeros, 20,000 x 200 with 30 entries a row to 800
//           rows: 242 us, sectors 1.04 of the least
// Lost      Dense: tiles of the partial sketch in shared memory, a warp an owner of its rows, A's rows in chunks for
//           all: 142 and 48 us at 20,000 x 54, as every warp looked at every nonzero and few segments kept few
//           multiprocessors busy. Two blocks
//           a multiprocessor: spills (up to 984 bytes), the same time by the model. Sparse: sums where they are and a
//           row after the other 1,057 us, sectors 1.55; every 256th row 332 us, 1,024th 183 us, but then the pattern
//           alone is 0.7 GB from the L2 cache
#include "join_sketches.cuh"
#include "scatter_dense.cuh"
#include "scatter_rows.cuh"
#include "scatter_sparse.cuh"
#include "sketch/partial_sketches.hpp"

#include <algorithm>
#include <bit>
#include <variant>

namespace randnla {

/// As wide as the matrix, down to a sector's half and up to ScatterPolicy::tile_bytes.
template <class T>
SketchLayout sketch_layout(const Context<Cuda>&, index_t rows, index_t cols) {
  constexpr std::uint64_t widest = ScatterPolicy::tile_bytes / sizeof(T), least = 16 / sizeof(T);
  const auto wanted = std::bit_ceil(static_cast<std::uint64_t>(std::max<index_t>(1, cols)));
  const int shift = std::countr_zero(std::clamp(wanted, least, widest));
  const index_t width = index_t{1} << shift;
  return {rows, (cols + width - 1) / width, shift};
}

template <class T>
void scatter_rows(Context<Cuda>& ctx, const Rows<T, Cuda>& A, RowSegments segments,
                  const RowPattern& pattern, SketchLayout layout, T* partial, T scale,
                  MatrixView<T, Cuda> SA) {
  if (segments.begin >= segments.end || layout.size() == 0) return;
  if (!std::holds_alternative<DenseRows<T, Cuda>>(A)) zero_new(ctx, segments, layout, partial);
  ctx.workspace().activate();
  std::visit(
      [&](const auto& rows) { scatter::launch(ctx, rows, segments, pattern, layout, partial); }, A);
  check_launch(ctx);
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
