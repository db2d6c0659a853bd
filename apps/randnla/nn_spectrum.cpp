#include "interrupt.hpp"
#include "nn_network.hpp"
#include "nn_watch.hpp"
#include "outputs.hpp"
#include "plot.hpp"

#include <randnla/operator/diagonal_block.hpp>
#include <randnla/spectra/density.hpp>
#include <randnla/spectra/eigenpairs.hpp>
#include <randnla/spectra/trace.hpp>
#include <randnla/version.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

namespace randnla::app {
namespace {

/// The Hessian, or its block for one parameter tensor.
struct Part {
  ParameterBlock block;
  Eigenpairs top;
  TraceEstimate trace;
  SpectralDensity density;
};

Part part_of(Context<Cpu>& ctx, OperatorRef<Cpu, double> H, const ParameterBlock& block,
             const SpectrumOptions& options) {
  const auto dim = static_cast<int>(H.dim());
  const int count = std::min(options.top, dim);
  Buffer<double, Cpu> vectors(ctx, H.dim() * count);
  // Streams of their own for the three.
  const std::uint64_t seed = options.network.seed;
  return {block,
          top_eigenpairs(ctx, H, MatrixView<double, Cpu>{vectors.data(), H.dim(), count, H.dim()},
                         Rng{seed, 0}, {.count = count}),
          trace_estimate(ctx, H, Rng{seed, 1 << 20},
                         {.products = std::min(options.trace_products, dim)}),
          spectral_density(ctx, H, Rng{seed, 2 << 20},
                           {.steps = options.steps, .starts = options.starts})};
}

std::vector<Part> parts_of(Context<Cpu>& ctx, const NetworkProblem& problem,
                           const WatchedHessian& H, const SpectrumOptions& options) {
  std::vector<Part> parts = {part_of(ctx, H, {"all", 0, {problem.dim()}}, options)};
  if (!options.layers) return parts;
  for (const ParameterBlock& block : problem.blocks()) {
    const DiagonalBlock<Cpu, double> layer(ctx, H, block.begin, block.size());
    parts.push_back(part_of(ctx, layer, block, options));
  }
  return parts;
}

double width_of(const Part& part, const SpectrumOptions& options) {
  return options.width.value_or(part.density.default_width());
}

Json to_json(const Part& part, const SpectrumOptions& options) {
  Json nodes = Json::array(), weights = Json::array();
  for (const Quadrature& start : part.density.starts) {
    nodes.push_back(start.nodes);
    weights.push_back(start.weights);
  }
  return {{"name", part.block.name},
          {"begin", part.block.begin},
          {"shape", part.block.shape},
          {"eigenvalues", part.top.values},
          {"residuals", part.top.residuals},
          {"converged", part.top.converged},
          {"trace", part.trace.value},
          {"trace_error", part.trace.error},
          {"trace_exact", part.trace.exact},
          {"mean", part.density.moment(1)},
          {"mean_square", part.density.moment(2)},
          {"smallest_node", part.density.smallest()},
          {"largest_node", part.density.largest()},
          {"width", width_of(part, options)},
          {"nodes", nodes},
          {"node_weights", weights}};
}

void print(const Part& part) {
  std::printf("\n%s: %lld parameters, trace %.6g", part.block.name.c_str(),
              static_cast<long long>(part.block.size()), part.trace.value);
  if (!part.trace.exact) std::printf(" +- %.2g", part.trace.error);
  std::printf("; density from %.6g to %.6g, mean square %.4g\n", part.density.smallest(),
              part.density.largest(), part.density.moment(2));
  for (std::size_t k = 0; k < part.top.values.size(); ++k) {
    std::printf("%16.8g  residual %.1e\n", part.top.values[k], part.top.residuals[k]);
  }
  if (!part.top.converged) std::printf("not converged: there may be larger eigenvalues\n");
}

/// What lies below the axis ends on it; of a stretch there only the ends.
Panel panel(const Part& part, const SpectrumOptions& options) {
  std::vector<double> x = part.density.default_grid(options.points);
  std::vector<double> y = part.density.density(x, width_of(part, options));
  const double floor = 1e-7 * *std::max_element(y.begin(), y.end());
  for (double& value : y) value = std::max(value, floor);
  Curve curve;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const bool within = i > 0 && i + 1 < y.size() && y[i - 1] == floor && y[i + 1] == floor;
    if (within && y[i] == floor) continue;
    curve.x.push_back(x[i]), curve.y.push_back(y[i]);
  }
  return {"Spectral density of the Hessian: " + part.block.name,
          {.label = "eigenvalue"},
          {.label = "density", .logarithmic = true, .least = floor},
          {curve}};
}

void write_pictures(const std::vector<Part>& parts, const SpectrumOptions& options) {
  if (options.plot.empty()) return;
  std::vector<Panel> panels;
  panels.reserve(parts.size());
  for (const Part& part : parts) panels.push_back(panel(part, options));
  write_text(options.plot, to_svg(panels));
}

}  // namespace

int spectrum(const SpectrumOptions& options) {
  check_outputs({options.plot, options.network.save_weights}, {options.network.weights});
  Context<Cpu> ctx(options.network.threads);
  StatusLine status(stderr);
  const auto begin = std::chrono::steady_clock::now();
  const NetworkProblem problem(ctx, options.network);
  const WatchedHessian H(problem.hessian(), status);
  const std::vector<Part> parts = parts_of(ctx, problem, H, options);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  status.clear();
  for (const Part& part : parts) {
    if (!part.top.not_finite && !part.density.not_finite) continue;
    throw DataError("the Hessian of " + part.block.name + " is not finite at these weights");
  }

  // From here on an interrupt must remove what is half written.
  finish_work_on_interrupt();
  problem.save_weights();
  write_pictures(parts, options);
  if (options.json) {
    Json json = problem.to_json();
    json["spectra"] = Json::array();
    for (const Part& part : parts) json["spectra"].push_back(to_json(part, options));
    json["hessian_products"] = H.products();
    json["seconds"] = seconds.count();
    json["threads"] = ctx.threads();
    json["version"] = RANDNLA_VERSION;
    std::printf("%s\n", one_line(json).c_str());
  } else {
    std::printf("%s", problem.summary().c_str());
    for (const Part& part : parts) print(part);
    std::printf("\n%lld Hessian products, %.3g s\n", static_cast<long long>(H.products()),
                seconds.count());
  }
  return 0;
}

}  // namespace randnla::app
