// Iterations against the accuracy asked for, on functions that cost a method what its theory allows.
#include "commands.hpp"
#include "interrupt.hpp"
#include "outputs.hpp"
#include "plot.hpp"
#include "report.hpp"
#include "staircase.hpp"

#include <randnla/optimize/second_order.hpp>

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace randnla::app {
namespace {

struct Measured {
  double eps = 0;
  OptimizationResult result;
};

/// One line of the picture: a method on a function.
struct Series {
  Stairs kind;
  Method method;
  std::vector<Measured> points;

  const char* accuracy() const { return kind == Stairs::slopes ? "eps_g" : "eps_H"; }
  /// The exponent of eps in the worst case; the other accuracy stays as it is.
  double theory() const {
    if (kind == Stairs::saddles) return -3;
    return method == Method::cubic ? -1.5 : -2;
  }
  const char* source() const {
    return kind == Stairs::slopes && method == Method::cubic
               ? "Cartis, Gould & Toint 2011, Lipschitz Hessian"
               : "Yao, Xu, Roosta & Mahoney 2018";
  }
};

/// The exponent of eps that fits the iterations best, on logarithmic scales.
double slope(const std::vector<Measured>& points) {
  double sx = 0, sy = 0, sxx = 0, sxy = 0;
  const auto n = static_cast<double>(points.size());
  for (const Measured& m : points) {
    const double x = std::log(m.eps), y = std::log(static_cast<double>(m.result.iterations));
    sx += x, sy += y, sxx += x * x, sxy += x * y;
  }
  return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

/// Both functions are made for sigma = 1 and gamma2 = 1: a sigma that good steps leave alone.
SecondOrderOptions options_for(Stairs kind, double eps) {
  SecondOrderOptions options;
  options.initial_sigma = 1;
  options.initial_radius = 1;
  options.gamma2 = 1;
  options.random_start = false;
  options.max_failures = 0;
  options.stopping.max_iterations = 10'000'000;
  options.stopping.eps_g = kind == Stairs::slopes ? eps : 1e-9;
  options.stopping.eps_h = kind == Stairs::slopes ? 1 : eps;
  options.progress = [](const Iteration&) { return !interrupted(); };
  return options;
}

Measured measure(Context<Cpu>& ctx, const Staircase& f, Stairs kind, Method method, double eps) {
  Buffer<double, Cpu> x(ctx, std::vector<double>{0.0});
  const SecondOrderOptions options = options_for(kind, eps);
  return {eps, method == Method::cubic ? cubic_newton(ctx, f, x.view(), options)
                                       : trust_region(ctx, f, x.view(), options)};
}

/// eps_g from 0.1 and eps_H from 0.5 downwards, at even ratios, as far as the budget of iterations
/// of the worst case goes.
std::vector<double> accuracies(Stairs kind, double most) {
  const double exponent = kind == Stairs::slopes ? 1.5 : 3;
  const double last = std::pow(most, -1 / exponent), first = kind == Stairs::slopes ? 0.11 : 0.55;
  constexpr int count = 8;
  std::vector<double> out;
  out.reserve(count);
  for (int i = 0; i < count; ++i) {
    out.push_back(first * std::pow(last / first, static_cast<double>(i) / (count - 1)));
  }
  return out;
}

Series run(Context<Cpu>& ctx, Stairs kind, Method method, const ComplexityOptions& options) {
  const auto stairs = static_cast<index_t>(2 * options.max_iterations);
  const Staircase f(kind, 1, stairs);
  Series series{kind, method, {}};
  for (const double eps : accuracies(kind, static_cast<double>(options.max_iterations))) {
    if (interrupted()) break;
    series.points.push_back(measure(ctx, f, kind, method, eps));
    if (options.json || options.quiet) continue;
    const OptimizationResult& r = series.points.back().result;
    std::printf("%-4s  %-6s %-9.3g  %10lld iterations  %s\n", name_in(method_names, method),
                series.accuracy(), eps, static_cast<long long>(r.iterations), name(r.stop));
    std::fflush(stdout);
  }
  return series;
}

Json to_json(const Series& series) {
  Json points = Json::array();
  for (const Measured& m : series.points) {
    points.push_back({{"eps", m.eps},
                      {"iterations", m.result.iterations},
                      {"stop", name(m.result.stop)},
                      {"loss", m.result.loss}});
  }
  return {{"function", series.kind == Stairs::slopes ? "slopes" : "saddles"},
          {"method", name_in(method_names, series.method)},
          {"accuracy", series.accuracy()},
          {"slope", slope(series.points)},
          {"theory", series.theory()},
          {"points", points}};
}

void print(const std::vector<Series>& all) {
  std::printf("\nmethod  function  iterations ~ eps^p: p   worst case\n");
  for (const Series& s : all) {
    std::printf("%-6s  %-8s  %18.2f   %10.2f   in %s; %s\n", name_in(method_names, s.method),
                s.kind == Stairs::slopes ? "slopes" : "saddles", slope(s.points), s.theory(),
                s.accuracy(), s.source());
  }
}

std::vector<Panel> panels(const std::vector<Series>& all) {
  std::vector<Panel> out(2);
  out[0].title = "Slopes that get smaller slowly", out[0].x.label = "eps_g";
  out[1].title = "A descent over saddles", out[1].x.label = "eps_H";
  for (Panel& panel : out) {
    panel.y.label = "iterations";
    panel.x.logarithmic = panel.y.logarithmic = true;
  }
  for (const Series& s : all) {
    Curve measured{name_in(method_names, s.method), {}, {}};
    for (auto m = s.points.rbegin(); m != s.points.rend(); ++m) {
      measured.x.push_back(m->eps);
      measured.y.push_back(static_cast<double>(m->result.iterations));
    }
    Panel& panel = out[s.kind == Stairs::slopes ? 0 : 1];
    panel.curves.push_back(measured);
    if (s.method != Method::cubic || measured.x.empty()) continue;
    Curve bound{"eps^" + std::string(s.kind == Stairs::slopes ? "(-3/2)" : "(-3)"), measured.x, {}};
    for (const double eps : bound.x) bound.y.push_back(std::pow(eps, s.theory()));
    panel.curves.push_back(bound);
  }
  return out;
}

}  // namespace

int complexity(const ComplexityOptions& options) {
  check_outputs({options.plot}, {});
  finish_work_on_interrupt();
  Context<Cpu> ctx(1);
  std::vector<Series> all;
  for (const Stairs kind : {Stairs::slopes, Stairs::saddles}) {
    for (const Method method : {Method::cubic, Method::trust_region}) {
      if (!interrupted()) all.push_back(run(ctx, kind, method, options));
    }
  }
  if (options.json) {
    Json json = Json::array();
    for (const Series& s : all) json.push_back(to_json(s));
    std::printf("%s\n", one_line({{"series", json}}).c_str());
  } else {
    print(all);
  }
  if (!options.plot.empty()) write_text(options.plot, to_svg(panels(all)));
  return interrupted() ? exit_interrupted : 0;
}

}  // namespace randnla::app
