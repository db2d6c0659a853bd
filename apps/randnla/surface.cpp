#include "surface.hpp"

#include "svg.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

namespace randnla::app {
namespace {

// Pixels.
constexpr double width = 700, height = 600;
constexpr double side = 320, rise = 210;          // of the floor, of the highest value above it
constexpr double middle = width / 2, back = 262;  // where the floor's farthest corner is

struct Place {
  double x, y;
};

/// x and y along the floor's sides, z above it, all 0 to 1.
Place project(double x, double y, double z) {
  const double across = std::sqrt(3.0) / 2;
  return {middle + (x - y) * side * across, back + (x + y) * side / 2 - z * rise};
}

using Colour = std::array<double, 3>;

/// From dark blue over green to yellow.
std::string colour(double z) {
  static constexpr std::array<Colour, 4> stops = {
      {{43, 47, 119}, {33, 122, 141}, {94, 190, 105}, {248, 222, 70}}};
  const double place = std::clamp(z, 0.0, 1.0) * (stops.size() - 1);
  const auto k = std::min(static_cast<std::size_t>(place), stops.size() - 2);
  std::string text = "rgb(";
  for (std::size_t c = 0; c < 3; ++c) {
    const double value = std::lerp(stops[k][c], stops[k + 1][c], place - static_cast<double>(k));
    text += number(std::round(value)) + (c < 2 ? "," : ")");
  }
  return text;
}

std::string short_number(double value) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.4g", value);
  return text.data();
}

class Picture {
 public:
  explicit Picture(const Heights& heights) : heights_(heights) {
    for (const double value : heights.values) {
      if (!std::isfinite(value)) continue;
      least_ = std::min(least_, value);
      most_ = std::max(most_, value);
    }
  }

  std::string svg() {
    out_ = label_at(middle, 26, " class=\"title\" text-anchor=\"middle\"", escaped(heights_.title));
    floor();
    // A cell hides what is nearer to the corner in the back.
    const std::size_t across = heights_.x.size() - 1, down = heights_.y.size() - 1;
    for (std::size_t sum = 0; sum + 1 < across + down; ++sum) {
      for (std::size_t i = 0; i <= sum && i < across; ++i) {
        if (sum - i < down) cell(i, sum - i);
      }
    }
    axes();
    return document(width, height,
                    ".floor{fill:#f6f6f6;stroke:#999}.edge{stroke:#444}"
                    ".cell{stroke:#222;stroke-opacity:.35;stroke-width:.5;stroke-linejoin:round}",
                    out_);
  }

 private:
  double z(double value) const { return least_ < most_ ? (value - least_) / (most_ - least_) : 0; }
  double x(std::size_t i) const { return part(heights_.x, i); }
  double y(std::size_t j) const { return part(heights_.y, j); }
  static double part(const std::vector<double>& values, std::size_t i) {
    return (values[i] - values.front()) / (values.back() - values.front());
  }

  void polygon(const std::array<Place, 4>& corners, const std::string& style) {
    out_ += "<polygon points=\"";
    for (std::size_t k = 0; k < corners.size(); ++k) {
      if (k > 0) out_ += ' ';
      out_ += pixels(corners[k].x) + "," + pixels(corners[k].y);
    }
    out_ += "\" " + style + "/>\n";
  }

  void floor() {
    polygon({project(0, 0, 0), project(1, 0, 0), project(1, 1, 0), project(0, 1, 0)},
            "class=\"floor\"");
  }

  void cell(std::size_t i, std::size_t j) {
    static constexpr std::array<std::array<std::size_t, 2>, 4> steps = {
        {{0, 0}, {1, 0}, {1, 1}, {0, 1}}};
    std::array<Place, 4> corners;
    double sum = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const std::size_t a = i + steps[k][0], b = j + steps[k][1];
      if (!std::isfinite(heights_.at(a, b))) return;
      const double up = z(heights_.at(a, b));
      corners[k] = project(x(a), y(b), up);
      sum += up;
    }
    polygon(corners, "class=\"cell\" fill=\"" + colour(sum / 4) + "\"");
  }

  /// Of the floor's two sides in front, and of the heights at the corner on the left.
  void axes() {
    const Place left = project(0, 1, 0), front = project(1, 1, 0), right = project(1, 0, 0),
                top = project(0, 1, 1);
    const auto text = [&](const Place& at, double dx, double dy, const char* anchor,
                          const std::string& label) {
      out_ += label_at(at.x + dx, at.y + dy, anchor, label);
    };
    const char* const start = "";
    const char* const end = " text-anchor=\"end\"";
    text(left, -4, 20, end, short_number(heights_.x.front()));
    text(front, -18, 16, end, short_number(heights_.x.back()));
    text(right, 4, 20, start, short_number(heights_.y.front()));
    text(front, 18, 16, start, short_number(heights_.y.back()));
    text({(left.x + front.x) / 2, (left.y + front.y) / 2}, -22, 26,
         " class=\"axis\" text-anchor=\"end\"", escaped(heights_.x_label));
    text({(right.x + front.x) / 2, (right.y + front.y) / 2}, 22, 26, " class=\"axis\"",
         escaped(heights_.y_label));
    if (!(least_ <= most_)) return;
    out_ += line(left.x, left.y, top.x, top.y, "edge");
    text(left, -8, 0, end, short_number(least_));
    text(top, -8, 4, end, short_number(most_));
    text(top, -8, -14, " class=\"axis\"", escaped(heights_.value_label));
  }

  const Heights& heights_;
  double least_ = std::numeric_limits<double>::infinity(), most_ = -least_;
  std::string out_;
};

}  // namespace

std::string surface_svg(const Heights& heights) { return Picture(heights).svg(); }

}  // namespace randnla::app
