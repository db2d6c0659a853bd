#include "krylov/model_space.hpp"

#include <randnla/krylov/cubic.hpp>

namespace randnla {

/// sigma/3 |s|^3
struct CubicTerm {
  double sigma;

  RANDNLA_HD double minimize(const Tridiagonal& T, double gamma, double guess, double* u,
                             double* pivots, double* w) const {
    return minimize_cubic(T, gamma, sigma, guess, u, pivots, w);
  }
  /// lambda |u|^2/2 - sigma/3 |u|^3 with lambda = sigma |u|
  RANDNLA_HD double bonus(double, double length) const {
    return sigma / 6 * length * length * length;
  }
  RANDNLA_HD InnerStop solved(double) const { return InnerStop::converged; }
};

namespace {

void check(const CubicOptions& options) {
  require(options.sigma > 0, "CubicSolver: sigma = " + std::to_string(options.sigma));
  check_inner_options("CubicSolver", options);
}

}  // namespace

template <Backend B, Scalar T>
CubicSolver<B, T>::CubicSolver(Context<B>& ctx, index_t n, int max_iterations)
    : space_(ctx, n, max_iterations) {}

template <Backend B, Scalar T>
void CubicSolver<B, T>::solve(Context<B>& ctx, OperatorRef<B, T> H, VectorView<const T, B> g,
                              VectorView<T, B> s, InnerResult* result, Rng rng,
                              const CubicOptions& options) {
  check(options);
  check_dimensions<B, T>("CubicSolver", space_.lanczos.dim(), H, g, s);
  solve_model(ctx, space_, H, g, s, result, rng, options.max_iterations, CubicTerm{options.sigma},
              options.tolerance);
}

template <Backend B, Scalar T>
void CubicSolver<B, T>::solve_again(Context<B>& ctx, VectorView<T, B> s, InnerResult* result,
                                    const CubicOptions& options) {
  check(options);
  require(space_.solved, "CubicSolver::solve_again: no space yet, call solve() first");
  solve_model_again(ctx, space_, s, result, CubicTerm{options.sigma}, options.tolerance);
}

template class CubicSolver<ThisBackend, float>;
template class CubicSolver<ThisBackend, double>;

}  // namespace randnla
