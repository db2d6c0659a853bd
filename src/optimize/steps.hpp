// Steps that no model makes, and the norms of vectors, on the backend.
#pragma once

#include "seam/seam.hpp"

#include <randnla/core/random.hpp>
#include <randnla/krylov/inner_result.hpp>

#include <cmath>
#include <vector>

namespace randnla {

/// Host values in double, whatever the scalar type. Waits.
template <Backend B, class T>
std::vector<double> download_wide(Context<B>& ctx, VectorView<const T, B> from) {
  std::vector<T> narrow(static_cast<std::size_t>(from.size));
  if (from.size > 0) ctx.download(narrow.data(), from.data, narrow.size() * sizeof(T));
  return {narrow.begin(), narrow.end()};
}

template <Backend B, class T>
void sum_squares(Context<B>& ctx, VectorView<const T, B> v, double* out) {
  const T* const p = v.data;
  sum_then<double>(
      ctx, v.size,
      [=] RANDNLA_FN(index_t i) { return static_cast<double>(p[i]) * static_cast<double>(p[i]); },
      [=] RANDNLA_FN(double sum) { *out = sum; });
}

/// s = a random direction of the given length.
template <Backend B, Scalar T>
void random_step(Context<B>& ctx, Rng rng, double length, VectorView<T, B> s, double* norm2) {
  fill_normal(ctx, rng, T(1), s);
  sum_squares<B, T>(ctx, s, norm2);
  T* const p = s.data;
  for_each(ctx, s.size, [=] RANDNLA_FN(index_t i) {
    p[i] = static_cast<T>(static_cast<double>(p[i]) * (length / sqrt(*norm2)));
  });
}

/// s = +-length v, downhill; its decrease by the quadratic model with v'Hv = lambda < 0, less the
/// cubic term for sigma > 0.
template <Backend B, Scalar T>
void eigenvector_step(Context<B>& ctx, VectorView<const T, B> g, VectorView<const T, B> v,
                      double lambda, double length, double sigma, VectorView<T, B> s,
                      InnerResult* result) {
  const T *const gp = g.data, *const vp = v.data;
  T* const sp = s.data;
  sum_then<double>(
      ctx, v.size,
      [=] RANDNLA_FN(index_t i) { return static_cast<double>(gp[i]) * static_cast<double>(vp[i]); },
      [=] RANDNLA_FN(double gv) {
        const double side = gv > 0 ? -length : length;
        result->decrease =
            -side * gv - lambda / 2 * length * length - sigma / 3 * length * length * length;
        result->step_norm = side;  // with its sign, for the next loop
      });
  for_each(ctx, v.size, [=] RANDNLA_FN(index_t i) {
    sp[i] = static_cast<T>(result->step_norm * static_cast<double>(vp[i]));
  });
  for_each(ctx, 1, [=] RANDNLA_FN(index_t) {
    *result = {result->decrease, length, 0, 0, InnerStop::negative_curvature};
  });
}

}  // namespace randnla
