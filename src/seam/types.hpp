// The types that cross the seam; see seam.hpp.
#pragma once

#include <randnla/core/buffer.hpp>

namespace randnla {

enum class Transpose { no, yes };

/// Which rows of A a pass visits: all, or those listed; the number of them may be known on the
/// device only. Row k of the pass is row (rows ? rows[k] : k) of A, for k < (count ? *count :
/// bound).
template <Backend B>
struct RowSelection {
  const index_t* rows = nullptr;
  index_t bound = 0;
  const index_t* count = nullptr;
};

/// What one row contributes to a fused pass: `weight` times the row to the vector, `value` to the
/// scalar.
template <class T>
struct RowTerm {
  T weight, value;
};

/// The most vectors that a fused_multi_pass takes: the margins of its rows still lie in the shared
/// memory of a multiprocessor.
inline constexpr index_t max_pass_vectors = 128;

}  // namespace randnla
