// A binary file read front to back, which knows where it is.
#pragma once

#include "io/text_stream.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace randnla {

/// Throws DataError naming the place.
[[noreturn]] void fail_at(const std::string& path, std::uint64_t offset, const std::string& what);

/// Offsets count decompressed bytes.
class ByteFile {
 public:
  explicit ByteFile(std::string path);

  /// The next n bytes, or fewer at the end of the file. Memory grows with what there is, so that a
  /// size that is a lie does not ask for gigabytes.
  std::vector<std::uint8_t> read(std::uint64_t n);
  std::uint64_t offset() const { return offset_; }
  [[noreturn]] void fail(std::uint64_t offset, const std::string& what) const {
    fail_at(path_, offset, what);
  }

 private:
  std::size_t read_part(std::uint8_t* to, std::size_t n);

  std::string path_;
  TextStream stream_;
  std::uint64_t offset_ = 0;
};

}  // namespace randnla
