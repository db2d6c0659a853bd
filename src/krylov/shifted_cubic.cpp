#include "krylov/inner_checks.hpp"
#include "krylov/random_part.hpp"
#include "krylov/shifted_system.hpp"
#include "seam/seam.hpp"

#include <randnla/krylov/shifted_cubic.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace randnla {
namespace {

struct StepSums {
  double ss = 0, along = 0;
  RANDNLA_HD StepSums& operator+=(const StepSums& o) {
    ss += o.ss, along += o.along;
    return *this;
  }
};

std::vector<ShiftedSystem> systems_of(const ShiftGrid& grid) {
  require(grid.count >= 1, "ShiftedCubicSolver: " + std::to_string(grid.count) + " shifts");
  require(grid.lowest > 0 && grid.lowest <= grid.highest && std::isfinite(grid.highest),
          "ShiftedCubicSolver: shifts from " + std::to_string(grid.lowest) + " to " +
              std::to_string(grid.highest));
  std::vector<ShiftedSystem> systems(static_cast<std::size_t>(grid.count));
  const double low = std::log(grid.lowest), high = std::log(grid.highest);
  for (int i = 0; i < grid.count; ++i) {
    const double part = grid.count == 1 ? 0 : static_cast<double>(i) / (grid.count - 1);
    systems[static_cast<std::size_t>(i)].shift = std::exp(low + part * (high - low));
  }
  return systems;
}

template <class T>
Judge judge_of(const CubicOptions& options) {
  return {options.sigma, options.tolerance, static_cast<double>(std::numeric_limits<T>::epsilon())};
}

template <Backend B, Scalar T>
void start(Context<B>& ctx, ShiftedSpace<B, T>& space, VectorView<const T, B> g, Rng rng) {
  ShiftedState* const st = space.state.data();
  ShiftedSystem* const systems = space.systems.data();
  const T *const gp = g.data, *const part = space.part.data();
  T *const v = space.v.data(), *const previous = space.previous.data();
  random_part<B, T>(ctx, rng, g, space.part.view(), &st->gg);
  sum_then<double>(
      ctx, space.n,
      [=] RANDNLA_FN(index_t i) {
        const double start = gp[i] + part[i];
        return start * start;
      },
      [=] RANDNLA_FN(double sum) {
        const double gg = st->gg;
        *st = {};
        st->gg = gg;
        st->start_norm = sqrt(sum);
        st->not_finite = !(sum - sum == 0);
        st->done = st->not_finite || gg == 0;
      });
  for_each(ctx, space.count, [=] RANDNLA_FN(index_t i) {
    const double norm = st->start_norm;
    // shift, pivot, residual, step, keep, ss, sp, pp, decrease, status, moves
    systems[i] = {systems[i].shift, 1, norm, 0, 0, 0, 0, norm * norm, 0, ShiftedStatus::running, 0};
  });
  for_each(ctx, space.n, [=] RANDNLA_FN(index_t i) {
    const double start = gp[i] + part[i];
    v[i] = st->done ? T(0) : static_cast<T>(-start / st->start_norm);
    previous[i] = 0;
  });
}

/// One Lanczos step: delta, beta, and w, the next vector but for its length.
template <Backend B, Scalar T>
void project(Context<B>& ctx, ShiftedSpace<B, T>& space, OperatorRef<B, T> H) {
  ShiftedState* const st = space.state.data();
  const T *const v = space.v.data(), *const previous = space.previous.data();
  T* const w = space.w.data();
  const index_t n = space.n;
  const double eps = std::numeric_limits<T>::epsilon();
  H.apply(ctx, space.v.view(), space.w.view());
  sum_then<double>(
      ctx, n,
      [=] RANDNLA_FN(index_t i) { return static_cast<double>(v[i]) * static_cast<double>(w[i]); },
      [=] RANDNLA_FN(double vHv) {
        if (!st->done) st->beta = st->next_beta, st->delta = vHv;
      });
  sum_then<double>(
      ctx, n,
      [=] RANDNLA_FN(index_t i) -> double {
        if (st->done) return 0;
        w[i] -= static_cast<T>(st->delta) * v[i] + static_cast<T>(st->beta) * previous[i];
        return static_cast<double>(w[i]) * static_cast<double>(w[i]);
      },
      [=] RANDNLA_FN(double ww) {
        if (!st->done) extend(*st, sqrt(ww), eps);
      });
}

/// All systems' next steps.
template <Backend B, Scalar T>
void step(Context<B>& ctx, ShiftedSpace<B, T>& space, OperatorRef<B, T> H, const Judge& judge) {
  project(ctx, space, H);
  ShiftedState* const st = space.state.data();
  ShiftedSystem* const systems = space.systems.data();
  T *const v = space.v.data(), *const previous = space.previous.data(), *const w = space.w.data();
  T *const s = space.s.data(), *const p = space.p.data();
  const index_t n = space.n;
  const int count = space.count;
  sum_then<Outlook>(
      ctx, count,
      [=] RANDNLA_FN(index_t i) -> Outlook {
        if (st->done) return {};
        ShiftedSystem& system = systems[i];
        advance(system, *st, judge);
        const int at = static_cast<int>(i);
        return {system.moves ? count - at : 0, system.moves ? at + 1 : 0,
                system.status == ShiftedStatus::running ? 1 : 0};
      },
      [=] RANDNLA_FN(const Outlook& outlook) {
        st->first = count - outlook.first, st->last = outlook.last - 1;
        if (!outlook.running) st->done = 1;
      });
  for_each(ctx, n, [=] RANDNLA_FN(index_t i) {
    if (st->first > st->last) return;
    const T now = v[i];
    const T next = st->next_beta > 0 ? static_cast<T>(w[i] / st->next_beta) : T(0);
    for (int j = st->first; j <= st->last; ++j) {
      const ShiftedSystem& system = systems[j];
      if (!system.moves) continue;
      const index_t at = i + j * n;
      const bool fresh = st->steps == 1;
      const T direction = fresh ? static_cast<T>(st->start_norm) * now : p[at];
      s[at] = (fresh ? T(0) : s[at]) + static_cast<T>(system.step) * direction;
      p[at] = static_cast<T>(system.residual) * next + static_cast<T>(system.keep) * direction;
    }
    previous[i] = now, v[i] = next;
  });
}

template <Backend B, Scalar T>
void finish(Context<B>& ctx, ShiftedSpace<B, T>& space, const Judge& judge, bool fresh,
            VectorView<T, B> s, InnerResult* result) {
  ShiftedState* const st = space.state.data();
  const ShiftedSystem* const systems = space.systems.data();
  const T *const steps = space.s.data(), *const part = space.part.data();
  T* const to = s.data;
  const index_t n = space.n;
  const int count = space.count;
  for_each(ctx, 1, [=] RANDNLA_FN(index_t) {
    *result = choose(*st, systems, count, judge);
    if (fresh) result->iterations = result->products = st->steps;
  });
  sum_then<StepSums>(
      ctx, n,
      [=] RANDNLA_FN(index_t i) -> StepSums {
        to[i] = st->chosen < 0 ? T(0) : steps[i + st->chosen * n];
        const double x = to[i];
        return {x * x, x * static_cast<double>(part[i])};
      },
      [=] RANDNLA_FN(const StepSums& sums) {
        if (st->chosen < 0) return;
        // m(0) - m(s) = decrease of the system's model + shift |s|^2/2 - sigma/3 |s|^3, less what
        // the random part adds to its linear term.
        const double length = sqrt(sums.ss), shift = systems[st->chosen].shift;
        result->step_norm = length;
        result->decrease += sums.ss * (shift / 2 - judge.sigma / 3 * length) + sums.along;
      });
}

void check(const CubicOptions& options) {
  require(options.sigma > 0, "ShiftedCubicSolver: sigma = " + std::to_string(options.sigma));
  check_inner_options("ShiftedCubicSolver", options);
}

}  // namespace

template <Backend B, Scalar T>
ShiftedSpace<B, T>::ShiftedSpace(Context<B>& ctx, index_t dim, const ShiftGrid& grid)
    : n(dim),
      count(grid.count),
      systems(ctx, systems_of(grid)),
      state(ctx, 1),
      part(ctx, n),
      v(ctx, n),
      previous(ctx, n),
      w(ctx, n),
      s(ctx, n * count),
      p(ctx, n * count) {}

template <Backend B, Scalar T>
void ShiftedCubicSolver<B, T>::solve(Context<B>& ctx, OperatorRef<B, T> H, VectorView<const T, B> g,
                                     VectorView<T, B> s, InnerResult* result, Rng rng,
                                     const CubicOptions& options) {
  check(options);
  check_dimensions<B, T>("ShiftedCubicSolver", space_.n, H, g, s);
  const Judge judge = judge_of<T>(options);
  start(ctx, space_, g, rng);
  solved_ = true;
  auto stopped = lagged_flag(ctx, &space_.state.data()->done);
  for (int k = 0; k < options.max_iterations && !stopped(); ++k) step(ctx, space_, H, judge);
  finish(ctx, space_, judge, true, s, result);
}

template <Backend B, Scalar T>
void ShiftedCubicSolver<B, T>::solve_again(Context<B>& ctx, VectorView<T, B> s, InnerResult* result,
                                           const CubicOptions& options) {
  check(options);
  require(solved_, "ShiftedCubicSolver::solve_again: nothing solved yet, call solve() first");
  finish(ctx, space_, judge_of<T>(options), false, s, result);
}

template struct ShiftedSpace<ThisBackend, float>;
template struct ShiftedSpace<ThisBackend, double>;
template class ShiftedCubicSolver<ThisBackend, float>;
template class ShiftedCubicSolver<ThisBackend, double>;

}  // namespace randnla
