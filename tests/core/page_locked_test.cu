// Rows that are page-locked are copied from where they are, and the host waits for none of it.
#include "context.cuh"
#include "support/backends.hpp"

#include <randnla/core/streamed_rows.hpp>

#include <gtest/gtest.h>

#include <algorithm>

namespace randnla {
namespace {

/// The rows, copied chunk by chunk on the device, and the host's waits for that.
std::vector<double> copied(Context<Cuda>& ctx, const StreamedRows<double, Cuda>& rows,
                           index_t& waits) {
  Buffer<double, Cuda> all(ctx, rows.nonzeros());
  const index_t before = ctx.counters.host_waits;
  rows.for_each_chunk(ctx, [&](index_t first, const Rows<double, Cuda>& chunk) {
    const auto& dense = std::get<DenseRows<double, Cuda>>(chunk);
    ctx.copy(all.data() + first * rows.cols(), dense.values,
             static_cast<std::size_t>(dense.rows * dense.cols) * sizeof(double));
  });
  waits = ctx.counters.host_waits - before;
  return all.download();
}

TEST(CudaStreamedRows, ReadsPageLockedRowsWhereTheyAre) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "no device";
  constexpr index_t rows = 50, cols = 4;
  Context<Cuda> ctx;
  double* locked = nullptr;
  check(cudaMallocHost(&locked, rows * cols * sizeof(double)));
  std::vector<double> values;
  for (index_t e = 0; e < rows * cols; ++e) values.push_back(static_cast<double>(e));
  std::copy(values.begin(), values.end(), locked);
  {
    const StreamOptions some{.bytes = 2 * 7 * cols * sizeof(double)};  // 8 chunks
    const StreamedRows<double, Cuda> from_locked(ctx, DenseRows<double, Cpu>{locked, rows, cols},
                                                 some),
        from_any(ctx, DenseRows<double, Cpu>{values.data(), rows, cols}, some);
    for (int pass = 0; pass < 2; ++pass) {
      index_t waits = 0;
      EXPECT_EQ(copied(ctx, from_locked, waits), values);
      EXPECT_EQ(waits, 0);
      EXPECT_EQ(copied(ctx, from_any, waits), values);
      EXPECT_EQ(waits, pass == 0 ? 6 : 8);  // for page-locked memory that held another chunk
    }
  }
  check(cudaFreeHost(locked));
}

TEST(CudaStreamedRows, TakesNoMoreOfTheDeviceThanItIsGiven) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "no device";
  constexpr index_t rows = 4096, cols = 64;
  Context<Cuda> ctx;
  const std::vector<double> values(rows * cols, 1.0);  // 2 MB
  const std::size_t before = free_device_memory(ctx), bytes = std::size_t{1} << 18;
  const StreamedRows<double, Cuda> streamed(ctx, DenseRows<double, Cpu>{values.data(), rows, cols},
                                            {.bytes = bytes});
  EXPECT_EQ(streamed.chunks(), 16);
  index_t waits = 0;
  EXPECT_LE(before - free_device_memory(ctx), bytes + 4096);
  EXPECT_EQ(copied(ctx, streamed, waits), values);
}

}  // namespace
}  // namespace randnla
