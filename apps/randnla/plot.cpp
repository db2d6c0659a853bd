#include "plot.hpp"

#include "svg.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace randnla::app {
namespace {

// Pixels.
constexpr double width = 700, height = 450;
constexpr double left = 84, right = 24, top = 44, bottom = 62;
constexpr double plot_width = width - left - right, plot_height = height - top - bottom;

struct Style {
  const char* colour;
  const char* dashes;
};

// Colours that the colour-blind tell apart, too (Wong, Nature Methods 8, 441, 2011).
constexpr std::array<Style, 8> styles = {{{"#0072b2", "none"},
                                          {"#d55e00", "9 4"},
                                          {"#009e73", "2 3"},
                                          {"#cc79a7", "9 3 2 3"},
                                          {"#e69f00", "5 3"},
                                          {"#56b4e9", "14 4"},
                                          {"#000000", "1 4"},
                                          {"#7f7f7f", "12 3 2 3 2 3"}}};

struct Tick {
  double value;
  std::string text;  // as SVG
};

/// digit * 10^exponent, as people write it.
std::string power_text(int digit, int exponent) {
  if (exponent >= -2 && exponent < 0)
    return number(digit / std::pow(10, -exponent));  // rounded once
  if (exponent >= 0 && exponent <= 3) return number(digit * std::pow(10, exponent));
  const std::string power = "10<tspan dy=\"-5\" font-size=\"9\">" + number(exponent) + "</tspan>";
  return digit == 1 ? power : number(digit) + "&#183;" + power;
}

/// One axis of one panel: from values to pixels.
class Scale {
 public:
  Scale(const Axis& axis, const std::vector<Curve>& curves, std::vector<double> Curve::*values)
      : logarithmic_(axis.logarithmic) {
    double least = std::numeric_limits<double>::infinity(), most = -least;
    for (const Curve& curve : curves) {
      for (const double value : curve.*values) {
        if (!drawable(value)) continue;
        least = std::min(least, mapped(value));
        most = std::max(most, mapped(value));
      }
    }
    if (axis.least && drawable(*axis.least)) least = mapped(*axis.least);
    if (axis.most && drawable(*axis.most)) most = mapped(*axis.most);
    if (!(least <= most)) least = 0, most = 1;
    const double pad = least == most ? std::max(0.5, std::abs(least) / 10) : 0;
    least -= pad, most += pad;
    const double margin = 0.04 * (most - least);
    least_ = axis.least ? least : least - margin;
    most_ = axis.most ? most : most + margin;
  }

  bool drawable(double value) const { return std::isfinite(value) && (!logarithmic_ || value > 0); }

  /// 0 at the least value of the axis, 1 at the greatest.
  double place(double value) const { return (mapped(value) - least_) / (most_ - least_); }

  std::vector<Tick> ticks() const { return logarithmic_ ? powers() : round_numbers(); }

 private:
  double mapped(double value) const { return logarithmic_ ? std::log10(value) : value; }

  std::vector<Tick> round_numbers() const {
    const double rough = (most_ - least_) / 6;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    double step = 10 * power;
    for (const double factor : {5.0, 2.5, 2.0, 1.0}) {
      if (factor * power >= rough) step = factor * power;
    }
    std::vector<Tick> ticks;
    const auto first = static_cast<std::int64_t>(std::ceil(least_ / step));
    const auto last = static_cast<std::int64_t>(std::floor(most_ / step));
    for (std::int64_t k = first; k <= last; ++k) {
      const double value = static_cast<double>(k) * step;
      // Ten digits are enough for any axis and hide the rounding of the product.
      std::array<char, 32> text;
      const auto end = std::to_chars(text.data(), text.data() + text.size(), value,
                                     std::chars_format::general, 10);
      ticks.push_back({value, {text.data(), end.ptr}});
    }
    return ticks;
  }

  /// Powers of ten; with less than three of them in the range, numbers between them, too.
  std::vector<Tick> powers() const {
    std::vector<Tick> ticks;
    const int stride = static_cast<int>(std::ceil((most_ - least_) / 8));
    const int first = static_cast<int>(std::ceil(least_ / stride)) * stride;
    for (int k = first; k <= most_; k += stride) {
      ticks.push_back({std::pow(10, k), power_text(1, k)});
    }
    if (ticks.size() > 2) return ticks;
    ticks.clear();
    for (int k = static_cast<int>(std::floor(least_)); k <= most_; ++k) {
      for (const int digit : {1, 2, 3, 5, 7}) {
        const double value = digit * std::pow(10, k);
        if (place(value) >= 0 && place(value) <= 1) ticks.push_back({value, power_text(digit, k)});
      }
    }
    return ticks;
  }

  bool logarithmic_;
  double least_ = 0, most_ = 1;  // logarithms on a logarithmic axis
};

class Drawing {
 public:
  Drawing(const Panel& panel, std::size_t index, std::size_t columns)
      : panel_(panel),
        clip_("panel" + std::to_string(index)),
        across_(width * static_cast<double>(index % columns)),
        down_(height * std::floor(static_cast<double>(index) / static_cast<double>(columns))),
        x_(panel.x, panel.curves, &Curve::x),
        y_(panel.y, panel.curves, &Curve::y) {}

  std::string svg() {
    out_ = "<g transform=\"translate(" + pixels(across_) + " " + pixels(down_) + ")\">\n";
    axes();
    out_ += "<clipPath id=\"" + clip_ + "\"><rect x=\"" + pixels(left) + "\" y=\"" + pixels(top) +
            "\" width=\"" + pixels(plot_width) + "\" height=\"" + pixels(plot_height) +
            "\"/></clipPath>\n<g clip-path=\"url(#" + clip_ + ")\">\n";
    for (std::size_t k = 0; k < panel_.curves.size(); ++k) curve(k);
    out_ += "</g>\n";
    legend();
    return out_ + "</g>\n";
  }

 private:
  double at_x(double value) const { return left + plot_width * x_.place(value); }
  double at_y(double value) const { return top + plot_height * (1 - y_.place(value)); }

  void axes() {
    for (const Tick& tick : x_.ticks()) {
      out_ += line(at_x(tick.value), top, at_x(tick.value), top + plot_height, "grid");
      out_ +=
          label_at(at_x(tick.value), top + plot_height + 19, " text-anchor=\"middle\"", tick.text);
    }
    for (const Tick& tick : y_.ticks()) {
      out_ += line(left, at_y(tick.value), left + plot_width, at_y(tick.value), "grid");
      out_ += label_at(left - 8, at_y(tick.value) + 4, " text-anchor=\"end\"", tick.text);
    }
    out_ += "<rect x=\"" + pixels(left) + "\" y=\"" + pixels(top) + "\" width=\"" +
            pixels(plot_width) + "\" height=\"" + pixels(plot_height) + "\" class=\"frame\"/>\n";
    const double middle = left + plot_width / 2;
    out_ += label_at(middle, 26, " class=\"title\" text-anchor=\"middle\"", escaped(panel_.title));
    out_ += label_at(middle, height - 16, " class=\"axis\" text-anchor=\"middle\"",
                     escaped(panel_.x.label));
    out_ += "<text transform=\"translate(20 " + pixels(top + plot_height / 2) +
            ") rotate(-90)\" class=\"axis\" text-anchor=\"middle\">" + escaped(panel_.y.label) +
            "</text>\n";
  }

  static std::string stroke(std::size_t k) {
    const Style& style = styles[k % styles.size()];
    return std::string("\" class=\"curve\" stroke=\"") + style.colour + "\" stroke-dasharray=\"" +
           style.dashes + "\"/>\n";
  }

  /// One polyline for every stretch of points that can be drawn.
  void curve(std::size_t k) {
    const Curve& curve = panel_.curves[k];
    std::string points;
    const auto end_stretch = [&] {
      if (!points.empty()) out_ += "<polyline points=\"" + points + stroke(k);
      points.clear();
    };
    for (std::size_t i = 0; i < std::min(curve.x.size(), curve.y.size()); ++i) {
      if (!x_.drawable(curve.x[i]) || !y_.drawable(curve.y[i])) {
        end_stretch();
        continue;
      }
      points += (points.empty() ? "" : " ");
      points += pixels(at_x(curve.x[i])) + "," + pixels(within_reach(at_y(curve.y[i])));
    }
    end_stretch();
  }

  /// Some viewers draw nothing where a coordinate is far away.
  static double within_reach(double y) { return std::clamp(y, -height, 2 * height); }

  struct Box {
    double x, y, across, down;
  };

  /// In the corner where least of the curves lies.
  Box legend_box(double across, double down) const {
    const double right_end = left + plot_width - across - 8,
                 bottom_end = top + plot_height - down - 8;
    const std::array<Box, 4> corners = {{{right_end, top + 8, across, down},
                                         {left + 8, top + 8, across, down},
                                         {right_end, bottom_end, across, down},
                                         {left + 8, bottom_end, across, down}}};
    return *std::min_element(corners.begin(), corners.end(), [this](const Box& a, const Box& b) {
      return points_inside(a) < points_inside(b);
    });
  }

  /// Of points on the curves some 4 pixels apart.
  std::size_t points_inside(const Box& box) const {
    std::size_t inside = 0;
    const auto count = [&](double x, double y) {
      inside += x >= box.x && x <= box.x + box.across && y >= box.y && y <= box.y + box.down;
    };
    for (const Curve& curve : panel_.curves) {
      bool drawn = false;  // the point before
      double x = 0, y = 0;
      for (std::size_t i = 0; i < std::min(curve.x.size(), curve.y.size()); ++i) {
        const double from_x = x, from_y = y;
        const bool joined = drawn;
        drawn = x_.drawable(curve.x[i]) && y_.drawable(curve.y[i]);
        if (!drawn) continue;
        x = at_x(curve.x[i]), y = within_reach(at_y(curve.y[i]));
        const int steps = joined ? static_cast<int>(std::hypot(x - from_x, y - from_y) / 4) + 1 : 1;
        for (int s = 0; s < steps; ++s) {
          const double back = static_cast<double>(s) / steps;
          count(x + back * (from_x - x), y + back * (from_y - y));
        }
      }
    }
    return inside;
  }

  void legend() {
    std::vector<std::size_t> named;
    std::size_t longest = 0;
    for (std::size_t k = 0; k < panel_.curves.size(); ++k) {
      if (panel_.curves[k].name.empty()) continue;
      named.push_back(k);
      longest = std::max(longest, panel_.curves[k].name.size());
    }
    if (named.empty()) return;
    auto [x, y, across, down] = legend_box(52 + 6.6 * static_cast<double>(longest),
                                           18 * static_cast<double>(named.size()) + 8);
    out_ += "<rect x=\"" + pixels(x) + "\" y=\"" + pixels(y) + "\" width=\"" + pixels(across) +
            "\" height=\"" + pixels(down) + "\" class=\"legend\"/>\n";
    for (const std::size_t k : named) {
      y += 18;
      out_ += "<path d=\"M" + pixels(x + 8) + " " + pixels(y - 5) + "h30" + stroke(k);
      out_ += label_at(x + 44, y - 1, "", escaped(panel_.curves[k].name));
    }
  }

  const Panel& panel_;
  std::string clip_;
  double across_, down_;
  Scale x_, y_;
  std::string out_;
};

}  // namespace

std::string to_svg(const std::vector<Panel>& panels, std::size_t columns) {
  columns = std::clamp<std::size_t>(columns, 1, std::max<std::size_t>(1, panels.size()));
  const std::size_t lines = (panels.size() + columns - 1) / columns;
  std::string body;
  for (std::size_t k = 0; k < panels.size(); ++k) body += Drawing(panels[k], k, columns).svg();
  return document(width * static_cast<double>(columns), height * static_cast<double>(lines),
                  ".grid{stroke:#e3e3e3;stroke-width:1}.frame{fill:none;stroke:#444}"
                  ".curve{fill:none;stroke-width:2;stroke-linejoin:round}"
                  ".legend{fill:#fff;fill-opacity:.85;stroke:#ccc}",
                  body);
}

bool svg_to_png(const std::string& svg, const std::string& png) {
  std::vector<std::string> words = {"rsvg-convert", "--output", png, svg};
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  if (::posix_spawnp(&child, words[0].c_str(), nullptr, nullptr, arguments.data(), environ) != 0) {
    return false;
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return false;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace randnla::app
