#include "seam/seam.hpp"

#include <randnla/krylov/steihaug.hpp>

#include <cmath>
#include <string>

namespace randnla {
namespace {

/// Inner products at the start: of the residual r = Hs + g, the step s and the gradient g.
struct StartSums {
  double rr = 0, ss = 0, sr = 0, sg = 0, gg = 0;
  RANDNLA_HD StartSums& operator+=(const StartSums& o) {
    rr += o.rr, ss += o.ss, sr += o.sr, sg += o.sg, gg += o.gg;
    return *this;
  }
};

struct DirectionSums {
  double ss = 0, sd = 0, dd = 0;
  RANDNLA_HD DirectionSums& operator+=(const DirectionSums& o) {
    ss += o.ss, sd += o.sd, dd += o.dd;
    return *this;
  }
};

/// Every scalar of one solve, in backend memory. d is the direction; r'd = -r'r throughout.
struct State {
  double radius, tolerance2;  // the latter absolute, squared
  double rr, ss, sd, dd;      // inner products of r, s and d
  double step, beta, decrease;
  int iterations, max_iterations, products;
  InnerStop stop;
  int done;  // later iterations change nothing

  RANDNLA_HD void start(const StartSums& sums, const SteihaugOptions& options) {
    *this = {};
    radius = options.radius;
    tolerance2 = options.tolerance * options.tolerance * sums.gg;
    max_iterations = options.max_iterations;
    products = options.start_at_step ? 1 : 0;
    rr = sums.rr, ss = sums.ss, sd = -sums.sr, dd = sums.rr;
    decrease = -(sums.sg + sums.sr) / 2;  // m(s) = g's + s'Hs/2 = s'(g + r)/2
    if (rr <= tolerance2) finish(InnerStop::converged);
    if (rr - rr != 0) finish(InnerStop::not_finite);
  }

  /// The CG step, or the boundary if it comes first.
  RANDNLA_HD void choose_step(double dHd) {
    if (done) return;
    ++products;
    if (dHd - dHd != 0) return finish(InnerStop::not_finite);
    const double cg = rr / dHd, room = radius * radius - ss;
    // Written so that a step that overflows (infinity or NaN here) is cut, too.
    if (dHd <= 0 || !(2 * cg * sd + cg * cg * dd < room)) {
      const double root = sqrt(sd * sd + dd * room);  // |s + step d| = radius, no cancellation
      step = sd > 0 ? room / (root + sd) : (root - sd) / dd;
      stop = dHd <= 0 ? InnerStop::negative_curvature : InnerStop::boundary;
    } else {
      step = cg;
    }
    decrease += step * rr - step * step * dHd / 2;
  }

  RANDNLA_HD void choose_direction(double new_rr) {
    if (done) return;
    ++iterations;
    beta = new_rr / rr;
    rr = new_rr;
    if (stop == InnerStop::running && rr <= tolerance2) stop = InnerStop::converged;
    if (stop == InnerStop::running && iterations == max_iterations) {
      stop = InnerStop::iteration_limit;
    }
  }

  RANDNLA_HD void measure(const DirectionSums& sums) {
    if (done) return;
    ss = sums.ss, sd = sums.sd, dd = sums.dd;
    done = stop != InnerStop::running;
  }

  RANDNLA_HD void finish(InnerStop reason) { stop = reason, done = 1; }
};

}  // namespace

template <Backend B, Scalar T>
void steihaug(Context<B>& ctx, OperatorRef<B, T> H, VectorView<const T, B> g, VectorView<T, B> s,
              InnerResult* result, const SteihaugOptions& options) {
  const index_t n = H.dim();
  require(g.size == n && s.size == n, "steihaug: H of dimension " + std::to_string(n) + ", g of " +
                                          std::to_string(g.size) + ", s of " +
                                          std::to_string(s.size));
  require(options.radius > 0, "steihaug: radius = " + std::to_string(options.radius));
  require(options.tolerance >= 0, "steihaug: tolerance = " + std::to_string(options.tolerance));
  require(options.max_iterations >= 1,
          "steihaug: max_iterations = " + std::to_string(options.max_iterations));

  Buffer<T, B> r(ctx, n), d(ctx, n), Hd(ctx, n);
  Buffer<State, B> state(ctx, 1);
  State* const st = state.data();
  T *const sp = s.data, *const rp = r.data(), *const dp = d.data(), *const hp = Hd.data();
  const T* const gp = g.data;
  const bool given = options.start_at_step;
  if (given) H.apply(ctx, s, Hd.view());
  sum_then<StartSums>(
      ctx, n,
      [=] RANDNLA_FN(index_t i) {
        if (!given) sp[i] = 0;
        rp[i] = given ? gp[i] + hp[i] : gp[i];
        dp[i] = -rp[i];
        const double x = sp[i], y = rp[i], z = gp[i];
        return StartSums{y * y, x * x, x * y, x * z, z * z};
      },
      [=] RANDNLA_FN(const StartSums& sums) { st->start(sums, options); });

  auto stopped = lagged_flag(ctx, &st->done);
  for (int k = 0; k < options.max_iterations && !stopped(); ++k) {
    H.apply(ctx, d.view(), Hd.view());
    sum_then<double>(
        ctx, n,
        [=] RANDNLA_FN(index_t i) {
          return static_cast<double>(dp[i]) * static_cast<double>(hp[i]);
        },
        [=] RANDNLA_FN(double dHd) { st->choose_step(dHd); });
    sum_then<double>(
        ctx, n,
        [=] RANDNLA_FN(index_t i) -> double {
          if (st->done) return 0;  // skip, never multiply by zero: d may hold NaN
          const T step = static_cast<T>(st->step);
          sp[i] += step * dp[i];
          rp[i] += step * hp[i];
          return static_cast<double>(rp[i]) * static_cast<double>(rp[i]);
        },
        [=] RANDNLA_FN(double rr) { st->choose_direction(rr); });
    sum_then<DirectionSums>(
        ctx, n,
        [=] RANDNLA_FN(index_t i) -> DirectionSums {
          if (st->done) return {};
          dp[i] = static_cast<T>(st->beta) * dp[i] - rp[i];
          const double x = sp[i], y = dp[i];
          return {x * x, x * y, y * y};
        },
        [=] RANDNLA_FN(const DirectionSums& sums) { st->measure(sums); });
  }
  for_each(ctx, 1, [=] RANDNLA_FN(index_t) {
    *result = {st->decrease, sqrt(st->ss), st->iterations, st->products, st->stop};
  });
}

template void steihaug(Context<ThisBackend>&, OperatorRef<ThisBackend, float>,
                       VectorView<const float, ThisBackend>, VectorView<float, ThisBackend>,
                       InnerResult*, const SteihaugOptions&);
template void steihaug(Context<ThisBackend>&, OperatorRef<ThisBackend, double>,
                       VectorView<const double, ThisBackend>, VectorView<double, ThisBackend>,
                       InnerResult*, const SteihaugOptions&);

}  // namespace randnla
