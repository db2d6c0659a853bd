#include "interrupt.hpp"
#include "nn_images.hpp"
#include "nn_network.hpp"
#include "nn_training.hpp"
#include "outputs.hpp"

#include <randnla/io/npy.hpp>
#include <randnla/learn/train.hpp>
#include <randnla/version.hpp>

#include <torch/csrc/autograd/grad_mode.h>
#include <torch/utils.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace randnla::app {
namespace {

std::vector<double> weights_of(const Network& network) {
  std::vector<double> values;
  for (const torch::Tensor& each : network.module->parameters()) {
    const torch::Tensor wide = each.detach().to(torch::kDouble).contiguous();
    values.insert(values.end(), wide.data_ptr<double>(), wide.data_ptr<double>() + wide.numel());
  }
  return values;
}

void print_header(std::FILE* out) {
  std::fprintf(out, "%6s %9s %10s %6s %9s %11s %10s %9s %11s %9s\n", "epoch", "updates",
               "gradients", "batch", "rate", "train loss", "test loss", "accuracy", "eigenvalue",
               "seconds");
}

void print(std::FILE* out, const EpochRecord& row) {
  std::array<char, 24> eigenvalue{"-"};
  if (!std::isnan(row.eigenvalue)) {
    std::snprintf(eigenvalue.data(), eigenvalue.size(), "%.4g", row.eigenvalue);
  }
  std::fprintf(out, "%6lld %9lld %10.2f %6lld %9.4g %11.5g %10.5g %9.4f %11s %9.1f\n",
               static_cast<long long>(row.epoch), static_cast<long long>(row.updates),
               row.gradients, static_cast<long long>(row.batch), row.learning_rate, row.train_loss,
               row.test_loss, row.test_accuracy, eigenvalue.data(), row.seconds);
  std::fflush(out);
}

Json to_json(const TrainResult& result, const NetworkTrainOptions& options, const Images& images,
             int threads) {
  Json trace = Json::array();
  for (const EpochRecord& row : result.trace) trace.push_back(app::to_json(row));
  return {{"data", options.network.data},
          {"rows", images.count},
          {"model", name_in(network_model_names, options.network.model)},
          {"batches", name_in(batch_rule_names, options.rule)},
          {"seed", options.network.seed},
          {"stop", name(result.stop)},
          {"trace", trace},
          {"threads", threads},
          {"version", RANDNLA_VERSION}};
}

std::string picture_of(const std::vector<EpochRecord>& trace, BatchRule rule) {
  std::vector<Panel> panels;
  for (const EpochPlot& plot : epoch_plots) {
    if (plot.adaptive && rule == BatchRule::fixed) continue;
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

}  // namespace

int train_network(const NetworkTrainOptions& options) {
  check_outputs({options.checkpoint, options.network.save_weights, options.plot},
                {options.network.weights});
  Context<Cpu> ctx(options.network.threads);
  at::set_num_threads(ctx.threads());
  const Images images = load_images(ctx, options.network);
  const Images test = load_test_images(ctx, options.network);
  const Network network = make_network(options.network, images);
  if (!options.network.weights.empty()) set_weights(network, options.network.weights);
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
  const TrainResult result =
      randnla::train(ctx, network, tensors_of(images), tensors_of(test), with);
  if (options.json) {
    std::printf("%s\n", one_line(to_json(result, options, images, ctx.threads())).c_str());
    std::fflush(stdout);
  }
  if (!options.plot.empty()) write_text(options.plot, picture_of(result.trace, options.rule));
  if (result.stop == Stop::not_finite) {
    throw DataError("the loss is not finite in epoch " + std::to_string(result.trace.size() + 1) +
                    ": a smaller --learning-rate may help");
  }
  if (!options.network.save_weights.empty()) {
    write_npy(options.network.save_weights, weights_of(network));
  }
  return interrupted() ? exit_interrupted : 0;
}

}  // namespace randnla::app
