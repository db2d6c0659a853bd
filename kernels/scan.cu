// Prefix sums by CUB: one read and one write of the values.
#include "loops.cuh"

#include <cub/device/device_scan.cuh>

#include <algorithm>
#include <cuda/std/functional>

namespace randnla {
namespace {

void scan_piece(Context<Cuda>& ctx, std::uint64_t* values, int count) {
  const auto scan = [&](void* scratch, std::size_t& bytes) {
    // InclusiveSum's kernel, which has no first value, spills on sm_100.
    return cub::DeviceScan::InclusiveScanInit(scratch, bytes, values, values, cuda::std::plus<>{},
                                              std::uint64_t{0}, count, ctx.stream());
  };
  auto& workspace = ctx.workspace();
  workspace.activate();
  std::size_t bytes = 0;
  check(scan(nullptr, bytes));
  check(scan(workspace.scratch(bytes), bytes));
  ++ctx.counters.launches;
}

}  // namespace

/// Piece by piece, as CUB's kernel with a count of 64 bits spills on sm_90: a piece's first value takes the sum
/// of all before it.
void inclusive_scan(Context<Cuda>& ctx, std::uint64_t* values, index_t n, index_t piece) {
  for (index_t begin = 0; begin < n; begin += piece) {
    std::uint64_t* const first = values + begin;
    if (begin > 0) for_each(ctx, 1, [=] RANDNLA_FN(index_t) { first[0] += first[-1]; });
    scan_piece(ctx, first, static_cast<int>(std::min(piece, n - begin)));
  }
}

}  // namespace randnla
