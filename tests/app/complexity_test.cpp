// The functions that are hard for cubic regularisation, and what is measured on them.
#include "app/program.hpp"
#include "app/xml.hpp"
#include "staircase.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

namespace randnla::test {
namespace {

using app::Staircase;
using app::Stairs;
using Json = nlohmann::json;

struct Jet {
  double value = 0, slope = 0, curvature = 0;
};

class StaircaseOf : public testing::TestWithParam<Stairs> {
 protected:
  Jet at(double x) {
    Jet jet;
    f.evaluate(ctx, {&x, 1}, {}, {&jet.value, &jet.slope, &jet.curvature});
    return jet;
  }
  /// The minimiser of the cubic model where `jet` is, sigma = 1: g + H s + s^2 = 0. At a saddle the
  /// method takes the slope for zero.
  static double step(const Jet& jet) {
    return GetParam() == Stairs::slopes ? std::sqrt(-jet.slope) : -jet.curvature;
  }
  static double model(const Jet& jet, double s) {
    return jet.slope * s + jet.curvature * s * s / 2 + s * s * s / 3;
  }

  static constexpr int stairs = 60;
  Context<Cpu> ctx{1};
  Staircase f{GetParam(), 1, stairs};
};

TEST_P(StaircaseOf, DerivativesAreThoseOfTheValues) {
  // Terms of up to 60 are summed, so that a difference over 2h errs by up to 100 eps / h; by what it
  // is not a derivative it errs by 1e-9 at most.
  const double h = 1e-6, bound = 2.5e-8;
  for (double x = -0.5; x < 12; x += 0.0371) {
    const Jet left = at(x - h), here = at(x), right = at(x + h);
    EXPECT_NEAR((right.value - left.value) / (2 * h), here.slope, bound) << x;
    EXPECT_NEAR((right.slope - left.slope) / (2 * h), here.curvature, bound) << x;
  }
}

TEST_P(StaircaseOf, EveryStepOfTheModelLandsOnTheNextStairWithHalfOfItsPromise) {
  double x = 0;
  for (int k = 1; k <= stairs; ++k) {
    const Jet here = at(x);
    const double number = k;
    // Roundings of x add up over the stairs, times derivatives of at most 1e3.
    const double bound = 1e-12 * number;
    if (GetParam() == Stairs::slopes) {
      EXPECT_NEAR(here.slope, -std::pow(number, -2.0 / 3), bound) << k;
      EXPECT_NEAR(here.curvature, 0, bound) << k;
    } else {
      EXPECT_NEAR(here.slope, 0, bound) << k;
      EXPECT_NEAR(here.curvature, -std::pow(number, -1.0 / 3), bound) << k;
    }
    const double s = step(here);
    EXPECT_NEAR((at(x + s).value - here.value) / model(here, s), 0.5, 1e-10 * number) << k;
    x += s;
  }
  const Jet end = at(x);
  EXPECT_NEAR(end.slope, 0, 1e-10);
  EXPECT_NEAR(end.curvature, 0, 1e-10);
}

/// The constant that the theory is about must not grow from stair to stair.
TEST_P(StaircaseOf, HessianIsLipschitz) {
  const auto steepest = [&](double from, double to) {
    double most = 0;
    for (double x = from; x < to; x += 0.001) {
      most = std::max(most, std::abs(at(x + 0.001).curvature - at(x).curvature) / 0.001);
    }
    return most;
  };
  const double first = steepest(4, 8), last = steepest(18, 22);
  EXPECT_GT(first, 1);
  EXPECT_LT(last, 1.1 * first);
}

TEST_P(StaircaseOf, PiecesMeetWithTwoDerivatives) {
  double x = 0;
  for (int k = 0; k < 20; ++k) {
    const double gap = 1e-9;
    const Jet left = at(x - gap), right = at(x + gap);
    EXPECT_NEAR(left.value, right.value, 1e-8);
    EXPECT_NEAR(left.slope, right.slope, 1e-7);
    EXPECT_NEAR(left.curvature, right.curvature, 1e-6);
    x += step(at(x));
  }
}

INSTANTIATE_TEST_SUITE_P(All, StaircaseOf, testing::Values(Stairs::slopes, Stairs::saddles),
                         [](const auto& given) {
                           return given.param == Stairs::slopes ? "Slopes" : "Saddles";
                         });

TEST(Complexity, CubicRegularisationTakesAsManyIterationsAsItsTheoryAllows) {
  const Outcome outcome = run({"complexity", "--max-iterations", "2000", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json series = outcome.json()["series"];
  ASSERT_EQ(series.size(), 4U);
  for (const Json& s : series) {
    SCOPED_TRACE(s["method"].get<std::string>() + s["function"].get<std::string>());
    const bool slopes = s["function"] == "slopes", arc = s["method"] == "arc";
    EXPECT_EQ(s["accuracy"], slopes ? "eps_g" : "eps_H");
    const double power = slopes ? 1.5 : 3;
    EXPECT_EQ(s["theory"], slopes && !arc ? -2 : -power);
    ASSERT_EQ(s["points"].size(), 8U);
    double before = 1;
    for (const Json& point : s["points"]) {
      const double eps = point["eps"];
      EXPECT_LT(eps, before);
      before = eps;
      EXPECT_LE(point["iterations"], 2001);
      EXPECT_NE(point["stop"], "max_iterations");
      // Stair k has a slope of k^(-2/3), a curvature of -k^(-1/3).
      if (arc) {
        EXPECT_NEAR(point["iterations"].get<double>(), std::pow(eps, -power), 1.001);
      }
    }
    if (arc) {
      EXPECT_NEAR(s["slope"].get<double>(), -power, 0.02);
    }
  }
}

TEST(Complexity, ShowsTheExponentsAndPlotsThem) {
  const TemporaryFolder folder;
  const std::string plot = folder.file("c.svg");
  const Outcome outcome = run({"complexity", "--max-iterations", "300", "--plot", plot});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("worst case"), std::string::npos);
  EXPECT_NE(outcome.out.find("Cartis, Gould & Toint 2011"), std::string::npos);
  EXPECT_EQ(outcome.out_lines().size(), 4U * 8 + 6) << "points, a blank, a head and four rows";
  const std::string svg = bytes_of(plot);
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_EQ(count(svg, "<polyline"), 6U) << "arc, its bound and tr, twice";
  const Outcome quiet = run({"complexity", "--max-iterations", "300", "--quiet"});
  EXPECT_EQ(quiet.out_lines().size(), 6U);
}

TEST(Complexity, WrongUseIsRefused) {
  const TemporaryFolder folder;
  expect_refusal({"complexity", "--max-iterations", "99"}, 2, "--max-iterations", folder);
  expect_refusal({"complexity", "--plot", folder.file("no/folder.svg")}, 3, "cannot be written",
                 folder);
}

TEST(Complexity, InterruptEndsIt) {
  Program program({"complexity", "--max-iterations", "1000000", "--json"});
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  program.send(SIGINT);
  const Outcome outcome = program.finish();
  EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
  const Json series = outcome.json()["series"];
  ASSERT_GE(series.size(), 1U);
  EXPECT_EQ(series[0]["method"], "arc");
  EXPECT_LT(series.size(), 4U);
}

}  // namespace
}  // namespace randnla::test
