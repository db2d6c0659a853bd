#pragma once

#include <randnla/core/error.hpp>
#include <randnla/data/dataset.hpp>

#include <string>

namespace randnla {

/// A matrix may come without targets (read_matrix_market), and a null pointer would be read.
template <Scalar T>
void require_targets(const char* caller, const Dataset<T, Cpu>& data) {
  require(data.targets.size() == data.rows,
          std::string(caller) + ": " + std::to_string(data.targets.size()) + " targets for " +
              std::to_string(data.rows) + " rows");
}

}  // namespace randnla
