// What the sources that evaluate networks share.
#pragma once

#include <randnla/core/error.hpp>
#include <randnla/learn/network_loss.hpp>
#include <randnla/learn/score.hpp>

#include <torch/nn/functional/loss.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace randnla {

/// One a row.
inline torch::Tensor row_losses(NetworkLoss loss, const torch::Tensor& outputs,
                                const torch::Tensor& targets) {
  if (loss == NetworkLoss::cross_entropy) {
    namespace functional = torch::nn::functional;
    return functional::cross_entropy(outputs, targets,
                                     functional::CrossEntropyFuncOptions().reduction(torch::kNone));
  }
  return (outputs - targets).square().flatten(1).mean(1);
}

/// How many rows have the largest output at their class.
inline index_t count_right(const torch::Tensor& outputs, const torch::Tensor& classes) {
  return outputs.argmax(1).eq(classes).sum().item<index_t>();
}

/// One mode, training or evaluation, for as long as it lives; then every module has its own again.
class ModeGuard {
 public:
  ModeGuard(torch::nn::Module& network, bool training) : modules_(network.modules()) {
    for (const auto& module : modules_) training_.push_back(module->is_training());
    network.train(training);
  }
  ModeGuard(const ModeGuard&) = delete;
  ModeGuard& operator=(const ModeGuard&) = delete;
  ~ModeGuard() {
    // A module comes before those in it, which it sets, too.
    for (std::size_t k = 0; k < modules_.size(); ++k) modules_[k]->train(training_[k]);
  }

 private:
  std::vector<std::shared_ptr<torch::nn::Module>> modules_;
  std::vector<bool> training_;
};

inline void require_rows(const std::string& who, const torch::Tensor& inputs,
                         const torch::Tensor& targets) {
  require(inputs.defined() && inputs.dim() >= 1 && inputs.size(0) >= 1, who + ": no rows");
  require(targets.defined() && targets.dim() >= 1 && targets.size(0) == inputs.size(0),
          who + ": inputs of " + std::to_string(inputs.size(0)) + " rows, targets of " +
              std::to_string(targets.defined() && targets.dim() >= 1 ? targets.size(0) : 0));
}

/// f(inputs, targets) for micro-batches, one after the other.
template <class F>
void for_micro_batches(const std::string& who, const NetworkData& data, index_t micro_batch, F f) {
  require_rows(who, data.inputs, data.targets);
  require(micro_batch >= 1,
          who + ": micro_batch = " + std::to_string(micro_batch) + ", want at least 1");
  const index_t rows = data.inputs.size(0);
  for (index_t begin = 0; begin < rows; begin += micro_batch) {
    const index_t size = std::min(micro_batch, rows - begin);
    f(data.inputs.narrow(0, begin, size), data.targets.narrow(0, begin, size));
  }
}

}  // namespace randnla
