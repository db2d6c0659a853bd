// The bytes of a file, decompressed on the way.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace randnla {

/// Reads a plain, gzip or bzip2 file front to back, told apart by the first bytes. Several
/// compressed members in a row are one file. Pipes work: the file is never sought.
///
/// Throws  DataError naming the file: cannot be opened, is a directory, cannot be read, truncated
///         or corrupt compression. All bytes before the fault are delivered first, whatever the
///         sizes of the reads, so that what a caller finds in them does not depend on those sizes
class TextStream {
 public:
  explicit TextStream(const std::string& path);
  TextStream(const TextStream&) = delete;
  TextStream& operator=(const TextStream&) = delete;
  ~TextStream();

  /// Up to n bytes; 0 only at the end of the file.
  std::size_t read(char* to, std::size_t n);

  class Codec;

 private:
  bool refill();
  std::size_t read_plain(char* to, std::size_t n);
  std::size_t read_compressed(char* to, std::size_t n);

  std::string name_;  // fit for messages
  struct File {
    int descriptor = -1;
    ~File();
  } file_;
  std::unique_ptr<char[]> input_;
  const char* next_ = nullptr;  // bytes read from the file and not used yet
  std::size_t available_ = 0;
  bool end_of_file_ = false;
  std::unique_ptr<Codec> codec_;  // null: plain
  bool between_members_ = false;
  std::string fault_;  // to be thrown once the bytes before it are delivered
};

}  // namespace randnla
