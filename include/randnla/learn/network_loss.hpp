#pragma once

namespace randnla {

/// Of a row's outputs z and target.
enum class NetworkLoss {
  cross_entropy,  // log sum_c exp(z_c) - z_y; the target y is a class, 0 .. outputs - 1
  mse,            // the mean over the outputs of (z_j - y_j)^2
};

}  // namespace randnla
