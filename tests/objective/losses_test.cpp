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
