#include "interrupt.hpp"
#include "nn_network.hpp"
#include "nn_watch.hpp"
#include "outputs.hpp"
#include "plot.hpp"
#include "surface.hpp"

#include <randnla/learn/landscape.hpp>
#include <randnla/spectra/eigenpairs.hpp>
#include <randnla/version.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

namespace randnla::app {
namespace {

/// One or two directions, each a column.
struct Directions {
  Buffer<double, Cpu> columns;
  index_t dim = 0;
  std::vector<std::string> names;
  std::vector<double> eigenvalues;  // of eigenvectors

  VectorView<const double, Cpu> at(std::size_t k) const {
    return {columns.data() + static_cast<index_t>(k) * dim, dim};
  }
};

Directions eigenvectors(Context<Cpu>& ctx, const WatchedHessian& H,
                        const LandscapeOptions& options) {
  const index_t count = options.dimensions;
  Directions out{Buffer<double, Cpu>(ctx, H.dim() * count), H.dim(), {}, {}};
  const Eigenpairs top =
      top_eigenpairs<Cpu, double>(ctx, H, {out.columns.data(), H.dim(), count, H.dim()},
                                  Rng{options.network.seed, 0}, {.count = static_cast<int>(count)});
  if (!top.converged) throw DataError("the Hessian's eigenvectors were not found at these weights");
  out.eigenvalues = top.values;
  for (index_t k = 1; k <= count; ++k) out.names.push_back("eigenvector " + std::to_string(k));
  return out;
}

Directions random_directions(Context<Cpu>& ctx, const NetworkProblem& problem,
                             const LandscapeOptions& options) {
  const index_t count = options.dimensions, dim = problem.dim();
  Directions out{Buffer<double, Cpu>(ctx, dim * count), dim, {}, {}};
  Rng rng{options.network.seed, 0};
  for (index_t k = 0; k < count; ++k) {
    const VectorView<double, Cpu> direction{out.columns.data() + k * dim, dim};
    fill_normal(ctx, rng.next(), 1.0, direction);
    filter_normalise(problem.weights(), problem.blocks(), direction);
    out.names.push_back("random direction " + std::to_string(k + 1));
  }
  return out;
}

/// All that the command finds out.
struct Findings {
  Directions directions;
  std::vector<double> steps, losses;
  Sharpness sharpness;
  double largest_eigenvalue = 0;
};

Findings explore(Context<Cpu>& ctx, const NetworkProblem& problem, const LandscapeOptions& options,
                 StatusLine& status) {
  const WatchedHessian H(problem.hessian(), status);
  Findings out;
  out.directions = options.along == Along::eigenvectors ? eigenvectors(ctx, H, options)
                                                        : random_directions(ctx, problem, options);
  out.steps = even_steps(-options.extent, options.extent, options.points_a_side());
  const auto progress = [&](index_t done) { status.show("loss", done, "points"); };
  const Directions& d = out.directions;
  out.losses = options.dimensions == 1
                   ? loss_along(ctx, problem.f(), problem.weights(), d.at(0), out.steps, progress)
                   : loss_over(ctx, problem.f(), problem.weights(), d.at(0), d.at(1), out.steps,
                               out.steps, progress);
  out.sharpness = sharpness(ctx, problem.f(), problem.weights(), Rng{options.network.seed, 1 << 20},
                            {.radius = options.radius});
  Buffer<double, Cpu> v(ctx, problem.dim());
  const Eigenpairs largest = top_eigenpairs<Cpu, double>(
      ctx, H, {v.data(), problem.dim(), 1, problem.dim()}, Rng{options.network.seed, 2 << 20},
      {.end = SpectrumEnd::largest});
  if (largest.values.empty()) throw DataError("the Hessian is not finite at these weights");
  out.largest_eigenvalue = largest.values[0];
  return out;
}

/// What the largest eigenvalue alone lets expect, at a stationary point.
double expected_rise(const Findings& found, double radius) {
  return radius * radius / 2 * std::max(0.0, found.largest_eigenvalue);
}

std::string title(const Findings& found) {
  std::string text = "Loss along " + found.directions.names[0];
  return found.directions.names.size() > 1 ? text + " and " + found.directions.names[1] : text;
}

Heights heights(const Findings& found) {
  return {title(found),
          found.directions.names[0],
          found.directions.names[1],
          "loss",
          found.steps,
          found.steps,
          found.losses};
}

void write_pictures(const LandscapeOptions& options, const Findings& found) {
  if (!options.plot.empty() && options.dimensions == 1) {
    const Panel curve{
        title(found), {.label = "alpha"}, {.label = "loss"}, {{"", found.steps, found.losses}}};
    write_text(options.plot, to_svg({curve}));
  } else if (!options.plot.empty()) {
    write_text(options.plot, to_svg({contours(heights(found))}));
  }
  if (!options.surface.empty()) write_text(options.surface, surface_svg(heights(found)));
}

void add_findings(const LandscapeOptions& options, const Findings& found, Json& json) {
  const bool eigen = options.along == Along::eigenvectors;
  json["along"] = name_in(along_names, options.along);
  json["eigenvalues"] = eigen ? Json(found.directions.eigenvalues) : Json();
  json["alphas"] = found.steps;
  json["betas"] = options.dimensions == 2 ? Json(found.steps) : Json();
  if (options.dimensions == 1) {
    json["losses"] = found.losses;
  } else {
    json["losses"] = Json::array();
    const auto side = static_cast<std::ptrdiff_t>(found.steps.size());
    for (auto row = found.losses.begin(); row != found.losses.end(); row += side) {
      json["losses"].push_back(std::vector<double>(row, row + side));
    }
  }
  json["sharpness"] = {{"radius", options.radius},
                       {"rise", found.sharpness.rise},
                       {"largest_eigenvalue", found.largest_eigenvalue},
                       {"expected_rise", expected_rise(found, options.radius)},
                       {"gradients", found.sharpness.gradients}};
}

void print(const NetworkProblem& problem, const LandscapeOptions& options, const Findings& found) {
  std::printf("%s%s:\n", problem.summary().c_str(), title(found).c_str());
  for (std::size_t i = 0; i < found.steps.size() && options.dimensions == 1; ++i) {
    std::printf("%10.4g  %.8g\n", found.steps[i], found.losses[i]);
  }
  const auto [least, most] = std::minmax_element(found.losses.begin(), found.losses.end());
  std::printf("%zu points, losses from %.8g to %.8g\n", found.losses.size(), *least, *most);
  std::printf(
      "In a ball of radius %g the loss rises by %.6g; half of radius^2 times the largest "
      "eigenvalue, %.6g, is %.6g\n",
      options.radius, found.sharpness.rise, found.largest_eigenvalue,
      expected_rise(found, options.radius));
}

}  // namespace

int landscape(const LandscapeOptions& options) {
  check_outputs({options.plot, options.surface, options.network.save_weights},
                {options.network.weights});
  Context<Cpu> ctx(options.network.threads);
  StatusLine status(stderr);
  const auto begin = std::chrono::steady_clock::now();
  const NetworkProblem problem(ctx, options.network);
  const Findings found = explore(ctx, problem, options, status);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  status.clear();

  // From here on an interrupt must remove what is half written.
  finish_work_on_interrupt();
  problem.save_weights();
  write_pictures(options, found);
  if (options.json) {
    Json json = problem.to_json();
    add_findings(options, found, json);
    json["seconds"] = seconds.count();
    json["threads"] = ctx.threads();
    json["version"] = RANDNLA_VERSION;
    std::printf("%s\n", one_line(json).c_str());
  } else {
    print(problem, options, found);
  }
  return 0;
}

}  // namespace randnla::app
