#include "nn_training.hpp"

#include "nn_network.hpp"

#include <randnla/core/error.hpp>
#include <randnla/learn/image_tensors.hpp>
#include <randnla/learn/mlp.hpp>
#include <randnla/learn/models.hpp>

#include <torch/utils.h>

#include <cmath>
#include <string>

namespace randnla::app {

Network make_network(const NetworkOptions& options, const Images& images) {
  torch::manual_seed(options.seed);
  if (options.model == NetworkModel::mlp) {
    return mlp(sizes_for(options, images), options.activation);
  }
  require(images.channels == 3 && images.height == 32 && images.width == 32,
          std::string("--model ") + name_in(network_model_names, options.model) +
              " is for images of 3 x 32 x 32, and those of " + options.data + " have " +
              std::to_string(images.channels) + " x " + std::to_string(images.height) + " x " +
              std::to_string(images.width));
  const Network network = options.model == NetworkModel::c1         ? c1()
                          : options.model == NetworkModel::resnet20 ? resnet(resnet20)
                                                                    : resnet(resnet18);
  return normalised(network, channel_statistics(pixel_tensor(images)));
}

NetworkData tensors_of(const Images& images) {
  return {pixel_tensor(images), label_tensor(images)};
}

randnla::TrainOptions library_options(const NetworkTrainOptions& options) {
  randnla::TrainOptions out;
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
  out.abs = {.base_batch = options.batch, .max_ratio = options.max_ratio};
  if (options.rule == BatchRule::absa) {
    out.abs->adversarial_share = 0.2;
    out.abs->adversarial_epochs = options.epochs / 2;
  }
  return out;
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

}  // namespace randnla::app
