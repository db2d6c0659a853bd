// Gradient descent on the cubic model m(s) = b's + s'Hs/2 + sigma/3 |s|^3, from its Cauchy point.
#pragma once

#include "optimize/steps.hpp"
#include "seam/seam.hpp"

#include <randnla/core/random.hpp>
#include <randnla/krylov/inner_result.hpp>
#include <randnla/operator/linear_operator.hpp>

#include <cmath>
#include <limits>

namespace randnla {

/// Every scalar of one descent, in backend memory. v = grad m(s) throughout.
struct DescentState {
  double sigma, tolerance2;  // the latter absolute, squared
  double vv, sv, ss;         // inner products of v and s
  double lipschitz, step, decrease;
  int iterations, max_iterations, products;
  InnerStop stop;
  int done;  // later iterations change nothing

  RANDNLA_HD void start(double bb, double model_sigma, double tolerance, int limit) {
    *this = {};
    sigma = model_sigma, max_iterations = limit;
    vv = bb, tolerance2 = tolerance * tolerance * bb;
    if (bb - bb != 0) finish(InnerStop::not_finite);
  }

  /// m(s - t v) - m(s). The parts of the cubic term that are linear in t cancel against v's by
  /// algebra, not in arithmetic, so that its sign is right however small v is.
  RANDNLA_HD double change(double t, double vHv) const {
    const double more = t * (t * vv - 2 * sv);  // of |s|^2
    const double p = sqrt(ss), q = sqrt(ss + more > 0 ? ss + more : 0), sum = p + q;
    if (!(sum > 0)) return 0;
    const double even = (p * p + p * q + q * q) / (3 * sum) * t * t * vv;
    const double odd = t * sv * more * (p + 2 * q) / (3 * sum * sum);
    return -t * vv + t * t / 2 * vHv + sigma * (even - odd);
  }

  /// The first step ends at the Cauchy point, the minimiser along v = b; where it ends also says how
  /// large 2 sigma |s| is in the first bound of the model's curvature. Later ones are 1/L.
  RANDNLA_HD void choose_step(double vHv, double Hv2) {
    if (done) return;
    ++products;
    if (vHv - vHv != 0 || Hv2 - Hv2 != 0) return finish(InnerStop::not_finite);
    if (products == 1) {
      const double length = sqrt(vv), half = vHv / (2 * sigma * vv);
      const double root = sqrt(half * half + length / sigma);
      const double radius = half > 0 ? length / sigma / (root + half) : root - half;
      step = radius / length;
      lipschitz = sqrt(Hv2) / length + 2 * sigma * radius;
    } else {
      while (change(1 / lipschitz, vHv) > -vv / (2 * lipschitz)) lipschitz *= 2;
      step = 1 / lipschitz;
    }
    decrease -= change(step, vHv);
  }

  RANDNLA_HD void measure(double new_vv, double new_sv) {
    if (done) return;
    vv = new_vv, sv = new_sv;
    ++iterations;
    if (vv - vv != 0) return finish(InnerStop::not_finite);
    if (vv <= tolerance2) return finish(InnerStop::converged);
    if (iterations == max_iterations) finish(InnerStop::iteration_limit);
  }

  RANDNLA_HD void finish(InnerStop reason) { stop = reason, done = 1; }
};

struct TwoSums {
  double first = 0, second = 0;
  RANDNLA_HD TwoSums& operator+=(const TwoSums& o) {
    first += o.first, second += o.second;
    return *this;
  }
};

/// s (n) out; result in backend memory, out. b is g and a random part of norm sqrt(eps) |g|, or of
/// norm sqrt(eps) where g = 0. One product and three loops an iteration; no wait, the stop flag
/// being read late as in steihaug(). Ends where |v| <= tolerance |b|.
template <Backend B, Scalar T>
class CubicDescent {
 public:
  CubicDescent(Context<B>& ctx, index_t n)
      : b_(ctx, n), v_(ctx, n), Hv_(ctx, n), Hs_(ctx, n), state_(ctx, 1) {}

  void solve(Context<B>& ctx, OperatorRef<B, T> H, VectorView<const T, B> g, VectorView<T, B> s,
             InnerResult* result, Rng rng, double sigma, double tolerance, int max_iterations) {
    start(ctx, g, s, rng, sigma, tolerance, max_iterations);
    DescentState* const st = state_.data();
    auto stopped = lagged_flag(ctx, &st->done);
    for (int k = 0; k < max_iterations && !stopped(); ++k) {
      H.apply(ctx, v_.view(), Hv_.view());
      step(ctx, s);
    }
    for_each(ctx, 1, [=] RANDNLA_FN(index_t) {
      *result = {st->decrease, sqrt(st->ss), st->iterations, st->products, st->stop};
    });
  }

  void start(Context<B>& ctx, VectorView<const T, B> g, VectorView<T, B> s, Rng rng, double sigma,
             double tolerance, int max_iterations) {
    const index_t n = b_.size();
    DescentState* const st = state_.data();
    T *const b = b_.data(), *const v = v_.data(), *const Hs = Hs_.data(), *const sp = s.data;
    const T* const gp = g.data;
    const double part = std::sqrt(static_cast<double>(std::numeric_limits<T>::epsilon()));
    fill_normal(ctx, rng, static_cast<T>(1 / std::sqrt(static_cast<double>(n))), b_.view());
    sum_squares<B, T>(ctx, g, &st->vv);
    sum_then<double>(
        ctx, n,
        [=] RANDNLA_FN(index_t i) {
          const double size = st->vv > 0 ? part * sqrt(st->vv) : part;
          b[i] = v[i] = gp[i] + static_cast<T>(size) * b[i];
          sp[i] = Hs[i] = 0;
          return static_cast<double>(v[i]) * static_cast<double>(v[i]);
        },
        [=] RANDNLA_FN(double bb) { st->start(bb, sigma, tolerance, max_iterations); });
  }

  void step(Context<B>& ctx, VectorView<T, B> s) {
    const index_t n = b_.size();
    DescentState* const st = state_.data();
    T *const v = v_.data(), *const Hs = Hs_.data(), *const sp = s.data;
    const T *const b = b_.data(), *const Hv = Hv_.data();
    sum_then<TwoSums>(
        ctx, n,
        [=] RANDNLA_FN(index_t i) {
          const double x = v[i], y = Hv[i];
          return TwoSums{x * y, y * y};
        },
        [=] RANDNLA_FN(const TwoSums& sums) { st->choose_step(sums.first, sums.second); });
    sum_then<double>(
        ctx, n,
        [=] RANDNLA_FN(index_t i) -> double {
          if (st->done) return 0;
          const T step = static_cast<T>(st->step);
          sp[i] -= step * v[i];
          Hs[i] -= step * Hv[i];
          return static_cast<double>(sp[i]) * static_cast<double>(sp[i]);
        },
        [=] RANDNLA_FN(double ss) {
          if (!st->done) st->ss = ss;
        });
    sum_then<TwoSums>(
        ctx, n,
        [=] RANDNLA_FN(index_t i) -> TwoSums {
          if (st->done) return {};
          v[i] = b[i] + Hs[i] + static_cast<T>(st->sigma * sqrt(st->ss)) * sp[i];
          const double x = v[i], y = sp[i];
          return {x * x, x * y};
        },
        [=] RANDNLA_FN(const TwoSums& sums) { st->measure(sums.first, sums.second); });
  }

 private:
  Buffer<T, B> b_, v_, Hv_, Hs_;
  Buffer<DescentState, B> state_;
};

}  // namespace randnla
