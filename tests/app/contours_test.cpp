#include "contours.hpp"

#include "app/xml.hpp"
#include "surface.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace randnla::test {
namespace {

using app::Curve;
using app::Heights;

/// On -1 .. 1 by so many points, at whose middle one x = 0.
template <class F>
Heights heights_of(int points, F f) {
  Heights out{"a & b", "first", "second", "height", {}, {}, {}};
  for (int i = 0; i < points; ++i) out.x.push_back(2.0 * i / (points - 1) - 1);
  out.y = out.x;
  for (const double x : out.x) {
    for (const double y : out.y) out.values.push_back(f(x, y));
  }
  return out;
}

/// The lines that nan separates.
std::vector<Curve> lines_of(const Curve& curve) {
  std::vector<Curve> lines(1);
  for (std::size_t i = 0; i < curve.x.size(); ++i) {
    if (std::isnan(curve.x[i])) {
      lines.emplace_back();
      continue;
    }
    lines.back().x.push_back(curve.x[i]), lines.back().y.push_back(curve.y[i]);
  }
  return lines;
}

TEST(Contours, OfAPlaneAreStraightAndExact) {
  const auto lines =
      lines_of(level_lines(heights_of(5, [](double x, double y) { return 2 * x + y; }), 0.25));
  ASSERT_EQ(lines.size(), 1U);
  ASSERT_GE(lines[0].x.size(), 5U);
  for (std::size_t i = 0; i < lines[0].x.size(); ++i) {
    EXPECT_NEAR(2 * lines[0].x[i] + lines[0].y[i], 0.25, 1e-15);
  }
  EXPECT_EQ(std::abs(lines[0].y.front()), 1);
  EXPECT_EQ(lines[0].y.back(), -lines[0].y.front()) << "from edge to edge";
}

TEST(Contours, OfAPeakAreClosed) {
  const auto lines =
      lines_of(level_lines(heights_of(81, [](double x, double y) { return x * x + y * y; }), 0.49));
  ASSERT_EQ(lines.size(), 1U);
  const Curve& circle = lines[0];
  EXPECT_GT(circle.x.size(), 100U);
  EXPECT_EQ(circle.x.front(), circle.x.back());
  EXPECT_EQ(circle.y.front(), circle.y.back());
  double area = 0;
  for (std::size_t i = 0; i + 1 < circle.x.size(); ++i) {
    EXPECT_NEAR(std::hypot(circle.x[i], circle.y[i]), 0.7, 1e-3);
    EXPECT_LT(std::hypot(circle.x[i + 1] - circle.x[i], circle.y[i + 1] - circle.y[i]), 0.04);
    area += circle.x[i] * circle.y[i + 1] - circle.x[i + 1] * circle.y[i];
  }
  EXPECT_NEAR(std::abs(area) / 2, M_PI * 0.49, 2e-3) << "once around";
}

TEST(Contours, AroundASaddleTheMiddleOfTheCellDecides) {
  // Of one cell: two corners in opposite places are above the level.
  const auto cut_off = [](double level) {
    const auto lines =
        lines_of(level_lines(heights_of(2, [](double x, double y) { return x * y; }), level));
    EXPECT_EQ(lines.size(), 2U);
    // Each line cuts a corner off: on which side of it its points are.
    std::vector<double> sides;
    for (const Curve& line : lines) {
      EXPECT_EQ(line.x.size(), 2U);
      sides.push_back((line.x[0] + line.x[1]) * (line.y[0] + line.y[1]));
    }
    EXPECT_GT(sides[0] * sides[1], 0);
    return sides[0];
  };
  EXPECT_GT(cut_off(0.5), 0) << "high corners alone";
  EXPECT_LT(cut_off(-0.5), 0) << "high corners joined through the middle";
}

TEST(Contours, LeaveOutWhatIsNotFinite) {
  Heights plane = heights_of(5, [](double x, double) { return x; });
  plane.values[2 * 5 + 2] = std::nan("");
  const auto lines = lines_of(level_lines(plane, 0.125));
  ASSERT_EQ(lines.size(), 2U);
  for (const Curve& line : lines) {
    for (const double y : line.y) EXPECT_GE(std::abs(y), 0.5);
  }
}

TEST(Contours, LevelsAreEvenAndNamed) {
  const app::Panel panel = contours(heights_of(9, [](double x, double) { return 4 * x; }), 4);
  ASSERT_EQ(panel.curves.size(), 4U);
  for (std::size_t k = 0; k < 4; ++k) {
    const double level = 2 * static_cast<double>(k) - 3;
    EXPECT_EQ(std::stod(panel.curves[k].name), level);
    for (const double x : panel.curves[k].x) EXPECT_NEAR(x, level / 4, 1e-15);
  }
  EXPECT_TRUE(contours(heights_of(3, [](double, double) { return 1.0; })).curves.empty());
}

/// y coordinates of the polygons' corners, polygon by polygon.
std::vector<std::string> polygons(const std::string& svg) {
  std::vector<std::string> all;
  for (std::size_t at = 0; (at = svg.find("<polygon points=\"", at)) != std::string::npos;) {
    at += 17;
    all.push_back(svg.substr(at, svg.find('"', at) - at));
  }
  return all;
}

TEST(Surface, IsPaintedFromTheBackToTheFront) {
  const std::string svg = surface_svg(heights_of(4, [](double x, double y) { return x * x - y; }));
  EXPECT_TRUE(is_well_formed(svg)) << svg;
  const auto cells = polygons(svg);
  ASSERT_EQ(cells.size(), 10U) << "the floor and 3 x 3 cells";
  EXPECT_EQ(count(svg, "class=\"cell\""), 9U);
  EXPECT_EQ(count(svg, "a &amp; b"), 1U);
  // A flat one lies on the floor: there a cell's first corner is its farthest.
  const auto flat = polygons(surface_svg(heights_of(4, [](double, double) { return 7.0; })));
  double before = 0;
  for (std::size_t k = 1; k < flat.size(); ++k) {
    const double y = std::stod(flat[k].substr(flat[k].find(',') + 1));
    EXPECT_GE(y, before);
    before = y;
  }
}

TEST(Surface, HigherIsHigherAndOfAnotherColour) {
  const std::string svg = surface_svg(heights_of(2, [](double, double) { return 0.0; }));
  const std::string peak =
      surface_svg(heights_of(3, [](double x, double y) { return x == 0 && y == 0 ? 5.0 : 0.0; }));
  EXPECT_EQ(count(svg, "rgb("), 1U);
  EXPECT_NE(peak.find(">5</text>"), std::string::npos);
  EXPECT_NE(peak.find(">0</text>"), std::string::npos);
  // The back cell's third corner is the peak, 210 pixels above its place on the floor.
  const auto corner_y = [](const std::string& cell) {
    std::size_t at = 0;
    for (int k = 0; k < 3; ++k) at = cell.find(',', at) + 1;
    return std::stod(cell.substr(at));
  };
  const auto flat = polygons(surface_svg(heights_of(3, [](double, double) { return 0.0; })));
  EXPECT_NEAR(corner_y(flat[1]) - corner_y(polygons(peak)[1]), 210, 0.02);
}

TEST(Surface, LeavesOutWhatIsNotFinite) {
  Heights heights = heights_of(4, [](double x, double y) { return x + y; });
  heights.values[5] = INFINITY;
  const std::string svg = surface_svg(heights);
  EXPECT_EQ(count(svg, "class=\"cell\""), 5U);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
  for (double& value : heights.values) value = std::nan("");
  EXPECT_TRUE(is_well_formed(surface_svg(heights)));
  EXPECT_EQ(count(surface_svg(heights), "class=\"cell\""), 0U);
}

}  // namespace
}  // namespace randnla::test
