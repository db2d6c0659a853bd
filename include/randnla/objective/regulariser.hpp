#pragma once

#include <randnla/core/backend.hpp>
#include <randnla/core/error.hpp>

#include <cmath>
#include <string>

namespace randnla {

/// What is added to a mean of losses: l2/2 |x|^2 + nonconvex sum_j x_j^2 / (1 + x_j^2). The second
/// term pulls small entries to zero and leaves large ones alone; its second derivative is negative
/// for x_j^2 > 1/3.
struct Regulariser {
  double l2 = 0;         // >= 0
  double nonconvex = 0;  // >= 0

  /// Throws InvalidArgument, in the name of `who`, where one is negative or not finite.
  void check(const std::string& who) const {
    require(l2 >= 0 && std::isfinite(l2),
            who + ": l2 = " + std::to_string(l2) + ", want at least 0 and finite");
    require(nonconvex >= 0 && std::isfinite(nonconvex),
            who + ": nonconvex = " + std::to_string(nonconvex) + ", want at least 0 and finite");
  }
};

/// w^2 / (1 + w^2) and its derivatives, all finite for every finite w.
template <class T>
struct NonconvexTerm {
  T value, slope, curvature;
  T gauss_newton;  // slope / w, the weight of iteratively reweighted least squares: never negative

  RANDNLA_HD explicit NonconvexTerm(T w) {
    const T square = w * w;  // may be infinite
    const T q = T(1) / (T(1) + square);
    value = square > T(1) ? T(1) / (T(1) + (T(1) / w) * (T(1) / w)) : square * q;
    gauss_newton = 2 * q * q;
    slope = gauss_newton * w;
    curvature = gauss_newton * (4 * q - 3);  // 2 (1 - 3 w^2) q^3
  }
};

}  // namespace randnla
