// The iterative methods but LSQR. Each leaves its solution in solver.X and the residual there.
#pragma once

#include "least_squares/solver.hpp"

namespace randnla {

inline bool all_within(const std::vector<double>& values, const std::vector<double>& limits) {
  for (std::size_t c = 0; c < values.size(); ++c) {
    if (!(values[c] <= limits[c])) return false;
  }
  return true;
}

inline double largest_error(const std::vector<LeastSquaresColumn>& columns) {
  double largest = 0;
  for (const LeastSquaresColumn& column : columns)
    largest = std::max(largest, column.backward_error);
  return largest;
}

/// Whether the residual at X is as small as a forward stable method makes it, or as the tolerance wants it. Y is
/// workspace. Waits.
template <Backend B, class T>
bool arrived(Context<B>& ctx, const Solver<B, T>& solver, const Factored<B, T>& factor, T* Y) {
  const index_t count = solver.system.count;
  factor.whiten(ctx, solver.G.data(), count, Y);
  return all_within(column_norms<B, T>(ctx, Y, factor.small.rank(), count),
                    solver.attainable(factor.small, solver.options.tolerance));
}

/// X += P P' G with the factor of the k-th step, until what is left of P'G is rounding.
template <Backend B, class T, class Factor>
void newton_steps(Context<B>& ctx, Solver<B, T>& solver, Factor factor) {
  const index_t count = solver.system.count;
  Buffer<T, B> Y(ctx, solver.size()), step(ctx, solver.size());
  for (int k = 0; k < solver.options.max_iterations; ++k) {
    const Factored<B, T>& by = factor(k);
    by.whiten(ctx, solver.G.data(), count, Y.data());
    by.unwhiten(ctx, Y.data(), count, step.data());
    add(ctx, step.data(), solver.size(), solver.X.data());
    solver.look(ctx);
    ++solver.iterations;
    if (arrived(ctx, solver, by, Y.data())) return;
  }
}

/// Gradient steps with damping and momentum from the sketched solution.
template <Backend B, class T>
void iterative_sketching(Context<B>& ctx, Solver<B, T>& solver, const Factored<B, T>& factor,
                         Momentum momentum) {
  const index_t count = solver.system.count, rank = factor.small.rank();
  solver.start(factor);
  solver.look(ctx);
  Buffer<T, B> X0(ctx, solver.size()), Y(ctx, rank * count), left(ctx, rank * count);
  ctx.copy(X0.data(), solver.X.data(), static_cast<std::size_t>(solver.size()) * sizeof(T));
  set_zero(ctx, Y.data(), rank * count);
  solver.iterations += momentum_steps<B, T>(
      ctx, rank, count, momentum, solver.options.max_iterations, Y.data(),
      [&](const T*, T* D) { factor.whiten(ctx, solver.G.data(), count, D); },
      [&](int, const T*) {
        advance(ctx, factor, X0.data(), Y.data(), count, solver.X.data());
        solver.look(ctx);
        return arrived(ctx, solver, factor, left.data());
      });
}

/// One refinement of fossils: X += P Y, where Y solves P'(A'A + ridge I)P Y = P'G by steps until `done`.
template <Backend B, class T, class Done>
void refine(Context<B>& ctx, Solver<B, T>& solver, const Factored<B, T>& factor, Momentum momentum,
            Done done) {
  const index_t count = solver.system.count, size = factor.small.rank() * count;
  Buffer<T, B> X0(ctx, solver.size()), C(ctx, size), Y(ctx, size), V(ctx, solver.size()),
      Q(ctx, solver.size());
  ctx.copy(X0.data(), solver.X.data(), static_cast<std::size_t>(solver.size()) * sizeof(T));
  factor.whiten(ctx, solver.G.data(), count, C.data());
  ctx.copy(Y.data(), C.data(), static_cast<std::size_t>(size) * sizeof(T));
  const auto look = [&] {
    advance(ctx, factor, X0.data(), Y.data(), count, solver.X.data());
    solver.look(ctx);
  };
  bool seen = false;
  solver.iterations += momentum_steps<B, T>(
      ctx, factor.small.rank(), count, momentum, solver.options.max_iterations, Y.data(),
      [&](const T* y, T* D) {
        factor.unwhiten(ctx, y, count, V.data());
        solver.system.product(ctx, V.data(), Q.data());
        factor.whiten(ctx, Q.data(), count, D);
        subtract_from(ctx, C.data(), size, D);
      },
      [&](int iteration, const T* step) {
        seen = false;
        return done(iteration, step, [&] { look(), seen = true; });
      });
  if (!seen) look();
}

template <Backend B, class T>
void fossils(Context<B>& ctx, Solver<B, T>& solver, const Factored<B, T>& factor,
             Momentum momentum) {
  solver.start(factor);
  solver.look(ctx);
  const auto limits = solver.attainable(factor.small, solver.options.tolerance / 2);
  refine(ctx, solver, factor, momentum, [&](int, const T* step, auto) {
    return all_within(column_norms<B, T>(ctx, step, factor.small.rank(), solver.system.count),
                      limits);
  });
  const auto error = [&] { return largest_error(solver.certificate(factor.small)); };
  if (solver.options.tolerance > 0 || error() <= Solver<B, T>::eps) return;
  double worst = std::numeric_limits<double>::infinity();
  const auto settled = [&] {  // five steps gain a factor of some hundred, or none
    const double before = std::exchange(worst, error());
    return worst <= Solver<B, T>::eps || !(worst <= before / 2);
  };
  refine(ctx, solver, factor, momentum, [&](int iteration, const T*, auto look) {
    if (iteration % 5 != 0) return false;
    look();
    return settled();
  });
}

}  // namespace randnla
