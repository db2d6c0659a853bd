#pragma once

#include <randnla/core/backend.hpp>
#include <randnla/learn/network.hpp>
#include <randnla/learn/network_loss.hpp>

#include <torch/types.h>

namespace randnla {

/// inputs   (n, ..) of the network's type
/// targets  cross_entropy: (n) of int64; mse: (n, ..) as the outputs
struct NetworkData {
  torch::Tensor inputs, targets;
};

/// Of a network on a data set, over all rows.
struct Score {
  double loss = 0;      // mean
  double accuracy = 0;  // part of the rows whose largest output is their class's; mse: NaN
};

/// In evaluation mode, whatever mode the network is in, which it keeps.
///
/// micro_batch  rows that go through the network at a time
/// Cost         a forward pass
/// Throws       InvalidArgument: no rows, inputs and targets of another number, micro_batch < 1. What
///              libtorch throws (c10::Error)
Score score(const Network& network, const NetworkData& data, NetworkLoss loss,
            index_t micro_batch = 1024);

}  // namespace randnla
