// The random part of a Krylov process' start.
#pragma once

#include "seam/seam.hpp"

#include <randnla/core/random.hpp>

#include <cmath>
#include <limits>

namespace randnla {

/// part = a random vector of norm about sqrt(eps) |g|, or 1 where g is zero: added to g it lets a
/// Krylov space reach directions that are orthogonal to g. *gg = |g|^2.
template <Backend B, Scalar T>
void random_part(Context<B>& ctx, Rng rng, VectorView<const T, B> g, VectorView<T, B> part,
                 double* gg) {
  const index_t n = g.size;
  const T* const gp = g.data;
  T* const pp = part.data;
  const double root = std::sqrt(static_cast<double>(std::numeric_limits<T>::epsilon()));
  fill_normal(ctx, rng, static_cast<T>(1 / std::sqrt(static_cast<double>(n))), part);
  sum_then<double>(
      ctx, n,
      [=] RANDNLA_FN(index_t i) { return static_cast<double>(gp[i]) * static_cast<double>(gp[i]); },
      [=] RANDNLA_FN(double sum) { *gg = sum; });
  for_each(ctx, n, [=] RANDNLA_FN(index_t i) {
    if (*gg > 0) pp[i] *= static_cast<T>(root * sqrt(*gg));
  });
}

}  // namespace randnla
