// Models g's + s'Hs/2 with a term in |s|, minimised over a Krylov space that grows until the
// model's gradient is small: what the cubic and the trust-region solver share.
//
// A model is a small value with
//   minimize(T, gamma, guess, u, pivots, w)   of the tridiagonal problem; the multiplier lambda of
//                                             (T + lambda I) u = -gamma e_1
//   bonus(lambda, length)                     its decrease is -gamma u_1/2 plus this
//   solved(lambda)                            the InnerStop of a solution within the tolerance
// whose type has a name that nvcc can spell.
#pragma once

#include "krylov/inner_checks.hpp"
#include "krylov/random_part.hpp"
#include "krylov/tridiagonal.hpp"
#include "seam/seam.hpp"

#include <randnla/krylov/inner_result.hpp>
#include <randnla/krylov/model_space.hpp>

#include <algorithm>
#include <limits>

namespace randnla {

/// The model's problem in the space of state->steps dimensions; pointers into backend memory.
template <class Model>
struct ProjectedModel {
  Model model;
  double tolerance, eps;  // eps: of the scalar type
  LanczosState* state;
  const double *alpha, *beta;
  double *u, *pivots, *w;
  double* scalars;  // |g|^2, multiplier, residual

  /// The start is not the gradient's where that is zero: then there is no linear term.
  RANDNLA_HD double gamma() const { return scalars[0] > 0 ? state->start_norm : 0; }

  RANDNLA_HD void solve() const {
    const int k = state->steps;
    const double guess = k > 1 ? scalars[1] : 0;
    scalars[1] = model.minimize({alpha, beta, k}, gamma(), guess, u, pivots, w);
    scalars[2] = state->invariant ? 0 : beta[k - 1] * fabs(u[k - 1]);
  }

  RANDNLA_HD bool converged() const {
    const double asked = tolerance * sqrt(scalars[0]);
    const double length = norm(u, state->steps), rounding = eps * state->scale * length;
    // Without a linear term a zero step says that this space knows no negative curvature yet.
    if (scalars[0] == 0 && length == 0 && !state->invariant) return false;
    return scalars[2] <= (asked > rounding ? asked : rounding);
  }

  /// Of the model whose linear term is the start.
  RANDNLA_HD double decrease() const {
    return -gamma() * u[0] / 2 + model.bonus(scalars[1], norm(u, state->steps));
  }
};

template <Backend B, Scalar T, class Model>
ProjectedModel<Model> projected(ModelSpace<B, T>& space, const Model& model, double tolerance) {
  const int limit = space.lanczos.max_steps();
  double* const memory = space.work.data();
  return {model,
          tolerance,
          static_cast<double>(std::numeric_limits<T>::epsilon()),
          space.lanczos.state(),
          space.lanczos.alpha(),
          space.lanczos.beta(),
          memory,
          memory + limit,
          memory + 2 * limit,
          space.scalars.data()};
}

/// Starts the space anew from g plus a random part, and grows it until the model's solution has
/// converged. s is overwritten.
template <Backend B, Scalar T, class Model>
void grow(Context<B>& ctx, ModelSpace<B, T>& space, OperatorRef<B, T> H, VectorView<const T, B> g,
          VectorView<T, B> s, Rng rng, int max_iterations, const Model& model, double tolerance) {
  const ProjectedModel<Model> problem = projected(space, model, tolerance);
  Lanczos<B, T>& lanczos = space.lanczos;
  random_part<B, T>(ctx, rng, g, space.part.view(), space.scalars.data());
  const T *const gp = g.data, *const part = space.part.data();
  T* const start = s.data;
  for_each(ctx, g.size, [=] RANDNLA_FN(index_t i) { start[i] = gp[i] + part[i]; });
  lanczos.start(ctx, s);
  auto stopped = lagged_flag(ctx, &lanczos.state()->done);
  const int limit = std::min(lanczos.max_steps(), max_iterations);
  while (lanczos.queued() < limit && !stopped()) {
    lanczos.step(ctx, H);
    // One thread takes O(k): late in a long process look every fourth step only, at the price of up
    // to three steps more than needed.
    if (lanczos.queued() > 32 && lanczos.queued() % 4 != 0) continue;
    for_each(ctx, 1, [=] RANDNLA_FN(index_t) {
      LanczosState& state = *problem.state;
      if (state.not_finite || (state.done && !state.invariant)) return;
      problem.solve();
      if (problem.converged()) state.done = 1;
    });
  }
}

/// The step in the space and its result. `fresh`: the iterations are this solve's.
template <Backend B, Scalar T, class Model>
void finish(Context<B>& ctx, ModelSpace<B, T>& space, const Model& model, double tolerance,
            bool fresh, VectorView<T, B> s, InnerResult* result) {
  const ProjectedModel<Model> problem = projected(space, model, tolerance);
  T* const coordinates = space.coordinates.data();
  const int queued = space.lanczos.queued();
  for_each(ctx, 1, [=] RANDNLA_FN(index_t) {
    const LanczosState& state = *problem.state;
    const int k = state.steps, grown = fresh ? k : 0;
    *result = {0, 0, grown, grown, InnerStop::not_finite};
    if (!state.not_finite) {
      problem.solve();  // not all steps were looked at
      *result = {problem.decrease(), norm(problem.u, k), grown, grown,
                 problem.converged() ? problem.model.solved(problem.scalars[1])
                                     : InnerStop::iteration_limit};
    }
    for (int i = 0; i < queued; ++i) {
      coordinates[i] = i < k && !state.not_finite ? static_cast<T>(problem.u[i]) : T(0);
    }
  });
  space.lanczos.combine(ctx, coordinates, s);
  // The model was solved with the random part in its linear term: without it, m is m - part's.
  const T *const sp = s.data, *const part = space.part.data();
  const double* const gg = space.scalars.data();
  sum_then<double>(
      ctx, s.size,
      [=] RANDNLA_FN(index_t i) {
        return static_cast<double>(part[i]) * static_cast<double>(sp[i]);
      },
      [=] RANDNLA_FN(double along) {
        if (result->stop != InnerStop::not_finite && *gg > 0) result->decrease += along;
      });
}

}  // namespace randnla
