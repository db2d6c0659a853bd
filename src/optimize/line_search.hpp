// A line search by slopes, on the host.
#pragma once

#include <cmath>

namespace randnla {

/// phi and its slope at step length t.
struct LinePoint {
  double t, value, slope;
};

/// Finds a point of the strong Wolfe conditions |slope| <= 0.9 |slope at 0| and phi <= phi(0) + 1e-4
/// t (slope at 0), the latter replaced by phi <= phi(0) + noise where differences of phi are
/// rounding.
///
/// Keeps an interval whose lower end goes downhill and is no higher than phi(0) + noise, and whose
/// upper end goes uphill or is higher: a minimiser that is no higher, which satisfies the
/// conditions, lies between. It grows fivefold until there is such an upper end; then the secant of
/// the slopes cuts it, or its middle where that is no use, or where two cuts left more than 0.66 of
/// it.
class LineSearch {
 public:
  LineSearch(double value, double slope, double noise)
      : value_(value), slope_(slope), ceiling_(value + noise), low_{0, value, slope} {}

  bool accepts(const LinePoint& p) const {
    const bool decreased = p.value <= ceiling_ || p.value <= value_ + 1e-4 * p.t * slope_;
    return decreased && std::isfinite(p.value) && std::fabs(p.slope) <= -0.9 * slope_;
  }

  /// The step length to try after p, which was not accepted.
  double next(const LinePoint& p) {
    const bool downhill = p.value <= ceiling_ && std::isfinite(p.value) && p.slope < 0;
    (downhill ? low_ : high_) = p;
    bounded_ = bounded_ || !downhill;
    if (!bounded_) return 5 * p.t;
    const double width = high_.t - low_.t, middle = low_.t + width / 2;
    const bool slow = width > 0.66 * width_before_last_;
    width_before_last_ = last_width_, last_width_ = width;
    if (slow || !(high_.slope > 0) || !std::isfinite(high_.slope)) return middle;
    const double t = low_.t - low_.slope * width / (high_.slope - low_.slope);
    return t > low_.t && t < high_.t ? t : middle;
  }

 private:
  double value_, slope_, ceiling_;
  LinePoint low_, high_{};
  bool bounded_ = false;
  double last_width_ = HUGE_VAL, width_before_last_ = HUGE_VAL;
};

}  // namespace randnla
