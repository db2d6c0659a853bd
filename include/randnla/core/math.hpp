#pragma once

#include <randnla/core/backend.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

namespace randnla::math {

// Elementary functions that loops vectorise over and whose bits agree on every backend: polynomials
// written with fma() alone, so that no compiler can contract them differently. Errors are a few
// units in the last place; tests/core/math_test.cpp holds them to it.

using std::fma;  // with its overload for float, which the global one lacks

namespace detail {

template <class T>
struct Constants;

template <>
struct Constants<double> {
  using Bits = std::uint64_t;  // wraps, whatever a nan's bits are
  static constexpr double log2e = 0x1.71547652b82fep+0, ln2_high = 0x1.62e42fefa39efp-1,
                          ln2_low = 0x1.abc9e3b39803fp-56;
  static constexpr double round_magic = 0x1.8p52;  // adding it rounds to an integer in the low bits
  static constexpr double smallest = -708;         // e^-708.4 is the smallest normal number
  static constexpr int mantissa_bits = 52, exponent_bias = 1023;
  static constexpr Bits root_half = 0x3fe6a09e667f3bcd;  // of sqrt(1/2)
  static constexpr int exp_terms = 13;                   // 0.347^14 / 14! = 4e-18
  static constexpr int atanh_terms = 16;                 // (1/9)^16 / 33 = 2e-17
};

template <>
struct Constants<float> {
  using Bits = std::uint32_t;
  static constexpr float log2e = 0x1.715476p+0F, ln2_high = 0x1.62e43p-1F,
                         ln2_low = -0x1.05c61p-29F;
  static constexpr float round_magic = 0x1.8p23F;
  static constexpr float smallest = -87;  // e^-87.3 is the smallest normal number
  static constexpr int mantissa_bits = 23, exponent_bias = 127;
  static constexpr Bits root_half = 0x3f3504f3;
  static constexpr int exp_terms = 7;    // 0.347^8 / 8! = 5e-9
  static constexpr int atanh_terms = 7;  // (1/9)^7 / 15 = 1e-8
};

/// (e^r - 1) / r = 1 + r/2! + r^2/3! + ...
template <class T>
struct ExpSeries {
  static constexpr int last = Constants<T>::exp_terms - 1;
  RANDNLA_HD static constexpr T coefficient(int k) {
    double factorial = 1;  // exact up to 18!
    for (int i = 2; i <= k + 1; ++i) factorial *= i;
    return static_cast<T>(1 / factorial);
  }
};

/// (atanh(t) / t - 1) / s = 1/3 + s/5 + s^2/7 + ..., s = t^2
template <class T>
struct AtanhSeries {
  static constexpr int last = Constants<T>::atanh_terms - 1;
  RANDNLA_HD static constexpr T coefficient(int k) { return T(1) / T(2 * k + 3); }
};

/// Coefficients k, k + 2, k + 4, ... of a series in powers of x2. A recursion, because compilers unroll
/// loops inside a loop too late to vectorise the outer one.
template <class Series, int k, class T>
RANDNLA_HD inline T every_other(T x2) {
  constexpr T coefficient = Series::coefficient(k);
  if constexpr (k + 2 > Series::last) {
    return coefficient;
  } else {
    return fma(every_other<Series, k + 2>(x2), x2, coefficient);
  }
}

/// 1 + x series(x). The two halves of the series are two chains: in a loop over few elements it is their
/// length that takes the time. Adding the 1 last makes their roundings small.
template <class Series, class T>
RANDNLA_HD inline T one_plus_series(T x) {
  const T x2 = x * x;
  const T sum = fma(every_other<Series, 1>(x2), x, every_other<Series, 0>(x2));
  return fma(sum, x, T(1));
}

/// 2 atanh(t) for 0 <= t <= 1/3.
template <class T>
RANDNLA_HD inline T twice_atanh(T t) {
  return (t + t) * one_plus_series<AtanhSeries<T>>(t * t);
}

}  // namespace detail

/// e^x for x <= 0. Below -708 (float: -87), where results would cease to be normal numbers, it
/// stays at its value there. NaN stays NaN.
template <class T>
RANDNLA_HD inline T exp_of_negative(T x) {
  using C = detail::Constants<T>;
  using Bits = typename C::Bits;
  x = x < C::smallest ? C::smallest : x;
  const T shifted = fma(x, C::log2e, C::round_magic);  // round(x / ln 2) in its low bits
  const T k = shifted - C::round_magic;
  const T r = fma(-k, C::ln2_low, fma(-k, C::ln2_high, x));
  const Bits scale = (std::bit_cast<Bits>(shifted) + C::exponent_bias) << C::mantissa_bits;
  return detail::one_plus_series<detail::ExpSeries<T>>(r) * std::bit_cast<T>(scale);
}

/// log(1 + u) for 0 <= u <= 1.
template <class T>
RANDNLA_HD inline T log1p_of_unit(T u) {
  return detail::twice_atanh(u / (T(2) + u));
}

/// log(1 + u) for every finite u >= 0. NaN stays NaN, infinity becomes NaN.
template <class T>
RANDNLA_HD inline T log1p_of_nonnegative(T u) {
  using C = detail::Constants<T>;
  using Bits = typename C::Bits;
  const T y = T(1) + u;
  const Bits bits = std::bit_cast<Bits>(y);
  const Bits exponent = (bits - C::root_half) >> C::mantissa_bits;  // of y, halved into [.7, 1.4)
  const T m = std::bit_cast<T>(bits - (exponent << C::mantissa_bits));
  // An integer in the low bits of the magic number converts without an instruction for it.
  const T k = std::bit_cast<T>(std::bit_cast<Bits>(C::round_magic) + exponent) - C::round_magic;
  const T lost = (u - (y - T(1))) / y;  // what rounding 1 + u took off the logarithm
  const T f = exponent == 0 ? u : m - T(1);
  const T low = exponent == 0 ? T(0) : fma(k, C::ln2_low, lost);
  return fma(k, C::ln2_high, low + detail::twice_atanh(f / (T(2) + f)));
}

/// Natural logarithm of a positive normal number.
template <class T>
RANDNLA_HD inline T log_of_positive(T x) {
  using C = detail::Constants<T>;
  using Integer = std::make_signed_t<typename C::Bits>;
  // Halve or double into [sqrt(1/2), sqrt(2)): the argument of atanh is then at most 0.172.
  const Integer bits = std::bit_cast<Integer>(x);
  const Integer exponent = (bits - static_cast<Integer>(C::root_half)) >> C::mantissa_bits;
  const T m = std::bit_cast<T>(bits - (exponent << C::mantissa_bits));
  const T k = static_cast<T>(exponent);
  return fma(k, C::ln2_high, fma(k, C::ln2_low, detail::twice_atanh((m - 1) / (m + 1))));
}

/// sin(x pi / 4) and cos(x pi / 4) for |x| <= 1, without a branch.
RANDNLA_HD inline void sincos_of_eighths(float x, float& sine, float& cosine) {
  const float y = x * 0x1.921fb6p-1F, s = y * y;
  float a = fma(s, 1 / 362880.0F, -1 / 5040.0F), b = fma(s, 1 / 40320.0F, -1 / 720.0F);
  a = fma(a, s, 1 / 120.0F), b = fma(b, s, 1 / 24.0F);
  a = fma(a, s, -1 / 6.0F), b = fma(b, s, -0.5F);
  sine = fma(a * s, y, y), cosine = fma(b, s, 1.0F);
}

/// sin(2 pi u) and cos(2 pi u) for 0 <= u < 1.
RANDNLA_HD inline void sincos_of_turns(double u, double& sine, double& cosine) {
  const int quarter = static_cast<int>(fma(u, 4.0, 0.5));
  const double x =
      fma(-0.25, static_cast<double>(quarter), u) * 0x1.921fb54442d18p+2;  // |x| <= pi/4
  const double s = x * x;
  double a = 1, b = 1;
  for (int k = 8; k >= 1; --k) {
    a = fma(a, s * (-1.0 / ((2 * k) * (2 * k + 1))), 1.0);  // sin x = x a
    b = fma(b, s * (-1.0 / ((2 * k - 1) * (2 * k))), 1.0);  // cos x = b
  }
  a *= x;
  switch (quarter & 3) {
    case 0:
      sine = a, cosine = b;
      break;
    case 1:
      sine = b, cosine = -a;
      break;
    case 2:
      sine = -a, cosine = -b;
      break;
    default:
      sine = -b, cosine = a;
      break;
  }
}

}  // namespace randnla::math
