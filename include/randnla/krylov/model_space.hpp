#pragma once

#include <randnla/krylov/lanczos.hpp>

namespace randnla {

/// What CubicSolver and GltrSolver keep between solves.
template <Backend B, Scalar T>
struct ModelSpace {
  ModelSpace(Context<B>& ctx, index_t n, int max_steps)
      : lanczos(ctx, n, max_steps), part(ctx, n), scalars(ctx, 3) {}

  Lanczos<B, T> lanczos;
  Buffer<T, B> part;          // the random part of the start
  Buffer<double, B> scalars;  // |g|^2, multiplier, residual
  bool solved = false;
};

}  // namespace randnla
