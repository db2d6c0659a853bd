// The checks that the solvers of models have in common.
#pragma once

#include <randnla/core/error.hpp>
#include <randnla/operator/linear_operator.hpp>

#include <string>

namespace randnla {

/// Of what all options have.
template <class Options>
void check_inner_options(const char* solver, const Options& options) {
  require(options.tolerance >= 0,
          std::string(solver) + ": tolerance = " + std::to_string(options.tolerance));
  require(options.max_iterations >= 1,
          std::string(solver) + ": max_iterations = " + std::to_string(options.max_iterations));
}

template <Backend B, Scalar T>
void check_dimensions(const char* solver, index_t n, const OperatorRef<B, T>& H,
                      VectorView<const T, B> g, VectorView<T, B> s) {
  require(H.dim() == n && g.size == n && s.size == n,
          std::string(solver) + ": made for dimension " + std::to_string(n) + "; H of " +
              std::to_string(H.dim()) + ", g of " + std::to_string(g.size) + ", s of " +
              std::to_string(s.size));
}

}  // namespace randnla
