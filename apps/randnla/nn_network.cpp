#include "nn_network.hpp"

#include "nn_images.hpp"

#include <randnla/io/npy.hpp>
#include <randnla/learn/image_tensors.hpp>
#include <randnla/learn/mlp.hpp>
#include <randnla/learn/torch_objective.hpp>

#include <torch/utils.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

namespace randnla::app {
namespace {

std::string joined(const std::vector<index_t>& sizes) {
  std::string text;
  for (const index_t size : sizes) text += (text.empty() ? "" : ",") + std::to_string(size);
  return text;
}

}  // namespace

void check_sizes(const NetworkOptions& options, const Images& images) {
  const index_t pixels = images.channels * images.height * images.width;
  require(options.sizes.size() >= 2, "--sizes wants two numbers or more");
  require(options.sizes.front() == pixels,
          "--sizes begins with " + std::to_string(options.sizes.front()) + ", and the images of " +
              options.data + " have " + std::to_string(pixels) + " pixels");
}

std::vector<index_t> sizes_for(const NetworkOptions& options, const Images& images) {
  if (options.sizes.empty()) {
    return {images.channels * images.height * images.width, 16, images.classes};
  }
  check_sizes(options, images);
  require(options.sizes.back() >= images.classes,
          "--sizes ends with " + std::to_string(options.sizes.back()) + ", and there are " +
              std::to_string(images.classes) + " classes");
  return options.sizes;
}

std::vector<double> read_weights(const std::string& path, index_t parameters) {
  std::vector<double> values = read_npy(path);
  if (std::cmp_not_equal(values.size(), parameters)) {
    throw DataError(path + ": has " + std::to_string(values.size()) + " numbers, and the network " +
                    std::to_string(parameters) + " parameters");
  }
  const auto bad =
      std::find_if_not(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
  if (bad != values.end()) {
    throw DataError(path + ": number " + std::to_string(bad - values.begin()) + " is not finite");
  }
  return values;
}

struct NetworkProblem::Network {
  Network(Context<Cpu>& ctx, const Images& images, const NetworkOptions& options)
      : f(ctx, mlp(options.sizes, options.activation, torch::kDouble),
          pixel_tensor(images, torch::kDouble), label_tensor(images)) {}

  TorchObjective<Cpu, double> f;
};

NetworkProblem::NetworkProblem(Context<Cpu>& ctx, const NetworkOptions& options)
    : options_(options) {
  at::set_num_threads(ctx.threads());
  const Images images = load_images(ctx, options);
  options_.rows = images.count;
  options_.sizes = sizes_for(options, images);
  torch::manual_seed(options.seed);
  network_ = std::make_unique<Network>(ctx, images, options_);
  weights_.resize(static_cast<std::size_t>(network_->f.dim()));
  row_weights_.assign(static_cast<std::size_t>(images.count),
                      1 / static_cast<double>(images.count));
  if (options.weights.empty()) {
    network_->f.get_parameters(ctx, {weights_.data(), dim()});
  } else {
    weights_ = read_weights(options.weights, dim());
  }
  std::vector<double> gradient(weights_.size());
  network_->f.evaluate(ctx, weights(), Sample<Cpu, double>::all(images.count),
                       {.value = &loss_, .gradient = gradient.data()});
  for (const double entry : gradient) gradient_norm_ += entry * entry;
  gradient_norm_ = std::sqrt(gradient_norm_);
  if (!std::isfinite(loss_) || !std::isfinite(gradient_norm_)) {
    throw DataError(options_.weights + ": the loss at these weights is not finite");
  }
}

NetworkProblem::~NetworkProblem() = default;

FiniteSumRef<Cpu, double> NetworkProblem::f() const { return network_->f; }

const std::vector<ParameterBlock>& NetworkProblem::blocks() const { return network_->f.blocks(); }

HessianOperator<Cpu, double> NetworkProblem::hessian() const {
  return {f(), {weights(), Sample<Cpu, double>::all(options_.rows), row_weights_.data()}};
}

void NetworkProblem::save_weights() const {
  if (!options_.save_weights.empty()) write_npy(options_.save_weights, weights_);
}

Json NetworkProblem::to_json() const {
  return {{"data", options_.data},
          {"rows", options_.rows},
          {"model", name_in(network_model_names, options_.model)},
          {"sizes", options_.sizes},
          {"activation", name_in(activation_names, options_.activation)},
          {"weights", options_.weights.empty() ? Json() : Json(options_.weights)},
          {"seed", options_.seed},
          {"parameters", dim()},
          {"loss", loss_},
          {"gradient_norm", gradient_norm_}};
}

std::string NetworkProblem::summary() const {
  std::array<char, 80> loss;
  std::snprintf(loss.data(), loss.size(), "loss %.8g, gradient norm %.4g\n", loss_, gradient_norm_);
  return options_.data + ", " + std::to_string(options_.rows) + " images; " +
         name_in(network_model_names, options_.model) + " " + joined(options_.sizes) + ", " +
         name_in(activation_names, options_.activation) + ", " + std::to_string(dim()) +
         " parameters " + (options_.weights.empty() ? "at random" : "from " + options_.weights) +
         "\n" + loss.data();
}

}  // namespace randnla::app
