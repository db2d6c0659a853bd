// What of a training run goes into a checkpoint and comes back.
#pragma once

#include <randnla/learn/train.hpp>

#include <torch/nn/module.h>

#include <string>
#include <vector>

namespace randnla {

/// Throws InvalidArgument.
void check(const TrainOptions& options);

/// The options that decide about updates, a name and a value each.
std::string updates_decided_by(const TrainOptions& options, torch::Dtype type);

/// Those that require a gradient, in the module's order, each once: TorchObjective's.
std::vector<torch::Tensor> trained_parameters(const torch::nn::Module& module);

/// Copies of all tensors that updates read or change. `velocity`: of trained_parameters(module).
std::vector<TrainCheckpoint::Named> tensors_of(const torch::nn::Module& module,
                                               const std::vector<torch::Tensor>& velocity);

/// The other way round. Throws InvalidArgument naming what is of another name, type or shape.
void set_tensors(const std::vector<TrainCheckpoint::Named>& from, const torch::nn::Module& module,
                 const std::vector<torch::Tensor>& velocity);

}  // namespace randnla
