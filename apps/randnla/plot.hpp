// Line charts as SVG.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace randnla::app {

/// Points, joined in their order. What is not finite, or not positive on a logarithmic axis,
/// interrupts the line.
struct Curve {
  std::string name;
  std::vector<double> x, y;
};

struct Axis {
  std::string label = {};
  bool logarithmic = false;
  std::optional<double> least = std::nullopt,
                        most =
                            std::nullopt;  // none: that of the curves; what lies outside is clipped
};

struct Panel {
  std::string title;
  Axis x, y;
  std::vector<Curve> curves;
};

/// The panels in rows of so many, each 700 x 450 pixels. Same panels, same bytes. Curves differ in colour
/// and in dashes; the legend lists those with a name.
std::string to_svg(const std::vector<Panel>& panels, std::size_t columns = 2);

/// The file as PNG, by rsvg-convert; false where that program is not installed or fails.
bool svg_to_png(const std::string& svg, const std::string& png);

}  // namespace randnla::app
