#pragma once

#include <randnla/core/backend.hpp>
#include <randnla/learn/activation.hpp>
#include <randnla/learn/network.hpp>

#include <vector>

namespace randnla {

/// A multilayer perceptron: sizes.front() inputs, of whatever shape a row has, and sizes.back()
/// outputs, layers with bias between, the activation after all but the last. Weights and biases
/// start as torch::nn::Linear's, from libtorch's random numbers (torch::manual_seed).
///
/// type    of the parameters: torch::kFloat or torch::kDouble
/// Throws  InvalidArgument: less than two sizes, a size below 1
Network mlp(const std::vector<index_t>& sizes, Activation activation,
            torch::Dtype type = torch::kFloat);

}  // namespace randnla
