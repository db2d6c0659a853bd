// Approximate leverage scores of weighted rows, for sampling them.
#pragma once

#include <randnla/core/streamed_rows.hpp>
#include <randnla/sketch/leverage.hpp>

namespace randnla {

/// out[i] = a_i'(A'|D|A + ridge I)^+ a_i, D = diag(weights) of any sign: the leverage of row i of |D|^(1/2) A over
/// |D_i|, and defined where D_i = 0, too. By `approximate` of leverage_scores where its `automatic` would choose
/// it; else false, and nothing is done. NaN where |D|^(1/2) A is not finite.
template <Backend B, class T>
bool sketched_leverage_ratio(Context<B>& ctx, const RowSource<T, B>& A, const T* weights,
                             const LeverageOptions& options, VectorView<T, B> out);

}  // namespace randnla
