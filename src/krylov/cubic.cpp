#include "krylov/tridiagonal.hpp"
#include "seam/seam.hpp"

#include <randnla/krylov/cubic.hpp>

#include <cmath>
#include <limits>
#include <string>

namespace randnla {
namespace {

/// What the projected problem needs; in backend memory where they are pointers.
struct Projected {
  LanczosState* state;
  const double *alpha, *beta;
  double *u, *pivots, *w;
  double* scalars;  // |g|^2, nu, residual
  double eps;       // of the scalar type

  /// Solves for sigma in the space of state->steps dimensions.
  RANDNLA_HD void solve(double sigma) const {
    const int k = state->steps;
    // The start is not the gradient's where that is zero: then there is no linear term.
    const double gamma = scalars[0] > 0 ? state->start_norm : 0;
    scalars[1] = minimize_cubic({alpha, beta, k}, gamma, sigma, scalars[1], u, pivots, w);
    scalars[2] = state->invariant ? 0 : beta[k - 1] * fabs(u[k - 1]);
  }

  RANDNLA_HD bool converged(double tolerance) const {
    const double asked = tolerance * sqrt(scalars[0]);
    const double length = norm(u, state->steps), rounding = eps * state->scale * length;
    // Without a linear term a zero step says that this space knows no negative curvature yet.
    if (scalars[0] == 0 && length == 0 && !state->invariant) return false;
    return scalars[2] <= (asked > rounding ? asked : rounding);
  }

  /// m(0) - m(s): -gamma u_1/2 + sigma/6 |u|^3, because (T + sigma |u| I) u = -gamma e_1.
  RANDNLA_HD double decrease(double sigma) const {
    const double gamma = scalars[0] > 0 ? state->start_norm : 0;
    const double length = norm(u, state->steps);
    return -gamma * u[0] / 2 + sigma / 6 * length * length * length;
  }
};

template <Backend B, Scalar T>
Projected projected_of(Lanczos<B, T>& space, Buffer<double, B>& work, Buffer<double, B>& scalars) {
  const int limit = space.max_steps();
  double* const memory = work.data();
  return {space.state(),  space.alpha(),
          space.beta(),   memory,
          memory + limit, memory + 2 * limit,
          scalars.data(), static_cast<double>(std::numeric_limits<T>::epsilon())};
}

void check(const CubicOptions& options) {
  require(options.sigma > 0, "CubicSolver: sigma = " + std::to_string(options.sigma));
  require(options.tolerance >= 0, "CubicSolver: tolerance = " + std::to_string(options.tolerance));
  require(options.max_iterations >= 1,
          "CubicSolver: max_iterations = " + std::to_string(options.max_iterations));
}

/// The step s = Q u and the result, once the projected problem is solved.
template <Backend B, class T>
void finish(Context<B>& ctx, Lanczos<B, T>& space, const Projected& projected, T* coordinates,
            bool fresh, const CubicOptions& options, VectorView<T, B> s, InnerResult* result) {
  const int queued = space.queued();
  for_each(ctx, 1, [=] RANDNLA_FN(index_t) {
    const LanczosState& state = *projected.state;
    const int k = state.steps;
    if (!state.not_finite) projected.solve(options.sigma);  // not all steps were looked at
    for (int i = 0; i < queued; ++i) {
      coordinates[i] = i < k && !state.not_finite ? static_cast<T>(projected.u[i]) : T(0);
    }
    const int grown = fresh ? k : 0;
    if (state.not_finite) {
      *result = {0, 0, grown, grown, InnerStop::not_finite};
      return;
    }
    const bool converged = projected.converged(options.tolerance);
    *result = {projected.decrease(options.sigma), norm(projected.u, k), grown, grown,
               converged ? InnerStop::converged : InnerStop::iteration_limit};
  });
  space.combine(ctx, coordinates, s);
}

}  // namespace

template <Backend B, Scalar T>
CubicSolver<B, T>::CubicSolver(Context<B>& ctx, index_t n, int max_iterations)
    : space_(ctx, n, max_iterations),
      start_(ctx, n),
      u_(ctx, space_.max_steps()),
      work_(ctx, 3 * space_.max_steps()),
      scalars_(ctx, 3) {}

template <Backend B, Scalar T>
void CubicSolver<B, T>::solve(Context<B>& ctx, OperatorRef<B, T> H, VectorView<const T, B> g,
                              VectorView<T, B> s, InnerResult* result, Rng rng,
                              const CubicOptions& options) {
  check(options);
  const index_t n = space_.dim();
  require(H.dim() == n && g.size == n && s.size == n,
          "CubicSolver: made for dimension " + std::to_string(n) + "; H of " +
              std::to_string(H.dim()) + ", g of " + std::to_string(g.size) + ", s of " +
              std::to_string(s.size));
  const Projected projected = projected_of(space_, work_, scalars_);
  double* const scalars = scalars_.data();
  T* const start = start_.data();
  const T* const gp = g.data;
  const double part = std::sqrt(static_cast<double>(std::numeric_limits<T>::epsilon()));
  fill_normal(ctx, rng, static_cast<T>(1 / std::sqrt(static_cast<double>(n))), start_.view());
  sum_then<double>(
      ctx, n,
      [=] RANDNLA_FN(index_t i) { return static_cast<double>(gp[i]) * static_cast<double>(gp[i]); },
      [=] RANDNLA_FN(double gg) { scalars[0] = gg, scalars[1] = scalars[2] = 0; });
  for_each(ctx, n, [=] RANDNLA_FN(index_t i) {
    const double size = scalars[0] > 0 ? part * sqrt(scalars[0]) : 1;
    start[i] = gp[i] + static_cast<T>(size) * start[i];
  });
  space_.start(ctx, start_.view());
  auto stopped = lagged_flag(ctx, &space_.state()->done);
  const int limit = std::min(space_.max_steps(), options.max_iterations);
  while (space_.queued() < limit && !stopped()) {
    space_.step(ctx, H);
    // One thread takes O(k): late in a long process look every fourth step only, at the price of up
    // to three steps more than needed.
    if (space_.queued() > 32 && space_.queued() % 4 != 0) continue;
    for_each(ctx, 1, [=] RANDNLA_FN(index_t) {
      LanczosState& state = *projected.state;
      if (state.not_finite || (state.done && !state.invariant)) return;
      projected.solve(options.sigma);
      if (projected.converged(options.tolerance)) state.done = 1;
    });
  }
  finish(ctx, space_, projected, u_.data(), true, options, s, result);
}

template <Backend B, Scalar T>
void CubicSolver<B, T>::solve_again(Context<B>& ctx, VectorView<T, B> s, InnerResult* result,
                                    const CubicOptions& options) {
  check(options);
  require(space_.queued() > 0, "CubicSolver::solve_again: no space yet, call solve() first");
  const Projected projected = projected_of(space_, work_, scalars_);
  finish(ctx, space_, projected, u_.data(), false, options, s, result);
}

template class CubicSolver<ThisBackend, float>;
template class CubicSolver<ThisBackend, double>;

}  // namespace randnla
