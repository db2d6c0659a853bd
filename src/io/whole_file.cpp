#include "io/whole_file.hpp"

#include "io/printable.hpp"

#include <randnla/core/error.hpp>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>

namespace randnla {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what, int error) {
  throw DataError(printable_path(path) + ": " + what + ": " +
                  std::generic_category().message(error));
}

}  // namespace

std::string read_whole_file(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    throw DataError(printable_path(path) + ": is a directory");
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  if (file == nullptr) fail(path, "cannot be opened", errno);
  std::string bytes;
  std::array<char, 65536> part;
  while (const std::size_t got = std::fread(part.data(), 1, part.size(), file.get())) {
    bytes.append(part.data(), got);
  }
  if (std::ferror(file.get()) != 0) fail(path, "cannot be read", errno);
  return bytes;
}

}  // namespace randnla
