#include <randnla/core/error.hpp>
#include <randnla/learn/models.hpp>

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/pooling.h>
#include <torch/utils.h>

#include <string>

namespace randnla {
namespace {

namespace nn = torch::nn;

/// Without bias, which the normalisation after it would take away again.
nn::Conv2d convolution(index_t from, index_t to, index_t size, index_t stride) {
  return nn::Conv2d(nn::Conv2dOptions(from, to, size).stride(stride).padding(size / 2).bias(false));
}

/// A layer whose units see few others, by weights of order 1: logistic units of many small weights all
/// say 1/2, and what they do not tell apart no gradient does (Martens, ICML 2010, section 5).
nn::Linear few_inputs(index_t from, index_t to) {
  constexpr index_t most = 15;
  nn::Linear layer(from, to);
  const torch::NoGradGuard no_graph;
  layer->weight.zero_();
  layer->bias.zero_();
  const index_t inputs = std::min(most, from);
  for (index_t unit = 0; unit < to; ++unit) {
    const torch::Tensor seen = torch::randperm(from, torch::kInt64).narrow(0, 0, inputs);
    layer->weight[unit].index_copy_(0, seen, torch::randn({inputs}));
  }
  return layer;
}

/// Two convolutions and a way around them.
class ResidualBlock : public nn::Module {
 public:
  ResidualBlock(index_t from, index_t to, index_t stride)
      : layers_(convolution(from, to, 3, stride), nn::BatchNorm2d(to), nn::ReLU(),
                convolution(to, to, 3, 1), nn::BatchNorm2d(to)) {
    register_module("layers", layers_);
    if (from == to && stride == 1) return;
    around_ = nn::Sequential(convolution(from, to, 1, stride), nn::BatchNorm2d(to));
    register_module("around", around_);
  }

  torch::Tensor forward(const torch::Tensor& inputs) {
    return (layers_->forward(inputs) + (around_.is_empty() ? inputs : around_->forward(inputs)))
        .relu();
  }

 private:
  nn::Sequential layers_, around_ = nullptr;
};

void require_size(const std::string& what, index_t value) {
  require(value >= 1, what + " = " + std::to_string(value) + ", want at least 1");
}

}  // namespace

Network c1(torch::Dtype type) {
  nn::Sequential layers;
  for (const index_t from : {3, 64}) {
    layers->push_back(nn::Conv2d(nn::Conv2dOptions(from, 64, 5).padding(2)));
    layers->push_back(nn::ReLU());
    layers->push_back(nn::BatchNorm2d(64));
    layers->push_back(nn::MaxPool2d(nn::MaxPool2dOptions(3).stride(2).padding(1)));
  }
  layers->push_back(nn::Flatten());
  layers->push_back(nn::Linear(64 * 8 * 8, 384));
  layers->push_back(nn::ReLU());
  layers->push_back(nn::Linear(384, 192));
  layers->push_back(nn::ReLU());
  layers->push_back(nn::Linear(192, 10));
  layers->to(type);
  return network(layers);
}

Network resnet(const ResNetShape& shape, index_t classes, torch::Dtype type) {
  require(!shape.widths.empty(), "resnet: no stages");
  require_size("resnet: blocks", shape.blocks);
  require_size("resnet: classes", classes);
  for (const index_t width : shape.widths) require_size("resnet: a width", width);
  index_t from = shape.widths.front();
  nn::Sequential layers(convolution(3, from, 3, 1), nn::BatchNorm2d(from), nn::ReLU());
  for (std::size_t stage = 0; stage < shape.widths.size(); ++stage) {
    for (index_t block = 0; block < shape.blocks; ++block) {
      const index_t to = shape.widths[stage];
      layers->push_back(ResidualBlock(from, to, stage > 0 && block == 0 ? 2 : 1));
      from = to;
    }
  }
  layers->push_back(nn::AdaptiveAvgPool2d(1));
  layers->push_back(nn::Flatten());
  layers->push_back(nn::Linear(from, classes));
  layers->to(type);
  return network(layers);
}

Network autoencoder(const std::vector<index_t>& sizes, torch::Dtype type) {
  require(sizes.size() >= 2,
          "autoencoder: " + std::to_string(sizes.size()) + " sizes, want those of inputs and code");
  for (const index_t size : sizes) require_size("autoencoder: a size", size);
  std::vector<index_t> all = sizes;
  all.insert(all.end(), sizes.rbegin() + 1, sizes.rend());
  nn::Sequential layers{nn::Flatten()};
  for (std::size_t k = 1; k < all.size(); ++k) {
    layers->push_back(few_inputs(all[k - 1], all[k]));
    if (k + 1 != sizes.size()) layers->push_back(nn::Sigmoid());
  }
  layers->to(type);
  return network(layers);
}

}  // namespace randnla
