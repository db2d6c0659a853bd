// A line search by slopes, on the host.
#pragma once

#include <cmath>

namespace randnla {

/// phi and its slope at step length t.
struct LinePoint {
  double t, value, slope;
};

/// Finds a point of the strong Wolfe conditions: |slope| <= 0.9 |slope at 0|, and phi has decreased
/// by 1e-4 of what the slope at 0 predicts or, where differences of phi are rounding, has changed by
/// at most `noise`.
///
/// Keeps an interval whose lower end has decreased so, too, and goes downhill, and whose upper end
/// has not or goes uphill: a point that satisfies the conditions lies between (More & Thuente, ACM
/// Trans. Math. Softw. 20 (1994)). It grows fivefold until there is such an upper end; then the
/// secant of the slopes cuts it, or its middle where that is no use, or where two cuts left more
/// than 0.66 of it.
class LineSearch {
 public:
  LineSearch(double value, double slope, double noise)
      : value_(value), slope_(slope), noise_(noise), low_{0, value, slope} {}

  bool accepts(const LinePoint& p) const {
    return decreased(p) && std::fabs(p.slope) <= -0.9 * slope_;
  }

  /// The step length to try after p, which was not accepted.
  double next(const LinePoint& p) {
    const bool lower = decreased(p) && p.slope < 0;
    (lower ? low_ : high_) = p;
    bounded_ = bounded_ || !lower;
    if (!bounded_) return 5 * p.t;
    const double width = high_.t - low_.t, middle = low_.t + width / 2;
    const bool slow = width > 0.66 * width_before_last_;
    width_before_last_ = last_width_, last_width_ = width;
    if (slow || !(high_.slope > 0) || !std::isfinite(high_.slope)) return middle;
    const double t = low_.t - low_.slope * width / (high_.slope - low_.slope);
    return t > low_.t && t < high_.t ? t : middle;
  }

 private:
  bool decreased(const LinePoint& p) const {
    return std::isfinite(p.value) &&
           (p.value <= value_ + 1e-4 * p.t * slope_ || std::fabs(p.value - value_) <= noise_);
  }

  double value_, slope_, noise_;
  LinePoint low_, high_{};
  bool bounded_ = false;
  double last_width_ = HUGE_VAL, width_before_last_ = HUGE_VAL;
};

}  // namespace randnla
