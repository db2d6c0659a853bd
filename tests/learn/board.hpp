// Two classes that lie like a chess board of 3 x 3: no linear classifier beats the larger of them.
#pragma once

#include <randnla/learn/mlp.hpp>

#include <torch/utils.h>

namespace randnla::test {

/// 300 points of the square [0, 3]^2.
struct Board {
  Board() {
    torch::manual_seed(11);
    inputs = torch::rand({300, 2}, torch::kDouble) * 3;
    targets = inputs.floor().sum(1).to(torch::kInt64).remainder(2);
  }
  Network net() const {
    torch::manual_seed(12);
    return mlp({2, 12, 12, 2}, Activation::tanh, torch::kDouble);
  }
  torch::Tensor inputs, targets;
};

}  // namespace randnla::test
