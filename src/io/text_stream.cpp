#include "io/text_stream.hpp"

#include "io/printable.hpp"

#include <randnla/core/error.hpp>

#include <bzlib.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

namespace randnla {
namespace {

constexpr std::size_t input_bytes = std::size_t{1} << 18;

std::string system_message(int error) { return std::generic_category().message(error); }

/// The libraries count in 32 bits.
unsigned clamped(std::size_t n) {
  return static_cast<unsigned>(std::min<std::size_t>(n, std::size_t{1} << 30));
}

}  // namespace

/// One compressed member after another, pushed from an input window to an output window.
class TextStream::Codec {
 public:
  enum class Step { more, end_of_member, corrupt };
  struct Window {
    const char* in;
    std::size_t in_size;
    char* out;
    std::size_t out_size;
  };

  virtual ~Codec() = default;
  virtual Step step(Window& window) = 0;
  virtual void restart() = 0;
};

namespace {

using Step = TextStream::Codec::Step;

class Gzip : public TextStream::Codec {
 public:
  Gzip() {
    constexpr int gzip_only = 16;  // zlib.h: added to the window bits
    if (inflateInit2(&stream_, MAX_WBITS + gzip_only) != Z_OK) {
      throw BackendError("zlib: inflateInit2 failed");
    }
  }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
  ~Gzip() override { inflateEnd(&stream_); }

  Step step(Window& window) override {
    const unsigned in = clamped(window.in_size), out = clamped(window.out_size);
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(window.in));
    stream_.avail_in = in;
    stream_.next_out = reinterpret_cast<Bytef*>(window.out);
    stream_.avail_out = out;
    const int status = inflate(&stream_, Z_NO_FLUSH);
    window.in += in - stream_.avail_in;
    window.in_size -= in - stream_.avail_in;
    window.out += out - stream_.avail_out;
    window.out_size -= out - stream_.avail_out;
    if (status == Z_STREAM_END) return Step::end_of_member;
    // Z_BUF_ERROR: no progress was possible, which the caller sees for itself.
    return status == Z_OK || status == Z_BUF_ERROR ? Step::more : Step::corrupt;
  }
  void restart() override { inflateReset(&stream_); }

 private:
  z_stream stream_{};
};

class Bzip2 : public TextStream::Codec {
 public:
  Bzip2() { start(); }
  Bzip2(const Bzip2&) = delete;
  Bzip2& operator=(const Bzip2&) = delete;
  ~Bzip2() override { BZ2_bzDecompressEnd(&stream_); }

  Step step(Window& window) override {
    const unsigned in = clamped(window.in_size), out = clamped(window.out_size);
    stream_.next_in = const_cast<char*>(window.in);
    stream_.avail_in = in;
    stream_.next_out = window.out;
    stream_.avail_out = out;
    const int status = BZ2_bzDecompress(&stream_);
    window.in += in - stream_.avail_in;
    window.in_size -= in - stream_.avail_in;
    window.out += out - stream_.avail_out;
    window.out_size -= out - stream_.avail_out;
    if (status == BZ_STREAM_END) return Step::end_of_member;
    return status == BZ_OK ? Step::more : Step::corrupt;
  }
  void restart() override {
    BZ2_bzDecompressEnd(&stream_);
    start();
  }

 private:
  void start() {
    stream_ = {};
    if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) {
      throw BackendError("bzip2: BZ2_bzDecompressInit failed");
    }
  }

  bz_stream stream_{};
};

}  // namespace

TextStream::TextStream(const std::string& path)
    : name_(printable_path(path)), input_(std::make_unique_for_overwrite<char[]>(input_bytes)) {
  file_.descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file_.descriptor < 0) throw DataError(name_ + ": cannot be opened: " + system_message(errno));
  struct stat info {};
  if (::fstat(file_.descriptor, &info) == 0 && S_ISDIR(info.st_mode)) {
    throw DataError(name_ + ": is a directory");
  }
  // A pipe may hand over the first bytes one by one.
  while (available_ < 4 && refill()) {
  }
  const std::string_view start(next_, available_);
  if (start.starts_with("\x1f\x8b")) {
    codec_ = std::make_unique<Gzip>();
  } else if (start.size() >= 4 && start.starts_with("BZh") && start[3] >= '1' && start[3] <= '9') {
    codec_ = std::make_unique<Bzip2>();
  }
}

TextStream::File::~File() {
  if (descriptor >= 0) ::close(descriptor);
}

TextStream::~TextStream() = default;

/// Adds bytes to the window [next_, next_ + available_); false at the end of the file or on a
/// fault.
bool TextStream::refill() {
  if (end_of_file_) return false;
  std::memmove(input_.get(), next_ == nullptr ? input_.get() : next_, available_);
  next_ = input_.get();
  ssize_t got;
  do {
    got = ::read(file_.descriptor, input_.get() + available_, input_bytes - available_);
  } while (got < 0 && errno == EINTR);
  if (got < 0) fault_ = name_ + ": cannot be read: " + system_message(errno);
  end_of_file_ = got <= 0;
  if (got > 0) available_ += static_cast<std::size_t>(got);
  return got > 0;
}

std::size_t TextStream::read(char* to, std::size_t n) {
  if (n == 0) return 0;
  const std::size_t got = codec_ ? read_compressed(to, n) : read_plain(to, n);
  if (got == 0 && !fault_.empty()) throw DataError(fault_);
  return got;
}

std::size_t TextStream::read_plain(char* to, std::size_t n) {
  if (available_ == 0) refill();
  const std::size_t taken = std::min(n, available_);
  if (taken > 0) std::memcpy(to, next_, taken);
  next_ += taken;
  available_ -= taken;
  return taken;
}

std::size_t TextStream::read_compressed(char* to, std::size_t n) {
  Codec::Window window{nullptr, 0, to, n};
  while (window.out_size > 0 && fault_.empty()) {
    if (available_ == 0 && !refill() && between_members_) break;
    if (between_members_) {
      codec_->restart();
      between_members_ = false;
    }
    const std::size_t out_before = window.out_size, in_before = available_;
    window.in = next_;
    window.in_size = available_;
    const Step step = codec_->step(window);
    next_ = window.in;
    available_ = window.in_size;
    // The decoder may hold output back after its last input: only a step that moves nothing at the
    // end of the file shows that something is missing.
    const bool stuck = window.out_size == out_before && available_ == in_before;
    if (step == Step::end_of_member) {
      between_members_ = true;
    } else if (step == Step::corrupt) {
      fault_ = name_ + ": compressed data are corrupt";
    } else if (stuck && end_of_file_ && fault_.empty()) {
      fault_ = name_ + ": compressed data are truncated";
    }
  }
  return n - window.out_size;
}

}  // namespace randnla
