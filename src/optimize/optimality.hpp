// What all data say of the current point: whether the run may end there, and the certificate.
#pragma once

#include "optimize/certificate.hpp"
#include "optimize/outer_loop.hpp"
#include "optimize/steps.hpp"

#include <cmath>

namespace randnla {

template <Backend B, Scalar T>
void OuterLoop<B, T>::full_gradient(Work& work) {
  if (!std::isnan(gradient_norm)) return;
  const index_t n = f.terms();
  f.evaluate(ctx, current.x.view(), Sample<B, T>::all(n), {.gradient = current.gradient.data()});
  sum_squares<B, T>(ctx, current.gradient.view(), &record.data()->gradient2);
  gradient_norm = std::sqrt(record.read(0).gradient2);
  gradient_paid = true;
  ++work.gradients;
  work.props += 2 * n;
  work.data_passes += 1;
}

template <Backend B, Scalar T>
void OuterLoop<B, T>::lowest_eigenvalue(Work& work) {
  if (eigenvalue) return;
  const T* curvature = current.curvature.data();
  if (options.hessian.curvature != Curvature::hessian) {  // the certificate is about the true one
    f.evaluate(ctx, current.x.view(), Sample<B, T>::all(f.terms()),
               {.curvature = trial.curvature.data()});
    work.data_passes += 1;
    curvature = trial.curvature.data();
  }
  hessian.use_all(ctx, current.x.view(), curvature, certificate_steps(f, options.stopping));
  need_hessian = true;
  eigenvalue = smallest_on_all<B, T>(ctx, f, hessian.rows, options.stopping, rng.next(),
                                     eigenvector.view(), work);
}

/// Where the gradient is small: is the point optimal, or a saddle to be left?
template <Backend B, Scalar T>
Look OuterLoop<B, T>::look() {
  const StoppingOptions& stopping = options.stopping;
  if (std::isnan(gradient_norm)) {
    if (!sampled_gradient_small || result.iterations < next_look) return Look::go_on;
    full_gradient(result.work);
    look_gap *= 2;  // a small sampled gradient can be chance: look ever less often
    next_look = result.iterations + look_gap;
  }
  if (!(gradient_norm <= stopping.eps_g)) return Look::go_on;
  Work spent;
  lowest_eigenvalue(spent);
  const bool saddle = eigenvalue->value < -stopping.eps_h;
  (saddle ? result.work : result.certificate_work) += spent;
  if (saddle) return Look::negative_curvature;
  return eigenvalue->lower_bound >= -stopping.eps_h ? Look::optimal : Look::uncertified;
}

/// From what is known of the final point, and else from all data.
template <Backend B, Scalar T>
void OuterLoop<B, T>::certify() {
  full_gradient(result.certificate_work);
  lowest_eigenvalue(result.certificate_work);
  result.certificate = certificate_of(gradient_norm, *eigenvalue, options.stopping);
}

}  // namespace randnla
