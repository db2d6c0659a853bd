#include "io/whole_file.hpp"

#include "io/printable.hpp"

#include <randnla/core/error.hpp>

#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>

namespace randnla {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what, int error) {
  throw DataError(printable_path(path) + ": " + what + ": " +
                  std::generic_category().message(error));
}

/// Removed again unless kept.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& beside)
      : path_(beside + ".part" + std::to_string(::getpid()) + "-" + std::to_string(next_++)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!path_.empty()) std::remove(path_.c_str());
  }
  const std::string& path() const { return path_; }
  void keep() { path_.clear(); }

 private:
  static inline std::atomic<int> next_ = 0;  // two threads may write the same file
  std::string path_;
};

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

void write_whole_file(const std::string& path, const std::function<bool(std::FILE*)>& write) {
  TemporaryFile temporary(path);
  std::FILE* const file = std::fopen(temporary.path().c_str(), "wb");
  if (file == nullptr) {
    const int error = errno;
    temporary.keep();  // nothing of ours to remove
    fail(path, "cannot be written", error);
  }
  bool written = write(file);
  int error = errno;
  if (std::fclose(file) != 0 && written) {
    written = false;
    error = errno;
  }
  if (!written) fail(path, "cannot be written", error);
  if (std::rename(temporary.path().c_str(), path.c_str()) != 0) {
    fail(path, "cannot be written", errno);
  }
  temporary.keep();
}

}  // namespace randnla
