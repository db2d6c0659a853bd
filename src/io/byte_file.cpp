#include "io/byte_file.hpp"

#include "io/printable.hpp"

#include <randnla/core/error.hpp>

#include <algorithm>
#include <utility>

namespace randnla {

void fail_at(const std::string& path, std::uint64_t offset, const std::string& what) {
  throw DataError(printable_path(path) + ": byte " + std::to_string(offset) + ": " + what);
}

ByteFile::ByteFile(std::string path) : path_(std::move(path)), stream_(path_) {}

std::size_t ByteFile::read_part(std::uint8_t* to, std::size_t n) {
  try {
    return stream_.read(reinterpret_cast<char*>(to), n);
  } catch (const DataError& error) {
    throw DataError(std::string(error.what()) + " after byte " + std::to_string(offset_));
  }
}

std::vector<std::uint8_t> ByteFile::read(std::uint64_t n) {
  constexpr std::uint64_t part_bytes = std::uint64_t{1} << 22;
  std::vector<std::uint8_t> bytes;
  while (bytes.size() < n) {
    const std::size_t before = bytes.size();
    bytes.resize(before + static_cast<std::size_t>(std::min(n - before, part_bytes)));
    const std::size_t got = read_part(bytes.data() + before, bytes.size() - before);
    bytes.resize(before + got);
    offset_ += got;
    if (got == 0) break;
  }
  return bytes;
}

}  // namespace randnla
