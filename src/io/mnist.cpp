#include "io/byte_file.hpp"
#include "io/printable.hpp"

#include <randnla/io/images.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace randnla {
namespace {

constexpr std::uint64_t type_byte = 0x08;                      // unsigned
constexpr std::uint64_t most_values = std::uint64_t{1} << 48;  // no more than any machine holds

/// A big-endian number of four bytes.
std::uint64_t read_number(ByteFile& file) {
  const std::vector<std::uint8_t> bytes = file.read(4);
  if (bytes.size() < 4) file.fail(file.offset(), "the file ends within its header");
  std::uint64_t number = 0;
  for (const std::uint8_t byte : bytes) number = number << 8 | byte;
  return number;
}

std::string hexadecimal(std::uint64_t number) {
  constexpr std::array<char, 17> digits{"0123456789abcdef"};
  std::string text;
  for (int shift = 28; shift >= 0; shift -= 4) text += digits[number >> shift & 15];
  return text;
}

std::string shape_text(const std::vector<index_t>& shape) {
  std::string text;
  for (const index_t size : shape) text += (text.empty() ? "" : " x ") + std::to_string(size);
  return text;
}

std::vector<index_t> read_shape(ByteFile& file, int dimensions) {
  const std::uint64_t magic = read_number(file), want = type_byte << 8 | std::uint64_t(dimensions);
  if (magic != want) {
    file.fail(0, "magic number " + hexadecimal(magic) + ", want " + hexadecimal(want) +
                     ": unsigned bytes in " + std::to_string(dimensions) + " dimensions");
  }
  std::vector<index_t> shape(static_cast<std::size_t>(dimensions));
  for (index_t& size : shape) size = static_cast<index_t>(read_number(file));
  return shape;
}

}  // namespace

IdxArray read_idx(const std::string& path, int dimensions) {
  ByteFile file(path);
  IdxArray array{read_shape(file, dimensions), {}};
  const std::string announced = "the header announces " + shape_text(array.shape) + " values";
  std::uint64_t count = 1;
  for (const index_t size : array.shape) {
    const auto factor = static_cast<std::uint64_t>(size);
    if (factor == 0 || count > most_values / factor) file.fail(4, announced);
    count *= factor;
  }
  array.values = file.read(count);
  if (array.values.size() < count) {
    file.fail(file.offset(), "the file ends after " + std::to_string(array.values.size()) +
                                 " values, " + announced);
  }
  const std::uint64_t end = file.offset();
  if (!file.read(1).empty()) file.fail(end, "the file goes on, " + announced);
  return array;
}

Images read_mnist(const std::string& images, const std::string& labels) {
  IdxArray pixels = read_idx(images, 3), classes = read_idx(labels, 1);
  if (classes.shape[0] != pixels.shape[0]) {
    fail_at(labels, 4,
            std::to_string(classes.shape[0]) + " labels for the " +
                std::to_string(pixels.shape[0]) + " images of " + printable_path(images));
  }
  const auto bad = std::find_if(classes.values.begin(), classes.values.end(),
                                [](std::uint8_t label) { return label > 9; });
  if (bad != classes.values.end()) {
    fail_at(labels, 8 + static_cast<std::uint64_t>(bad - classes.values.begin()),
            "label " + std::to_string(*bad) + ", want 0 to 9");
  }
  return {pixels.shape[0],          1,
          pixels.shape[1],          pixels.shape[2],
          std::move(pixels.values), {classes.values.begin(), classes.values.end()}};
}

}  // namespace randnla
