#include "learn/row_losses.hpp"

#include <randnla/learn/adversarial.hpp>

#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/utils.h>

#include <cmath>

namespace randnla {
namespace {

using torch::Tensor;

void check(const std::string& who, const Tensor& inputs, const Tensor& targets, double eps,
           const DataRange& range) {
  require(eps >= 0 && std::isfinite(eps),
          who + ": eps = " + std::to_string(eps) + ", want at least 0");
  const std::string text =
      "the range " + std::to_string(range.low) + " to " + std::to_string(range.high);
  require(range.low < range.high, who + ": " + text + ", want one that is not empty");
  require_rows(who, inputs, targets);
  for (const Tensor& end : {inputs.min(), inputs.max()}) {
    const auto value = end.item<double>();
    require(value >= range.low && value <= range.high,
            who + ": an input is " + std::to_string(value) + ", outside of " + text);
  }
}

/// The sign of the gradient of each row's loss with respect to the row.
Tensor ascent(const Network& network, NetworkLoss loss, const Tensor& at, const Tensor& targets) {
  const torch::AutoGradMode graph(true);
  const Tensor inputs = at.detach().requires_grad_();
  const Tensor sum = row_losses(loss, network.forward(inputs), targets).sum();
  return torch::autograd::grad({sum}, {inputs})[0].sign();
}

Tensor start(const Tensor& inputs, double eps, const PgdOptions& options, const DataRange& range) {
  if (!options.seed) return inputs;
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(*options.seed);
  const Tensor shift = torch::empty_like(inputs).uniform_(-eps, eps, generator);
  return (inputs + shift).clamp(range.low, range.high);
}

}  // namespace

Tensor fgsm(const Network& network, NetworkLoss loss, const Tensor& inputs, const Tensor& targets,
            double eps, const DataRange& range) {
  check("fgsm", inputs, targets, eps, range);
  const ModeGuard evaluating(*network.module, false);
  const torch::NoGradGuard no_graph;
  return (inputs + eps * ascent(network, loss, inputs, targets)).clamp(range.low, range.high);
}

Tensor pgd(const Network& network, NetworkLoss loss, const Tensor& inputs, const Tensor& targets,
           double eps, const PgdOptions& options, const DataRange& range) {
  check("pgd", inputs, targets, eps, range);
  require(options.steps >= 1,
          "pgd: steps = " + std::to_string(options.steps) + ", want at least 1");
  require(options.step > 0 && std::isfinite(options.step),
          "pgd: step = " + std::to_string(options.step) + ", want above 0");
  const ModeGuard evaluating(*network.module, false);
  const torch::NoGradGuard no_graph;
  const Tensor low = (inputs - eps).clamp_min(range.low),
               high = (inputs + eps).clamp_max(range.high);
  Tensor at = start(inputs, eps, options, range);
  for (int k = 0; k < options.steps; ++k) {
    at = torch::minimum(
        torch::maximum(at + options.step * eps * ascent(network, loss, at, targets), low), high);
  }
  return at;
}

std::vector<double> robust_accuracy(const Network& network, const NetworkData& data,
                                    const std::vector<double>& eps,
                                    const RobustnessOptions& options) {
  constexpr auto loss = NetworkLoss::cross_entropy;
  const ModeGuard evaluating(*network.module, false);
  const torch::NoGradGuard no_graph;
  std::vector<index_t> right(eps.size(), 0);
  std::uint64_t batch = 0;
  index_t done = 0;
  for_micro_batches("robust_accuracy", data, options.micro_batch,
                    [&](const auto& inputs, const auto& targets) {
                      std::optional<PgdOptions> by = options.pgd;
                      if (by && by->seed) *by->seed += batch++;
                      for (std::size_t k = 0; k < eps.size(); ++k) {
                        const Tensor attacked =
                            by ? pgd(network, loss, inputs, targets, eps[k], *by, options.range)
                               : fgsm(network, loss, inputs, targets, eps[k], options.range);
                        right[k] += count_right(network.forward(attacked), targets);
                      }
                      done += inputs.size(0);
                      if (options.progress) options.progress(done);
                    });
  std::vector<double> accuracy;
  for (const index_t count : right) {
    accuracy.push_back(static_cast<double>(count) / static_cast<double>(data.inputs.size(0)));
  }
  return accuracy;
}

}  // namespace randnla
