// Line charts as SVG.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace randnla::app {

/// Points with x ascending. What is not finite, or not positive on a logarithmic axis, interrupts the
/// line.
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

/// The panels side by side, each 700 x 450 pixels. Same panels, same bytes. Curves differ in colour
/// and in dashes; the legend lists those with a name.
std::string to_svg(const std::vector<Panel>& panels);

}  // namespace randnla::app
