// Prefix sums by CUB: one read and one write of the values.
#include "loops.cuh"

#include <cub/device/device_scan.cuh>

namespace randnla {

void inclusive_scan(Context<Cuda>& ctx, std::uint64_t* values, index_t n) {
  if (n <= 0) return;
  auto& workspace = ctx.workspace();
  workspace.activate();
  std::size_t bytes = 0;
  check(cub::DeviceScan::InclusiveSum(nullptr, bytes, values, values, n, ctx.stream()));
  check(cub::DeviceScan::InclusiveSum(workspace.scratch(bytes), bytes, values, values, n,
                                      ctx.stream()));
}

}  // namespace randnla
