// LSQR on A P, and on the ridge's rows below it, with one pass over A an iteration.
#pragma once

#include "least_squares/solver.hpp"

namespace randnla {

/// Scalars of one solve, named as by Paige & Saunders; in backend memory.
struct LsqrState {
  double alpha = 0, beta = 0, phi_bar = 0, rho_bar = 0;
  double step = 0, turn = 0;  // phi / rho, theta / rho
  double optimality = 0;      // |(A P)'r|
};

RANDNLA_HD inline double inverse_or_zero(double x) { return x > 0 ? 1 / x : 0; }

/// u = b - A x for one of several right-hand sides by rows.
template <class T>
struct StartTerm {
  const T* b;
  index_t count;
  T* u;

  StartTerm from(index_t first) const { return {b + first * count, count, u + first}; }
  RANDNLA_HD RowTerm<T> operator()(index_t, index_t row, T z) const {
    const T r = b[row * count] - z;
    u[row] = r;
    return {r, r * r};
  }
};

/// u = A v - alpha u / |u|, where alpha and |u| are the state's.
template <class T>
struct BidiagonalTerm {
  T* u;
  const LsqrState* state;

  BidiagonalTerm from(index_t first) const { return {u + first, state}; }
  RANDNLA_HD RowTerm<T> operator()(index_t, index_t row, T z) const {
    const T next = z - static_cast<T>(state->alpha * inverse_or_zero(state->beta)) * u[row];
    u[row] = next;
    return {next, next * next};
  }
};

template <Backend B, class T>
class Lsqr {
 public:
  Lsqr(Context<B>& ctx, Solver<B, T>& solver, const Factored<B, T>& factor)
      : solver_(solver),
        factor_(factor),
        cols_(solver.system.cols),
        rank_(factor.small.rank()),
        u_(ctx, solver.system.rows),
        below_(ctx, cols_),
        x_(ctx, cols_),
        g_(ctx, cols_),
        y_(ctx, rank_),
        v_(ctx, rank_),
        w_(ctx, rank_),
        t_(ctx, rank_),
        value_(ctx, 1),
        state_(ctx, 1) {}

  /// Moves column `side` of X until |(A P)'r| is at most `limit`. Returns the iterations. Waits in every one.
  int solve(Context<B>& ctx, index_t side, double limit) {
    T* const X = solver_.X.data() + side * cols_;
    begin(ctx, side, X);
    int iterations = 0;
    while (iterations < solver_.options.max_iterations && state_.read(0).optimality > limit) {
      step(ctx);
      ++iterations;
    }
    factor_.unwhiten(ctx, y_.data(), 1, x_.data());
    const T* const more = x_.data();
    for_each(ctx, cols_, [=] RANDNLA_FN(index_t j) { X[j] += more[j]; });
    return iterations;
  }

  void begin(Context<B>& ctx, index_t side, const T* X) {
    const auto& system = solver_.system;
    LsqrState* const st = state_.data();
    T *const below = below_.data(), *const y = y_.data(), *const v = v_.data(),
             *const w = w_.data();
    const T root = std::sqrt(system.ridge);
    for_each(ctx, 1, [=] RANDNLA_FN(index_t) { *st = {}; });
    for_each(ctx, cols_, [=] RANDNLA_FN(index_t j) { below[j] = -root * X[j]; });
    for_each(ctx, rank_, [=] RANDNLA_FN(index_t e) { y[e] = v[e] = w[e] = 0; });
    pass(ctx, X, StartTerm<T>{system.b().values + side, system.count, u_.data()});
    const T* const t = t_.data();
    half_step(ctx, [=] RANDNLA_FN(double alpha) {
      st->alpha = st->rho_bar = alpha;
      st->phi_bar = st->beta;
      st->optimality = alpha * st->beta;
    });
    for_each(ctx, rank_, [=] RANDNLA_FN(index_t e) {
      w[e] = v[e] = static_cast<T>(static_cast<double>(t[e]) * inverse_or_zero(st->alpha));
    });
  }

  void step(Context<B>& ctx) {
    LsqrState* const st = state_.data();
    T *const below = below_.data(), *const y = y_.data(), *const v = v_.data(),
             *const w = w_.data();
    const T root = std::sqrt(solver_.system.ridge);
    factor_.unwhiten(ctx, v, 1, x_.data());
    pass(ctx, x_.data(), BidiagonalTerm<T>{u_.data(), st});
    const T *const x = x_.data(), *const t = t_.data();
    for_each(ctx, cols_, [=] RANDNLA_FN(index_t j) {
      below[j] = root * x[j] - static_cast<T>(st->alpha * inverse_or_zero(st->beta)) * below[j];
    });
    half_step(ctx, [=] RANDNLA_FN(double alpha) {
      const double rho = hypot(st->rho_bar, st->beta);
      const double c = st->rho_bar / rho, s = st->beta / rho;
      st->step = c * st->phi_bar / rho;
      st->turn = s * alpha / rho;
      st->phi_bar *= s;
      st->rho_bar = -c * alpha;
      st->alpha = alpha;
      st->optimality = st->phi_bar * alpha * fabs(c);
    });
    for_each(ctx, rank_, [=] RANDNLA_FN(index_t e) {
      const double before = w[e];
      y[e] += static_cast<T>(st->step * before);
      v[e] = static_cast<T>(static_cast<double>(t[e]) * inverse_or_zero(st->alpha));
      w[e] = static_cast<T>(static_cast<double>(v[e]) - st->turn * before);
    });
  }

  /// beta = |u|, t = (A P)'u / beta - beta v, then `with(|t|)`.
  template <class With>
  void half_step(Context<B>& ctx, With with) {
    LsqrState* const st = state_.data();
    T *const g = g_.data(), *const t = t_.data();
    const T *const below = below_.data(), *const v = v_.data();
    const double* const value = value_.data();
    const T root = std::sqrt(solver_.system.ridge);
    for_each(ctx, cols_, [=] RANDNLA_FN(index_t j) { g[j] += root * below[j]; });
    sum_then<double>(
        ctx, cols_, [=] RANDNLA_FN(index_t j) -> double { return below[j] * below[j]; },
        [=] RANDNLA_FN(double sum) { st->beta = sqrt(*value + sum); });
    factor_.whiten(ctx, g, 1, t);
    for_each(ctx, rank_, [=] RANDNLA_FN(index_t e) {
      t[e] = static_cast<T>(static_cast<double>(t[e]) * inverse_or_zero(st->beta) -
                            st->beta * static_cast<double>(v[e]));
    });
    sum_then<double>(
        ctx, rank_,
        [=] RANDNLA_FN(index_t e) { return static_cast<double>(t[e]) * static_cast<double>(t[e]); },
        [=] RANDNLA_FN(double sum) { with(sqrt(sum)); });
  }

 private:
  template <class F>
  void pass(Context<B>& ctx, const T* x, F f) {
    solver_.system.pass_one(ctx, x, f, g_.data(), value_.data());
  }

  Solver<B, T>& solver_;
  const Factored<B, T>& factor_;
  index_t cols_, rank_;
  Buffer<T, B> u_, below_;  // u of A's rows and of the ridge's, not divided by its length
  Buffer<T, B> x_, g_, y_, v_, w_, t_;
  Buffer<double, B> value_;
  Buffer<LsqrState, B> state_;
};

}  // namespace randnla
