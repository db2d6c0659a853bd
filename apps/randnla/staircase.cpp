#include "staircase.hpp"

#include <algorithm>
#include <cmath>

namespace randnla::app {

Staircase::Staircase(Stairs kind, double sigma, index_t stairs) {
  constexpr double share = 0.5;  // of the model's decrease: between eta2 and eta1
  Stair next{0, 0, 0, 0};
  for (index_t k = 0; k < stairs; ++k) {
    const double number = static_cast<double>(k + 1);
    double step = 0, promised = 0;
    if (kind == Stairs::slopes) {
      next.slope = -std::pow(number, -2.0 / 3);
      step = std::sqrt(-next.slope / sigma);
      promised = 2.0 / 3 * -next.slope * step;
    } else {
      next.slope = -1e-14;  // says which of the two ways is down
      next.curvature = -std::pow(number, -1.0 / 3);
      step = -next.curvature / sigma;
      promised = -next.curvature * step * step / 6;
    }
    stairs_.push_back(next);
    next.x += step;
    next.value -= share * promised;
  }
  next.slope = next.curvature = 0;
  stairs_.push_back(next);
}

/// Between two stairs Hermite's polynomial of degree 7, whose third derivative is zero at both: the
/// next step then depends on the fourth power of what rounding adds to this one. Beyond the ends the
/// parabola that fits there.
Staircase::Jet Staircase::at(double x) const {
  const auto after = std::upper_bound(stairs_.begin(), stairs_.end(), x,
                                      [](double at, const Stair& stair) { return at < stair.x; });
  if (after == stairs_.begin() || after == stairs_.end()) {
    const Stair& end = after == stairs_.begin() ? stairs_.front() : stairs_.back();
    const double t = x - end.x;
    return {end.value + end.slope * t + end.curvature * t * t / 2, end.slope + end.curvature * t,
            end.curvature};
  }
  const Stair &a = *(after - 1), &b = *after;
  const double h = b.x - a.x, t = (x - a.x) / h;
  // In t: value a0 + a1 t + a2 t^2 up to the left end's curvature, then what the right end lacks.
  const double a0 = a.value, a1 = a.slope * h, a2 = a.curvature * h * h / 2;
  const double d0 = b.value - (a0 + a1 + a2), d1 = b.slope * h - (a1 + 2 * a2),
               d2 = b.curvature * h * h - 2 * a2;
  const double a4 = 35 * d0 - 15 * d1 + 2.5 * d2, a5 = -84 * d0 + 39 * d1 - 7 * d2,
               a6 = 70 * d0 - 34 * d1 + 6.5 * d2, a7 = -20 * d0 + 10 * d1 - 2 * d2;
  const double t2 = t * t, t3 = t2 * t;
  return {a0 + t * a1 + t2 * a2 + t2 * t2 * (a4 + t * (a5 + t * (a6 + t * a7))),
          (a1 + 2 * t * a2 + t3 * (4 * a4 + t * (5 * a5 + t * (6 * a6 + t * 7 * a7)))) / h,
          (2 * a2 + t2 * (12 * a4 + t * (20 * a5 + t * (30 * a6 + t * 42 * a7)))) / (h * h)};
}

void Staircase::evaluate(Context<Cpu>&, VectorView<const double, Cpu> x, const Sample<Cpu, double>&,
                         const Evaluation<Cpu, double>& out) const {
  const Jet jet = at(x.data[0]);
  if (out.value != nullptr) *out.value = jet.value;
  if (out.gradient != nullptr) out.gradient[0] = jet.slope;
  if (out.curvature != nullptr) out.curvature[0] = jet.curvature;
  if (out.gradient_norms2 != nullptr) out.gradient_norms2[0] = jet.slope * jet.slope;
}

}  // namespace randnla::app
