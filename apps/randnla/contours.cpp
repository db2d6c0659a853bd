#include "contours.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <utility>

namespace randnla::app {
namespace {

/// An edge of the grid: from point (i, j) along x or along y.
struct Edge {
  std::size_t i, j;
  bool along_x;

  friend auto operator<=>(const Edge&, const Edge&) = default;
};

/// Which edges level lines join, each at most two others.
using Joins = std::map<Edge, std::vector<Edge>>;

/// The corners go round: (i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1); edge k is between corners k
/// and k + 1.
void join_in_cell(const Heights& heights, double level, std::size_t i, std::size_t j,
                  Joins& joins) {
  const std::array<double, 4> corners = {heights.at(i, j), heights.at(i + 1, j),
                                         heights.at(i + 1, j + 1), heights.at(i, j + 1)};
  if (!std::all_of(corners.begin(), corners.end(), [](double v) { return std::isfinite(v); })) {
    return;
  }
  const std::array<Edge, 4> edges = {
      {{i, j, true}, {i + 1, j, false}, {i, j + 1, true}, {i, j, false}}};
  std::vector<Edge> crossed;
  for (std::size_t k = 0; k < 4; ++k) {
    if ((corners[k] >= level) != (corners[(k + 1) % 4] >= level)) crossed.push_back(edges[k]);
  }
  const double mean = (corners[0] + corners[1] + corners[2] + corners[3]) / 4;
  // Of four the lines go round corners 0 and 2, unless these are on the side of the middle.
  if (crossed.size() == 4 && (mean >= level) != (corners[0] >= level)) {
    std::rotate(crossed.begin(), crossed.begin() + 3, crossed.end());
  }
  for (std::size_t k = 0; k + 1 < crossed.size(); k += 2) {
    joins[crossed[k]].push_back(crossed[k + 1]);
    joins[crossed[k + 1]].push_back(crossed[k]);
  }
}

void add_point(const Heights& heights, double level, const Edge& edge, Curve& curve) {
  const std::size_t i = edge.along_x ? edge.i + 1 : edge.i, j = edge.along_x ? edge.j : edge.j + 1;
  const double from = heights.at(edge.i, edge.j), to = heights.at(i, j);
  const double share = (level - from) / (to - from);
  curve.x.push_back(std::lerp(heights.x[edge.i], heights.x[i], share));
  curve.y.push_back(std::lerp(heights.y[edge.j], heights.y[j], share));
}

/// Follows a line from one of its edges to its end, or around, and takes it out of `joins`.
void follow(const Heights& heights, double level, Edge edge, Joins& joins, Curve& curve) {
  if (!curve.x.empty()) curve.x.push_back(std::nan("")), curve.y.push_back(std::nan(""));
  add_point(heights, level, edge, curve);
  while (!joins[edge].empty()) {
    const Edge next = joins[edge].back();
    joins[edge].pop_back();
    std::erase(joins[next], edge);
    edge = next;
    add_point(heights, level, edge, curve);
  }
}

}  // namespace

Curve level_lines(const Heights& heights, double level) {
  Joins joins;
  for (std::size_t i = 0; i + 1 < heights.x.size(); ++i) {
    for (std::size_t j = 0; j + 1 < heights.y.size(); ++j) {
      join_in_cell(heights, level, i, j, joins);
    }
  }
  std::array<char, 32> name;
  std::snprintf(name.data(), name.size(), "%.4g", level);
  Curve curve{name.data(), {}, {}};
  // First those with ends; what is left then is closed.
  for (const std::size_t others : {1U, 2U}) {
    for (const auto& [edge, joined] : joins) {
      if (joined.size() == others) follow(heights, level, edge, joins, curve);
    }
  }
  return curve;
}

Panel contours(const Heights& heights, int levels) {
  double least = std::numeric_limits<double>::infinity(), most = -least;
  for (const double value : heights.values) {
    if (std::isfinite(value)) least = std::min(least, value), most = std::max(most, value);
  }
  Panel panel{heights.title,
              {.label = heights.x_label, .least = heights.x.front(), .most = heights.x.back()},
              {.label = heights.y_label, .least = heights.y.front(), .most = heights.y.back()},
              {}};
  for (int k = 0; k < levels && least < most; ++k) {
    panel.curves.push_back(level_lines(heights, least + (most - least) * (k + 0.5) / levels));
  }
  return panel;
}

}  // namespace randnla::app
