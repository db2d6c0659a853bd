// Checkpoints as files: a line of text that says what it is, then the fields as they lie in memory,
// then a checksum of all before it.
#pragma once

#include "io/output_file.hpp"
#include "io/printable.hpp"
#include "io/whole_file.hpp"

#include <randnla/core/error.hpp>
#include <randnla/version.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace randnla {

/// FNV-1a, 64 bits.
inline std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

/// A kind of archive: `what`, as "checkpoint", after the library's name.
inline std::string archive_line(const std::string& what) {
  return "randnla " + what + ", version " RANDNLA_VERSION ", layout 2\n";
}

class ArchiveWriter {
 public:
  explicit ArchiveWriter(const std::string& what) : bytes_(archive_line(what)) {}

  template <class V>
  void operator()(const V& value) {
    static_assert(std::is_trivially_copyable_v<V>);
    block(&value, sizeof value);
  }
  void operator()(const std::string& text) {
    (*this)(static_cast<std::uint64_t>(text.size()));
    bytes_ += text;
  }
  template <class V>
  void operator()(const std::vector<V>& values) {
    (*this)(static_cast<std::uint64_t>(values.size()));
    for (const V& value : values) (*this)(value);
  }
  void block(const void* from, std::size_t n) { bytes_.append(static_cast<const char*>(from), n); }

  /// The file appears whole or not at all. Throws DataError naming it.
  void save(const std::string& path) {
    (*this)(checksum(bytes_));
    OutputFile file(path);
    file.write(bytes_.data(), bytes_.size());
    file.finish();
  }

 private:
  std::string bytes_;
};

/// Throws DataError: not an archive of that kind, of another version, truncated or corrupt.
class ArchiveReader {
 public:
  ArchiveReader(const std::string& path, const std::string& what)
      : path_(path), what_(what), bytes_(read_whole_file(path)) {
    const std::string first_line = archive_line(what);
    if (!bytes_.starts_with(first_line)) {
      if (!bytes_.starts_with(first_line.substr(0, first_line.find(',')))) fail("is no " + what);
      fail("is a " + what + " of another version of randnla");
    }
    std::uint64_t sum = 0;
    if (bytes_.size() < first_line.size() + sizeof sum) fail("is truncated");
    rest_ = std::string_view(bytes_).substr(0, bytes_.size() - sizeof sum);
    std::memcpy(&sum, bytes_.data() + rest_.size(), sizeof sum);
    if (sum != checksum(rest_)) fail("is truncated or corrupt");
    rest_.remove_prefix(first_line.size());
  }
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;

  template <class V>
  void operator()(V& value) {
    static_assert(std::is_trivially_copyable_v<V>);
    std::memcpy(&value, take(sizeof value), sizeof value);
  }
  void operator()(std::string& text) {
    const std::uint64_t size = count(1);
    text.assign(take(size), size);
  }
  template <class V>
  void operator()(std::vector<V>& values) {
    values.resize(count(sizeof(V)));
    for (V& value : values) (*this)(value);
  }
  /// The next n bytes, where they lie.
  const char* take(std::size_t n) {
    if (n > rest_.size()) fail("is truncated");
    const char* const from = rest_.data();
    rest_.remove_prefix(n);
    return from;
  }
  void end() const {
    if (!rest_.empty()) fail("is longer than a " + what_);
  }
  [[noreturn]] void fail(const std::string& problem) const {
    throw DataError(printable_path(path_) + ": " + problem);
  }

 private:
  std::uint64_t count(std::size_t size) {
    std::uint64_t n = 0;
    (*this)(n);
    if (n > rest_.size() / size) fail("is truncated");
    return n;
  }

  std::string path_, what_, bytes_;
  std::string_view rest_;
};

}  // namespace randnla
