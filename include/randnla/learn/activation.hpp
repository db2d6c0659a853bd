#pragma once

namespace randnla {

enum class Activation { relu, softplus, tanh, logistic };

}  // namespace randnla
