#include "nn_training.hpp"

#include "nn_network.hpp"

#include <randnla/core/error.hpp>
#include <randnla/io/npy.hpp>
#include <randnla/learn/image_tensors.hpp>
#include <randnla/learn/mlp.hpp>
#include <randnla/learn/models.hpp>

#include <torch/csrc/autograd/grad_mode.h>
#include <torch/utils.h>

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace randnla::app {
namespace {

std::string shape_text(const Images& images) {
  return std::to_string(images.channels) + " x " + std::to_string(images.height) + " x " +
         std::to_string(images.width);
}

Network autoencoder_for(const NetworkOptions& options, const Images& images) {
  if (!options.sizes.empty()) {
    check_sizes(options, images);
    return autoencoder(options.sizes);
  }
  const index_t pixels = images.channels * images.height * images.width;
  require(pixels == 784,
          "--model autoencoder without --sizes is for 784 pixels, and the images of " +
              options.data + " have " + std::to_string(pixels) + ": --sizes " +
              std::to_string(pixels) + ",..,CODE");
  return autoencoder();
}

}  // namespace

Network make_network(const NetworkOptions& options, const Images& images) {
  torch::manual_seed(options.seed);
  if (options.model == NetworkModel::mlp) {
    return mlp(sizes_for(options, images), options.activation);
  }
  if (options.model == NetworkModel::autoencoder) return autoencoder_for(options, images);
  const std::string model = std::string("--model ") + name_in(network_model_names, options.model),
                    those = ", and those of " + options.data + " have " + shape_text(images);
  if (options.model == NetworkModel::c1) {
    require(images.channels == 3 && images.height == 32 && images.width == 32,
            model + " is for images of 3 x 32 x 32" + those);
    require(images.classes <= 10, model + " has 10 classes, and " + options.data + " has " +
                                      std::to_string(images.classes));
    return normalised(c1(), channel_statistics(pixel_tensor(images)));
  }
  const ResNetShape& shape = options.model == NetworkModel::resnet20 ? resnet20 : resnet18;
  const index_t unit = index_t{1} << (shape.widths.size() - 1);
  require(images.channels == 3 && images.height % unit == 0 && images.width % unit == 0,
          model + " is for images of 3 channels whose sides are multiples of " +
              std::to_string(unit) + those);
  return normalised(resnet(shape, images.classes), channel_statistics(pixel_tensor(images)));
}

void set_weights(const Network& network, const std::string& path) {
  index_t count = 0;
  for (const torch::Tensor& each : network.module->parameters()) count += each.numel();
  const std::vector<double> values = read_weights(path, count);
  const torch::NoGradGuard no_graph;
  index_t at = 0;
  const torch::Tensor all = torch::tensor(values, torch::kDouble);
  for (const torch::Tensor& each : network.module->parameters()) {
    each.copy_(all.narrow(0, at, each.numel()).view(each.sizes()));
    at += each.numel();
  }
}

void save_weights(const Network& network, const NetworkOptions& options) {
  if (options.save_weights.empty()) return;
  std::vector<double> values;
  for (const torch::Tensor& each : network.module->parameters()) {
    const torch::Tensor wide = each.detach().to(torch::kDouble).contiguous();
    values.insert(values.end(), wide.data_ptr<double>(), wide.data_ptr<double>() + wide.numel());
  }
  write_npy(options.save_weights, values);
}

NetworkData tensors_of(const Images& images) {
  return {pixel_tensor(images), label_tensor(images)};
}

NetworkData tensors_for(NetworkModel model, const Images& images) {
  if (model != NetworkModel::autoencoder) return tensors_of(images);
  const torch::Tensor pixels = pixel_tensor(images);
  return {pixels, pixels.flatten(1)};
}

NetworkLoss loss_of(NetworkModel model) {
  return model == NetworkModel::autoencoder ? NetworkLoss::mse : NetworkLoss::cross_entropy;
}

Json to_json(const TrainingRun& run) {
  const NetworkTrainOptions& options = run.options;
  return {{"data", options.network.data},
          {"rows", run.rows()},
          {"model", name_in(network_model_names, options.network.model)},
          {"method", name_in(method_names, options.method)},
          {"seed", options.network.seed}};
}

randnla::TrainOptions library_options(const NetworkTrainOptions& options) {
  randnla::TrainOptions out;
  out.loss = loss_of(options.network.model);
  out.epochs = options.epochs;
  out.learning_rate = options.learning_rate;
  out.momentum = options.momentum;
  out.weight_decay = options.weight_decay;
  out.decay_factor = options.decay_factor;
  out.decay_epochs = options.decay_epochs;
  out.batch = options.batch;
  out.micro_batch = options.micro_batch;
  out.seed = options.network.seed;
  if (options.augment) out.augmentation.emplace();
  if (options.rule == BatchRule::fixed) return out;
  out.abs = {
      .base_batch = options.batch, .max_ratio = options.max_ratio, .max_epochs = options.patience};
  if (options.rule == BatchRule::absa) {
    out.abs->adversarial_share = 0.2;
    out.abs->adversarial_epochs = options.epochs / 2;
  }
  return out;
}

std::string cell(const char* format, double value) {
  if (std::isnan(value)) return "-";
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

Json to_json(const EpochRecord& row) {
  const auto number = [](double value) { return std::isnan(value) ? Json() : Json(value); };
  return {{"epoch", row.epoch},
          {"updates", row.updates},
          {"gradients", row.gradients},
          {"batch", row.batch},
          {"learning_rate", row.learning_rate},
          {"adversarial_share", row.adversarial_share},
          {"train_loss", row.train_loss},
          {"test_loss", number(row.test_loss)},
          {"test_accuracy", number(row.test_accuracy)},
          {"eigenvalue", number(row.eigenvalue)},
          {"seconds", row.seconds}};
}

namespace {

double epoch_of(const EpochRecord& row) { return static_cast<double>(row.epoch); }
double updates_of(const EpochRecord& row) { return static_cast<double>(row.updates); }
double batch_of(const EpochRecord& row) { return static_cast<double>(row.batch); }
double loss_of(const EpochRecord& row) { return row.train_loss; }
double accuracy_of(const EpochRecord& row) { return row.test_accuracy; }
double eigenvalue_of(const EpochRecord& row) { return row.eigenvalue; }

const Axis epochs{.label = "epochs"}, images{.label = "images", .logarithmic = true},
    eigenvalue{.label = "largest eigenvalue of the Hessian", .logarithmic = true};

}  // namespace

const std::array<EpochPlot, 5> epoch_plots = {
    {{"Test accuracy",
      {.label = "updates", .logarithmic = true},
      {.label = "accuracy"},
      updates_of,
      accuracy_of,
      false,
      true},
     {"Training loss",
      epochs,
      {.label = "loss", .logarithmic = true},
      epoch_of,
      loss_of,
      false,
      false},
     {"Batch", epochs, images, epoch_of, batch_of, false, false},
     {"Largest eigenvalue after an epoch", epochs, eigenvalue, epoch_of, eigenvalue_of, true,
      false},
     {"Batch against eigenvalue", eigenvalue, images, eigenvalue_of, batch_of, true, false}}};

}  // namespace randnla::app
