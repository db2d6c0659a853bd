// What the sources of TorchObjective share.
#pragma once

#include <randnla/core/backend.hpp>
#include <randnla/core/error.hpp>

#include <torch/types.h>

#include <concepts>
#include <string>

namespace randnla {

template <class T>
inline constexpr torch::ScalarType torch_type =
    std::same_as<T, float> ? torch::kFloat : torch::kDouble;

inline void require_entries(const char* what, index_t size, index_t want) {
  require(size == want, std::string("TorchObjective: ") + what + " has " + std::to_string(size) +
                            " entries, want " + std::to_string(want));
}

}  // namespace randnla
