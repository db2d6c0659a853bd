// Fits a line through points of which every tenth is far off, with a loss that the library does not
// have. `huber cuda` does it on the GPU. Exits with 1 unless the result is a minimum, and close to
// the line; with 77 where no GPU answers.
#include "pseudo_huber.hpp"

#include <randnla/objective/linear_model.hpp>
#include <randnla/optimize/second_order.hpp>

#include <cmath>
#include <cstdio>
#include <iostream>
#include <string_view>
#include <vector>

namespace {

using namespace randnla;

constexpr index_t points = 500;
constexpr double delta = 0.5;

struct Points {
  std::vector<double> rows, heights;  // rows: 1 and the place
};

Points points_near_a_line() {
  Points out;
  for (index_t i = 0; i < points; ++i) {
    const double t = 2 * static_cast<double>(i) / points - 1;
    out.rows.insert(out.rows.end(), {1, t});
    out.heights.push_back(3 - 2 * t + 0.1 * std::sin(37.0 * static_cast<double>(i)) +
                          (i % 10 == 0 ? 100 : 0));
  }
  return out;
}

/// |gradient| from the loss's definition.
double gradient_norm(const Points& data, const std::vector<double>& x) {
  double g0 = 0, g1 = 0;
  for (std::size_t i = 0; i < data.heights.size(); ++i) {
    const double t = data.rows[2 * i + 1], r = x[0] + x[1] * t - data.heights[i];
    const double slope = r / std::sqrt(1 + (r / delta) * (r / delta));
    g0 += slope / points, g1 += slope * t / points;
  }
  return std::hypot(g0, g1);
}

template <Backend B>
int fit() {
  Context<B> ctx;
  const Points host = points_near_a_line();
  Dataset<double, B> data;
  data.rows = points, data.cols = 2, data.nonzeros = 2 * points;
  data.values = Buffer<double, B>(ctx, host.rows);
  data.targets = Buffer<double, B>(ctx, host.heights);

  const LinearModel<PseudoHuber, B, double> f(ctx, data, {}, {.delta = delta});
  Buffer<double, B> x(ctx, std::vector<double>{0, 0});
  SecondOrderOptions options;
  options.stopping.eps_g = 1e-8;
  const auto result = trust_region(ctx, f, x.view(), options);
  const auto line = x.download();
  const double gradient = gradient_norm(host, line);
  std::cout << summary(result);
  std::printf("height %.3f, slope %.3f, |gradient| %.1e\n", line[0], line[1], gradient);
  const bool close = std::abs(line[0] - 3) < 0.1 && std::abs(line[1] + 2) < 0.1;
  return gradient <= 1e-7 && close ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view device = argc > 1 ? argv[1] : "cpu";
#if defined(RANDNLA_HAS_CUDA)
  if (device == "cuda") return cuda_device_count() > 0 ? fit<Cuda>() : 77;
#endif
  if (device == "cpu") return fit<Cpu>();
  std::fputs("usage: huber [cpu|cuda]\n", stderr);
  return 2;
}
