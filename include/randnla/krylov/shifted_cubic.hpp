#pragma once

#include <randnla/core/buffer.hpp>
#include <randnla/core/random.hpp>
#include <randnla/krylov/cubic.hpp>

namespace randnla {

/// `count` shifts from lowest to highest, evenly spaced in the logarithm.
struct ShiftGrid {
  double lowest = 1e-20, highest = 1e20;  // 0 < lowest <= highest, finite
  int count = 41;                         // >= 1
};

enum class ShiftedStatus : int {
  running,
  converged,
  too_small,  // sigma |s| has passed the shift: not the one that is asked for
  indefinite  // the Krylov space holds negative curvature of H + shift I
};

/// One system (H + shift I) s = -g of a ShiftedCubicSolver, in backend memory.
struct ShiftedSystem {
  double shift, pivot;  // pivot: the last of the projected H + shift I = L D L'
  double residual;      // with its sign
  double step, keep;    // s += step p, then p = residual v + keep p
  double ss, sp, pp;    // inner products
  double decrease;      // of g's + s'(H + shift I)s/2
  ShiftedStatus status;
  int moves;  // 1: this iteration changes s
};

/// The one Lanczos process behind all systems, in backend memory.
struct ShiftedState {
  double gg, start_norm;  // |g|^2; norm of the start vector
  double scale;           // largest |delta| + |beta| so far
  double delta, beta, next_beta;
  int steps, first, last;  // first..last: the systems that move
  int chosen;              // the system whose solution is handed out, -1 for none
  int not_finite, done;
};

/// The memory of a ShiftedCubicSolver.
template <Backend B, Scalar T>
struct ShiftedSpace {
  ShiftedSpace(Context<B>& ctx, index_t n, const ShiftGrid& grid);

  index_t n;
  int count;
  Buffer<ShiftedSystem, B> systems;
  Buffer<ShiftedState, B> state;
  Buffer<T, B> part;            // the random part of the start
  Buffer<T, B> v, previous, w;  // the last two Lanczos vectors, and H v
  Buffer<T, B> s, p;            // n x count: each system's step and direction
};

/// min g's + s'Hs/2 + sigma/3 |s|^3, approximately, without a basis: conjugate gradients solve
/// (H + shift I) s = -g for a grid of shifts with one product an iteration, and the step is the
/// solution for the smallest shift with shift >= sigma |s|, the cubic model's own being the one
/// with equality. Another sigma for the same g and H costs no product.
///
/// Error   the step solves (H + shift I)s = -g up to max(tolerance |g|, eps (|H| + shift) |s|);
///         H + shift I was positive definite in the Krylov space as built. The shift exceeds the cubic
///         minimiser's by at most the ratio of neighbouring shifts, 10 by default; for a positive
///         semidefinite H the step is shorter by at most that. For an indefinite one it may be much
///         shorter near the hard case, whose eigenvector no such system holds, and for g = 0 it is
///         zero (and converged): CubicSolver knows both
///         The space starts from g plus a random part of norm sqrt(eps) |g|, and the systems'
///         right-hand side is that sum: negative curvature orthogonal to g is found where the
///         tolerance is below sqrt(eps)
///         result->decrease is that of the cubic model with g itself: summed over the CG steps, so
///         relative to |g| |s| its error is of the order of (iterations + sqrt(n)) eps; it is
///         positive but for the random part, as shift >= sigma |s|
/// Stop    converged where the chosen system has; iteration_limit too where no shift fits, and then
///         the largest that is not indefinite is taken, or no step
/// Cost    one product an iteration, 4 passes over vectors, and 4 more for each system that still
///         moves: those that converged, are indefinite, or too small for solve()'s sigma do not.
///         Memory (2 count + 4) n
/// Sync    none, as in steihaug()
/// Determinism  bits do not depend on poll_lag nor, on the CPU, on the number of threads
/// Throws  InvalidArgument: a view of another size, an option or a grid out of range
/// Source  Dussault, Migot & Orban, Scalable adaptive cubic regularization methods, Math. Program.
///         (2023), arXiv 2103.16659; the shifted process: Frommer & Maass, SIAM J. Sci. Comput. 20
///         (1999)
template <Backend B, Scalar T>
class ShiftedCubicSolver {
 public:
  ShiftedCubicSolver(Context<B>& ctx, index_t n, const ShiftGrid& grid = {})
      : space_(ctx, n, grid) {}

  /// s (n) out, not g itself; result in backend memory, out.
  void solve(Context<B>& ctx, OperatorRef<B, T> H, VectorView<const T, B> g, VectorView<T, B> s,
             InnerResult* result, Rng rng, const CubicOptions& options = {});
  /// The same g and H with another sigma: 0 iterations, 0 products. For a smaller sigma than
  /// solve()'s a shift may be asked for whose system was left unfinished: iteration_limit.
  void solve_again(Context<B>& ctx, VectorView<T, B> s, InnerResult* result,
                   const CubicOptions& options);

 private:
  ShiftedSpace<B, T> space_;
  bool solved_ = false;
};

}  // namespace randnla
