// What a Krylov process from a random start has missed, but for a stated probability.
#pragma once

#include <randnla/core/backend.hpp>

#include <cmath>

namespace randnla {

/// The random start's part in the bound: with probability 1 - p over it, both ends of the spectrum
/// are found to within eps times its width. Kuczynski & Wozniakowski (1992), theorem 4.2, for both
/// ends.
RANDNLA_HD inline double width_error(double n, double p, int k) {
  const double root = log(2 * 1.648 * sqrt(n) / p) / (2 * k - 1);
  return root * root;
}

}  // namespace randnla
