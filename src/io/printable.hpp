// Text from a file made fit for a one-line message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace randnla {

/// `text` with bytes that are not printable ASCII written as \xNN, cut after `limit` bytes.
std::string printable(std::string_view text, std::size_t limit);

/// The same in double quotes.
inline std::string quoted(std::string_view text, std::size_t limit = 32) {
  return '"' + printable(text, limit) + '"';
}

/// A file name as written, control characters apart: names may hold any letters.
std::string printable_path(std::string_view path);

}  // namespace randnla
