// The talk's experiment on batch sizes: fixed ones, ABS and ABSA.
#include "interrupt.hpp"
#include "nn_images.hpp"
#include "nn_training.hpp"
#include "outputs.hpp"
#include "plot.hpp"

#include <randnla/core/error.hpp>
#include <randnla/learn/torch_objective.hpp>
#include <randnla/spectra/eigenpairs.hpp>

#include <torch/utils.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace randnla::app {
namespace {

struct Variant {
  const char* name;  // in table and legend
  const char* file;  // in names of files
  BatchRule rule;
  bool large, scaled;  // the batch, and the learning rate with it
};

constexpr std::array<Variant, 5> variants = {{
    {"small batch", "small", BatchRule::fixed, false, false},
    {"large batch", "large", BatchRule::fixed, true, false},
    {"large batch, scaled", "large-scaled", BatchRule::fixed, true, true},
    {"ABS", "abs", BatchRule::abs, false, false},
    {"ABSA", "absa", BatchRule::absa, false, false},
}};

/// What is kept of one run.
struct Outcome {
  std::vector<EpochRecord> trace;
  std::vector<double> robust;  // accuracy under attacks, of every eps
  double eigenvalue = 0;
  Stop stop = Stop::max_iterations;
};

/// One row of the table.
struct Row {
  const Variant* variant;
  std::vector<Outcome> runs;
};

struct Spread {
  double median, least, most;  // over the seeds; the median is the lower one of two in the middle
};

Spread spread(const Row& row, const std::function<double(const Outcome&)>& f) {
  std::vector<double> values;
  for (const Outcome& run : row.runs) values.push_back(f(run));
  // A run that failed is the largest.
  std::ranges::sort(values,
                    [](double a, double b) { return std::isnan(b) ? !std::isnan(a) : a < b; });
  return {values[(values.size() - 1) / 2], values.front(), values.back()};
}

double updates_of(const Outcome& run) { return static_cast<double>(run.trace.back().updates); }
double gradients_of(const Outcome& run) { return run.trace.back().gradients; }
double accuracy_of(const Outcome& run) { return run.trace.back().test_accuracy; }
double eigenvalue_of(const Outcome& run) { return run.eigenvalue; }

/// The columns of the table.
struct Column {
  std::string name;
  std::function<double(const Outcome&)> value;
};

std::vector<Column> columns(const std::vector<double>& eps) {
  std::vector<Column> all = {
      {"updates", updates_of}, {"gradients", gradients_of}, {"accuracy", accuracy_of}};
  for (std::size_t e = 0; e < eps.size(); ++e) {
    std::array<char, 32> name{};
    std::snprintf(name.data(), name.size(), "attacked %.3g", eps[e]);
    all.push_back({name.data(), [e](const Outcome& run) { return run.robust[e]; }});
  }
  all.push_back({"eigenvalue", eigenvalue_of});
  return all;
}

NetworkTrainOptions options_of(const Variant& variant, const NetworkTrainOptions& given, int seed) {
  NetworkTrainOptions options = given;
  options.rule = variant.rule;
  if (variant.large) options.batch *= given.max_ratio;
  if (variant.scaled) options.learning_rate *= static_cast<double>(given.max_ratio);
  options.network.seed = static_cast<std::uint64_t>(seed);
  return options;
}

/// The Hessian's largest eigenvalue on the first rows, which were drawn at random; NaN where it is not finite.
double largest_eigenvalue(Context<Cpu>& ctx, const Network& network, const NetworkData& data,
                          index_t most_rows) {
  network.module->eval();
  const index_t rows = std::min(most_rows, data.inputs.size(0));
  const TorchObjective<Cpu, float> f(ctx, network, data.inputs.narrow(0, 0, rows),
                                     data.targets.narrow(0, 0, rows));
  const Buffer<float, Cpu> weights(
      ctx, std::vector<float>(static_cast<std::size_t>(rows), 1.0F / static_cast<float>(rows)));
  Buffer<float, Cpu> x(ctx, f.dim()), v(ctx, f.dim());
  f.get_parameters(ctx, x.view());
  const HessianOperator<Cpu, float> H{f, {x.view(), Sample<Cpu, float>::all(rows), weights.data()}};
  const Eigenpairs found =
      top_eigenpairs<Cpu, float>(ctx, H, {v.data(), f.dim(), 1, f.dim()}, Rng{1},
                                 {.end = SpectrumEnd::largest, .tolerance = 1e-2});
  return found.not_finite ? std::nan("") : found.values[0];
}

class Experiment {
 public:
  explicit Experiment(const Figure3Options& options)
      : options_(options),
        ctx_(options.training.network.threads),
        images_(load_images(ctx_, options.training.network)),
        data_(tensors_of(images_)),
        test_(tensors_of(load_test_images(ctx_, options.training.network))) {
    at::set_num_threads(ctx_.threads());
    make_network(options.training.network, images_);  // throws before anything is written
  }

  /// All runs, one seed of every variant after the other; those that have ended where an interrupt
  /// came. `so_far` is called after each with the variants that have one.
  std::vector<Row> run(const std::function<void(const std::vector<Row>&)>& so_far) {
    std::vector<Row> rows;
    for (int seed = 1; seed <= options_.seeds; ++seed) {
      for (std::size_t v = 0; v < variants.size() && !interrupted(); ++v) {
        Outcome outcome = one(variants[v], seed);
        if (interrupted()) break;
        if (seed == 1) rows.push_back({&variants[v], {}});
        rows[v].runs.push_back(std::move(outcome));
        so_far(rows);
      }
    }
    if (!options_.quiet) std::fprintf(stderr, "\r%78s\r", "");
    return rows;
  }

  index_t rows() const { return images_.count; }

 private:
  Outcome one(const Variant& variant, int seed) {
    const NetworkTrainOptions options = options_of(variant, options_.training, seed);
    const Network network = make_network(options.network, images_);
    LineFile trace(options_.out + "/traces/" + variant.file + "-" + std::to_string(seed) +
                   ".jsonl");
    randnla::TrainOptions with = library_options(options);
    with.progress = [&](const EpochRecord& row) {
      trace.write(one_line(to_json(row)));
      report(variant, seed, row);
      return !interrupted();
    };
    with.interrupted = interrupted;
    TrainResult result = randnla::train(ctx_, network, data_, test_, with);
    trace.finish();
    Outcome outcome{std::move(result.trace), {}, std::nan(""), result.stop};
    if (interrupted()) return outcome;
    if (outcome.trace.empty()) outcome.trace.emplace_back();
    if (outcome.stop == Stop::not_finite) {  // the network is of no use any more
      outcome.trace.back().test_accuracy = std::nan("");
      outcome.robust.assign(options_.eps.size(), std::nan(""));
      return outcome;
    }
    RobustnessOptions attack{.pgd = PgdOptions{}, .micro_batch = options.micro_batch};
    outcome.robust = robust_accuracy(network, test_, options_.eps, attack);
    outcome.eigenvalue = largest_eigenvalue(ctx_, network, data_, options_.eigenvalue_rows);
    return outcome;
  }

  void report(const Variant& variant, int seed, const EpochRecord& row) const {
    if (options_.quiet) return;
    std::fprintf(stderr, "\r%-20s seed %d of %d  epoch %lld of %lld  accuracy %.4f   ",
                 variant.name, seed, options_.seeds, static_cast<long long>(row.epoch),
                 static_cast<long long>(options_.training.epochs), row.test_accuracy);
    std::fflush(stderr);
  }

  const Figure3Options& options_;
  Context<Cpu> ctx_;
  Images images_;
  NetworkData data_, test_;
};

/// Medians over the runs, epoch by epoch, as far as all of them go.
Curve curve(const Row& row, const std::function<double(const EpochRecord&)>& x,
            const std::function<double(const EpochRecord&)>& y) {
  Curve out{row.variant->name, {}, {}};
  std::size_t epochs = row.runs[0].trace.size();
  for (const Outcome& run : row.runs) epochs = std::min(epochs, run.trace.size());
  for (std::size_t e = 0; e < epochs; ++e) {
    const auto at = [&](const auto& f) {
      return spread(row, [&](const Outcome& run) { return f(run.trace[e]); }).median;
    };
    out.x.push_back(at(x)), out.y.push_back(at(y));
  }
  return out;
}

std::vector<Panel> panels(const std::vector<Row>& rows, const std::vector<double>& eps) {
  std::vector<Panel> all;
  for (const EpochPlot& plot : epoch_plots) {
    Panel panel{plot.title, plot.x, plot.y, {}};
    for (const Row& row : rows) {
      // A variant has the same colour everywhere, also where another one is not drawn.
      const bool drawn = !plot.adaptive || row.variant->rule != BatchRule::fixed;
      panel.curves.push_back(drawn ? curve(row, plot.x_of, plot.y_of) : Curve{});
    }
    all.push_back(std::move(panel));
  }
  Panel attacks{"Accuracy under attacks", {.label = "eps"}, {.label = "accuracy"}, {}};
  for (const Row& row : rows) {
    Curve robust{row.variant->name, {0}, {spread(row, accuracy_of).median}};
    for (std::size_t e = 0; e < eps.size(); ++e) {
      robust.x.push_back(eps[e]);
      robust.y.push_back(spread(row, [e](const Outcome& run) { return run.robust[e]; }).median);
    }
    attacks.curves.push_back(std::move(robust));
  }
  all.push_back(std::move(attacks));
  return all;
}

std::string table_csv(const std::vector<Row>& rows, const std::vector<Column>& columns) {
  std::string text = "variant,runs";
  for (const Column& column : columns) {
    text += "," + column.name + "," + column.name + " least," + column.name + " most";
  }
  text += "\n";
  for (const Row& row : rows) {
    text += std::string("\"") + row.variant->name + "\"," + std::to_string(row.runs.size());
    for (const Column& column : columns) {
      const Spread all = spread(row, column.value);
      for (const double value : {all.median, all.least, all.most}) {
        std::array<char, 32> number{};
        std::snprintf(number.data(), number.size(), ",%.6g", value);
        text += std::isfinite(value) ? number.data() : ",";
      }
    }
    text += "\n";
  }
  return text;
}

void print_table(const std::vector<Row>& rows, const std::vector<Column>& columns) {
  std::printf("Medians over the seeds, and below the least and the most\n%-20s", "");
  for (const Column& column : columns) std::printf(" %17s", column.name.c_str());
  std::printf("\n");
  for (const Row& row : rows) {
    std::string below;
    std::printf("%-20s", row.variant->name);
    for (const Column& column : columns) {
      const Spread all = spread(row, column.value);
      std::printf(" %17.5g", all.median);
      std::array<char, 48> range{};
      std::array<char, 64> cell{};
      std::snprintf(range.data(), range.size(), "%.4g..%.4g", all.least, all.most);
      std::snprintf(cell.data(), cell.size(), " %17s", range.data());
      below += cell.data();
    }
    std::printf("\n%-20s%s\n", "", below.c_str());
  }
}

Json to_json(const std::vector<Row>& rows, const std::vector<Column>& columns,
             const Figure3Options& options, index_t images, bool png) {
  Json table = Json::array();
  for (const Row& row : rows) {
    Json line{{"variant", row.variant->name}, {"runs", row.runs.size()}};
    for (const Column& column : columns) {
      const Spread all = spread(row, column.value);
      line[column.name] = {{"median", all.median}, {"least", all.least}, {"most", all.most}};
    }
    table.push_back(line);
  }
  return {{"data", options.training.network.data},
          {"rows", images},
          {"epochs", options.training.epochs},
          {"variants", table},
          {"table", options.out + "/table.csv"},
          {"svg", options.out + "/figure3.svg"},
          {"png", png ? Json(options.out + "/figure3.png") : Json()}};
}

}  // namespace

int figure3(const Figure3Options& options) {
  Experiment experiment(options);
  make_folder(options.out + "/traces");
  check_outputs({options.out + "/table.csv", options.out + "/figure3.svg"}, {});
  finish_work_on_interrupt();
  const std::vector<Column> shown = columns(options.eps);
  // A run of hours that is killed leaves what there is.
  const std::vector<Row> rows = experiment.run([&](const std::vector<Row>& so_far) {
    write_text(options.out + "/table.csv", table_csv(so_far, shown));
    write_text(options.out + "/figure3.svg", to_svg(panels(so_far, options.eps), 2));
  });
  if (rows.empty()) return exit_interrupted;
  const bool png = svg_to_png(options.out + "/figure3.svg", options.out + "/figure3.png");
  if (options.json) {
    std::printf("%s\n", one_line(to_json(rows, shown, options, experiment.rows(), png)).c_str());
  } else {
    print_table(rows, shown);
    if (!png) std::printf("No figure3.png: rsvg-convert is not here (Debian: librsvg2-bin)\n");
  }
  return interrupted() ? exit_interrupted : 0;
}

}  // namespace randnla::app
