#include "krylov/model_space.hpp"

#include <randnla/krylov/gltr.hpp>

#include <cmath>

namespace randnla {

/// The constraint |s| <= radius.
struct BallTerm {
  double radius;

  RANDNLA_HD double minimize(const Tridiagonal& T, double gamma, double guess, double* u,
                             double* pivots, double* w) const {
    return minimize_on_ball(T, gamma, radius, guess, u, pivots, w);
  }
  RANDNLA_HD double bonus(double lambda, double length) const {
    return lambda / 2 * length * length;
  }
  RANDNLA_HD InnerStop solved(double lambda) const {
    return lambda > 0 ? InnerStop::boundary : InnerStop::converged;
  }
};

namespace {

void check(const GltrOptions& options) {
  require(options.radius > 0 && std::isfinite(options.radius),
          "GltrSolver: radius = " + std::to_string(options.radius));
  check_inner_options("GltrSolver", options);
}

}  // namespace

template <Backend B, Scalar T>
GltrSolver<B, T>::GltrSolver(Context<B>& ctx, index_t n, int max_iterations)
    : space_(ctx, n, max_iterations) {}

template <Backend B, Scalar T>
void GltrSolver<B, T>::solve(Context<B>& ctx, OperatorRef<B, T> H, VectorView<const T, B> g,
                             VectorView<T, B> s, InnerResult* result, Rng rng,
                             const GltrOptions& options) {
  check(options);
  check_dimensions<B, T>("GltrSolver", space_.lanczos.dim(), H, g, s);
  solve_model(ctx, space_, H, g, s, result, rng, options.max_iterations, BallTerm{options.radius},
              options.tolerance);
}

template <Backend B, Scalar T>
void GltrSolver<B, T>::solve_again(Context<B>& ctx, VectorView<T, B> s, InnerResult* result,
                                   const GltrOptions& options) {
  check(options);
  require(space_.solved, "GltrSolver::solve_again: no space yet, call solve() first");
  solve_model_again(ctx, space_, s, result, BallTerm{options.radius}, options.tolerance);
}

template class GltrSolver<ThisBackend, float>;
template class GltrSolver<ThisBackend, double>;

}  // namespace randnla
