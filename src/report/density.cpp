// What a spectral density's nodes and weights are asked for.
#include <randnla/core/error.hpp>
#include <randnla/spectra/density.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace randnla {
namespace {

/// The share of a Gaussian that lies farther off than this many standard deviations is below 2e-23.
constexpr double reach = 10;

void expect_starts(const SpectralDensity& density, const char* asked) {
  require(!density.starts.empty(),
          std::string("SpectralDensity::") + asked + ": there are no starts");
}

/// The ends of the grid's cells, one more than points.
std::vector<double> cell_ends(const std::vector<double>& grid) {
  std::vector<double> ends{grid[0] - (grid[1] - grid[0]) / 2};
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) ends.push_back((grid[i] + grid[i + 1]) / 2);
  ends.push_back(grid.back() + (grid.back() - ends.back()));
  return ends;
}

/// mass[i] += weight times the Gaussian's part in cell i.
void add_gaussian(double node, double weight, double width, const std::vector<double>& ends,
                  std::vector<double>& mass) {
  const auto below = [&](double x) { return std::erfc((node - x) / (width * std::sqrt(2.0))) / 2; };
  const auto past = std::ranges::upper_bound(ends, node - reach * width);
  const auto first = static_cast<std::size_t>(std::max<std::ptrdiff_t>(past - ends.begin() - 1, 0));
  double before = below(ends[first]);
  for (std::size_t i = first; i < mass.size() && ends[i] <= node + reach * width; ++i) {
    const double after = below(ends[i + 1]);
    mass[i] += weight * (after - before);
    before = after;
  }
}

}  // namespace

double SpectralDensity::smallest() const {
  expect_starts(*this, "smallest");
  double out = starts[0].nodes.front();
  for (const Quadrature& q : starts) out = std::min(out, q.nodes.front());
  return out;
}

double SpectralDensity::largest() const {
  expect_starts(*this, "largest");
  double out = starts[0].nodes.back();
  for (const Quadrature& q : starts) out = std::max(out, q.nodes.back());
  return out;
}

double SpectralDensity::default_width() const {
  return 1e-5 * std::max(1.0, largest() - smallest());
}

std::vector<double> SpectralDensity::default_grid(int points) const {
  require(points >= 2, "SpectralDensity::default_grid: points = " + std::to_string(points));
  const double margin = reach * default_width();
  const double low = smallest() - margin, high = largest() + margin;
  std::vector<double> grid(static_cast<std::size_t>(points));
  for (int i = 0; i < points; ++i) {
    grid[static_cast<std::size_t>(i)] = low + (high - low) * i / (points - 1);
  }
  return grid;
}

std::vector<double> SpectralDensity::density(const std::vector<double>& grid, double width) const {
  expect_starts(*this, "density");
  require(width > 0 && std::isfinite(width),
          "SpectralDensity::density: width = " + std::to_string(width));
  require(grid.size() >= 2,
          "SpectralDensity::density: a grid of " + std::to_string(grid.size()) + " points");
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    require(grid[i] < grid[i + 1], "SpectralDensity::density: the grid's " +
                                       std::to_string(grid[i]) + " comes before " +
                                       std::to_string(grid[i + 1]));
  }
  const std::vector<double> ends = cell_ends(grid);
  std::vector<double> out(grid.size(), 0.0);
  const double share = 1 / static_cast<double>(starts.size());
  for (const Quadrature& q : starts) {
    for (std::size_t k = 0; k < q.nodes.size(); ++k) {
      add_gaussian(q.nodes[k], share * q.weights[k], width, ends, out);
    }
  }
  for (std::size_t i = 0; i < out.size(); ++i) out[i] /= ends[i + 1] - ends[i];
  return out;
}

double SpectralDensity::moment(int power) const {
  expect_starts(*this, "moment");
  require(power >= 0, "SpectralDensity::moment: power = " + std::to_string(power));
  double sum = 0;
  for (const Quadrature& q : starts) {
    for (std::size_t k = 0; k < q.nodes.size(); ++k) {
      sum += q.weights[k] * std::pow(q.nodes[k], power);
    }
  }
  return sum / static_cast<double>(starts.size());
}

}  // namespace randnla
