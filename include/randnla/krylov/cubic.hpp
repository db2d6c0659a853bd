#pragma once

#include <randnla/krylov/inner_result.hpp>
#include <randnla/krylov/model_space.hpp>

namespace randnla {

struct CubicOptions {
  double sigma = 1;          // > 0
  double tolerance = 1e-6;   // >= 0: stop where the model's gradient is at most tolerance |g|
  int max_iterations = 500;  // >= 1
};

/// min g's + s'Hs/2 + sigma/3 |s|^3 over a Krylov space of H that is kept: another sigma for the
/// same g and H costs no product.
///
/// Error   the global minimiser over the space, by the secular equation, the hard case included.
///         The space starts from g plus a random part of norm sqrt(eps) |g|, so that directions of
///         negative curvature orthogonal to g are reached; the step minimises the model with that
///         sum as its linear term, result->decrease is that of g itself. solve() grows the space
///         until the model's gradient is at most max(tolerance |g|, eps |H| |s|)
/// Cost    one product an iteration, Lanczos' cost, and O(k) for each solve of the projected
///         problem, after every iteration up to k = 32 and every fourth one from there. One launch in
///         all on a device where steihaug() needs one, else 4 an iteration beside the product
/// Sync    none, as in steihaug()
/// Throws  InvalidArgument: a view of another size, an option out of range
/// Source  Cartis, Gould & Toint, Math. Program. 127 (2011), section 6; the hard case by an
///         eigenvector of the tridiagonal matrix
template <Backend B, Scalar T>
class CubicSolver {
 public:
  CubicSolver(Context<B>& ctx, index_t n, int max_iterations);

  /// s (n) out, not g itself; result in backend memory, out.
  void solve(Context<B>& ctx, OperatorRef<B, T> H, VectorView<const T, B> g, VectorView<T, B> s,
             InnerResult* result, Rng rng, const CubicOptions& options = {});
  /// The same g and H with another sigma, in the space of the last solve(): 0 iterations, 0
  /// products.
  void solve_again(Context<B>& ctx, VectorView<T, B> s, InnerResult* result,
                   const CubicOptions& options);

 private:
  ModelSpace<B, T> space_;
};

}  // namespace randnla
