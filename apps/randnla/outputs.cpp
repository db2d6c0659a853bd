#include "outputs.hpp"

#include <randnla/core/error.hpp>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace randnla::app {
namespace {

namespace fs = std::filesystem;

std::string last_error() { return std::generic_category().message(errno); }

/// Tries it, with a file that is gone again at once: what a process may write does not follow from
/// the permissions alone.
bool can_write_beside(const std::string& path) {
  const std::string probe = path + ".probe" + std::to_string(::getpid());
  // An interrupt must not leave it behind.
  sigset_t interrupts, before;
  sigemptyset(&interrupts);
  sigaddset(&interrupts, SIGINT);
  sigaddset(&interrupts, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &interrupts, &before);
  const int file = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const int error = errno;
  if (file >= 0) {
    ::close(file);
    ::unlink(probe.c_str());
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;  // for the message
  return file >= 0;
}

void check_writable(const std::string& path) {
  const auto fail = [&](const std::string& why) {
    throw DataError(path + ": cannot be written: " + why);
  };
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status)) fail("is a directory");
  if (fs::exists(status)) {
    if (!fs::is_regular_file(status)) fail("is not a plain file");
    if (::access(path.c_str(), W_OK) != 0) fail(last_error());
  }
  if (!can_write_beside(path)) fail(last_error());
}

bool same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  return fs::weakly_canonical(a, error) == fs::weakly_canonical(b, error);
}

}  // namespace

void check_outputs(const std::vector<std::string>& outputs,
                   const std::vector<std::string>& inputs) {
  std::vector<std::string> taken = inputs;
  for (const std::string& path : outputs) {
    if (path.empty()) continue;
    for (const std::string& other : taken) {
      require(other.empty() || !same_file(path, other),
              path + ": is to be written and also " +
                  (&other - taken.data() < static_cast<std::ptrdiff_t>(inputs.size())
                       ? "read"
                       : "written as something else"));
    }
    check_writable(path);
    taken.push_back(path);
  }
}

void LineFile::open() {
  if (file_ || !failure_.empty()) return;
  file_.reset(std::fopen(path_.c_str(), "w"));
  if (!file_) note_failure();
}

void LineFile::note_failure() {
  if (failure_.empty()) failure_ = path_ + ": cannot be written: " + last_error();
}

void LineFile::write(const std::string& line) {
  open();
  if (!failure_.empty()) return;
  if (std::fputs((line + "\n").c_str(), file_.get()) < 0 || std::fflush(file_.get()) != 0) {
    note_failure();
  }
}

void LineFile::finish() {
  open();
  if (file_ && std::fclose(file_.release()) != 0) note_failure();
  if (!failure_.empty()) throw DataError(failure_);
}

void make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw DataError(path + ": cannot be made: " + error.message());
}

void write_text(const std::string& path, const std::string& text) {
  const std::string part = path + ".part" + std::to_string(::getpid());
  std::FILE* const file = std::fopen(part.c_str(), "w");
  const bool written = file != nullptr && std::fputs(text.c_str(), file) >= 0;
  const bool closed = file != nullptr && std::fclose(file) == 0;
  if (written && closed && std::rename(part.c_str(), path.c_str()) == 0) return;
  const std::string reason = last_error();
  std::remove(part.c_str());
  throw DataError(path + ": cannot be written: " + reason);
}

}  // namespace randnla::app
