// Inner products and random signs that the algorithms of spectra share.
#pragma once

#include "core/philox.hpp"
#include "seam/seam.hpp"

namespace randnla {

/// *out = x'y, summed in double.
template <Backend B, class T>
void dot(Context<B>& ctx, index_t n, const T* x, const T* y, double* out) {
  sum_then<double>(
      ctx, n,
      [=] RANDNLA_FN(index_t i) { return static_cast<double>(x[i]) * static_cast<double>(y[i]); },
      [=] RANDNLA_FN(double sum) { *out = sum; });
}

/// out[i] = 1 or -1, independent (Rademacher).
template <Backend B, class T>
void fill_signs(Context<B>& ctx, Rng rng, VectorView<T, B> out) {
  T* const x = out.data;
  for_each(ctx, out.size, [=] RANDNLA_FN(index_t i) {
    x[i] = (philox::signs(rng, i / 64) >> (i % 64) & 1U) != 0 ? T(-1) : T(1);
  });
}

}  // namespace randnla
