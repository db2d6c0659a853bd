// Numbers a + b e1 + c e2 + d e1 e2 with e1^2 = e2^2 = 0: functions of them carry exact first and
// second derivatives (Fike & Alonso, AIAA paper 2011-886).
#pragma once

#include <cmath>

namespace randnla::test {

struct HyperDual {
  double value = 0, d1 = 0, d2 = 0, d12 = 0;

  friend HyperDual operator+(HyperDual a, HyperDual b) {
    return {a.value + b.value, a.d1 + b.d1, a.d2 + b.d2, a.d12 + b.d12};
  }
  friend HyperDual operator-(HyperDual a, HyperDual b) {
    return {a.value - b.value, a.d1 - b.d1, a.d2 - b.d2, a.d12 - b.d12};
  }
  friend HyperDual operator*(HyperDual a, HyperDual b) {
    return {a.value * b.value, a.d1 * b.value + a.value * b.d1, a.d2 * b.value + a.value * b.d2,
            a.d12 * b.value + a.d1 * b.d2 + a.d2 * b.d1 + a.value * b.d12};
  }
};

/// f(x) from f, f' and f'' at x.value.
inline HyperDual chain(HyperDual x, double f, double first, double second) {
  return {f, first * x.d1, first * x.d2, first * x.d12 + second * x.d1 * x.d2};
}
inline HyperDual exp(HyperDual x) {
  const double e = std::exp(x.value);
  return chain(x, e, e, e);
}
inline HyperDual log(HyperDual x) {
  return chain(x, std::log(x.value), 1 / x.value, -1 / (x.value * x.value));
}
inline HyperDual tanh(HyperDual x) {
  const double t = std::tanh(x.value), slope = 1 - t * t;
  return chain(x, t, slope, -2 * t * slope);
}
inline HyperDual relu(HyperDual x) { return x.value > 0 ? x : HyperDual{}; }
inline HyperDual softplus(HyperDual x) { return log(HyperDual{1} + exp(x)); }
inline HyperDual logistic(HyperDual x) { return exp(x - softplus(x)); }

}  // namespace randnla::test
