#include "plot.hpp"

#include "app/xml.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace randnla::test {
namespace {

using app::Axis;
using app::Curve;
using app::Panel;
using app::to_svg;

/// The numbers of the k-th polyline: x, y, x, y, ...
std::vector<double> points(const std::string& svg, int k) {
  std::size_t at = 0;
  for (int i = 0; i <= k; ++i) at = svg.find("points=\"", at) + 8;
  std::string text = svg.substr(at, svg.find('"', at) - at);
  for (char& c : text) c = c == ',' ? ' ' : c;
  std::istringstream stream(text);
  std::vector<double> numbers;
  for (double value; stream >> value;) numbers.push_back(value);
  return numbers;
}

std::set<std::string> values_of(const std::string& svg, const std::string& attribute) {
  std::set<std::string> values;
  for (std::size_t at = 0; (at = svg.find(attribute + "=\"", at)) != std::string::npos;) {
    at += attribute.size() + 2;
    values.insert(svg.substr(at, svg.find('"', at) - at));
  }
  return values;
}

TEST(Plot, TheLegendStandsWhereItHidesLeast) {
  const std::vector<double> x = {1, 2, 3, 4}, up = {1, 2, 3, 4}, down = {4, 3, 2, 1};
  const std::vector<double> low = {1, 1, 1, 1}, high = {4, 4, 4, 4};
  const auto legend = [&](const std::vector<std::vector<double>>& curves) {
    Panel panel;
    for (const auto& y : curves) panel.curves.push_back({"name", x, y});
    const std::string svg = to_svg({panel});
    const std::size_t end = svg.find("\" class=\"legend\"");
    std::istringstream box(svg.substr(svg.rfind("<rect x=\"", end) + 9, 40));
    double left = 0, top = 0;
    std::string y;
    box >> left;
    std::getline(box, y, '=');
    box.ignore(1) >> top;
    return std::string(top < 200 ? "top " : "bottom ") + (left > 300 ? "right" : "left");
  };
  EXPECT_EQ(legend({low, down}), "top right");
  EXPECT_EQ(legend({low, up}), "top left");
  EXPECT_EQ(legend({high, up, down, down}), "bottom left");
  EXPECT_EQ(legend({high, down, up, up}), "bottom right");
}

TEST(Plot, LinearAndLogarithmicAxesPlaceEquallyWhatIsEquallyFarApart) {
  const std::vector<double> line = {1, 2, 3, 4}, powers = {10, 100, 1000, 10'000};
  const std::string linear = to_svg({{"", {}, {}, {{"", line, line}}}});
  const std::string logarithmic = to_svg({{"",
                                           {.label = "", .logarithmic = true},
                                           {.label = "", .logarithmic = true},
                                           {{"", powers, powers}}}});
  EXPECT_TRUE(is_well_formed(linear));
  EXPECT_TRUE(is_well_formed(logarithmic));
  const std::vector<double> places = points(linear, 0);
  ASSERT_EQ(places.size(), 8U);
  EXPECT_EQ(points(logarithmic, 0), places);
  // Rounded to a hundredth of a pixel.
  for (std::size_t k : {0U, 1U}) {
    const double step = places[2 + k] - places[k];
    EXPECT_TRUE(k == 0 ? step > 50 : step < -50) << "to the right and upwards";
    EXPECT_NEAR(places[4 + k] - places[2 + k], step, 0.021);
    EXPECT_NEAR(places[6 + k] - places[4 + k], step, 0.021);
  }
}

TEST(Plot, PanelsStandSideBySideAndCurvesDiffer) {
  Panel panel{"a < b & \"c\"", {.label = "x>"}, {.label = "y"}, {}};
  for (int k = 0; k < 8; ++k) {
    panel.curves.push_back({"curve <" + std::to_string(k) + ">", {0, 1}, {0.0 + k, 1.0 + k}});
  }
  const std::string svg = to_svg({panel, panel, panel}, 3);
  EXPECT_TRUE(is_well_formed(svg)) << svg;
  EXPECT_EQ(svg, to_svg({panel, panel, panel}, 3));
  EXPECT_NE(svg.find("width=\"2100\" height=\"450\""), std::string::npos);
  EXPECT_NE(svg.find("translate(1400 0)"), std::string::npos);
  const std::string two_lines = to_svg({panel, panel, panel}, 2);
  EXPECT_NE(two_lines.find("width=\"1400\" height=\"900\""), std::string::npos);
  EXPECT_NE(two_lines.find("translate(0 450)"), std::string::npos);
  EXPECT_EQ(count(svg, "<polyline "), 24U);
  EXPECT_EQ(values_of(svg, "stroke").size(), 8U);
  EXPECT_EQ(values_of(svg, "stroke-dasharray").size(), 8U);
  EXPECT_EQ(count(svg, "a &lt; b &amp; &quot;c&quot;"), 3U);
  EXPECT_EQ(count(svg, "curve &lt;7&gt;"), 3U);
}

TEST(Plot, GivenRangesClip) {
  const Axis y{.label = "", .logarithmic = false, .least = 0, .most = 1};
  const std::string svg = to_svg({{"", {}, y, {{"", {0, 1, 2}, {0, 1, 1e9}}}}});
  const std::vector<double> places = points(svg, 0);
  ASSERT_EQ(places.size(), 6U);
  EXPECT_EQ(places[1], 388) << "0 is the lower edge of the frame";
  EXPECT_EQ(places[3], 44) << "1 is the upper one";
  EXPECT_EQ(places[5], -450) << "far away, where the clip path hides it";
  EXPECT_EQ(count(svg, "clip-path=\"url(#panel0)\""), 1U);
}

TEST(Plot, WhatCannotBeDrawnInterruptsTheLine) {
  const double nan = std::nan(""), infinity = INFINITY;
  const Axis log{.label = "", .logarithmic = true};
  const std::string svg = to_svg({{"",
                                   log,
                                   log,
                                   {{"a", {1, 2, 3, 4, 5}, {1, 2, nan, 4, 5}},
                                    {"b", {0, 1, 2}, {1, 1, -1}},
                                    {"c", {1, 2}, {infinity, 0}}}}});
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_EQ(count(svg, "<polyline "), 3U) << "two of a, one of b, none of c";
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
}

TEST(Plot, DegenerateRanges) {
  for (const double value : {0.0, 1.0, -3e20, 1e-300, 1e300}) {
    for (const bool logarithmic : {false, true}) {
      const Axis axis{.label = "", .logarithmic = logarithmic};
      const std::string svg = to_svg({{"", axis, axis, {{"", {value}, {value}}}}});
      EXPECT_TRUE(is_well_formed(svg)) << value;
      EXPECT_EQ(svg.find("nan"), std::string::npos) << value;
      EXPECT_LT(svg.size(), 10'000U) << value;
    }
  }
  EXPECT_TRUE(is_well_formed(to_svg({})));
  EXPECT_TRUE(is_well_formed(to_svg({Panel{}})));
}

}  // namespace
}  // namespace randnla::test
