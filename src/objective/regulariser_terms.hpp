// The non-convex half of a Regulariser on top of what a pass over the data has written. The other
// half, l2, is the pass's `ridge`, or Gram's. With nonconvex = 0 nothing is queued.
#pragma once

#include "seam/seam.hpp"

#include <randnla/objective/finite_sum.hpp>
#include <randnla/objective/regulariser.hpp>

namespace randnla {

/// *value and gradient (x.size) += those of the non-convex term at x; either may be null.
template <Backend B, class T>
void add_regulariser_value_gradient(Context<B>& ctx, const Regulariser& regulariser,
                                    VectorView<const T, B> x, double* value, T* gradient) {
  const T scale = static_cast<T>(regulariser.nonconvex);
  if (scale == 0) return;
  const T* const w = x.data;
  if (gradient != nullptr) {
    for_each(ctx, x.size,
             [=] RANDNLA_FN(index_t j) { gradient[j] += scale * NonconvexTerm<T>(w[j]).slope; });
  }
  if (value != nullptr) {
    sum_then<double>(
        ctx, x.size,
        [=] RANDNLA_FN(index_t j) -> double {
          return static_cast<double>(NonconvexTerm<T>(w[j]).value);
        },
        [=] RANDNLA_FN(double sum) { *value += static_cast<double>(scale) * sum; });
  }
}

/// out += (the non-convex term's Hessian at x) v. Under Curvature::gauss_newton a diagonal that is
/// never negative stands in for that Hessian.
template <Backend B, class T>
void add_regulariser_product(Context<B>& ctx, const Regulariser& regulariser, Curvature kind,
                             VectorView<const T, B> x, VectorView<const T, B> v,
                             VectorView<T, B> out) {
  const T scale = static_cast<T>(regulariser.nonconvex);
  if (scale == 0) return;
  const bool gauss_newton = kind == Curvature::gauss_newton;
  const T *const w = x.data, *const from = v.data;
  T* const to = out.data;
  for_each(ctx, x.size, [=] RANDNLA_FN(index_t j) {
    const NonconvexTerm<T> term(w[j]);
    to[j] += scale * (gauss_newton ? term.gauss_newton : term.curvature) * from[j];
  });
}

/// The same diagonal added to a matrix.
template <Backend B, class T>
void add_regulariser_matrix(Context<B>& ctx, const Regulariser& regulariser, Curvature kind,
                            VectorView<const T, B> x, MatrixView<T, B> out) {
  const T scale = static_cast<T>(regulariser.nonconvex);
  if (scale == 0) return;
  const bool gauss_newton = kind == Curvature::gauss_newton;
  const T* const w = x.data;
  for_each(ctx, x.size, [=] RANDNLA_FN(index_t j) {
    const NonconvexTerm<T> term(w[j]);
    out.data[j + j * out.ld] += scale * (gauss_newton ? term.gauss_newton : term.curvature);
  });
}

}  // namespace randnla
