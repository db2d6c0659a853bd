#include "io/printable.hpp"

#include <randnla/core/error.hpp>
#include <randnla/io/npy.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>

namespace randnla {
namespace {

static_assert(std::endian::native == std::endian::little,
              "values are copied as they lie in memory");

constexpr std::size_t prefix_bytes = 10;  // magic, version, length of the header
const std::string magic("\x93NUMPY", 6);

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw DataError(printable_path(path) + ": " + what);
}

std::string system_message(int error) { return std::generic_category().message(error); }

std::string header_of(std::size_t n) {
  std::string header =
      "{'descr': '<f8', 'fortran_order': False, 'shape': (" + std::to_string(n) + ",), }";
  // The format wants the data aligned to 64 bytes and the header closed by a line end.
  while ((prefix_bytes + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  const std::string length = {static_cast<char>(header.size() & 0xff),
                              static_cast<char>(header.size() >> 8)};
  return magic + std::string("\x01\x00", 2) + length + header;
}

std::string read_file(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) fail(path, "is a directory");
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  if (file == nullptr) fail(path, "cannot be opened: " + system_message(errno));
  std::string bytes;
  std::array<char, 65536> part;
  while (const std::size_t got = std::fread(part.data(), 1, part.size(), file.get())) {
    bytes.append(part.data(), got);
  }
  if (std::ferror(file.get()) != 0) fail(path, "cannot be read: " + system_message(errno));
  return bytes;
}

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

/// 4 or 8 for the types float32 and float64, little-endian; 0 for all others.
std::size_t value_bytes(std::string_view header) {
  std::string_view type = value_of(header, "'descr'");
  if (take(type, "'<f8'")) return 8;
  return take(type, "'<f4'") ? 4 : 0;
}

/// n where the shape is (n,).
std::optional<std::uint64_t> one_dimension(std::string_view header) {
  std::string_view shape = value_of(header, "'shape'");
  if (!take(shape, "(")) return std::nullopt;
  shape = without_blanks(shape);
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(shape.data(), shape.data() + shape.size(), n);
  if (error != std::errc()) return std::nullopt;
  shape.remove_prefix(static_cast<std::size_t>(end - shape.data()));
  if (!take(shape, ",") || !take(shape, ")")) return std::nullopt;
  return n;
}

struct Layout {
  std::size_t offset = 0;       // of the data
  std::size_t value_bytes = 0;  // 4 or 8
  std::uint64_t size = 0;
};

/// Version 1.0 has a length of two bytes, 2.0 and 3.0 of four.
Layout parse_header(const std::string& path, const std::string& bytes) {
  if (bytes.size() < prefix_bytes || !bytes.starts_with(magic)) fail(path, "is not an npy file");
  const int version = static_cast<unsigned char>(bytes[6]);
  if (version < 1 || version > 3) fail(path, "npy version " + std::to_string(version));
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  std::uint32_t length = 0;
  Layout layout;
  layout.offset = magic.size() + 2 + length_bytes;
  if (bytes.size() >= layout.offset) std::memcpy(&length, bytes.data() + 8, length_bytes);
  if (bytes.size() < layout.offset || bytes.size() - layout.offset < length) {
    fail(path, "is truncated within its header");
  }
  const std::string_view header = std::string_view(bytes).substr(layout.offset, length);
  layout.offset += length;
  layout.value_bytes = value_bytes(header);
  if (layout.value_bytes == 0) {
    fail(path, "holds no float32 or float64 values: " + quoted(header, 80));
  }
  const auto size = one_dimension(header);
  if (!size) fail(path, "is not one-dimensional: " + quoted(header, 80));
  layout.size = *size;
  return layout;
}

template <class T>
std::vector<double> converted(const char* data, std::size_t n) {
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) {
    T value;
    std::memcpy(&value, data + i * sizeof(T), sizeof(T));
    values[i] = static_cast<double>(value);
  }
  return values;
}

/// Removed again unless kept.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& beside)
      : path_(beside + ".part" + std::to_string(::getpid())) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!path_.empty()) std::remove(path_.c_str());
  }
  const std::string& path() const { return path_; }
  void keep() { path_.clear(); }

 private:
  std::string path_;
};

}  // namespace

void write_npy(const std::string& path, const std::vector<double>& values) {
  TemporaryFile temporary(path);
  const std::string header = header_of(values.size());
  std::FILE* const file = std::fopen(temporary.path().c_str(), "wb");
  if (file == nullptr) {
    const int error = errno;
    temporary.keep();  // nothing of ours to remove
    fail(path, "cannot be written: " + system_message(error));
  }
  bool written = std::fwrite(header.data(), 1, header.size(), file) == header.size();
  // fwrite() does not take the null pointer of an empty vector.
  written = written && (values.empty() || std::fwrite(values.data(), sizeof(double), values.size(),
                                                      file) == values.size());
  int error = errno;
  if (std::fclose(file) != 0 && written) {
    written = false;
    error = errno;
  }
  if (!written) fail(path, "cannot be written: " + system_message(error));
  if (std::rename(temporary.path().c_str(), path.c_str()) != 0) {
    fail(path, "cannot be written: " + system_message(errno));
  }
  temporary.keep();
}

std::vector<double> read_npy(const std::string& path) {
  const std::string bytes = read_file(path);
  const Layout layout = parse_header(path, bytes);
  const std::size_t held = bytes.size() - layout.offset;
  if (layout.size > held / layout.value_bytes || layout.size * layout.value_bytes != held) {
    fail(path, "announces " + std::to_string(layout.size) + " values of " +
                   std::to_string(layout.value_bytes) + " bytes and holds " + std::to_string(held) +
                   " bytes of data");
  }
  const char* const data = bytes.data() + layout.offset;
  const auto n = static_cast<std::size_t>(layout.size);
  return layout.value_bytes == 4 ? converted<float>(data, n) : converted<double>(data, n);
}

}  // namespace randnla
