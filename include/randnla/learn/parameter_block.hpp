#pragma once

#include <randnla/core/backend.hpp>

#include <string>
#include <vector>

namespace randnla {

/// Where one of a network's parameters lies in the vector of all.
struct ParameterBlock {
  std::string name;  // as libtorch has it, such as 1.weight
  index_t begin = 0;
  std::vector<index_t> shape;

  index_t size() const {
    index_t size = 1;
    for (const index_t extent : shape) size *= extent;
    return size;
  }
};

}  // namespace randnla
