// Small symmetric tridiagonal problems, solved by one thread on either side of the seam.
#pragma once

#include <randnla/core/backend.hpp>

#include <cmath>

namespace randnla {

/// T (k x k) with diagonal alpha[0..k) and off-diagonal beta[0..k-1); `sign` -1 stands for -T.
struct Tridiagonal {
  const double* alpha;
  const double* beta;
  int k;
  double sign = 1;

  /// T + shift I = L D L': D goes to `pivots` (k). False where T + shift I is not positive
  /// definite.
  RANDNLA_HD bool factor(double shift, double* pivots) const {
    double pivot = sign * alpha[0] + shift;
    for (int i = 0; i < k; ++i) {
      if (i > 0) pivot = sign * alpha[i] + shift - beta[i - 1] * beta[i - 1] / pivot;
      if (!(pivot > 0)) return false;
      pivots[i] = pivot;
    }
    return true;
  }

  /// y := L^-1 y
  RANDNLA_HD void solve_lower(const double* pivots, double* y) const {
    for (int i = 1; i < k; ++i) y[i] -= sign * beta[i - 1] / pivots[i - 1] * y[i - 1];
  }

  /// y := (L D L')^-1 y
  RANDNLA_HD void solve(const double* pivots, double* y) const {
    solve_lower(pivots, y);
    y[k - 1] /= pivots[k - 1];
    for (int i = k - 2; i >= 0; --i) y[i] = (y[i] - sign * beta[i] * y[i + 1]) / pivots[i];
  }

  /// Largest absolute row sum, a bound of every eigenvalue's size.
  RANDNLA_HD double bound() const {
    double largest = 0;
    for (int i = 0; i < k; ++i) {
      double sum =
          fabs(alpha[i]) + (i + 1 < k ? fabs(beta[i]) : 0) + (i > 0 ? fabs(beta[i - 1]) : 0);
      if (sum > largest) largest = sum;
    }
    return largest;
  }
};

RANDNLA_HD inline double norm(const double* x, int k) {
  double sum = 0;
  for (int i = 0; i < k; ++i) sum += x[i] * x[i];
  return sqrt(sum);
}

inline constexpr double double_eps = 0x1p-52;

struct Bracket {
  double low, high;
};

/// The smallest eigenvalue to within tolerance |T|, by bisection on positive definiteness; pivots (k)
/// is workspace.
RANDNLA_HD inline Bracket smallest_eigenvalue(const Tridiagonal& T, double tolerance,
                                              double* pivots) {
  const double bound = T.bound();
  double low = -bound * (1 + 8 * double_eps) - 1e-300, high = T.sign * T.alpha[0];
  for (int i = 1; i < T.k; ++i) high = T.sign * T.alpha[i] < high ? T.sign * T.alpha[i] : high;
  while (high - low > tolerance * bound + 1e-300) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    (T.factor(-middle, pivots) ? low : high) = middle;
  }
  return {low, high};
}

/// The unit eigenvector x (k) of the smallest eigenvalue, given that (from below), by inverse
/// iteration from a start that no eigenvector of interest is orthogonal to.
RANDNLA_HD inline void smallest_eigenvector(const Tridiagonal& T, double eigenvalue, double* pivots,
                                            double* x) {
  double shift = -eigenvalue, nudge = 4 * double_eps * T.bound() + 1e-300;
  while (!T.factor(shift, pivots)) shift += nudge, nudge *= 2;
  for (int i = 0; i < T.k; ++i) x[i] = 1 + static_cast<double>(i * 7919 % 101) / 101;
  for (int pass = 0; pass < 4; ++pass) {
    T.solve(pivots, x);
    double largest = 0;  // 1e300 where T is zero: its square would overflow
    for (int i = 0; i < T.k; ++i) largest = fabs(x[i]) > largest ? fabs(x[i]) : largest;
    for (int i = 0; i < T.k; ++i) x[i] /= largest;
    const double length = norm(x, T.k);
    for (int i = 0; i < T.k; ++i) x[i] /= length;
  }
}

/// u := -gamma (T + shift I)^-1 e_1, given its pivots.
RANDNLA_HD inline void solve_start(const Tridiagonal& T, double gamma, double* u,
                                   const double* pivots) {
  for (int i = 0; i < T.k; ++i) u[i] = i == 0 ? -gamma : 0;
  T.solve(pivots, u);
}

/// The same for a shift at, or rounding below, the point where T + shift I becomes singular.
RANDNLA_HD inline void solve_at_singular(const Tridiagonal& T, double gamma, double shift,
                                         double* u, double* pivots) {
  double nudge = 4 * double_eps * T.bound() + 1e-300;
  while (!T.factor(shift, pivots)) shift += nudge, nudge *= 2;
  solve_start(T, gamma, u, pivots);
}

/// u'(T + shift I)^-1 u, given its pivots; w (k) is workspace.
RANDNLA_HD inline double inverse_form(const Tridiagonal& T, const double* u, const double* pivots,
                                      double* w) {
  double sum = 0;
  for (int i = 0; i < T.k; ++i) w[i] = u[i];
  T.solve_lower(pivots, w);
  for (int i = 0; i < T.k; ++i) sum += w[i] * w[i] / pivots[i];
  return sum;
}

/// The hard case: u goes on along the eigenvector of T's smallest eigenvalue -shift until
/// |u| = length, unless it is that long.
RANDNLA_HD inline void lengthen(const Tridiagonal& T, double shift, double length, double* u,
                                double* pivots, double* w) {
  const double now = norm(u, T.k);
  if (!(now < length)) return;
  smallest_eigenvector(T, -shift, pivots, w);
  double along = 0;
  for (int i = 0; i < T.k; ++i) along += u[i] * w[i];
  // |u + tau w| = length, tau of the sign that does not shorten u
  const double room = (length - now) * (length + now);
  const double root = sqrt(along * along + room);
  const double tau = along >= 0 ? room / (root + along) : -room / (root - along);
  for (int i = 0; i < T.k; ++i) u[i] += tau * w[i];
}

/// min gamma u_1 + u'Tu/2 + sigma/3 |u|^3: u (k) out; returns nu = sigma |u|. `nu` is a guess, 0
/// for none; pivots and w (k) are workspace.
///
/// (T + nu I) u = -gamma e_1 with T + nu I positive semidefinite and nu = sigma |u|: the root of
/// 1/|u(nu)| - sigma/nu by Newton's method kept inside a shrinking bracket. Where the bracket
/// closes on -lambda_min with |u| still too short (the hard case), the eigenvector there makes up
/// the length.
RANDNLA_HD inline double minimize_cubic(const Tridiagonal& T, double gamma, double sigma, double nu,
                                        double* u, double* pivots, double* w) {
  const double bound = T.bound();
  double low = 0, high = (bound + sqrt(bound * bound + 4 * sigma * gamma)) / 2;
  high += double_eps * high;  // |u(nu)| <= gamma / (nu - bound)
  if (!(nu > low && nu < high)) nu = low + (high - low) / 2;
  for (int step = 0; step < 200 && high - low > 2 * double_eps * high; ++step) {
    if (!T.factor(nu, pivots)) {
      low = nu;
      nu = low + (high - low) / 2;
      continue;
    }
    solve_start(T, gamma, u, pivots);
    const double length = norm(u, T.k);
    if (fabs(sigma * length - nu) <= 4 * double_eps * nu) return nu;
    (sigma * length < nu ? high : low) = nu;
    const double slope = inverse_form(T, u, pivots, w);
    nu -= length == 0 ? nu
                      : (1 / length - sigma / nu) /
                            (slope / (length * length * length) + sigma / (nu * nu));
    if (!(nu > low && nu < high)) nu = low + (high - low) / 2;
  }
  if (gamma == 0 && low == 0) {  // T is positive semidefinite
    for (int i = 0; i < T.k; ++i) u[i] = 0;
    return 0;
  }
  solve_at_singular(T, gamma, high, u, pivots);
  lengthen(T, high, high / sigma, u, pivots, w);
  return high;
}

/// min gamma u_1 + u'Tu/2 over |u| <= radius: u (k) out; returns the multiplier lambda >= 0, which
/// is 0 where the constraint does not bind. `lambda` is a guess, 0 for none; pivots and w (k) are
/// workspace.
///
/// (T + lambda I) u = -gamma e_1 with T + lambda I positive semidefinite: the root of
/// 1/|u(lambda)| - 1/radius by Newton's method kept inside a shrinking bracket (More & Sorensen,
/// SIAM J. Sci. Stat. Comput. 4 (1983)); the hard case as in minimize_cubic().
RANDNLA_HD inline double minimize_on_ball(const Tridiagonal& T, double gamma, double radius,
                                          double lambda, double* u, double* pivots, double* w) {
  if (T.factor(0, pivots)) {
    solve_start(T, gamma, u, pivots);
    if (norm(u, T.k) <= radius) return 0;
  }
  const double bound = T.bound(), tiny = double_eps * bound;
  double low = 0, high = bound + gamma / radius;  // |u(lambda)| <= gamma / (lambda - bound)
  high += double_eps * high;
  if (!(lambda > low && lambda < high)) lambda = high / 2;
  // Where neither curvature nor length has raised `low`, a `high` of rounding's size is zero.
  for (int step = 0; step < 200 && high - low > 2 * double_eps * high && high > tiny; ++step) {
    if (!T.factor(lambda, pivots)) {
      low = lambda;
      lambda = low + (high - low) / 2;
      continue;
    }
    solve_start(T, gamma, u, pivots);
    const double length = norm(u, T.k);
    if (fabs(length - radius) <= 4 * double_eps * radius) return lambda;
    (length < radius ? high : low) = lambda;
    if (length > 0) {
      const double slope = inverse_form(T, u, pivots, w);
      lambda += (length - radius) / radius * (length * length / slope);
    }
    if (!(lambda > low && lambda < high)) lambda = low + (high - low) / 2;
  }
  if (gamma == 0 && low == 0) {  // T is positive semidefinite
    for (int i = 0; i < T.k; ++i) u[i] = 0;
    return 0;
  }
  solve_at_singular(T, gamma, high, u, pivots);
  if (low == 0) return 0;  // T is singular, and a minimiser lies inside
  lengthen(T, high, radius, u, pivots, w);
  return high;
}

}  // namespace randnla
