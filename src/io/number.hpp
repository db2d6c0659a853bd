// Decimal numbers out of text, correctly rounded, independent of the locale.
#pragma once

#include <randnla/core/backend.hpp>

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace randnla {

inline bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

enum class NumberFault { none, not_a_number, not_finite, too_large };

/// The end of a message that begins with what the number is. `none`: a number with something behind
/// it.
inline const char* what_is_wrong(NumberFault fault) {
  if (fault == NumberFault::not_finite) return " is nan or infinity";
  return fault == NumberFault::too_large ? " is out of range" : " is not a number";
}

namespace detail {

inline constexpr std::array<double, 23> powers_of_ten = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/// Whether rounding `value` once more, to float, could differ from rounding the decimal number at
/// once: only where the double lies exactly between two floats.
inline bool between_floats(double value) {
  return (std::bit_cast<std::uint64_t>(value) & 0x1fffffffu) == 0x10000000u;
}

/// For what the fast path leaves over: the number is [begin, end), without sign.
template <Scalar T>
NumberFault parse_slowly(const char* begin, const char* end, index_t exponent, T& value) {
  const auto result = std::from_chars(begin, end, value);
  if (result.ec == std::errc() && result.ptr == end && std::isfinite(value)) {
    return NumberFault::none;
  }
  // Out of range. Below the range is zero; the position of the leading digit tells which side it
  // is.
  index_t leading = exponent;
  bool significant = false;
  for (const char* p = begin; p < end && (is_digit(*p) || *p == '.'); ++p) {
    significant = significant || (*p != '0' && *p != '.');
    if (significant && *p != '.') ++leading;
  }
  value = 0;
  return significant && leading > 0 ? NumberFault::too_large : NumberFault::none;
}

inline bool starts_like(const char* p, const char* lower_case) {
  for (; *lower_case != 0; ++p, ++lower_case) {
    if ((*p | 0x20) != *lower_case) return false;
  }
  return true;
}

}  // namespace detail

/// Reads [+-]digits[.digits][e[+-]digits] at p and moves p behind it. The text must end in a byte
/// that is no part of a number. A number below the range of T becomes zero.
///
/// Source  Clinger, "How to read floating point numbers accurately", PLDI (1990): a significand
///         below 2^53 and a power of ten up to 10^22 are both exact doubles, so that one
///         multiplication or division rounds correctly. Everything else goes to std::from_chars
template <Scalar T>
NumberFault parse_number(const char*& p, T& value) {
  const bool negative = *p == '-';
  if (*p == '-' || *p == '+') ++p;
  const char* const begin = p;
  std::uint64_t significand = 0;  // wraps beyond 19 digits, which then are not used
  while (is_digit(*p)) significand = 10 * significand + static_cast<std::uint64_t>(*p++ - '0');
  index_t digits = p - begin;
  index_t exponent = 0;
  if (*p == '.') {
    const char* const fraction = ++p;
    while (is_digit(*p)) significand = 10 * significand + static_cast<std::uint64_t>(*p++ - '0');
    exponent = fraction - p;
    digits -= exponent;
  }
  if (digits == 0) {
    return detail::starts_like(begin, "nan") || detail::starts_like(begin, "inf")
               ? NumberFault::not_finite
               : NumberFault::not_a_number;
  }
  if ((*p | 0x20) == 'e') {
    ++p;
    const bool down = *p == '-';
    if (*p == '-' || *p == '+') ++p;
    if (!is_digit(*p)) return NumberFault::not_a_number;
    index_t written = 0;
    for (; is_digit(*p); ++p) {
      // Beyond any text's length in digits the exponent alone decides.
      if (written < index_t{1} << 55) written = 10 * written + (*p - '0');
    }
    exponent += down ? -written : written;
  }
  bool exact =
      digits <= 19 && significand <= std::uint64_t{1} << 53 && exponent >= -22 && exponent <= 22;
  if (exact) {
    const auto whole = static_cast<double>(significand);
    const double scaled = exponent < 0
                              ? whole / detail::powers_of_ten[static_cast<std::size_t>(-exponent)]
                              : whole * detail::powers_of_ten[static_cast<std::size_t>(exponent)];
    value = static_cast<T>(scaled);
    if constexpr (sizeof(T) < sizeof(double)) exact = !detail::between_floats(scaled);
  }
  if (!exact) {
    const NumberFault fault = detail::parse_slowly(begin, p, exponent, value);
    if (fault != NumberFault::none) return fault;
  }
  if (negative) value = -value;
  return NumberFault::none;
}

}  // namespace randnla
