#include "io/npy_file.hpp"

#include "io/printable.hpp"

#include <randnla/core/error.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

namespace randnla {
namespace {

static_assert(std::endian::native == std::endian::little,
              "values are copied as they lie in memory");

constexpr std::size_t part_bytes = std::size_t{1} << 16;

std::string system_message(int error) { return std::generic_category().message(error); }

const char* dimension_name(std::size_t dimensions) {
  if (dimensions == 0) return "one- or two-dimensional";
  return dimensions == 1 ? "one-dimensional" : "two-dimensional";
}

}  // namespace

NpyFile::NpyFile(std::string path, std::size_t dimensions, Types types) : path_(std::move(path)) {
  std::error_code error;
  if (std::filesystem::is_directory(path_, error)) fail("is a directory");
  file_.reset(std::fopen(path_.c_str(), "rb"));
  if (!file_) fail("cannot be opened: " + system_message(errno));
  const std::string header = read_header();
  const std::optional<NpyType> type = npy_type(header);
  const bool is_float = type == NpyType::f4 || type == NpyType::f8;
  if (!type || (types == Types::floats && !is_float)) {
    fail(std::string("holds no float32 or float64 values") +
         (types == Types::floats ? "" : ", integers or bools") + ": " + quoted(header, 80));
  }
  type_ = *type;
  const auto shape = npy_shape(header);
  const std::size_t least = std::max<std::size_t>(1, dimensions);
  const std::size_t most = dimensions == 0 ? 2 : dimensions;
  if (!shape || shape->size() < least || shape->size() > most) {
    fail(std::string("is not ") + dimension_name(dimensions) + ": " + quoted(header, 80));
  }
  shape_ = *shape;
  if (shape_.size() > 1) {
    const std::optional<bool> order = npy_fortran_order(header);
    if (!order) fail("does not tell its order: " + quoted(header, 80));
    fortran_order_ = *order;
  }
  check_size();
}

void NpyFile::fail(const std::string& what) const {
  throw DataError(printable_path(path_) + ": " + what);
}

/// As many bytes as there are, up to n.
std::size_t NpyFile::read_bytes(char* to, std::size_t n) {
  const std::size_t got = std::fread(to, 1, n, file_.get());
  if (std::ferror(file_.get()) != 0) fail("cannot be read: " + system_message(errno));
  return got;
}

/// Version 1.0 has a length of two bytes, 2.0 and 3.0 of four.
std::string NpyFile::read_header() {
  std::array<char, 10> prefix{};
  if (read_bytes(prefix.data(), prefix.size()) < prefix.size() ||
      !std::string_view(prefix.data(), prefix.size()).starts_with(npy_magic)) {
    fail("is not an npy file");
  }
  const int version = static_cast<unsigned char>(prefix[6]);
  if (version < 1 || version > 3) fail("npy version " + std::to_string(version));
  std::uint32_t length = 0;
  std::memcpy(&length, prefix.data() + 8, 2);
  if (version > 1) {
    std::array<char, 2> more{};
    if (read_bytes(more.data(), 2) < 2) fail("is truncated within its header");
    std::memcpy(reinterpret_cast<char*>(&length) + 2, more.data(), 2);
  }
  // Part by part: a length that is a lie must not ask for gigabytes.
  std::string header;
  while (header.size() < length) {
    const std::size_t before = header.size(), part = std::min(length - before, part_bytes);
    header.resize(before + part);
    if (read_bytes(header.data() + before, part) < part) fail("is truncated within its header");
  }
  return header;
}

void NpyFile::fail_size(std::uint64_t held) const {
  std::string shape;
  for (const std::uint64_t size : shape_) {
    if (!shape.empty()) shape += " x ";
    shape += std::to_string(size);
  }
  fail("announces " + shape + " values of " + std::to_string(bytes_of(type_)) +
       " bytes and holds " + std::to_string(held) + " bytes of data");
}

/// Before memory for the values is asked for.
void NpyFile::check_size() const {
  struct stat info {};
  const bool plain = ::fstat(::fileno(file_.get()), &info) == 0 && S_ISREG(info.st_mode);
  const long at = plain ? std::ftell(file_.get()) : 0;
  const std::uint64_t held =
      plain ? static_cast<std::uint64_t>(info.st_size) - static_cast<std::uint64_t>(at)
            : std::uint64_t{1} << 48;  // a pipe: no more than any machine holds
  const bool empty = std::find(shape_.begin(), shape_.end(), 0U) != shape_.end();
  std::uint64_t room = held / bytes_of(type_);
  for (const std::uint64_t size : shape_) {
    if (empty) break;
    if (size > room) fail_size(held);
    room /= size;
  }
  if (plain && count() * bytes_of(type_) != held) fail_size(held);
}

std::uint64_t NpyFile::count() const {
  std::uint64_t count = 1;
  for (const std::uint64_t size : shape_) count *= size;
  return count;
}

template <class T>
void NpyFile::read(T* to) {
  const std::uint64_t n = count();
  const std::uint64_t rows = shape_[0], cols = rows == 0 ? 0 : n / rows;
  with_type(type_, [&](auto zero) {
    using Stored = decltype(zero);
    std::vector<Stored> part(part_bytes / sizeof(Stored));
    std::uint64_t row = 0, col = 0;
    for (std::uint64_t done = 0; done < n;) {
      const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(n - done, part.size()));
      const std::size_t bytes = wanted * sizeof(Stored);
      const std::size_t got = read_bytes(reinterpret_cast<char*>(part.data()), bytes);
      if (got < bytes) fail_size(done * sizeof(Stored) + got);
      if (!fortran_order_) {
        std::transform(part.begin(), part.begin() + static_cast<std::ptrdiff_t>(wanted), to + done,
                       [](Stored value) { return static_cast<T>(value); });
      } else {
        for (std::size_t k = 0; k < wanted; ++k) {
          to[row * cols + col] = static_cast<T>(part[k]);
          if (++row == rows) row = 0, ++col;
        }
      }
      done += wanted;
    }
  });
  char surplus = 0;
  if (read_bytes(&surplus, 1) > 0) fail("holds more than it announces");
}

template void NpyFile::read(float*);
template void NpyFile::read(double*);

}  // namespace randnla
