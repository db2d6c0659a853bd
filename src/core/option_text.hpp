// The options of a run as lines of text, which its checkpoints hold: "name = value".
#pragma once

#include "core/shortest.hpp"

#include <randnla/core/error.hpp>

#include <algorithm>
#include <string>

namespace randnla {

inline void add_option(std::string& text, const char* name, double value) {
  text += std::string(name) + " = " + shortest(value) + "\n";
}

/// Throws InvalidArgument naming the first line that differs.
inline void require_same_options(const std::string& mine, const std::string& from) {
  if (mine == from) return;
  std::size_t at = 0;
  for (std::size_t i = 0; i < std::min(mine.size(), from.size()); ++i) {
    if (mine[i] != from[i]) break;
    if (mine[i] == '\n') at = i + 1;
  }
  const auto line = [at](const std::string& text) {
    return text.substr(at, text.find('\n', at) - at);
  };
  throw InvalidArgument("the checkpoint is of a run with " + line(from) + ", not " + line(mine));
}

}  // namespace randnla
