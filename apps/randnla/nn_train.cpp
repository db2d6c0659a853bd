#include "interrupt.hpp"
#include "nn_images.hpp"
#include "nn_training.hpp"
#include "outputs.hpp"

#include <randnla/core/error.hpp>
#include <randnla/learn/train.hpp>
#include <randnla/version.hpp>

#include <torch/utils.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace randnla::app {
namespace {

void print_header(std::FILE* out) {
  std::fprintf(out, "%6s %9s %10s %6s %9s %11s %10s %9s %11s %9s\n", "epoch", "updates",
               "gradients", "batch", "rate", "train loss", "test loss", "accuracy", "eigenvalue",
               "seconds");
}

void print(std::FILE* out, const EpochRecord& row) {
  std::fprintf(out, "%6lld %9lld %10.2f %6lld %9.4g %11.5g %10.5g %9s %11s %9.1f\n",
               static_cast<long long>(row.epoch), static_cast<long long>(row.updates),
               row.gradients, static_cast<long long>(row.batch), row.learning_rate, row.train_loss,
               row.test_loss, cell("%.4f", row.test_accuracy).c_str(),
               cell("%.4g", row.eigenvalue).c_str(), row.seconds);
  std::fflush(out);
}

Json to_json(const TrainingRun& run, const TrainResult& result) {
  Json trace = Json::array();
  for (const EpochRecord& row : result.trace) trace.push_back(app::to_json(row));
  Json json = app::to_json(run);
  json.update({{"batches", name_in(batch_rule_names, run.options.rule)},
               {"stop", name(result.stop)},
               {"trace", trace},
               {"threads", run.ctx.threads()},
               {"version", RANDNLA_VERSION}});
  return json;
}

std::string picture_of(const std::vector<EpochRecord>& trace, const NetworkTrainOptions& options) {
  std::vector<Panel> panels;
  for (const EpochPlot& plot : epoch_plots) {
    if (plot.adaptive && options.rule == BatchRule::fixed) continue;
    if (plot.classes && options.network.model == NetworkModel::autoencoder) continue;
    Curve curve;
    for (const EpochRecord& row : trace) {
      curve.x.push_back(plot.x_of(row)), curve.y.push_back(plot.y_of(row));
    }
    panels.push_back({plot.title, plot.x, plot.y, {curve}});
  }
  return to_svg(panels);
}

/// The checkpoint to go on from; none where there is no such file yet.
std::optional<TrainCheckpoint> checkpoint_of(const NetworkTrainOptions& options) {
  if (!options.resume || !std::filesystem::exists(options.checkpoint)) return std::nullopt;
  return load_train_checkpoint(options.checkpoint);
}

int train_by_gradient_descent(const TrainingRun& run) {
  const NetworkTrainOptions& options = run.options;
  const std::optional<TrainCheckpoint> from = checkpoint_of(options);
  std::FILE* const out = options.json ? stderr : stdout;
  randnla::TrainOptions with = library_options(options);
  with.resume = from ? &*from : nullptr;
  with.progress = [&](const EpochRecord& row) {
    print(out, row);
    return !interrupted();
  };
  with.interrupted = interrupted;
  if (!options.checkpoint.empty()) {
    with.checkpoint = [&](const TrainCheckpoint& at) { save(options.checkpoint, at); };
  }
  finish_work_on_interrupt();
  print_header(out);
  if (from) {
    for (const EpochRecord& row : from->trace) print(out, row);
  }
  const TrainResult result = randnla::train(run.ctx, run.network, run.data, run.test, with);
  if (options.json) {
    std::printf("%s\n", one_line(to_json(run, result)).c_str());
    std::fflush(stdout);
  }
  if (!options.plot.empty()) write_text(options.plot, picture_of(result.trace, options));
  if (result.stop == Stop::not_finite) {
    throw DataError("the loss is not finite in epoch " + std::to_string(result.trace.size() + 1) +
                    ": a smaller --learning-rate may help");
  }
  save_weights(run.network, options.network);
  return interrupted() ? exit_interrupted : 0;
}

}  // namespace

int train_network(const NetworkTrainOptions& options) {
  check_outputs({options.checkpoint, options.network.save_weights, options.plot},
                {options.network.weights});
  Context<Cpu> ctx(options.network.threads);
  at::set_num_threads(ctx.threads());
  const Images images = load_images(ctx, options.network);
  const NetworkModel model = options.network.model;
  const Network network = make_network(options.network, images);
  if (!options.network.weights.empty()) set_weights(network, options.network.weights);
  const NetworkData data = tensors_for(model, images),
                    test = tensors_for(model, load_test_images(ctx, options.network));
  const TrainingRun run{options, ctx, network, data, test};
  return options.method == Method::sgd ? train_by_gradient_descent(run)
                                       : train_by_second_order(run);
}

}  // namespace randnla::app
