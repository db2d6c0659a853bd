// The model of one iteration: its gradient, its Hessian, its minimiser, and what sampling did to it.
#pragma once

#include "optimize/initial_sigma.hpp"
#include "optimize/outer_loop.hpp"
#include "optimize/steps.hpp"
#include "optimize/true_errors.hpp"
#include "seam/seam.hpp"

#include <randnla/krylov/steihaug.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace randnla {

template <Backend B, Scalar T>
bool OuterLoop<B, T>::make_gradient() {
  if (!std::exchange(need_gradient, false)) return false;
  krylov_known = false;
  const bool known = !std::isnan(gradient_norm);
  gradient_sampled = gradient.sampled() && !(gradient.error_driven() && known);
  if (gradient_sampled) {
    sample_gradient();
  } else if (gradient.error_driven()) {
    plan_gradient(gradient_second, gradient_norm);
  }
  if (gradient_sampled) return true;
  if (!std::exchange(gradient_paid, true)) {  // it came with the trial, but is counted where used
    ++result.work.gradients;
    result.work.props += 2 * f.terms();
  }
  return true;
}

/// g_S, and for the error-driven rule with as many rows as its tolerance asks for: one wait a
/// growth. Where these are more than half of all, the gradient is that of all data.
template <Backend B, Scalar T>
void OuterLoop<B, T>::sample_gradient() {
  const index_t n = f.terms();
  GradientMoments* const moments = &record.data()->sampled;
  gradient.draw(ctx, current.x.view(), rng.next(), moments);
  while (gradient.error_driven()) {
    const GradientMoments seen = record.read(0).sampled;
    gradient_second = seen.second;
    const double wanted = plan_gradient(seen.second, std::sqrt(seen.norm2));
    if (!(wanted > static_cast<double>(gradient.size))) break;
    gradient_sampled = !gradient_at_trial;
    if (!gradient_sampled) break;
    // A tenth more: the larger sample's own norm asks for a little more than this one's.
    gradient.grow(ctx, current.x.view(), std::min(n, static_cast<index_t>(std::ceil(1.1 * wanted))),
                  moments);
  }
  ++result.work.gradients;
  result.work.props += 2 * gradient.size;
  result.work.data_passes += static_cast<double>(gradient.size) / static_cast<double>(n);
  if (!gradient_sampled) full_gradient(result.work);
}

/// From the rows that a gradient of this norm asks for: how the next one begins.
template <Backend B, Scalar T>
double OuterLoop<B, T>::plan_gradient(double second, double norm) {
  const auto n = static_cast<double>(f.terms());
  const double wanted = gradient.rows_wanted(second, norm, options.stopping.eps_g);
  gradient_at_trial = wanted > n / 2;
  const double least = options.gradient.min_fraction;
  gradient.fraction = std::clamp(wanted / n, least, std::max(least, 0.5));
  return wanted;
}

template <Backend B, Scalar T>
void OuterLoop<B, T>::follow_eigenvector() {
  // From a saddle, before any model: the length that a trust region starts with.
  if (size == 0) size = std::max(options.min_sigma, -eigenvalue->value / options.initial_radius);
  const double length = cubic ? -eigenvalue->value / size : size;
  eigenvector_step<B, T>(ctx, current.gradient.view(), eigenvector.view(), eigenvalue->value,
                         length, cubic ? size : 0, step.view(), &record.data()->inner);
}

template <Backend B, Scalar T>
bool OuterLoop<B, T>::make_hessian() {
  if (!std::exchange(need_hessian, false)) return false;
  krylov_known = false;
  Record* const rec = record.data();
  hessian.score(ctx, current.curvature.data(), &rec->hessian_second);
  if (hessian.error_driven()) {
    const Record seen = record.read(0);
    const double norm = gradient_sampled ? std::sqrt(seen.sampled.norm2) : gradient_norm;
    const StoppingOptions& stopping = options.stopping;
    hessian.choose_size(seen.hessian_second, options.hessian.tolerance * stopping.eps_h *
                                                 std::sqrt(std::max(1.0, norm / stopping.eps_g)));
  }
  hessian.draw(ctx, current.x.view(), current.curvature.data(), expected_products, rng.next());
  const Sample<B, T> sample = hessian.rows.on().sample;
  for_each(ctx, 1, [=] RANDNLA_FN(index_t) {
    rec->hessian_rows = sample.count != nullptr ? *sample.count : sample.bound;
  });
  result.work.hessian_matrices += hessian.rows.formed() ? 1 : 0;
  return true;
}

template <Backend B, Scalar T>
void OuterLoop<B, T>::choose_sigma() {
  int products = 0;
  size = std::max(options.min_sigma,
                  initial_sigma<B, T>(ctx, hessian.rows.op(), model_gradient(), &products));
  const index_t rows = record.read(0).hessian_rows;
  result.work.hessian_products += products;
  result.work.props += 2 * rows * products;
  if (hessian.rows.formed()) return;  // its rows were read for the matrix
  result.work.data_passes += products * static_cast<double>(rows) / static_cast<double>(f.terms());
}

/// In the space of the last solve where nothing but radius or sigma has changed.
template <Backend B, Scalar T>
template <class Solver, class How>
void OuterLoop<B, T>::solve_in_space(Solver& solver, const How& how) {
  InnerResult* const inner = &record.data()->inner;
  if (std::exchange(krylov_known, true)) {
    solver.solve_again(ctx, step.view(), inner, how);
  } else {
    solver.solve(ctx, hessian.rows.op(), model_gradient(), step.view(), inner, rng.next(), how);
  }
}

template <Backend B, Scalar T>
void OuterLoop<B, T>::solve_model() {
  if (size == 0) choose_sigma();
  if (cubic) {
    const CubicOptions how{size, options.inner_tolerance, options.inner_iterations};
    return lanczos ? solve_in_space(*lanczos, how) : solve_in_space(*shifted, how);
  }
  if (gltr) {
    return solve_in_space(*gltr,
                          GltrOptions{size, options.inner_tolerance, options.inner_iterations});
  }
  const bool from_random = options.random_start && failures == 0;
  if (from_random) {
    random_step(ctx, rng.next(), 0.99 * size, step.view(), &record.data()->step2);
  }
  steihaug(ctx, hessian.rows.op(), model_gradient(), step.view(), &record.data()->inner,
           {size, options.inner_tolerance, options.inner_iterations, from_random});
}

/// Between the solve and the trial: what lies in `trial` is overwritten.
template <Backend B, Scalar T>
void OuterLoop<B, T>::measure_true_errors(bool new_gradient, bool new_hessian) {
  if (new_gradient) {
    true_gradient = gradient_sampled
                        ? true_gradient_error<B, T>(ctx, f, current.x.view(),
                                                    gradient.gradient.view(), trial.gradient.view())
                        : 0;
  }
  if (new_hessian) {
    true_hessian = hessian.whole ? 0
                                 : true_hessian_error<B, T>(
                                       ctx, f, hessian.rows.on(), hessian.rows.op(),
                                       current.curvature.data(), {options.seed, error_stream});
  }
}

}  // namespace randnla
