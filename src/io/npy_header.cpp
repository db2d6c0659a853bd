#include "io/npy_header.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>
#include <utility>

namespace randnla {
namespace {

std::string_view without_blanks(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(" \t\n"), text.size()));
}

/// Takes `prefix` and the blanks before it off `text`; false, and nothing taken, where it is not
/// there.
bool take(std::string_view& text, std::string_view prefix) {
  const std::string_view rest = without_blanks(text);
  if (!rest.starts_with(prefix)) return false;
  text = rest.substr(prefix.size());
  return true;
}

/// The text behind `key:` in the header, a Python dictionary; empty where there is none.
std::string_view value_of(std::string_view header, std::string_view key) {
  const std::size_t found = header.find(key);
  if (found == std::string_view::npos) return {};
  std::string_view rest = header.substr(found + key.size());
  return take(rest, ":") ? rest : std::string_view();
}

}  // namespace

std::size_t bytes_of(NpyType type) {
  std::size_t bytes = 0;
  with_type(type, [&](auto zero) { bytes = sizeof(zero); });
  return bytes;
}

std::optional<NpyType> npy_type(std::string_view header) {
  constexpr std::array<std::pair<std::string_view, NpyType>, 11> names = {{{"'<f4'", NpyType::f4},
                                                                           {"'<f8'", NpyType::f8},
                                                                           {"'|i1'", NpyType::i1},
                                                                           {"'<i2'", NpyType::i2},
                                                                           {"'<i4'", NpyType::i4},
                                                                           {"'<i8'", NpyType::i8},
                                                                           {"'|b1'", NpyType::u1},
                                                                           {"'|u1'", NpyType::u1},
                                                                           {"'<u2'", NpyType::u2},
                                                                           {"'<u4'", NpyType::u4},
                                                                           {"'<u8'", NpyType::u8}}};
  std::string_view given = value_of(header, "'descr'");
  for (const auto& [name, type] : names) {
    if (take(given, name)) return type;
  }
  return std::nullopt;
}

std::optional<std::vector<std::uint64_t>> npy_shape(std::string_view header) {
  std::string_view text = value_of(header, "'shape'");
  if (!take(text, "(")) return std::nullopt;
  std::vector<std::uint64_t> shape;
  bool comma = true;  // behind the last size
  while (!take(text, ")")) {
    text = without_blanks(text);
    std::uint64_t size = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (!comma || error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    shape.push_back(size);
    comma = take(text, ",");
  }
  // In Python (4) is a number and (4,) a tuple.
  return shape.size() == 1 && !comma ? std::nullopt : std::optional(shape);
}

std::optional<bool> npy_fortran_order(std::string_view header) {
  std::string_view order = value_of(header, "'fortran_order'");
  if (take(order, "True")) return true;
  return take(order, "False") ? std::optional(false) : std::nullopt;
}

std::string npy_preamble(std::string_view type, const std::string& shape) {
  constexpr std::size_t prefix_bytes = 10;  // magic, version, length of the header
  std::string header =
      "{'descr': '" + std::string(type) + "', 'fortran_order': False, 'shape': " + shape + ", }";
  // The format wants the data aligned to 64 bytes and the header closed by a line end.
  while ((prefix_bytes + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  const std::string length = {static_cast<char>(header.size() & 0xff),
                              static_cast<char>(header.size() >> 8)};
  return std::string(npy_magic) + std::string("\x01\x00", 2) + length + header;
}

}  // namespace randnla
