#include "commands.hpp"
#include "interrupt.hpp"
#include "model.hpp"
#include "outputs.hpp"
#include "plot.hpp"
#include "problem.hpp"
#include "progress.hpp"
#include "report.hpp"

#include <randnla/core/random.hpp>
#include <randnla/objective/linear_model.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace randnla::app {
namespace {

using Progress = std::function<bool(const Iteration&)>;

/// The optimisers count their random streams up from 0.
constexpr std::uint64_t start_stream = std::uint64_t{1} << 61;

struct Solution {
  OptimizationResult result;
  std::vector<double> x;
  std::string device_name;
};

template <Backend B, Scalar T>
Buffer<T, B> first_point(Context<B>& ctx, const TrainOptions& options, index_t n) {
  if (options.start == Start::normal) {
    Buffer<T, B> x(ctx, n);
    const auto scale = static_cast<T>(1 / std::sqrt(static_cast<double>(n)));
    fill_normal(ctx, Rng{options.solver.seed, start_stream}, scale, x.view());
    return x;
  }
  const T value = options.start == Start::ones ? T(1) : T(0);
  return Buffer<T, B>(ctx, std::vector<T>(static_cast<std::size_t>(n), value));
}

template <class Loss, Backend B, Scalar T>
Solution minimise(Context<B>& ctx, const Dataset<T, B>& data, const TrainOptions& options,
                  const Progress& progress) {
  SecondOrderOptions solver = options.solver;
  constexpr double most = 9e18;  // what an integer of 64 bits can count
  solver.stopping.max_props = static_cast<std::int64_t>(std::min(options.max_props, most));
  solver.progress = progress;

  const LinearModel<Loss, B, T> objective(ctx, data, {.l2 = options.l2});
  Buffer<T, B> x = first_point<B, T>(ctx, options, objective.dim());
  const FiniteSumRef<B, T> f(objective);
  Solution solution;
  solution.result = options.method == Method::trust_region ? trust_region(ctx, f, x.view(), solver)
                                                           : cubic_newton(ctx, f, x.view(), solver);
  const std::vector<T> found = x.download();
  solution.x.assign(found.begin(), found.end());
  solution.device_name = ctx.device_name();
  return solution;
}

template <Backend B, Scalar T>
Solution minimise(Context<B>& ctx, const Dataset<T, B>& data, const TrainOptions& options,
                  const Progress& progress) {
  return options.loss == Loss::squares
             ? minimise<SigmoidSquares, B, T>(ctx, data, options, progress)
             : minimise<LogisticLoss, B, T>(ctx, data, options, progress);
}

/// Where the run takes place. Made before the data are read, so that a missing device is told at
/// once.
class Place {
 public:
  Place(Context<Cpu>& host, Device device) : host_(host) {
    if (device == Device::cuda) device_.emplace();
  }

  template <Scalar T>
  Solution minimise_on(const Dataset<T, Cpu>& data, const TrainOptions& options,
                       const Progress& progress) {
#ifdef RANDNLA_HAS_CUDA
    if (device_) {
      const Dataset<T, Cuda> copy = copy_to(*device_, data);
      return minimise(*device_, copy, options, progress);
    }
#endif
    return minimise(host_, data, options, progress);
  }

 private:
  Context<Cpu>& host_;
  std::optional<Context<Cuda>> device_;
};

template <Scalar T>
double accuracy(const std::vector<double>& x, const Dataset<T, Cpu>& data) {
  return static_cast<double>(count_correct(margins({x, 0}, data), data)) /
         static_cast<double>(data.rows);
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
void announce(std::FILE* out, const Problem<T>& problem, const TrainOptions& options) {
  const Dataset<T, Cpu>& data = problem.train;
  const T* const targets = data.targets.data();
  std::fprintf(out, "%s: %lld rows (%lld positive) x %lld features, %s%s; %lld test rows\n",
               options.data.data.c_str(), static_cast<long long>(data.rows),
               static_cast<long long>(std::count(targets, targets + data.rows, T(1))),
               static_cast<long long>(problem.features), data.sparse() ? "sparse" : "dense",
               options.data.bias ? ", with a bias" : "", static_cast<long long>(problem.test.rows));
  std::fflush(out);
}

void print_summary(const OptimizationResult& result, const RunFacts& facts) {
  std::printf("%strain accuracy  %.4f\n", summary(result).c_str(), facts.train_accuracy);
  if (facts.test_accuracy) std::printf("test accuracy   %.4f\n", *facts.test_accuracy);
}

template <Scalar T>
int train_with(Context<Cpu>& host, Place& place, const TrainOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  const Problem<T> problem = load<T>(host, options.data, Targets::two_classes);
  RunFacts facts;
  facts.rows = problem.train.rows;
  facts.test_rows = problem.test.rows;
  facts.features = problem.features;
  facts.dimensions = problem.train.cols;
  facts.sparse = problem.train.sparse();
  facts.targets = problem.targets;
  facts.threads = host.threads();
  facts.load_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();

  std::FILE* const out = options.json ? stderr : stdout;
  ProgressTable table(out, options.method);
  std::optional<LineFile> trace;
  if (!options.trace.empty()) trace.emplace(options.trace);
  if (!options.quiet) announce(out, problem, options);
  RunHistory history;
  finish_work_on_interrupt();
  const Solution solution = place.minimise_on(problem.train, options, [&](const Iteration& it) {
    if (!options.quiet) table.add(it);
    if (trace) trace->write(one_line(to_json(it, options.method)));
    history.add(it);
    return !interrupted();
  });
  table.finish();

  facts.device_name = solution.device_name;
  facts.train_accuracy = accuracy(solution.x, problem.train);
  if (problem.test.rows > 0) facts.test_accuracy = accuracy(solution.x, problem.test);
  // First what no full disk can take away.
  if (options.json) {
    std::printf("%s\n", one_line(to_json(solution.result, facts, options)).c_str());
  } else {
    print_summary(solution.result, facts);
  }
  std::fflush(stdout);
  if (!options.model.empty()) {
    write_model(options.model, on_raw_features(solution.x, problem.map, options.data.bias));
  }
  if (!options.plot.empty()) write_text(options.plot, to_svg(history.panels(options)));
  if (trace) trace->finish();
  return interrupted() ? exit_interrupted : 0;
}

}  // namespace

int train(const TrainOptions& options) {
  const DataOptions& data = options.data;
  check_outputs({options.model, options.trace, options.plot},
                {data.synthetic() ? "" : data.data, data.test, data.labels, data.test_labels});
  Context<Cpu> host(options.threads);
  Place place(host, options.device);
  return options.precision == Precision::f32 ? train_with<float>(host, place, options)
                                             : train_with<double>(host, place, options);
}

}  // namespace randnla::app
