// Iterations that advance all right-hand sides together.
#pragma once

#include "least_squares/factored.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace randnla {

/// Damping and momentum for a preconditioner from `sketch_rows` rows (Epperly 2024).
struct Momentum {
  double damping, momentum;

  static Momentum of(index_t cols, index_t sketch_rows) {
    const double share = static_cast<double>(cols) / static_cast<double>(sketch_rows);
    return {(1 - share) * (1 - share), share};
  }
};

template <Backend B, class T>
void set_zero(Context<B>& ctx, T* v, index_t n) {
  for_each(ctx, n, [=] RANDNLA_FN(index_t e) { v[e] = 0; });
}

/// to += from.
template <Backend B, class T>
void add(Context<B>& ctx, const T* from, index_t n, T* to) {
  for_each(ctx, n, [=] RANDNLA_FN(index_t e) { to[e] += from[e]; });
}

/// to = from - to.
template <Backend B, class T>
void subtract_from(Context<B>& ctx, const T* from, index_t n, T* to) {
  for_each(ctx, n, [=] RANDNLA_FN(index_t e) { to[e] = from[e] - to[e]; });
}

template <Backend B, class T>
void take_step(Context<B>& ctx, index_t n, Momentum momentum, const T* direction, T* step, T* Y) {
  const T alpha = static_cast<T>(momentum.damping), beta = static_cast<T>(momentum.momentum);
  for_each(ctx, n, [=] RANDNLA_FN(index_t e) {
    step[e] = alpha * direction[e] + beta * step[e];
    Y[e] += step[e];
  });
}

/// Y += damping times a direction + momentum times the last step, until `done`.
///
/// direction(Y, D)  writes D; both (rank x count)
/// done(iteration, step)  after each step (rank x count)
/// Returns the number of steps, `limit` at most.
/// (nvcc wants the loops out of functions that take host lambdas, here and below.)
template <Backend B, class T, class Direction, class Done>
int momentum_steps(Context<B>& ctx, index_t rank, index_t count, Momentum momentum, int limit, T* Y,
                   Direction direction, Done done) {
  const index_t size = rank * count;
  Buffer<T, B> directions(ctx, size), steps(ctx, size);
  T *const D = directions.data(), *const step = steps.data();
  set_zero(ctx, step, size);
  for (int iteration = 1; iteration <= limit; ++iteration) {
    direction(Y, D);
    take_step(ctx, size, momentum, D, step, Y);
    if (done(iteration, step)) return iteration;
  }
  return limit;
}

/// out = X0 + P Y.
template <Backend B, class T>
void advance(Context<B>& ctx, const Factored<B, T>& factor, const T* X0, const T* Y, index_t count,
             T* out) {
  factor.unwhiten(ctx, Y, count, out);
  add(ctx, X0, factor.small.cols() * count, out);
}

}  // namespace randnla
