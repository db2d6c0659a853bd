// `randnla nn train` by trust region or cubic regularisation.
#include "interrupt.hpp"
#include "nn_training.hpp"
#include "outputs.hpp"
#include "result_json.hpp"

#include <randnla/core/buffer.hpp>
#include <randnla/core/error.hpp>
#include <randnla/learn/torch_objective.hpp>
#include <randnla/optimize/second_order.hpp>
#include <randnla/version.hpp>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace randnla::app {
namespace {

using Objective = TorchObjective<Cpu, float>;  // the networks of nn train are of float

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

/// An iteration, and what the test images say of its point: nothing new where the step was rejected.
struct Row {
  Iteration iteration;
  double gradients = 0;  // work since the start, in gradients of all rows
  Score test{unknown, unknown};
};

/// The run so far.
class History {
 public:
  explicit History(index_t rows) : rows_(static_cast<double>(rows)) {}

  const Row& add(const Iteration& it, const Score& test) {
    const Row before = all_.empty() ? Row{} : all_.back();
    const auto since = [&](auto count) {
      return static_cast<double>(it.work.*count - before.iteration.work.*count);
    };
    // Propagations count a product of a row as a gradient of it, 2; it takes about as long as two.
    const double more = static_cast<double>(it.hessian_sample) * since(&Work::hessian_products);
    all_.push_back({it, before.gradients + (since(&Work::props) / 2 + more) / rows_, test});
    return all_.back();
  }
  /// Those of the run that made the checkpoint.
  void recall(const Checkpoint& from) {
    for (std::size_t k = 0; k < from.result.trace.size(); ++k) {
      add(from.result.trace[k], {from.notes[2 * k], from.notes[2 * k + 1]});
    }
  }
  /// For a checkpoint that was made after so many iterations.
  std::vector<double> notes(std::size_t iterations) const {
    std::vector<double> numbers;
    for (std::size_t k = 0; k < iterations; ++k) {
      numbers.push_back(all_[k].test.loss), numbers.push_back(all_[k].test.accuracy);
    }
    return numbers;
  }
  const std::vector<Row>& rows() const { return all_; }

 private:
  double rows_;
  std::vector<Row> all_;
};

/// What a run needs to go on from its last accepted step, in memory and, now and then, in a file.
class CheckpointFile {
 public:
  CheckpointFile(std::string path, const History& history)
      : path_(std::move(path)), history_(history) {}

  void keep(const Checkpoint& at) { last_ = at; }
  void write() {
    if (!last_) return;
    last_->notes = history_.notes(last_->result.trace.size());
    save(path_, *last_);
    last_.reset();
    written_ = Clock::now();
  }
  void write_once_a_minute() {
    if (Clock::now() - written_ >= std::chrono::minutes(1)) write();
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::string path_;
  const History& history_;
  std::optional<Checkpoint> last_;
  Clock::time_point written_ = Clock::now();
};

/// The checkpoint to go on from; none where there is no such file yet.
std::optional<Checkpoint> checkpoint_of(const NetworkTrainOptions& options) {
  if (!options.resume || !std::filesystem::exists(options.checkpoint)) return std::nullopt;
  Checkpoint from = load_checkpoint(options.checkpoint);
  if (from.notes.size() != 2 * from.result.trace.size()) {
    throw DataError(options.checkpoint + ": is no checkpoint of nn train");
  }
  return from;
}

void print_header(std::FILE* out, Method method) {
  std::fprintf(out, "%6s %11s %10s %10s %-7s %6s %10s %10s %9s %9s\n", "iter", "train loss", "|g|",
               name_of_size(method), "step", "inner", "gradients", "test loss", "accuracy",
               "seconds");
}

void print(std::FILE* out, const Row& row) {
  const Iteration& it = row.iteration;
  const char* const step = !it.accepted                       ? "reject"
                           : it.step == StepKind::eigenvector ? "eigen"
                                                              : "accept";
  std::fprintf(out, "%6lld %11.5g %10.3e %10.3e %-7s %6d %10.2f %10s %9s %9.1f\n",
               static_cast<long long>(it.iteration), it.loss, it.gradient_norm, it.size, step,
               it.inner_iterations, row.gradients, cell("%.5g", row.test.loss).c_str(),
               cell("%.4f", row.test.accuracy).c_str(), it.seconds);
  std::fflush(out);
}

Json to_json(const TrainingRun& run, const OptimizationResult& result, const History& history) {
  Json trace = Json::array();
  Row last;
  for (const Row& row : history.rows()) {
    if (row.iteration.accepted) last.test = row.test;
    last.gradients = row.gradients;
    Json line = app::to_json(row.iteration, run.options.method);
    line["gradients"] = row.gradients;
    line["test_loss"] = row.test.loss;
    line["test_accuracy"] = row.test.accuracy;
    trace.push_back(line);
  }
  Json json = app::to_json(run);
  json.update(outcome_json(result));
  json.update({{"gradients", last.gradients},
               {"test_loss", last.test.loss},
               {"test_accuracy", last.test.accuracy},
               {"trace", trace},
               {"threads", run.ctx.threads()},
               {"version", RANDNLA_VERSION}});
  return json;
}

std::string picture_of(const History& history, NetworkModel model) {
  Curve loss, accuracy;
  for (const Row& row : history.rows()) {
    loss.x.push_back(row.gradients), loss.y.push_back(row.iteration.loss);
    if (!row.iteration.accepted) continue;
    accuracy.x.push_back(row.gradients), accuracy.y.push_back(row.test.accuracy);
  }
  const Axis work{.label = "gradients of all images", .logarithmic = true};
  std::vector<Panel> panels = {
      {"Training loss", work, {.label = "loss", .logarithmic = true}, {loss}}};
  if (model != NetworkModel::autoencoder) {
    panels.push_back({"Test accuracy", work, {.label = "accuracy"}, {accuracy}});
  }
  return to_svg(panels);
}

/// First what no full disk can take away. Throws DataError: a file, a run that came to nothing.
void report(const TrainingRun& run, const OptimizationResult& result, const History& history) {
  const NetworkTrainOptions& options = run.options;
  if (options.json) {
    std::printf("%s\n", one_line(to_json(run, result, history)).c_str());
  } else {
    std::printf("%s", summary(result).c_str());
  }
  std::fflush(stdout);
  if (!options.plot.empty()) write_text(options.plot, picture_of(history, options.network.model));
  if (result.stop == Stop::not_finite) {
    throw DataError("the loss or a derivative is not finite after " +
                    std::to_string(result.iterations) + " iterations");
  }
  save_weights(run.network, options.network);
}

}  // namespace

int train_by_second_order(const TrainingRun& run) {
  const NetworkTrainOptions& options = run.options;
  const NetworkLoss loss = loss_of(options.network.model);
  const std::optional<Checkpoint> from = checkpoint_of(options);
  const Objective f(run.ctx, run.network, run.data.inputs, run.data.targets,
                    {.loss = loss, .micro_batch = options.micro_batch});
  Buffer<float, Cpu> x(run.ctx, f.dim());
  f.get_parameters(run.ctx, x.view());

  std::FILE* const out = options.json ? stderr : stdout;
  History history(run.rows());
  CheckpointFile checkpoint(options.checkpoint, history);
  // Once the checkpoint is known to be of this run.
  bool begun = false;
  const auto begin = [&] {
    if (std::exchange(begun, true)) return;
    print_header(out, options.method);
    if (from) history.recall(*from);
    for (const Row& row : history.rows()) print(out, row);
  };
  Score test{unknown, unknown};
  SecondOrderOptions with = options.solver;
  with.point = [&](const std::vector<double>& at) {
    const std::vector<float> narrow(at.begin(), at.end());
    f.set_parameters(run.ctx, {narrow.data(), f.dim()});
    test = score(run.network, run.test, loss, options.micro_batch);
  };
  with.progress = [&](const Iteration& it) {
    begin();
    print(out, history.add(it, std::exchange(test, {unknown, unknown})));
    // Before the certificate, which takes its time.
    interrupted() ? checkpoint.write() : checkpoint.write_once_a_minute();
    return !interrupted();
  };
  if (!options.checkpoint.empty()) {
    with.checkpoint = [&](const Checkpoint& at) { checkpoint.keep(at); };
    with.checkpoint_seconds = 0;
  }
  with.resume = from ? &*from : nullptr;
  finish_work_on_interrupt();
  const OptimizationResult result = options.method == Method::cubic
                                        ? cubic_newton<Cpu, float>(run.ctx, f, x.view(), with)
                                        : trust_region<Cpu, float>(run.ctx, f, x.view(), with);
  begin();
  checkpoint.write();
  f.set_parameters(run.ctx, x.view());
  report(run, result, history);
  return interrupted() ? exit_interrupted : 0;
}

}  // namespace randnla::app
