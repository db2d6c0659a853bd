#include <randnla/core/math.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace randnla::math {
namespace {

/// |got - want| in units of the last place of T at `want`.
template <class T>
long double ulps(T got, long double want) {
  const int exponent = std::max(std::ilogb(want), std::numeric_limits<T>::min_exponent - 1);
  return std::abs(static_cast<long double>(got) - want) /
         std::ldexp(1.0L, exponent - std::numeric_limits<T>::digits + 1);
}

/// Values in [least, greatest], both positive: the two ends and their neighbours, powers of two and
/// theirs, values spread evenly over the bit patterns (so over all binades), and values spread
/// evenly over the interval.
template <class T>
std::vector<T> samples(T least, T greatest) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  const Bits low = std::bit_cast<Bits>(least), high = std::bit_cast<Bits>(greatest);
  std::vector<T> values;
  auto add = [&](Bits bits) {
    if (bits >= low && bits <= high) values.push_back(std::bit_cast<T>(bits));
  };
  for (Bits near = 0; near < 16; ++near) add(low + near), add(high - near);
  constexpr int mantissa = detail::Constants<T>::mantissa_bits;
  for (Bits power = low >> mantissa; power <= high >> mantissa; ++power) {
    for (Bits near = -2; near <= 2; ++near) add((power << mantissa) + near);
  }
  constexpr int count = 200'000;
  const Bits stride = (high - low) / count;
  for (Bits k = 1; k < count; ++k) add(low + k * stride + k % std::max<Bits>(1, stride));
  for (int k = 0; k <= count; ++k) {
    values.push_back(least + (greatest - least) * (static_cast<T>(k) / static_cast<T>(count)));
  }
  return values;
}

template <class T>
class ElementaryFunctions : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(ElementaryFunctions, Scalars);

// Where the bounds come from, in ulps of the result; a rounding is at most half an ulp of what it
// rounds, a whole one of a result just above a power of two smaller.
// exp: the last step of its Horner scheme rounds p in [0.70, 1.42], 1/2; the one above passes on
// its rounding times |r| <= 0.35, and r carries one of its own: together below another 1.
// log, log1p, sin: a product t p of two rounded factors, 3 x 1/2, where the roundings before t
// (2 + u and the quotient; m + 1 and the quotient; the product with 2 pi and its constant) are
// the other halves: below 3.

TYPED_TEST(ElementaryFunctions, ExpOfNegativeIsWithinOneAndAHalfUlps) {
  using T = TypeParam;
  constexpr T smallest = detail::Constants<T>::smallest;
  long double worst = 0;
  for (const T x : samples(std::numeric_limits<T>::min(), -smallest)) {
    const long double error = ulps(exp_of_negative(-x), std::exp(-static_cast<long double>(x)));
    ASSERT_LE(error, 1.5L) << -x;
    worst = std::max(worst, error);
  }
  testing::Test::RecordProperty("worst_ulps", std::to_string(worst));
}

TYPED_TEST(ElementaryFunctions, ExpOfNegativeAtTheEdges) {
  using T = TypeParam;
  constexpr T infinity = std::numeric_limits<T>::infinity();
  constexpr T smallest = detail::Constants<T>::smallest;
  EXPECT_EQ(exp_of_negative(T(0)), 1);
  EXPECT_EQ(exp_of_negative(-T(0)), 1);
  EXPECT_EQ(exp_of_negative(-std::numeric_limits<T>::denorm_min()), 1);
  const T floor = exp_of_negative(smallest);
  EXPECT_TRUE(std::isnormal(floor));
  EXPECT_EQ(exp_of_negative(std::nextafter(smallest, -infinity)), floor);
  EXPECT_EQ(exp_of_negative(std::numeric_limits<T>::lowest()), floor);
  EXPECT_EQ(exp_of_negative(-infinity), floor);
  using Bits = typename detail::Constants<T>::Bits;
  for (const Bits nan : {std::bit_cast<Bits>(std::numeric_limits<T>::quiet_NaN()),
                         std::numeric_limits<Bits>::max() / 2, std::numeric_limits<Bits>::max()}) {
    EXPECT_TRUE(std::isnan(exp_of_negative(std::bit_cast<T>(nan)))) << nan;
  }
}

TYPED_TEST(ElementaryFunctions, Log1pOfUnitIsWithinThreeUlps) {
  using T = TypeParam;
  long double worst = 0;
  for (const T u : samples(std::numeric_limits<T>::min(), T(1))) {
    const long double error = ulps(log1p_of_unit(u), std::log1p(static_cast<long double>(u)));
    ASSERT_LE(error, 3) << u;
    worst = std::max(worst, error);
  }
  testing::Test::RecordProperty("worst_ulps", std::to_string(worst));
  EXPECT_EQ(log1p_of_unit(T(0)), 0);
}

TYPED_TEST(ElementaryFunctions, Log1pOfNonnegativeIsWithinThreeUlps) {
  using T = TypeParam;
  long double worst = 0;
  const auto check = [&](T u) {
    const long double error =
        ulps(log1p_of_nonnegative(u), std::log1p(static_cast<long double>(u)));
    ASSERT_LE(error, 3) << u;
    worst = std::max(worst, error);
  };
  for (const T u : samples(std::numeric_limits<T>::min(), std::numeric_limits<T>::max())) check(u);
  for (const T u : samples(T(0.25), T(2))) check(u);  // where halving begins
  testing::Test::RecordProperty("worst_ulps", std::to_string(worst));
  EXPECT_EQ(log1p_of_nonnegative(T(0)), 0);
  using Bits = typename detail::Constants<T>::Bits;
  for (const Bits nan : {std::bit_cast<Bits>(std::numeric_limits<T>::quiet_NaN()),
                         std::numeric_limits<Bits>::max() / 2, std::numeric_limits<Bits>::max()}) {
    EXPECT_TRUE(std::isnan(log1p_of_nonnegative(std::bit_cast<T>(nan)))) << nan;
  }
}

TEST(LogOfPositive, IsWithinThreeUlps) {
  long double worst = 0;
  auto check = [&](double x) {
    const long double error = ulps(log_of_positive(x), std::log(static_cast<long double>(x)));
    // Where the exponent's part is above 11, the rest below 0.35 passes on 3 ulps of its own, 1/32
    // or less of the result's each; then the last rounding.
    ASSERT_LE(error, std::abs(std::ilogb(x)) > 16 ? 0.65L : 3) << x;
    worst = std::max(worst, error);
  };
  constexpr double least = std::numeric_limits<double>::min();
  constexpr double greatest = std::numeric_limits<double>::max();
  for (const double x : samples(least, greatest)) {
    if (x != 1) check(x);
  }
  // Around 1, where the logarithm vanishes, and over the whole binade where halving begins.
  for (const double x : samples(0.5, 2.0)) {
    if (x != 1) check(x);
  }
  for (double step = 0x1p-53; step < 0.1; step *= 2) check(1 - step), check(1 + 2 * step);
  testing::Test::RecordProperty("worst_ulps", std::to_string(worst));
  EXPECT_EQ(log_of_positive(1.0), 0);
}

TEST(LogOfPositive, OfFloatsIsWithinThreeUlps) {
  for (const float x :
       samples(std::numeric_limits<float>::min(), std::numeric_limits<float>::max())) {
    if (x == 1) continue;
    ASSERT_LE(ulps(log_of_positive(x), std::log(static_cast<long double>(x))), 3) << x;
  }
  for (const float x : samples(0.5F, 2.0F)) {
    if (x == 1) continue;
    ASSERT_LE(ulps(log_of_positive(x), std::log(static_cast<long double>(x))), 3) << x;
  }
  EXPECT_EQ(log_of_positive(1.0F), 0);
}

TEST(SincosOfEighths, IsWithinTwoUlps) {
  const auto check = [](float x) {
    float sine, cosine;
    sincos_of_eighths(x, sine, cosine);
    const long double angle = std::numbers::pi_v<long double> / 4 * static_cast<long double>(x);
    ASSERT_LE(ulps(cosine, std::cos(angle)), 2) << x;
    ASSERT_LE(ulps(sine, std::sin(angle)), 2) << x;
  };
  for (const float x : samples(std::numeric_limits<float>::min(), 1.0F)) check(x), check(-x);
}

TEST(SincosOfTurns, IsWithinThreeUlps) {
  constexpr long double pi = std::numbers::pi_v<long double>;
  long double worst = 0;
  // The exact quarter turn is taken off before rounding can hide it: sin and cos of a remainder.
  auto check = [&](double u) {
    double sine, cosine;
    sincos_of_turns(u, sine, cosine);
    const int quarter = static_cast<int>(std::floor(4 * static_cast<long double>(u) + 0.5L));
    const long double angle = 2 * pi * (static_cast<long double>(u) - quarter / 4.0L);
    const long double s = std::sin(angle), c = std::cos(angle);
    const long double wants[][2] = {{s, c}, {c, -s}, {-s, -c}, {-c, s}, {s, c}};
    const long double* const want = wants[quarter];
    for (const auto& [got, exact] : {std::pair{sine, want[0]}, std::pair{cosine, want[1]}}) {
      if (exact == 0) {
        ASSERT_EQ(got, 0) << u;
      } else {
        const long double error = ulps(got, exact);
        ASSERT_LE(error, 3) << u;
        worst = std::max(worst, error);
      }
    }
  };
  const double last = std::nextafter(1.0, 0.0);
  for (const double u : samples(std::numeric_limits<double>::min(), last)) check(u);
  // Around all multiples of 1/8 turn: zeros of sine and cosine, and borders of the quarters.
  for (int eighth = 0; eighth <= 8; ++eighth) {
    for (double step = 0x1p-53; step < 0.1; step *= 2) {
      for (const double u : {eighth / 8.0 - step, eighth / 8.0, eighth / 8.0 + step}) {
        if (u >= 0 && u < 1) check(u);
      }
    }
  }
  testing::Test::RecordProperty("worst_ulps", std::to_string(worst));
}

}  // namespace
}  // namespace randnla::math
