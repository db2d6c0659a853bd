#include "krylov/random_start.hpp"
#include "krylov/tridiagonal.hpp"
#include "seam/seam.hpp"

#include <randnla/krylov/lanczos.hpp>

#include <cmath>
#include <limits>
#include <string>

namespace randnla {
namespace {

/// What k steps tell, with the eigenvalues of T to within tolerance |T|; `pivots` (k) is workspace.
RANDNLA_HD inline void judge(const Tridiagonal& T, const LanczosState& state, double n,
                             double failure_probability, double tolerance, double rounding,
                             double* pivots, SmallestEigenvalue* out) {
  const Bracket smallest = smallest_eigenvalue(T, tolerance, pivots);
  const Bracket largest = smallest_eigenvalue({T.alpha, T.beta, T.k, -1}, tolerance, pivots);
  const double eps = state.invariant ? 0 : width_error(n, failure_probability, T.k);
  const double width = -largest.low - smallest.low;
  const bool usable = eps < 0.5;  // the true width is at most width / (1 - 2 eps)
  out->value = smallest.high;
  out->lower_bound =
      usable ? smallest.low - eps * width / (1 - 2 * eps) - rounding * state.scale : -HUGE_VAL;
  out->failure_probability = failure_probability;
  out->steps = state.steps;
}

}  // namespace

template <Backend B, Scalar T>
SmallestEigenvalue smallest_eigenvalue(Context<B>& ctx, OperatorRef<B, T> H, VectorView<T, B> v,
                                       Rng rng, const SmallestEigenvalueOptions& options) {
  const index_t n = H.dim();
  const double p = options.failure_probability, threshold = options.threshold;
  require(v.size == n, "smallest_eigenvalue: H of dimension " + std::to_string(n) + ", v of " +
                           std::to_string(v.size));
  require(p > 0 && p < 1, "smallest_eigenvalue: failure_probability = " + std::to_string(p));
  require(options.max_steps >= 1,
          "smallest_eigenvalue: max_steps = " + std::to_string(options.max_steps));

  Lanczos<B, T> space(ctx, n, options.max_steps);
  const int limit = space.max_steps();
  Buffer<double, B> work(ctx, 2 * limit);
  Buffer<T, B> coordinates(ctx, limit);
  Buffer<SmallestEigenvalue, B> answer(ctx, 1);
  SmallestEigenvalue* const out = answer.data();
  LanczosState* const st = space.state();
  const double *const alpha = space.alpha(), *const beta = space.beta();
  double *const pivots = work.data(), *const u = work.data() + limit;
  const double dimension = static_cast<double>(n);
  const double rounding = 8 * static_cast<double>(std::numeric_limits<T>::epsilon());

  fill_normal(ctx, rng, T(1), v);
  space.start(ctx, v);
  auto stopped = lagged_flag(ctx, &st->done);
  while (space.queued() < limit && !stopped()) {
    space.step(ctx, H);
    // One thread takes O(k) for each of some twenty bisections: look every fourth step, roughly.
    if (space.queued() % 4 != 0) continue;
    for_each(ctx, 1, [=] RANDNLA_FN(index_t) {
      if (st->not_finite || (st->done && !st->invariant) || st->steps == 0) return;
      judge({alpha, beta, st->steps}, *st, dimension, p, 1e-6, rounding, pivots, out);
      if (out->lower_bound >= threshold || out->value < threshold) st->done = 1;
    });
  }
  const int queued = space.queued();
  T* const c = coordinates.data();
  for_each(ctx, 1, [=] RANDNLA_FN(index_t) {
    const int k = st->steps;
    *out = {};
    out->not_finite = st->not_finite != 0;
    for (int i = 0; i < queued; ++i) c[i] = T(0);
    if (out->not_finite) return;
    judge({alpha, beta, k}, *st, dimension, p, 2 * double_eps, rounding, pivots, out);
    smallest_eigenvector({alpha, beta, k}, out->value, pivots, u);
    out->residual = st->invariant ? 0 : beta[k - 1] * fabs(u[k - 1]);
    for (int i = 0; i < k; ++i) c[i] = static_cast<T>(u[i]);
  });
  space.combine(ctx, c, v);
  return answer.read(0);
}

template SmallestEigenvalue smallest_eigenvalue(Context<ThisBackend>&,
                                                OperatorRef<ThisBackend, float>,
                                                VectorView<float, ThisBackend>, Rng,
                                                const SmallestEigenvalueOptions&);
template SmallestEigenvalue smallest_eigenvalue(Context<ThisBackend>&,
                                                OperatorRef<ThisBackend, double>,
                                                VectorView<double, ThisBackend>, Rng,
                                                const SmallestEigenvalueOptions&);

}  // namespace randnla
