// When a sampled Hessian is formed and when it is applied.
#pragma once

#include <randnla/objective/finite_sum.hpp>

#include <algorithm>

namespace randnla {

/// Matrices up to this size are formed at all: 128 MB in double.
inline constexpr index_t largest_formed_dim = 4096;

/// Whether forming H once and applying the matrix is expected to cost less than `products` passes
/// over the sample. In units of one multiply-add of a pass over rows that lie in a cache:
///
///   passes   products * sample * product work * (2.5 where the rows come from memory, else 1)
///   matrix   1.1 * sample * matrix work + products * dim^2
///
/// Measured beside other work, with both cores of an AMD EPYC (Zen 4, 32 MB of L3), in thousand
/// million multiply-adds a second: passes over cached rows 17 (d = 22) to 22 (d = 54), over rows in
/// memory 7 to 13 as the host gives 34 to 60 GB/s; the Gram product 13 (d = 22), 22 to 24 (d = 54)
/// and 42 (d = 1,000). On a GPU nobody has measured them yet.
inline bool matrix_is_cheaper(const HessianCosts& costs, index_t sample, index_t dim, int products,
                              std::size_t scalar_bytes) {
  if (dim > largest_formed_dim) return false;
  constexpr double cache_bytes = 16 << 20;
  const auto m = static_cast<double>(sample), d = static_cast<double>(dim);
  const double row_bytes = costs.product / 2 * static_cast<double>(scalar_bytes);
  const double from_memory = m * row_bytes > cache_bytes ? 2.5 : 1;
  const double passes = products * m * costs.product * from_memory;
  return 1.1 * m * costs.matrix + products * d * d < passes;
}

}  // namespace randnla
