// The rows of a subsampled Hadamard transform, drawn where the sketch is made.
#pragma once

#include "seam/seam.hpp"
#include "sketch/srht.hpp"

namespace randnla {

template <Backend B>
void select_rows(Context<B>& ctx, const Sketch& S, std::uint64_t* selected) {
  const Permutation permutation = srht_selection(S);
  for_each(ctx, S.rows,
           [=] RANDNLA_FN(index_t t) { selected[t] = static_cast<std::uint64_t>(permutation(t)); });
}

}  // namespace randnla
