#include "one_launch.cuh"

namespace randnla::one_launch {
namespace {

/// At most of the kernel's own, for its sums.
constexpr std::size_t static_shared = 4096;

}  // namespace

Shape shape(const Context<Cuda>::Workspace& device, index_t n, std::size_t row_bytes,
            std::size_t fields) {
  using Policy = OneLaunchPolicy;
  const auto room = static_cast<std::size_t>(device.shared_bytes) - static_shared;
  if (n > Policy::most_rows || fields > room) return {};
  const auto fits = [&](index_t rows) {
    return fields + static_cast<std::size_t>(rows) * row_bytes <= room;
  };
  const index_t multiprocessors = device.multiprocessors;
  index_t rows = n <= Policy::one_block_rows ? n : Policy::rows_per_block;
  if (n > Policy::one_block_rows && !fits(rows)) {
    const index_t least = (n + multiprocessors - 1) / multiprocessors;
    if (fits(least)) rows = least;
  }
  const index_t blocks = (n + rows - 1) / rows;
  if (blocks > 1 && (!device.cooperative_launch || blocks > multiprocessors)) return {};
  const bool resident = row_bytes > 0 && fits(rows);
  return {static_cast<unsigned>(blocks), rows, resident,
          fields + (resident ? static_cast<std::size_t>(rows) * row_bytes : 0)};
}

}  // namespace randnla::one_launch
