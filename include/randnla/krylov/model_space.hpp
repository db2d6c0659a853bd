#pragma once

#include <randnla/krylov/lanczos.hpp>

namespace randnla {

/// What CubicSolver and GltrSolver keep between solves: the Krylov space and the memory of the
/// model's problem in it.
template <Backend B, Scalar T>
struct ModelSpace {
  ModelSpace(Context<B>& ctx, index_t n, int max_steps)
      : lanczos(ctx, n, max_steps),
        part(ctx, n),
        coordinates(ctx, lanczos.max_steps()),
        work(ctx, 3 * lanczos.max_steps()),
        scalars(ctx, 3) {}

  Lanczos<B, T> lanczos;
  Buffer<T, B> part;          // the random part of the start
  Buffer<T, B> coordinates;   // of the step
  Buffer<double, B> work;     // of the projected problem: its solution, pivots and one more vector
  Buffer<double, B> scalars;  // |g|^2, multiplier, residual
};

}  // namespace randnla
