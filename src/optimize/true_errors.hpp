// The errors that sampling makes, measured: for traces that ask for them.
#pragma once

#include "krylov/tridiagonal.hpp"
#include "optimize/hessian_model.hpp"
#include "optimize/steps.hpp"

#include <randnla/krylov/lanczos.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace randnla {

/// |g_S - g| with the gradient on all data, which goes to `whole`. Waits.
template <Backend B, Scalar T>
double true_gradient_error(Context<B>& ctx, const FiniteSumRef<B, T>& f, VectorView<const T, B> x,
                           VectorView<const T, B> sampled, VectorView<T, B> whole) {
  f.evaluate(ctx, x, Sample<B, T>::all(f.terms()), {.gradient = whole.data});
  Buffer<double, B> norm2(ctx, 1);
  T* const w = whole.data;
  const T* const s = sampled.data;
  for_each(ctx, whole.size, [=] RANDNLA_FN(index_t i) { w[i] = s[i] - w[i]; });
  sum_squares<B, T>(ctx, whole, norm2.data());
  return std::sqrt(norm2.read(0));
}

/// A - B as an operator.
template <Backend B, Scalar T>
struct Difference {
  OperatorRef<B, T> left, right;
  T* scratch;  // (dim)

  index_t dim() const { return left.dim(); }
  void apply(Context<B>& ctx, VectorView<const T, B> v, VectorView<T, B> out) const {
    left.apply(ctx, v, out);
    right.apply(ctx, v, {scratch, dim()});
    T* const o = out.data;
    const T* const s = scratch;
    for_each(ctx, out.size, [=] RANDNLA_FN(index_t i) { o[i] -= s[i]; });
  }
};

/// |H_S - H| in the spectral norm, by at most 40 steps of Lanczos from a random start: from below,
/// for errors of many comparable eigenvalues to a few per cent. Waits.
template <Backend B, Scalar T>
double true_hessian_error(Context<B>& ctx, const FiniteSumRef<B, T>& f,
                          const HessianSample<B, T>& sampled, OperatorRef<B, T> op,
                          const T* curvature, Rng rng) {
  const auto all = Sample<B, T>::all(f.terms());
  Buffer<T, B> weighted(ctx, f.terms() * f.curvature_size()), scratch(ctx, f.dim()),
      start(ctx, f.dim());
  weigh_curvature(ctx, all, curvature, f.curvature_size(), weighted.data());
  HessianOperator<B, T> whole{f, sampled};
  whole.hessian.sample = all;
  whole.hessian.curvature = weighted.data();
  const Difference<B, T> difference{op, whole, scratch.data()};
  Lanczos<B, T> space(ctx, f.dim(), 40);
  fill_normal(ctx, rng, T(1), start.view());
  space.start(ctx, start.view());
  while (space.queued() < space.max_steps()) space.step(ctx, difference);
  LanczosState state;
  ctx.download(&state, space.state(), sizeof state);
  if (state.not_finite || state.steps == 0) return std::nan("");
  const auto k = static_cast<std::size_t>(state.steps);
  std::vector<double> alpha(k), beta(k), pivots(k);
  ctx.download(alpha.data(), space.alpha(), k * sizeof(double));
  ctx.download(beta.data(), space.beta(), k * sizeof(double));
  const double low =
      smallest_eigenvalue({alpha.data(), beta.data(), state.steps}, 1e-6, pivots.data()).low;
  const double high =
      smallest_eigenvalue({alpha.data(), beta.data(), state.steps, -1}, 1e-6, pivots.data()).low;
  return std::max(-low, -high);
}

}  // namespace randnla
