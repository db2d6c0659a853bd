// Level lines of a function of two variables.
#pragma once

#include "plot.hpp"

#include <string>
#include <vector>

namespace randnla::app {

/// Values at the points of a grid; x and y ascend, two or more of each.
struct Heights {
  std::string title, x_label, y_label, value_label;
  std::vector<double> x, y;
  std::vector<double> values;  // of (x[i], y[j]) at i * y.size() + j

  double at(std::size_t i, std::size_t j) const { return values[i * y.size() + j]; }
};

/// Where the values reach `level`, by marching squares: straight across a cell between places on its
/// edges found by linear interpolation, joined from cell to cell, with nan between one line and the
/// next. In a cell whose level lines could join either way the mean of its corners decides. Cells with
/// a corner that is not finite have none.
Curve level_lines(const Heights& heights, double level);

/// So many levels, evenly between the least and the greatest finite value.
Panel contours(const Heights& heights, int levels = 8);

}  // namespace randnla::app
