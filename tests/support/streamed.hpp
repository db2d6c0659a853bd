// The same data in host memory, in the memory of a backend and streamed to it.
#pragma once

#include "support/problems.hpp"

#include <randnla/core/streamed_rows.hpp>

#include <algorithm>
#include <limits>
#include <vector>

namespace randnla::test {

/// Chunks of one row, of some with a rest, of half of the rows and of more rows than there are.
inline std::vector<index_t> chunk_lengths(index_t rows) { return {1, 7, (rows + 1) / 2, rows + 5}; }

/// Bytes for two chunks of so many rows; of sparse ones of so many of the longest at least.
template <class T>
std::size_t bytes_for(const Dataset<T, Cpu>& data, index_t rows) {
  auto row = static_cast<std::size_t>(data.cols) * sizeof(T);
  if (data.sparse()) {
    index_t longest = 0;
    for (index_t i = 0; i < data.rows; ++i)
      longest = std::max(longest, data.offsets.data()[i + 1] - data.offsets.data()[i]);
    row = sizeof(index_t) + static_cast<std::size_t>(longest) * (sizeof(T) + sizeof(std::int32_t));
  }
  return 2 * (static_cast<std::size_t>(rows) * row + (data.sparse() ? sizeof(index_t) : 0));
}

/// One problem three ways, in chunks of about `length` rows.
template <Backend B, Scalar T>
struct ThreeWays {
  ThreeWays(Context<B>& ctx, const Problem& p, bool sparse, index_t length)
      : cpu(1),
        host(dataset<Cpu, T>(cpu, p, sparse)),
        resident(dataset<B, T>(ctx, p, sparse)),
        streamed(ctx, host.view(), {.bytes = bytes_for(host, length)}) {}

  Context<Cpu> cpu;
  Dataset<T, Cpu> host;
  Dataset<T, B> resident;
  StreamedRows<T, B> streamed;
};

/// Two orders of summing n terms differ by less than 2 n eps times the sum of their sizes, which `size` bounds.
template <class T>
void expect_sums(const std::vector<T>& got, const std::vector<T>& want, index_t n, double size) {
  ASSERT_EQ(got.size(), want.size());
  const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  for (std::size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(got[i], want[i], 2 * static_cast<double>(n) * eps * size) << "entry " << i;
}

}  // namespace randnla::test
