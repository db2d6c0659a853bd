#include "io/output_file.hpp"

#include "io/printable.hpp"

#include <randnla/core/error.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

namespace randnla {

OutputFile::OutputFile(std::string path) : path_(std::move(path)) {
  static std::atomic<unsigned> next{0};
  int descriptor;
  std::string name;
  // A name that is taken was left by a process that was killed and had our number.
  do {
    name = path_ + ".part" + std::to_string(::getpid()) + "-" + std::to_string(next++);
    descriptor = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor < 0 && errno == EEXIST);
  if (descriptor < 0) fail(errno);
  temporary_ = std::move(name);
  file_.reset(::fdopen(descriptor, "wb"));
  if (!file_) {
    const int error = errno;
    ::close(descriptor);
    ::unlink(temporary_.c_str());
    fail(error);
  }
}

OutputFile::~OutputFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputFile::fail(int error) const {
  throw DataError(printable_path(path_) +
                  ": cannot be written: " + std::generic_category().message(error));
}

void OutputFile::write(const void* bytes, std::size_t n) {
  // fwrite() does not take the null pointer of an empty array.
  if (n > 0 && std::fwrite(bytes, 1, n, file_.get()) != n) fail(errno);
}

void OutputFile::finish() {
  if (std::fclose(file_.release()) != 0) fail(errno);
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail(errno);
  temporary_.clear();
}

}  // namespace randnla
