#pragma once

#include <randnla/krylov/inner_result.hpp>
#include <randnla/krylov/model_space.hpp>

namespace randnla {

struct GltrOptions {
  double radius = 1;         // > 0, finite
  double tolerance = 1e-6;   // >= 0: stop where |(H + lambda I)s + g| is at most tolerance |g|
  int max_iterations = 500;  // >= 1
};

/// min g's + s'Hs/2 over |s| <= radius, solved exactly in a Krylov space of H that is kept: another
/// radius for the same g and H costs no product.
///
/// Stop    converged inside the region, `boundary` where the constraint binds and the tolerance is
///         met. Where H is singular and several minimisers exist, an inner one is taken
/// Error   the global minimiser over the space, by the secular equation, the hard case included.
///         The space starts from g plus a random part of norm sqrt(eps) |g|, so that directions of
///         negative curvature orthogonal to g are reached; the step minimises the model with that
///         sum as its linear term, result->decrease is that of g itself. solve() grows the space
///         until the residual is at most max(tolerance |g|, eps |H| |s|). |s| exceeds the radius by
///         rounding at most
/// Cost    one product an iteration, Lanczos' cost, and O(k) for each solve of the projected
///         problem, after every iteration up to k = 32 and every fourth one from there. One launch in
///         all on a device where steihaug() needs one, else 4 an iteration beside the product
/// Sync    none, as in steihaug()
/// Determinism  bits do not depend on poll_lag nor, on the CPU, on the number of threads
/// Throws  InvalidArgument: a view of another size, an option out of range
/// Source  Gould, Lucidi, Roma & Toint, SIAM J. Optim. 9 (1999); the projected problem by More &
///         Sorensen, SIAM J. Sci. Stat. Comput. 4 (1983)
template <Backend B, Scalar T>
class GltrSolver {
 public:
  GltrSolver(Context<B>& ctx, index_t n, int max_iterations);

  /// s (n) out, not g itself; result in backend memory, out.
  void solve(Context<B>& ctx, OperatorRef<B, T> H, VectorView<const T, B> g, VectorView<T, B> s,
             InnerResult* result, Rng rng, const GltrOptions& options = {});
  /// The same g and H with another radius, in the space of the last solve(): 0 iterations, 0
  /// products. Larger ones may want a larger space: then the stop is iteration_limit.
  void solve_again(Context<B>& ctx, VectorView<T, B> s, InnerResult* result,
                   const GltrOptions& options);

 private:
  ModelSpace<B, T> space_;
};

}  // namespace randnla
