#include "optimize/line_search.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

namespace randnla {
namespace {

struct Phi {
  std::function<double(double)> value, slope;
};

struct Found {
  LinePoint at;
  int evaluations;
};

Found search(const Phi& phi, double first, double noise = 0) {
  LineSearch line(phi.value(0), phi.slope(0), noise);
  LinePoint p{first, phi.value(first), phi.slope(first)};
  int evaluations = 1;
  for (; evaluations < 60 && !line.accepts(p); ++evaluations) {
    const double t = line.next(p);
    p = {t, phi.value(t), phi.slope(t)};
  }
  return {p, evaluations};
}

/// The strong Wolfe conditions with exact values.
void expect_wolfe(const Phi& phi, const Found& found) {
  EXPECT_LT(found.evaluations, 60);
  EXPECT_GT(found.at.t, 0);
  EXPECT_LE(phi.value(found.at.t), phi.value(0) + 1e-4 * found.at.t * phi.slope(0));
  EXPECT_LE(std::abs(phi.slope(found.at.t)), 0.9 * std::abs(phi.slope(0)));
}

Phi parabola(double minimum) {
  return {[=](double t) { return (t - minimum) * (t - minimum); },
          [=](double t) { return 2 * (t - minimum); }};
}

TEST(LineSearch, AGoodFirstStepIsTaken) {
  const Found found = search(parabola(1), 1);
  EXPECT_EQ(found.evaluations, 1);
  EXPECT_EQ(found.at.t, 1);
}

TEST(LineSearch, MinimaFarAndNear) {
  for (const double minimum : {1e-6, 1e-3, 0.3, 7.0, 1e4}) {
    const Phi phi = parabola(minimum);
    const Found found = search(phi, 1);
    SCOPED_TRACE(minimum);
    expect_wolfe(phi, found);
    // The secant of a parabola's slopes ends at once; growing fivefold takes log_5(0.1 minimum)
    // steps.
    EXPECT_LE(found.evaluations, minimum <= 1 ? 2 : 8);
  }
}

TEST(LineSearch, WallsOscillationsAndFlatness) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Phi log_barrier{[=](double t) { return t < 0.01 ? -t - 1e-3 * std::log(0.01 - t) : nan; },
                        [=](double t) { return t < 0.01 ? -1 + 1e-3 / (0.01 - t) : nan; }};
  const Phi wall{[=](double t) { return t < 0.5 ? -t + 4 * t * t : HUGE_VAL; },
                 [](double t) { return -1 + 8 * t; }};
  const Phi abyss{[=](double t) { return t < 0.5 ? -t + 4 * t * t : -HUGE_VAL; },
                  [](double t) { return -1 + 8 * t; }};
  const Phi wavy{[](double t) { return -t + t * t / 8 + std::sin(12 * t) / 20; },
                 [](double t) { return -1 + t / 4 + std::cos(12 * t) * 12 / 20; }};
  const Phi quartic{[](double t) { return std::pow(t - 3, 4); },
                    [](double t) { return 4 * std::pow(t - 3, 3); }};
  // More & Thuente, ACM Trans. Math. Softw. 20 (1994), test function 1, with beta = 2.
  const Phi rational{[](double t) { return -t / (t * t + 2); },
                     [](double t) { return (t * t - 2) / ((t * t + 2) * (t * t + 2)); }};
  for (const Phi& phi : {log_barrier, wall, abyss, wavy, quartic, rational}) {
    for (const double first : {1e-3, 0.1, 1.0, 10.0, 1e3}) {
      SCOPED_TRACE(first);
      expect_wolfe(phi, search(phi, first));
    }
  }
}

TEST(LineSearch, WhereValuesAreRoundingSlopesDecide) {
  // 1e-20 (t - 5)^2 beside 1, which comes out two units in the last place too high but at 0.
  const Phi phi{[](double t) { return t == 0 ? 1 : 1 + 0x1p-51; },
                [](double t) { return 2e-20 * (t - 5); }};
  const Found found = search(phi, 100, 1e-15);
  EXPECT_LT(found.evaluations, 10);
  EXPECT_LE(std::abs(phi.slope(found.at.t)), 0.9 * std::abs(phi.slope(0)));
  // Growth beyond the noise is none of it.
  const Phi hill{[](double t) { return t; }, [](double t) { return t > 0 ? 1.0 : -1.0; }};
  EXPECT_EQ(search(hill, 1, 1e-15).evaluations, 60);
}

}  // namespace
}  // namespace randnla
