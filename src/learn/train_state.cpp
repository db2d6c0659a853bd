#include "learn/train_state.hpp"

#include "core/option_text.hpp"

#include <ATen/Context.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <sstream>

namespace randnla {
namespace {

using torch::Tensor;
using Named = TrainCheckpoint::Named;

template <class V>
void want(bool ok, const char* name, V value, const char* wanted) {
  require(ok, std::string("train: ") + name + " = " + std::to_string(value) + ", want " + wanted);
}

const std::string random_numbers = "libtorch's random numbers";

Tensor random_state() {
  at::Generator generator = at::globalContext().defaultGenerator(at::kCPU);
  const std::lock_guard lock(generator.mutex());
  return generator.get_state();
}

void set_random_state(const Tensor& state) {
  at::Generator generator = at::globalContext().defaultGenerator(at::kCPU);
  const std::lock_guard lock(generator.mutex());
  generator.set_state(state);
}

/// The module's tensors themselves, the momentum, and a copy of the random numbers' state.
std::vector<Named> all_tensors(const torch::nn::Module& module,
                               const std::vector<Tensor>& velocity) {
  std::vector<Named> all;
  for (const auto& each : module.named_parameters()) all.push_back({each.key(), each.value()});
  for (const auto& each : module.named_buffers()) all.push_back({each.key(), each.value()});
  for (std::size_t k = 0; k < velocity.size(); ++k) {
    all.push_back({"momentum of parameter " + std::to_string(k), velocity[k]});
  }
  all.push_back({random_numbers, random_state()});
  return all;
}

std::string text(const Named& each) {
  std::ostringstream out;
  out << each.name << " of " << each.values.scalar_type() << ' ' << each.values.sizes();
  return out.str();
}

void require_like(const std::vector<Named>& from, const std::vector<Named>& mine) {
  require(from.size() == mine.size(), "the checkpoint is of a network of " +
                                          std::to_string(from.size()) + " tensors, this one has " +
                                          std::to_string(mine.size()));
  for (std::size_t k = 0; k < mine.size(); ++k) {
    require(text(from[k]) == text(mine[k]),
            "the checkpoint has " + text(from[k]) + " where this network has " + text(mine[k]));
  }
}

void copy_first(const std::vector<Named>& from, const std::vector<Named>& to, std::size_t count) {
  const torch::NoGradGuard no_graph;
  for (std::size_t k = 0; k < count; ++k) to[k].values.copy_(from[k].values);
}

void add(std::string& to, const AbsOptions& o) {
  add_option(to, "abs.base_batch", static_cast<double>(o.base_batch));
  add_option(to, "abs.max_ratio", static_cast<double>(o.max_ratio));
  add_option(to, "abs.max_epochs", static_cast<double>(o.max_epochs));
  add_option(to, "abs.adversarial_share", o.adversarial_share);
  add_option(to, "abs.adversarial_eps", o.adversarial_eps);
  add_option(to, "abs.adversarial_epochs", static_cast<double>(o.adversarial_epochs));
}

}  // namespace

void check(const TrainOptions& o) {
  want(o.epochs >= 0, "epochs", o.epochs, "at least 0");
  want(o.learning_rate > 0 && std::isfinite(o.learning_rate), "learning_rate", o.learning_rate,
       "above 0");
  want(o.momentum >= 0 && o.momentum < 1, "momentum", o.momentum, "at least 0 and below 1");
  want(o.weight_decay >= 0 && std::isfinite(o.weight_decay), "weight_decay", o.weight_decay,
       "at least 0");
  want(o.decay_factor > 0 && o.decay_factor <= 1, "decay_factor", o.decay_factor,
       "above 0 and at most 1");
  require(std::ranges::is_sorted(o.decay_epochs), "train: decay_epochs are not in order");
  want(o.batch >= 1, "batch", o.batch, "at least 1");
  want(o.micro_batch >= 1, "micro_batch", o.micro_batch, "at least 1");
  want(o.checkpoint_seconds >= 0, "checkpoint_seconds", o.checkpoint_seconds, "at least 0");
}

std::string updates_decided_by(const TrainOptions& o, torch::Dtype type) {
  std::string text;
  const auto add_one = [&](const char* name, double value) { add_option(text, name, value); };
  add_one("scalar_bytes", static_cast<double>(torch::elementSize(type)));
  add_one("loss", static_cast<int>(o.loss));
  add_one("learning_rate", o.learning_rate);
  add_one("momentum", o.momentum);
  add_one("weight_decay", o.weight_decay);
  add_one("decay_factor", o.decay_factor);
  for (const std::int64_t epoch : o.decay_epochs)
    add_one("decay_epochs", static_cast<double>(epoch));
  add_one("abs", o.abs ? 1 : 0);
  if (o.abs) {
    add(text, *o.abs);
  } else {
    add_one("batch", static_cast<double>(o.batch));
  }
  add_one("micro_batch", static_cast<double>(o.micro_batch));
  add_one("augmentation", o.augmentation ? 1 : 0);
  if (o.augmentation) {
    add_one("augmentation.padding", static_cast<double>(o.augmentation->padding));
    add_one("augmentation.flip", o.augmentation->flip ? 1 : 0);
  }
  add_one("range.low", o.range.low);
  add_one("range.high", o.range.high);
  text += "seed = " + std::to_string(o.seed) + "\n";
  return text;
}

std::vector<Tensor> trained_parameters(const torch::nn::Module& module) {
  std::vector<Tensor> found;
  for (const Tensor& parameter : module.parameters()) {
    const auto same = [&](const Tensor& other) { return other.is_same(parameter); };
    if (parameter.requires_grad() && std::ranges::none_of(found, same)) found.push_back(parameter);
  }
  return found;
}

std::vector<Named> tensors_of(const torch::nn::Module& module,
                              const std::vector<Tensor>& velocity) {
  std::vector<Named> all = all_tensors(module, velocity);
  for (Named& each : all) each.values = each.values.detach().clone();
  return all;
}

void set_tensors(const std::vector<Named>& from, const torch::nn::Module& module,
                 const std::vector<Tensor>& velocity) {
  const std::vector<Named> mine = all_tensors(module, velocity);
  require_like(from, mine);
  copy_first(from, mine, mine.size() - 1);
  set_random_state(from.back().values);
}

void set_network(const Network& network, const TrainCheckpoint& checkpoint) {
  // In the place of the momentum, which is of their shapes.
  const std::vector<Tensor> trained = trained_parameters(*network.module);
  const std::vector<Named> mine = all_tensors(*network.module, trained);
  require_like(checkpoint.tensors, mine);
  copy_first(checkpoint.tensors, mine, mine.size() - 1 - trained.size());
}

}  // namespace randnla
