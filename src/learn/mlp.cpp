#include <randnla/core/error.hpp>
#include <randnla/learn/mlp.hpp>

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include <string>

namespace randnla {
namespace {

void add_activation(torch::nn::Sequential& layers, Activation activation) {
  switch (activation) {
    case Activation::relu:
      layers->push_back(torch::nn::ReLU());
      return;
    case Activation::softplus:
      layers->push_back(torch::nn::Softplus());
      return;
    case Activation::tanh:
      layers->push_back(torch::nn::Tanh());
      return;
    case Activation::logistic:
      layers->push_back(torch::nn::Sigmoid());
      return;
  }
}

}  // namespace

Network mlp(const std::vector<index_t>& sizes, Activation activation, torch::Dtype type) {
  require(sizes.size() >= 2,
          "mlp: " + std::to_string(sizes.size()) + " sizes, want those of inputs and outputs");
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    require(sizes[k] >= 1, "mlp: size " + std::to_string(k) + " is " + std::to_string(sizes[k]) +
                               ", want at least 1");
  }
  torch::nn::Sequential layers{torch::nn::Flatten()};
  for (std::size_t k = 1; k < sizes.size(); ++k) {
    if (k > 1) add_activation(layers, activation);
    layers->push_back(torch::nn::Linear(sizes[k - 1], sizes[k]));
  }
  layers->to(type);
  return network(layers);
}

}  // namespace randnla
