#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <functional>
#include <memory>

namespace randnla {

/// A module of libtorch and what it computes: outputs (rows, ..) from inputs (rows, ..).
struct Network {
  std::shared_ptr<torch::nn::Module> module;
  std::function<torch::Tensor(const torch::Tensor&)> forward;
};

/// Of a module with forward(Tensor) -> Tensor, such as a user's own.
template <class Module>
Network network(std::shared_ptr<Module> module) {
  return {module, [module](const torch::Tensor& inputs) { return module->forward(inputs); }};
}
/// Of a holder of one, such as torch::nn::Sequential.
template <class Module>
Network network(torch::nn::ModuleHolder<Module> holder) {
  return network(holder.ptr());
}

}  // namespace randnla
