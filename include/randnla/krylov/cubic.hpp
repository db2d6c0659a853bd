#pragma once

#include <randnla/krylov/inner_result.hpp>
#include <randnla/krylov/lanczos.hpp>

namespace randnla {

struct CubicOptions {
  double sigma = 1;          // > 0
  double tolerance = 1e-6;   // >= 0: stop where the model's gradient is at most tolerance |g|
  int max_iterations = 500;  // >= 1
};

/// min g's + s'Hs/2 + sigma/3 |s|^3 over a Krylov space of H that is kept: another sigma for the same
/// g and H costs no product unless it asks for more accuracy than the space has.
///
/// Error  the global minimiser over the space, by the secular equation, the hard case included. The
///        space starts from g plus a random part of norm sqrt(eps) |g|, so that directions of negative
///        curvature orthogonal to g are reached; the model's linear term is that sum
/// Cost   one product an iteration, Lanczos' cost, and O(iterations) a solve of the projected problem
/// Sync   none, as in steihaug()
/// Source Cartis, Gould & Toint, Math. Program. 127 (2011), section 6; their hard case by an
///        eigenvector of the tridiagonal matrix
template <Backend B, Scalar T>
class CubicSolver {
 public:
  CubicSolver(Context<B>& ctx, index_t n, int max_iterations);

  /// New g and H.
  void start(Context<B>& ctx, VectorView<const T, B> g, Rng rng);
  /// s (n) out; result in backend memory; result->products counts those of this call. Before a second
  /// solve after start() the host must have read the result and say how many iterations it reported.
  void solve(Context<B>& ctx, OperatorRef<B, T> H, VectorView<T, B> s, InnerResult* result,
             const CubicOptions& options, int known_iterations = 0);

 private:
  Lanczos<B, T> space_;
  Buffer<T, B> start_, u_;
  Buffer<double, B> work_;
};

}  // namespace randnla
