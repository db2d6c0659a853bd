#include "commands.hpp"
#include "interrupt.hpp"
#include "model.hpp"
#include "outputs.hpp"
#include "plot.hpp"
#include "problem.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "solve.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace randnla::app {
namespace {

/// How well a solution predicts.
template <Scalar T>
Quality quality(const std::vector<double>& x, index_t classes, Loss loss,
                const Dataset<T, Cpu>& data) {
  return quality_of(margins(Model::of(x, classes), data), data, targets_of(loss));
}

/// What the plot shows.
class RunHistory {
 public:
  void add(const Iteration& it) {
    props_.push_back(static_cast<double>(it.work.props));
    loss_.push_back(it.loss);
    gradient_norm_.push_back(it.gradient_norm);
  }
  std::vector<Panel> panels(const TrainOptions& options) const {
    const Axis props{.label = "propagations", .logarithmic = true};
    const std::string method = name_in(method_names, options.method);
    return {{"Training loss", props, {.label = "loss"}, {{method, props_, loss_}}},
            {"Gradient norm",
             props,
             {.label = "norm of the gradient", .logarithmic = true},
             {{method, props_, gradient_norm_}}}};
  }

 private:
  std::vector<double> props_, loss_, gradient_norm_;
};

template <Scalar T>
std::string kinds(const Problem<T>& problem) {
  const Dataset<T, Cpu>& data = problem.train;
  const T* const targets = data.targets.data();
  switch (problem.targets.kind) {
    case Targets::two_classes:
      return " (" + std::to_string(std::count(targets, targets + data.rows, T(1))) + " positive)";
    case Targets::classes:
      return " (" + std::to_string(problem.targets.classes.size()) + " classes)";
    case Targets::real:
      return "";
  }
  return "";
}

template <Scalar T>
void announce(std::FILE* out, const Problem<T>& problem, const TrainOptions& options) {
  const Dataset<T, Cpu>& data = problem.train;
  std::fprintf(out, "%s: %lld rows%s x %lld features, %s%s; %lld test rows\n",
               options.data.data.c_str(), static_cast<long long>(data.rows), kinds(problem).c_str(),
               static_cast<long long>(problem.features), data.sparse() ? "sparse" : "dense",
               options.data.bias ? ", with a bias" : "", static_cast<long long>(problem.test.rows));
  std::fflush(out);
}

void print_quality(const char* which, const Quality& quality) {
  if (quality.accuracy) std::printf("%-5s accuracy  %.4f\n", which, *quality.accuracy);
  if (quality.rmse) std::printf("%-5s rmse      %.6g\n", which, *quality.rmse);
}

/// The checkpoint to go on from; none where there is no such file yet.
std::optional<Checkpoint> checkpoint_of(const TrainOptions& options) {
  if (!options.resume || !std::filesystem::exists(options.checkpoint)) return std::nullopt;
  return load_checkpoint(options.checkpoint);
}

template <Scalar T>
RunFacts facts_of(const Problem<T>& problem, Context<Cpu>& host, const Place& place) {
  RunFacts facts;
  facts.rows = problem.train.rows;
  facts.test_rows = problem.test.rows;
  facts.features = problem.features;
  facts.sparse = problem.train.sparse();
  facts.targets = problem.targets;
  facts.threads = host.threads();
  facts.device_name = place.device_name();
  return facts;
}

template <Scalar T>
int train_with(Context<Cpu>& host, Place& place, const TrainOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  const std::optional<Checkpoint> from = checkpoint_of(options);
  const Problem<T> problem = load<T>(host, options.data, targets_of(options.loss));
  RunFacts facts = facts_of(problem, host, place);
  facts.load_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const auto classes = static_cast<index_t>(problem.targets.classes.size());

  std::FILE* const out = options.json ? stderr : stdout;
  ProgressTable table(out, options.method);
  std::optional<LineFile> trace;
  if (!options.trace.empty()) trace.emplace(options.trace);
  if (!options.quiet) announce(out, problem, options);
  RunHistory history;
  const auto note = [&](const Iteration& it) {
    if (trace) trace->write(one_line(to_json(it, options.method)));
    history.add(it);
  };
  // Once the checkpoint is known to be of this run: one that is refused leaves the trace alone.
  bool recalled = !from;
  const auto recall = [&] {
    if (recalled) return;
    recalled = true;
    for (const Iteration& it : from->result.trace) note(it);
    if (!options.quiet) {
      std::fprintf(out, "%s: going on after iteration %lld\n", options.checkpoint.c_str(),
                   static_cast<long long>(from->result.iterations));
    }
  };
  finish_work_on_interrupt();
  Hooks hooks{.progress = [&](const Iteration& it) {
    recall();
    if (!options.quiet) table.add(it);
    note(it);
    return !interrupted();
  }};
  if (!options.checkpoint.empty()) {
    hooks.checkpoint = [&](const Checkpoint& c) { save(options.checkpoint, c); };
  }
  hooks.resume = from ? &*from : nullptr;
  const Solution solution = place.solve(problem.train, classes, options, hooks);
  recall();
  table.finish();

  facts.dimensions = static_cast<index_t>(solution.x.size());
  facts.train = quality(solution.x, classes, options.loss, problem.train);
  if (problem.test.rows > 0) {
    facts.test = quality(solution.x, classes, options.loss, problem.test);
  }
  // First what no full disk can take away.
  if (options.json) {
    std::printf("%s\n", one_line(to_json(solution.result, facts, options)).c_str());
  } else {
    std::printf("%s", summary(solution.result).c_str());
    print_quality("train", facts.train);
    print_quality("test", facts.test);
  }
  std::fflush(stdout);
  if (!options.model.empty()) {
    write_model(options.model,
                on_raw_features(Model::of(solution.x, classes), problem.map, options.data.bias));
  }
  if (!options.plot.empty()) write_text(options.plot, to_svg(history.panels(options)));
  if (trace) trace->finish();
  return interrupted() ? exit_interrupted : 0;
}

}  // namespace

int train(const TrainOptions& options) {
  const DataOptions& data = options.data;
  check_outputs({options.model, options.trace, options.plot, options.checkpoint},
                {data.synthetic() ? "" : data.data, data.test, data.labels, data.test_labels});
  Context<Cpu> host(options.threads);
  Place place(host, options.device);
  return options.precision == Precision::f32 ? train_with<float>(host, place, options)
                                             : train_with<double>(host, place, options);
}

}  // namespace randnla::app
