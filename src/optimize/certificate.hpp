// What all data say of a point: the full gradient, and the smallest eigenvalue of the Hessian.
#pragma once

#include "optimize/sampled_hessian.hpp"
#include "optimize/steps.hpp"
#include "seam/seam.hpp"

#include <randnla/krylov/lanczos.hpp>
#include <randnla/optimize/second_order.hpp>

#include <algorithm>
#include <cmath>

namespace randnla {

template <Backend B, Scalar T>
int certificate_steps(const FiniteSumRef<B, T>& f, const StoppingOptions& stopping) {
  return static_cast<int>(std::min<index_t>(f.dim(), stopping.lanczos_steps));
}

/// The smallest eigenvalue of `hessian`, which must be that on all data; its work is added, without
/// waits and polls. One read.
template <Backend B, Scalar T>
SmallestEigenvalue smallest_on_all(Context<B>& ctx, const FiniteSumRef<B, T>& f,
                                   const SampledHessian<B, T>& hessian,
                                   const StoppingOptions& stopping, Rng rng,
                                   VectorView<T, B> eigenvector, Work& work) {
  const SmallestEigenvalue found = smallest_eigenvalue<B, T>(
      ctx, hessian.op(), eigenvector, rng,
      {-stopping.eps_h, stopping.failure_probability, stopping.lanczos_steps});
  work.hessian_products += found.steps;
  work.props += 2 * f.terms() * found.steps;
  work.hessian_matrices += hessian.formed() ? 1 : 0;
  work.data_passes += hessian.formed() ? 1 : found.steps;
  return found;
}

inline Certificate certificate_of(double gradient_norm, const SmallestEigenvalue& smallest,
                                  const StoppingOptions& stopping) {
  return {gradient_norm,
          smallest.value,
          smallest.lower_bound,
          smallest.failure_probability,
          gradient_norm <= stopping.eps_g,
          smallest.lower_bound >= -stopping.eps_h,
          smallest.steps};
}

/// Certifies x.
///
/// gradient_norm  |grad F(x)| where it is known; NaN: it is computed, in the pass for the curvatures
/// eigenvector    (dim) out: the unit vector of lambda_min
/// work           the certificate's work is added to it: 2n propagations for a gradient, 2n for a
///                product; the pass for the curvatures is in data_passes only
/// Sync           one read for the eigenvalue and one where the gradient is computed
template <Backend B, Scalar T>
Certificate certify(Context<B>& ctx, FiniteSumRef<B, T> f, VectorView<const T, B> x,
                    double gradient_norm, const StoppingOptions& stopping, Rng rng,
                    VectorView<T, B> eigenvector, Work& work) {
  const Counters before = ctx.counters;
  const index_t n = f.terms(), d = f.dim();
  const auto all = Sample<B, T>::all(n);
  SampledHessian<B, T> hessian(f);
  T* const curvature = hessian.curvature_memory(ctx, n);
  work.data_passes += 1;
  if (std::isnan(gradient_norm)) {
    Buffer<T, B> gradient(ctx, d);
    Buffer<double, B> norm2(ctx, 1);
    f.evaluate(ctx, x, all, {nullptr, gradient.data(), curvature});
    sum_squares<B, T>(ctx, gradient.view(), norm2.data());
    gradient_norm = std::sqrt(norm2.read(0));
    ++work.gradients;
    work.props += 2 * n;
  } else {
    f.evaluate(ctx, x, all, {nullptr, nullptr, curvature});
  }
  hessian.use(ctx, x, all, certificate_steps(f, stopping));
  const SmallestEigenvalue smallest =
      smallest_on_all<B, T>(ctx, f, hessian, stopping, rng, eigenvector, work);
  work.host_waits += ctx.counters.host_waits - before.host_waits;
  work.flag_polls += ctx.counters.flag_polls - before.flag_polls;
  work.launches += ctx.counters.launches - before.launches;
  return certificate_of(gradient_norm, smallest, stopping);
}

}  // namespace randnla
