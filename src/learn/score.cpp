#include "learn/row_losses.hpp"

#include <torch/csrc/autograd/grad_mode.h>

#include <limits>

namespace randnla {

Score score(const Network& network, const NetworkData& data, NetworkLoss loss,
            index_t micro_batch) {
  const torch::NoGradGuard no_graph;
  const ModeGuard evaluating(*network.module, false);
  const bool classes = loss == NetworkLoss::cross_entropy;
  double sum = 0;
  index_t right = 0;
  for_micro_batches("score", data, micro_batch, [&](const auto& inputs, const auto& targets) {
    const torch::Tensor outputs = network.forward(inputs);
    sum += row_losses(loss, outputs, targets).to(torch::kDouble).sum().template item<double>();
    if (classes) right += count_right(outputs, targets);
  });
  const auto rows = static_cast<double>(data.inputs.size(0));
  return {sum / rows,
          classes ? static_cast<double>(right) / rows : std::numeric_limits<double>::quiet_NaN()};
}

}  // namespace randnla
