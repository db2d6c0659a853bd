#pragma once

#include <randnla/core/error.hpp>
#include <randnla/core/math.hpp>

#include <cmath>
#include <limits>
#include <string>

namespace randnla {

/// A loss phi(z, y) of the margin z = a'x and the target y, with its derivatives in z. A loss is a
/// trivially copyable function object, T x T -> LossTerm<T> for float and double, with a RANDNLA_HD
/// const call operator. It may carry parameters, and then have check(), which throws
/// InvalidArgument where one is out of range.
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
  return {z < 0 ? smaller : larger, z < 0 ? larger : smaller};
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

/// r^2 / 2 with r = z - y: linear least squares, any target.
struct SquaredLoss {
  template <class T>
  RANDNLA_HD LossTerm<T> operator()(T z, T y) const {
    const T r = z - y;
    return {T(0.5) * r * r, r, T(1), T(1)};
  }
};

/// The scale c of a robust loss: finite and above zero.
inline void check_scale(const char* loss, double c) {
  require(c > 0 && std::isfinite(c),
          std::string(loss) + ": c = " + std::to_string(c) + ", want above 0 and finite");
}

/// c^2/2 log(1 + (r/c)^2) with r = z - y: residuals beyond c count less and less. gauss_newton is
/// slope / r, the weight of iteratively reweighted least squares. The default has 95 % of least
/// squares' efficiency on normal errors of variance 1 (Holland and Welsch 1977).
struct CauchyLoss {
  double c = 2.3849;

  void check() const { check_scale("CauchyLoss", c); }

  template <class T>
  RANDNLA_HD LossTerm<T> operator()(T z, T y) const {
    const T scale = static_cast<T>(c), u = (z - y) / scale;
    const T size = u < 0 ? -u : u, square = u * u;
    // Where u^2 may be infinite, log(1 + u^2) is 2 log(1 + |u|) to the last bit.
    const bool far = size > T(1) / std::numeric_limits<T>::epsilon();
    const T half_log = (far ? T(1) : T(0.5)) * math::log1p_of_nonnegative(far ? size : square);
    const T weight = T(1) / (T(1) + square);
    const T slope = scale / (u + T(1) / u);  // at u = 0 and far out, too
    return {scale * scale * half_log, slope, weight * (2 * weight - 1), weight};
  }
};

/// Tukey's biweight: c^2/6 (1 - (1 - (r/c)^2)^3) for |r| < c and c^2/6 beyond, with r = z - y.
/// Residuals beyond c do not count. gauss_newton is slope / r, the weight of iteratively reweighted
/// least squares. The default has 95 % efficiency as CauchyLoss's (Holland and Welsch 1977).
struct TukeyLoss {
  double c = 4.6851;

  void check() const { check_scale("TukeyLoss", c); }

  template <class T>
  RANDNLA_HD LossTerm<T> operator()(T z, T y) const {
    const T scale = static_cast<T>(c), r = z - y, u = r / scale;
    const T square = u * u, s = square > T(1) ? T(1) : square;  // NaN stays
    const T t = T(1) - s;
    return {scale * scale / 6 * (s * (3 - s * (3 - s))), r * (t * t), t * (1 - 5 * s), t * t};
  }
};

}  // namespace randnla
