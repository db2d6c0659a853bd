// The scalars of shifted conjugate gradients, on either side of the seam.
#pragma once

#include <randnla/core/backend.hpp>
#include <randnla/krylov/inner_result.hpp>
#include <randnla/krylov/shifted_cubic.hpp>

#include <cmath>

namespace randnla {

/// What a system's state is judged by.
struct Judge {
  double sigma, tolerance, eps;

  RANDNLA_HD bool fits(const ShiftedSystem& system) const {
    return sigma * sqrt(system.ss) <= system.shift;
  }
  RANDNLA_HD bool converged(const ShiftedSystem& system, const ShiftedState& state) const {
    const double asked = tolerance * sqrt(state.gg);
    const double rounding = eps * (state.scale + system.shift) * sqrt(system.ss);
    return fabs(system.residual) <= (asked > rounding ? asked : rounding);
  }
};

/// One step of conjugate gradients for H + shift I, by Lanczos' coefficients: all its scalars.
RANDNLA_HD inline void advance(ShiftedSystem& system, const ShiftedState& state,
                               const Judge& judge) {
  system.moves = 0;
  if (system.status == ShiftedStatus::indefinite) return;
  // Of a finished system, too: what it was solved for must stay positive definite.
  system.pivot = state.delta + system.shift - state.beta * state.beta / system.pivot;
  if (!(system.pivot > 0)) system.status = ShiftedStatus::indefinite;
  if (system.status != ShiftedStatus::running) return;
  const double rr = system.residual * system.residual, ratio = state.next_beta / system.pivot;
  system.moves = 1;
  system.step = 1 / system.pivot;
  system.keep = ratio * ratio;
  system.decrease += system.step * rr / 2;
  system.ss += system.step * (2 * system.sp + system.step * system.pp);
  system.sp = system.keep * (system.sp + system.step * system.pp);
  system.residual *= -ratio;
  system.pp = system.residual * system.residual + system.keep * system.keep * system.pp;
  if (!judge.fits(system)) {
    system.status = ShiftedStatus::too_small;  // |s| grows from step to step (Steihaug, 1983)
  } else if (judge.converged(system, state)) {
    system.status = ShiftedStatus::converged;
  }
}

/// Of all systems after an iteration; a sum whose addition takes the larger.
struct Outlook {
  int first = 0;  // count - i for the first system i that moves
  int last = 0;   // i + 1 for the last
  int running = 0;

  RANDNLA_HD Outlook& operator+=(const Outlook& o) {
    first = o.first > first ? o.first : first;
    last = o.last > last ? o.last : last;
    running = o.running > running ? o.running : running;
    return *this;
  }
};

/// Which system's solution to hand out, and what is known of it without a look at the vector.
RANDNLA_HD inline InnerResult choose(ShiftedState& state, const ShiftedSystem* systems, int count,
                                     const Judge& judge) {
  state.chosen = -1;
  if (state.not_finite) return {0, 0, 0, 0, InnerStop::not_finite};
  if (state.gg == 0) return {0, 0, 0, 0, InnerStop::converged};
  bool fits = false;
  for (int i = count - 1; i >= 0; --i) {  // upwards |s| shrinks: the shifts that fit come last
    if (systems[i].status == ShiftedStatus::indefinite) break;
    const bool fit = judge.fits(systems[i]);
    if (fit || state.chosen < 0) state.chosen = i;
    fits = fits || fit;
    if (!fit) break;
  }
  if (state.chosen < 0) return {0, 0, 0, 0, InnerStop::iteration_limit};
  const ShiftedSystem& system = systems[state.chosen];
  return {
      system.decrease, 0, 0, 0,
      fits && judge.converged(system, state) ? InnerStop::converged : InnerStop::iteration_limit};
}

/// The next off-diagonal entry of the projected H; an invariant space ends the process.
RANDNLA_HD inline void extend(ShiftedState& state, double beta, double eps) {
  ++state.steps;
  state.next_beta = beta;
  const double size = fabs(state.delta) + beta;
  if (size - size != 0) state.not_finite = state.done = 1;
  if (size > state.scale) state.scale = size;
  if (beta <= 4 * eps * state.scale) state.next_beta = 0;  // rounding: every system is solved
}

}  // namespace randnla
