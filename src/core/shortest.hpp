#pragma once

#include <array>
#include <charconv>
#include <string>

namespace randnla {

/// As few digits as tell the number from all others.
template <class T>
std::string shortest(T value) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

}  // namespace randnla
