// The losses in long double, from their definitions, with slopes by the chain rule; and central
// differences of fourth order.
#pragma once

#include <randnla/objective/losses.hpp>

#include <algorithm>
#include <cmath>

namespace randnla::test {

using real = long double;

/// (sigmoid(z), 1 - sigmoid(z)), either without cancellation.
struct Logistic {
  explicit Logistic(real z)
      : value(z < 0 ? std::exp(z) / (1 + std::exp(z)) : 1 / (1 + std::exp(-z))),
        complement(z < 0 ? 1 / (1 + std::exp(z)) : std::exp(-z) / (1 + std::exp(-z))) {}
  real value, complement;
};

inline real loss_value(SigmoidSquares, real z, real y) {
  const Logistic a(z);
  const real error = y == 1 ? -a.complement : a.value - y;
  return error * error;
}

inline real loss_slope(SigmoidSquares, real z, real y) {
  const Logistic a(z);
  const real error = y == 1 ? -a.complement : a.value - y;
  return 2 * error * (a.value * a.complement);
}

inline real loss_value(LogisticLoss, real z, real y) {
  return z < 0 ? std::log1p(std::exp(z)) - y * z : std::log1p(std::exp(-z)) + (1 - y) * z;
}

inline real loss_slope(LogisticLoss, real z, real y) {
  const Logistic a(z);
  return y == 1 ? -a.complement : a.value - y;
}

inline real loss_value(SquaredLoss, real z, real y) { return (z - y) * (z - y) / 2; }
inline real loss_slope(SquaredLoss, real z, real y) { return z - y; }

inline real loss_value(CauchyLoss loss, real z, real y) {
  const real c = loss.c, u = (z - y) / c;
  return c * c / 2 * std::log1p(u * u);
}
inline real loss_slope(CauchyLoss loss, real z, real y) {
  const real c = loss.c, r = z - y;
  return r * c * c / (c * c + r * r);
}

inline real loss_value(TukeyLoss loss, real z, real y) {
  const real c = loss.c, r = std::min(std::abs(z - y), c);
  return r * r * (3 - 3 * (r / c) * (r / c) + (r / c) * (r / c) * (r / c) * (r / c)) / 6;
}
inline real loss_slope(TukeyLoss loss, real z, real y) {
  const real c = loss.c, r = z - y, t = (c - r) * (c + r) / (c * c);
  return std::abs(r) < c ? r * t * t : 0;
}

/// The part that is nonnegative by construction, from its definition.
inline real loss_gauss_newton(SigmoidSquares, real z, real) {
  const Logistic a(z);
  return 2 * a.value * a.complement * a.value * a.complement;
}
inline real loss_gauss_newton(LogisticLoss, real z, real) {
  const Logistic a(z);
  return a.value * a.complement;
}
/// The weight of iteratively reweighted least squares.
template <class Loss>
real loss_gauss_newton(Loss loss, real z, real y) {
  return z == y ? 1 : loss_slope(loss, z, y) / (z - y);
}

/// f'(z) up to h^4 f^(5) / 30 and rounding of 3 eps |f| / h.
template <class F>
real central_difference(F f, real z, real h) {
  return (8 * (f(z + h) - f(z - h)) - (f(z + 2 * h) - f(z - 2 * h))) / (12 * h);
}

inline constexpr real difference_step = 1e-4L;  // balances the two errors, both near 1e-15

}  // namespace randnla::test
