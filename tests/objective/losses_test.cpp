#include "objective/reference_loss.hpp"
#include "support/near.hpp"

#include <randnla/objective/losses.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace randnla {
namespace {

using test::difference_step;
using test::near;
using test::real;

std::vector<double> margins() {
  std::vector<double> z{0, 1e-8, -1e-8, 0.3125, 800, -800, 709, -709, 88, -88, 37, -37, 17, -17};
  for (double v = -750; v <= 750; v += 12.375) z.push_back(v);
  for (double v = -8; v <= 8; v += 0.21875) z.push_back(v);
  return z;
}

/// Error allowed to the derivative `d` of a function f: `ulps` units of the type T in the size of
/// the logistic function's slope (or of d), the smallest normal number, and the differences' own
/// error: h^4 f^(5) / 30, the fifth derivative being below 100 a (1 - a), and 3 eps |f| / h, with the rounding
/// of z + h, eps |z d| / h.
template <class T>
real tolerance(real z, real d, real size, real f, real ulps) {
  const real h = difference_step;
  return ulps * std::numeric_limits<T>::epsilon() * std::max(std::abs(d), size) +
         4 * static_cast<real>(std::numeric_limits<T>::min()) + 4 * h * h * h * h * size +
         4 * std::numeric_limits<real>::epsilon() * (f + std::abs(z * d)) / h;
}

template <class Loss, class T>
void check_loss() {
  for (const double margin : margins()) {
    for (const double target : {0.0, 0.3, 1.0}) {
      const T z = static_cast<T>(margin), y = static_cast<T>(target);
      const real zl = z, yl = y;
      const LossTerm<T> term = Loss{}(z, y);
      const test::Logistic a(zl);
      const real ab = a.value * a.complement;
      const auto value = [&](real at) { return test::loss_value(Loss{}, at, yl); };
      const auto slope = [&](real at) { return test::loss_slope(Loss{}, at, yl); };
      const real least = 4 * static_cast<real>(std::numeric_limits<T>::min());
      // With y strictly between, a - y cancels: relative to 1 there.
      const real value_size = target == 0.3 ? std::max<real>(1, value(zl)) : value(zl);
      const real slope_size = target == 0.3 ? 1 : std::abs(slope(zl));
      const real eps = std::numeric_limits<T>::epsilon();
      ASSERT_TRUE(near(term.value, value(zl), 16 * eps * value_size + least))
          << "z = " << margin << ", y = " << target;
      ASSERT_TRUE(near(term.slope, slope(zl), 16 * eps * slope_size + least))
          << "z = " << margin << ", y = " << target;
      const real first = test::central_difference(value, zl, difference_step);
      ASSERT_TRUE(near(term.slope, first, tolerance<T>(zl, slope(zl), ab, std::abs(value(zl)), 16)))
          << "z = " << margin << ", y = " << target;
      const real second = test::central_difference(slope, zl, difference_step);
      ASSERT_TRUE(
          near(term.curvature, second, tolerance<T>(zl, second, ab, std::abs(slope(zl)), 16)))
          << "z = " << margin << ", y = " << target;
    }
  }
}

TEST(Losses, SigmoidSquaresDerivativesAgreeWithDifferences) {
  check_loss<SigmoidSquares, double>();
  check_loss<SigmoidSquares, float>();
}

TEST(Losses, LogisticDerivativesAgreeWithDifferences) {
  check_loss<LogisticLoss, double>();
  check_loss<LogisticLoss, float>();
}

/// Residuals of all sizes of either sign that T holds, among them c, its neighbours and zero.
template <class T>
std::vector<T> residuals(T c) {
  std::vector<T> r{0, c, std::nextafter(c, T(0)), std::nextafter(c, 2 * c)};
  for (int e = std::numeric_limits<T>::min_exponent; e < std::numeric_limits<T>::max_exponent;
       ++e) {
    for (const double m : {0.5, 0.7, 0.9}) r.push_back(std::ldexp(static_cast<T>(m), e));
  }
  for (int i = 1; i < 400; ++i) r.push_back(c * static_cast<T>(i) / 128);
  for (std::size_t i = r.size(); i-- > 0;) r.push_back(-r[i]);
  return r;
}

/// A loss of r = z - y against its definition, with `size` the curvature's size at r. A quotient,
/// squares and a difference of two of them: 16 units of the last place of what is subtracted. The
/// differences err by h^4 f^(5) / 30, f^(5) being below 1,000 in units of c, and by their rounding.
template <class T, class Loss, class Size>
void check_residual_loss(Loss loss, T c, Size size) {
  const real eps = std::numeric_limits<T>::epsilon(), scale = c;
  const real h = difference_step * scale, largest = std::numeric_limits<T>::max();
  const real least = 4 * std::max<real>(1, scale) * std::numeric_limits<T>::min();
  const auto value_at = [&](real r) { return test::loss_value(loss, r, 0); };
  const auto slope_at = [&](real r) { return test::loss_slope(loss, r, 0); };
  for (const T z : residuals(c)) {
    const LossTerm<T> term = loss(z, T(0));
    const real r = z, value = value_at(r), slope = slope_at(r);
    if (value > largest || std::abs(r) / scale > largest) continue;
    const real units = 16 * eps * size(r);
    const real weight = test::loss_gauss_newton(loss, r, 0);
    ASSERT_TRUE(near(term.value, value, 16 * eps * value + least)) << r;
    ASSERT_TRUE(near(term.slope, slope, units * std::abs(r) + least)) << r;
    ASSERT_TRUE(near(term.gauss_newton, weight, units + least)) << r;
    ASSERT_GE(term.gauss_newton, 0) << r;
    // The third derivative of Tukey's jumps at c.
    if (std::abs(r) > 100 * scale || std::abs(std::abs(r) - scale) < 3 * h) continue;
    const real rounding = 4 * std::numeric_limits<real>::epsilon() / h;
    ASSERT_TRUE(near(term.curvature, test::central_difference(slope_at, r, h),
                     units + 1e-14L + rounding * 2 * std::abs(r)))
        << r;
    ASSERT_TRUE(
        near(term.slope, test::central_difference(value_at, r, h),
             units * std::abs(r) + 1e-14L * scale + rounding * (value + std::abs(r * slope))))
        << r;
  }
  // Only the residual counts, where the difference is exact.
  for (const double z : {-2.5, -0.125, 0.0, 3.0, 70.25}) {
    for (const double y : {-4.0, 0.5, 1.0}) {
      const LossTerm<T> got = loss(static_cast<T>(z), static_cast<T>(y));
      const LossTerm<T> want = loss(static_cast<T>(z - y), T(0));
      EXPECT_EQ(got.value, want.value);
      EXPECT_EQ(got.slope, want.slope);
      EXPECT_EQ(got.curvature, want.curvature);
      EXPECT_EQ(got.gauss_newton, want.gauss_newton);
    }
  }
}

template <class T>
void check_residual_losses() {
  check_residual_loss<T>(SquaredLoss{}, T(1), [](real) { return real(1); });
  for (const double scale : {2.3849, 4.6851, 1.0, 0.0625, 50.0}) {
    const T c = static_cast<T>(scale);
    check_residual_loss<T>(CauchyLoss{c}, c, [&](real r) { return 1 / (1 + (r / c) * (r / c)); });
    // 1 - (r/c)^2 cancels up to c, and all is zero from there on.
    check_residual_loss<T>(TukeyLoss{c}, c, [&](real r) { return std::abs(r) < c ? 1 : 0; });
  }
}

TEST(Losses, LossesOfResidualsAgreeWithTheirDefinitions) {
  check_residual_losses<double>();
  check_residual_losses<float>();
}

TEST(Losses, RobustLossesAtTheirScale) {
  // Cauchy at r = c: c^2/2 log 2, slope c/2, curvature 0, weight 1/2.
  const LossTerm<double> cauchy = CauchyLoss{2}(3.0, 1.0);
  EXPECT_NEAR(cauchy.value, 2 * std::log(2.0), 8 * std::numeric_limits<double>::epsilon());
  EXPECT_EQ(cauchy.slope, 1);
  EXPECT_EQ(cauchy.curvature, 0);
  EXPECT_EQ(cauchy.gauss_newton, 0.5);
  for (const double z : {3.0, 3.5, 1e300, -1.0, -1e300}) {
    const LossTerm<double> tukey = TukeyLoss{2}(z, 1.0);
    EXPECT_EQ(tukey.value, 4.0 / 6) << z;
    EXPECT_EQ(tukey.slope, 0) << z;
    EXPECT_EQ(tukey.curvature, 0) << z;
    EXPECT_EQ(tukey.gauss_newton, 0) << z;
  }
}

TEST(Losses, ScalesMustBePositiveAndFinite) {
  for (const double c : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN(),
                         std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(CauchyLoss{c}.check(), InvalidArgument);
    EXPECT_THROW(TukeyLoss{c}.check(), InvalidArgument);
  }
  EXPECT_NO_THROW(CauchyLoss{}.check());
  EXPECT_NO_THROW(TukeyLoss{}.check());
}

TEST(Losses, ByHand) {
  // At z = 0: sigmoid 1/2, slope 1/4, and its curvature 0.
  const LossTerm<double> squares = SigmoidSquares{}(0.0, 1.0);
  EXPECT_EQ(squares.value, 0.25);
  EXPECT_EQ(squares.slope, -0.25);
  EXPECT_EQ(squares.curvature, 0.125);
  const LossTerm<double> logistic = LogisticLoss{}(0.0, 1.0);
  EXPECT_NEAR(logistic.value, std::log(2.0), 4 * std::numeric_limits<double>::epsilon());
  EXPECT_EQ(logistic.slope, -0.5);
  EXPECT_EQ(logistic.curvature, 0.25);
}

TEST(Losses, NanMarginsStayNan) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double y : {0.0, 1.0}) {
    EXPECT_TRUE(std::isnan(SigmoidSquares{}(nan, y).value));
    EXPECT_TRUE(std::isnan(LogisticLoss{}(nan, y).value));
    EXPECT_TRUE(std::isnan(SigmoidSquares{}(nan, y).curvature));
    EXPECT_TRUE(std::isnan(LogisticLoss{}(nan, y).slope));
    EXPECT_TRUE(std::isnan(CauchyLoss{}(nan, y).value));
    EXPECT_TRUE(std::isnan(CauchyLoss{}(nan, y).slope));
    EXPECT_TRUE(std::isnan(TukeyLoss{}(nan, y).value));
    EXPECT_TRUE(std::isnan(TukeyLoss{}(nan, y).curvature));
  }
}

TEST(Losses, TargetsMirror) {
  // phi(z, 1) = phi(-z, 0), whatever z: the same operations, so the same bits.
  for (const double z : margins()) {
    EXPECT_EQ(SigmoidSquares{}(z, 1.0).value, SigmoidSquares{}(-z, 0.0).value) << z;
    EXPECT_EQ(SigmoidSquares{}(z, 1.0).slope, -SigmoidSquares{}(-z, 0.0).slope) << z;
    EXPECT_EQ(SigmoidSquares{}(z, 1.0).curvature, SigmoidSquares{}(-z, 0.0).curvature) << z;
    EXPECT_EQ(LogisticLoss{}(z, 1.0).curvature, LogisticLoss{}(-z, 0.0).curvature) << z;
  }
}

}  // namespace
}  // namespace randnla
