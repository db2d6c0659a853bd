#pragma once

#include <randnla/core/math.hpp>

namespace randnla {

/// A loss phi(z, y) of the margin z = a'x and the target y, with its derivatives in z.
template <class T>
struct LossTerm {
  T value, slope, curvature;
  T gauss_newton;  // >= 0: the curvature without what can make it negative
};

/// sigmoid(z) = 1 / (1 + e^-z) and its complement, both to a few units in the last place.
template <class T>
struct Sigmoid {
  T value, complement;
};

template <class T>
RANDNLA_HD inline Sigmoid<T> sigmoid(T z) {
  const T e = math::exp_of_negative(z < 0 ? z : -z);
  const T larger = T(1) / (T(1) + e), smaller = e * larger;
  return z < 0 ? Sigmoid<T>{smaller, larger} : Sigmoid<T>{larger, smaller};
}

/// (y - sigmoid(z))^2, y in [0, 1]: non-convex least squares.
struct SigmoidSquares {
  template <class T>
  RANDNLA_HD LossTerm<T> operator()(T z, T y) const {
    const auto [a, b] = sigmoid(z);
    const T error = a * (1 - y) - b * y;  // a - y without cancellation at y = 1
    const T slope = a * b;                // of the sigmoid
    return {error * error, 2 * error * slope, 2 * slope * (error * (b - a) + slope),
            2 * slope * slope};
  }
};

/// log(1 + e^z) - y z, y in [0, 1]: logistic regression.
struct LogisticLoss {
  template <class T>
  RANDNLA_HD LossTerm<T> operator()(T z, T y) const {
    const T e = math::exp_of_negative(z < 0 ? z : -z);
    const auto [a, b] = sigmoid(z);
    const T linear = z < 0 ? -y * z : (1 - y) * z;
    return {math::log1p_of_unit(e) + linear, a * (1 - y) - b * y, a * b, a * b};
  }
};

}  // namespace randnla
