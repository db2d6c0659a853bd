// A loss of one's own, for both backends: this header, and pseudo_huber.cpp that compiles it.
#pragma once

#include <randnla/objective/losses.hpp>

#include <cmath>
#include <string>

/// delta^2 (sqrt(1 + (r/delta)^2) - 1) with r = z - y: r^2/2 near zero, delta |r| far out.
struct PseudoHuber {
  double delta = 1;

  /// Called by LinearModel's constructor.
  void check() const {
    randnla::require(delta > 0 && std::isfinite(delta),
                     "PseudoHuber: delta = " + std::to_string(delta) + ", want above 0 and finite");
  }

  /// Value, first and second derivative in z, and a part of the second that is never negative: here
  /// slope / r, the weight of iteratively reweighted least squares.
  template <class T>
  RANDNLA_HD randnla::LossTerm<T> operator()(T z, T y) const {
    using std::sqrt;
    const T r = z - y, u = r / static_cast<T>(delta);
    const T root = sqrt(1 + u * u), weight = 1 / root;
    // u^2 / (1 + root) is root - 1 without its cancellation.
    return {r * r / (1 + root), r * weight, weight * weight * weight, weight};
  }
};
