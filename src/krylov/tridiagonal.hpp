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
  double length = 0;
  if (!(nu > low && nu < high)) nu = low + (high - low) / 2;
  for (int step = 0; step < 200 && high - low > 2 * double_eps * high; ++step) {
    if (!T.factor(nu, pivots)) {
      low = nu;
      nu = low + (high - low) / 2;
      continue;
    }
    for (int i = 0; i < T.k; ++i) u[i] = i == 0 ? -gamma : 0;
    T.solve(pivots, u);
    length = norm(u, T.k);
    if (fabs(sigma * length - nu) <= 4 * double_eps * nu) return nu;
    (sigma * length < nu ? high : low) = nu;
    double slope = 0;  // u'(T + nu I)^-1 u
    for (int i = 0; i < T.k; ++i) w[i] = u[i];
    T.solve_lower(pivots, w);
    for (int i = 0; i < T.k; ++i) slope += w[i] * w[i] / pivots[i];
    nu -= length == 0 ? nu
                      : (1 / length - sigma / nu) /
                            (slope / (length * length * length) + sigma / (nu * nu));
    if (!(nu > low && nu < high)) nu = low + (high - low) / 2;
  }
  if (gamma == 0 && low == 0) {  // T is positive semidefinite
    for (int i = 0; i < T.k; ++i) u[i] = 0;
    return 0;
  }
  double nudge = 4 * double_eps * bound;  // the first `high` was never tried and may be singular
  while (!T.factor(high, pivots)) high += nudge, nudge *= 2;
  for (int i = 0; i < T.k; ++i) u[i] = i == 0 ? -gamma : 0;
  T.solve(pivots, u);
  length = norm(u, T.k);
  const double missing = high / sigma;
  if (length < missing) {
    smallest_eigenvector(T, -high, pivots, w);
    double along = 0;
    for (int i = 0; i < T.k; ++i) along += u[i] * w[i];
    // |u + tau w| = missing, tau of the sign that does not shorten u
    const double room = (missing - length) * (missing + length);
    const double root = sqrt(along * along + room);
    const double tau = along >= 0 ? room / (root + along) : -room / (root - along);
    for (int i = 0; i < T.k; ++i) u[i] += tau * w[i];
  }
  return high;
}

}  // namespace randnla
