// The header of NumPy's format (NumPy Enhancement Proposal 1; numpy.lib.format).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace randnla {

/// Values as they lie in the file, all little-endian. Bool is read as u1.
enum class NpyType { f4, f8, i1, i2, i4, i8, u1, u2, u4, u8 };

std::size_t bytes_of(NpyType type);

/// Calls f with a zero of the type.
template <class F>
void with_type(NpyType type, F f) {
  switch (type) {
    case NpyType::f4:
      return f(float{});
    case NpyType::f8:
      return f(double{});
    case NpyType::i1:
      return f(std::int8_t{});
    case NpyType::i2:
      return f(std::int16_t{});
    case NpyType::i4:
      return f(std::int32_t{});
    case NpyType::i8:
      return f(std::int64_t{});
    case NpyType::u1:
      return f(std::uint8_t{});
    case NpyType::u2:
      return f(std::uint16_t{});
    case NpyType::u4:
      return f(std::uint32_t{});
    case NpyType::u8:
      return f(std::uint64_t{});
  }
}

inline constexpr std::string_view npy_magic = "\x93NUMPY";

/// None: another type, byte order or no type at all.
std::optional<NpyType> npy_type(std::string_view header);
/// The sizes in the shape; none where it is no tuple of sizes.
std::optional<std::vector<std::uint64_t>> npy_shape(std::string_view header);
/// Whether the first index runs fastest; none where the header does not say it.
std::optional<bool> npy_fortran_order(std::string_view header);

/// Everything before the data, version 1.0, C order. `shape` as Python writes it, `type` as in
/// "<f8".
std::string npy_preamble(std::string_view type, const std::string& shape);

}  // namespace randnla
