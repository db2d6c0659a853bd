// The talk's figure: loss and test error against propagations, for the variants of trust region and
// cubic regularisation.
#include "commands.hpp"
#include "interrupt.hpp"
#include "model.hpp"
#include "outputs.hpp"
#include "plot.hpp"
#include "problem.hpp"
#include "report.hpp"
#include "solve.hpp"

#include <randnla/core/error.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

namespace randnla::app {
namespace {

constexpr std::array gaps = {1e-2, 1e-3, 1e-4, 1e-6};  // above the best loss of all runs

struct Variant {
  const char* name;  // in table and legend
  const char* file;  // in names of files
  bool cubic;        // its panel
  TrainOptions options;
};

/// The papers' settings for one method; the first paper's for all that they leave open.
Variant variant(const char* name, const char* file, Method method, Sampling hessian,
                GradientOptions::Rule gradient) {
  Variant v{name, file, method != Method::trust_region, {}};
  v.options.method = method;
  v.options.solver.hessian.sampling = hessian;
  v.options.solver.gradient.rule = gradient;
  if (method == Method::scr_lanczos || method == Method::scr_gd) {
    v.options.solver.gradient.fraction = 0.1;
  }
  return v;
}

std::vector<Variant> variants() {
  using Rule = GradientOptions::Rule;
  constexpr Method tr = Method::trust_region, arc = Method::cubic;
  std::vector<Variant> all = {
      variant("TR Full", "tr-full", tr, Sampling::full, Rule::full),
      variant("TR SubH", "tr-subh", tr, Sampling::uniform, Rule::full),
      variant("TR SubH, row norms", "tr-row-norm", tr, Sampling::row_norm, Rule::full),
      variant("TR SubH, leverage", "tr-leverage", tr, Sampling::leverage, Rule::full),
      variant("TR Inexact", "tr-inexact", tr, Sampling::uniform, Rule::adaptive),
      variant("TR error-driven", "tr-error-driven", tr, Sampling::row_norm, Rule::error_driven),
      variant("ARC Full", "arc-full", arc, Sampling::full, Rule::full),
      variant("ARC SubH", "arc-subh", arc, Sampling::uniform, Rule::full),
      variant("ARC SubH, row norms", "arc-row-norm", arc, Sampling::row_norm, Rule::full),
      variant("ARC SubH, leverage", "arc-leverage", arc, Sampling::leverage, Rule::full),
      variant("ARC Inexact", "arc-inexact", arc, Sampling::uniform, Rule::adaptive),
      variant("ARC error-driven", "arc-error-driven", arc, Sampling::row_norm, Rule::error_driven),
      variant("SCR (Lanczos)", "scr-lanczos", Method::scr_lanczos, Sampling::uniform,
              Rule::uniform),
      variant("SCR (GD)", "scr-gd", Method::scr_gd, Sampling::uniform, Rule::uniform)};
  for (Variant& v : all) {
    if (v.options.solver.gradient.rule == Rule::error_driven) {
      v.options.solver.hessian.size = HessianOptions::Size::error_driven;
    }
  }
  return all;
}

/// What is kept of one run.
struct History {
  std::vector<double> props, loss, test_error;
  Stop stop = Stop::max_iterations;
  double initial_loss = 0;

  /// The value in force at so many propagations; `before` where no iteration has ended by then.
  static double at(const std::vector<double>& props, const std::vector<double>& values, double when,
                   double before) {
    const auto after = std::upper_bound(props.begin(), props.end(), when);
    return after == props.begin() ? before
                                  : values[static_cast<std::size_t>(after - props.begin()) - 1];
  }
  double props_to(double target) const {
    for (std::size_t i = 0; i < loss.size(); ++i) {
      if (loss[i] <= target) return props[i];
    }
    return std::numeric_limits<double>::infinity();
  }
};

/// The lower one of two in the middle: a median of "never" and a number is the number's.
double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? std::nan("") : values[(values.size() - 1) / 2];
}

double test_error(const std::vector<double>& x, const Dataset<double, Cpu>& test) {
  return 1 - *quality_of(margins(Model::of(x, 0), test), test, Targets::two_classes).accuracy;
}

History run(Place& place, const Problem<double>& problem, const TrainOptions& options,
            const std::string& trace_file) {
  LineFile trace(trace_file);
  History history;
  double error = std::nan("");
  const Hooks hooks{
      .progress =
          [&](const Iteration& it) {
            history.props.push_back(static_cast<double>(it.work.props));
            history.loss.push_back(it.loss);
            history.test_error.push_back(error);
            Json line = to_json(it, options.method);
            line["test_error"] = error;
            trace.write(one_line(line));
            return !interrupted();
          },
      .point = [&](const std::vector<double>& x) { error = test_error(x, problem.test); }};
  const Solution solution = place.solve(problem.train, 0, options, hooks);
  trace.finish();
  history.stop = solution.result.stop;
  history.initial_loss = solution.result.initial_loss;
  return history;
}

/// One row of the table.
struct Row {
  const Variant* variant;
  std::vector<History> runs;

  template <class F>
  double median_of(F f) const {
    std::vector<double> values;
    for (const History& run : runs) values.push_back(f(run));
    return median(values);
  }
  double props_to(double target) const {
    return median_of([=](const History& run) { return run.props_to(target); });
  }
  double final_loss() const {
    return median_of([](const History& run) {
      return run.loss.empty() ? run.initial_loss
                              : *std::min_element(run.loss.begin(), run.loss.end());
    });
  }
  double final_test_error() const {
    return median_of([](const History& run) {
      return run.test_error.empty() ? std::nan("") : run.test_error.back();
    });
  }
  int certified() const {
    return static_cast<int>(std::count_if(
        runs.begin(), runs.end(), [](const History& run) { return run.stop == Stop::optimal; }));
  }
};

/// The median over the runs at points evenly spaced on the logarithmic axis.
Curve median_curve(const Row& row, double first, double last, bool of_loss) {
  constexpr int count = 240;
  Curve curve{row.variant->name, {}, {}};
  for (int i = 0; i <= count; ++i) {
    const double when = first * std::pow(last / first, static_cast<double>(i) / count);
    // A run that has ended stays where it ended; the curve ends with the last of them.
    const double end =
        row.median_of([](const History& run) { return run.props.empty() ? 0 : run.props.back(); });
    if (when > end && i > 0) break;
    curve.x.push_back(when);
    curve.y.push_back(row.median_of([&](const History& run) {
      return of_loss ? History::at(run.props, run.loss, when, run.initial_loss)
                     : History::at(run.props, run.test_error, when, std::nan(""));
    }));
  }
  return curve;
}

std::vector<Panel> panels(const std::vector<Row>& rows, double terms) {
  double last = terms;
  for (const Row& row : rows) {
    for (const History& run : row.runs) {
      if (!run.props.empty()) last = std::max(last, run.props.back());
    }
  }
  std::vector<Panel> all(4);
  for (std::size_t k = 0; k < all.size(); ++k) {
    all[k].title = std::string(k < 2 ? "Trust region" : "Cubic regularisation") +
                   (k % 2 == 0 ? ": training loss" : ": test error");
    all[k].x.label = "propagations";
    all[k].y.label = k % 2 == 0 ? "loss" : "test error";
    all[k].x.logarithmic = all[k].y.logarithmic = true;
  }
  for (const Row& row : rows) {
    const std::size_t first = row.variant->cubic ? 2 : 0;
    all[first].curves.push_back(median_curve(row, terms, last, true));
    all[first + 1].curves.push_back(median_curve(row, terms, last, false));
  }
  return all;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return std::isfinite(value) ? text : "";
}

std::string table_csv(const std::vector<Row>& rows, double best) {
  std::string text = "variant";
  for (const double gap : gaps) text += ",props to best+" + number(gap);
  text += ",loss,test error,certified,runs\n";
  for (const Row& row : rows) {
    text += "\"";
    text += row.variant->name;
    text += "\"";
    for (const double gap : gaps) text += "," + number(row.props_to(best + gap));
    char loss[32];
    std::snprintf(loss, sizeof loss, "%.10g", row.final_loss());
    text += std::string(",") + loss + "," + number(row.final_test_error()) + "," +
            std::to_string(row.certified()) + "," + std::to_string(row.runs.size()) + "\n";
  }
  return text;
}

void print_table(const std::vector<Row>& rows, double best) {
  std::printf("\nMedian propagations to %.10g and more; - for never\n", best);
  std::printf("%-20s %9s %9s %9s %9s  %12s %10s %9s\n", "", "+1e-2", "+1e-3", "+1e-4", "+1e-6",
              "loss", "test error", "certified");
  for (const Row& row : rows) {
    std::printf("%-20s", row.variant->name);
    for (const double gap : gaps) {
      const double props = row.props_to(best + gap);
      std::isfinite(props) ? std::printf(" %9.2e", props) : std::printf(" %9s", "-");
    }
    std::printf("  %12.8f %10.4f %5d/%zu\n", row.final_loss(), row.final_test_error(),
                row.certified(), row.runs.size());
  }
}

Json to_json(const std::vector<Row>& rows, double best, const std::string& out, bool png) {
  Json table = Json::array();
  for (const Row& row : rows) {
    Json props = Json::array();
    for (const double gap : gaps) props.push_back(row.props_to(best + gap));
    table.push_back({{"variant", row.variant->name},
                     {"props", props},
                     {"loss", row.final_loss()},
                     {"test_error", row.final_test_error()},
                     {"certified", row.certified()},
                     {"runs", row.runs.size()}});
  }
  return {{"best_loss", best},           {"gaps", gaps},
          {"variants", table},           {"table", out + "/table.csv"},
          {"svg", out + "/figure1.svg"}, {"png", png ? Json(out + "/figure1.png") : Json()}};
}

double best_loss(const std::vector<Row>& rows) {
  double best = std::numeric_limits<double>::infinity();
  for (const Row& row : rows) {
    for (const History& run : row.runs) {
      for (const double loss : run.loss) best = std::min(best, loss);
    }
  }
  return best;
}

TrainOptions options_of_run(const Variant& variant, const Figure1Options& given, int seed,
                            double terms) {
  TrainOptions options = variant.options;
  options.loss = given.loss;
  options.regulariser = given.regulariser;
  options.solver.seed = static_cast<std::uint64_t>(seed);
  options.solver.stopping = given.stopping;
  options.solver.stopping.max_iterations = 1'000'000;
  options.max_props = given.max_passes * terms;
  return options;
}

}  // namespace

int figure1(const Figure1Options& options) {
  make_folder(options.out + "/traces");
  check_outputs({options.out + "/table.csv", options.out + "/figure1.svg"},
                {options.data.synthetic() ? "" : options.data.data, options.data.test});
  Context<Cpu> host(options.threads);
  Place place(host, options.device);
  const Problem<double> problem = load<double>(host, options.data, targets_of(options.loss));
  const auto terms = static_cast<double>(problem.train.rows);
  const std::vector<Variant> all = variants();
  std::vector<Row> rows;
  finish_work_on_interrupt();
  for (const Variant& v : all) {
    Row row{&v, {}};
    for (int seed = 1; seed <= options.seeds && !interrupted(); ++seed) {
      if (!options.quiet) {
        std::fprintf(stderr, "\r%-20s seed %d of %d   ", v.name, seed, options.seeds);
        std::fflush(stderr);
      }
      row.runs.push_back(
          run(place, problem, options_of_run(v, options, seed, terms),
              options.out + "/traces/" + v.file + "-" + std::to_string(seed) + ".jsonl"));
    }
    if (!row.runs.empty()) rows.push_back(std::move(row));
  }
  if (!options.quiet) std::fprintf(stderr, "\r%50s\r", "");
  // An interrupted figure shows what there is.
  const double best = best_loss(rows);
  write_text(options.out + "/table.csv", table_csv(rows, best));
  write_text(options.out + "/figure1.svg", to_svg(panels(rows, terms), 2));
  const bool png = svg_to_png(options.out + "/figure1.svg", options.out + "/figure1.png");
  if (options.json) {
    std::printf("%s\n", one_line(to_json(rows, best, options.out, png)).c_str());
  } else {
    print_table(rows, best);
    if (!png) std::printf("No figure1.png: rsvg-convert is not here (Debian: librsvg2-bin)\n");
  }
  return interrupted() ? exit_interrupted : 0;
}

}  // namespace randnla::app
