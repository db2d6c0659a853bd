// A file that appears whole or not at all.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

namespace randnla {

/// Writes beside `path` under a name that no other writer of any process has, and takes the place
/// of `path` in finish(); without it nothing is left. Throws DataError naming `path`.
class OutputFile {
 public:
  explicit OutputFile(std::string path);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  void write(const void* bytes, std::size_t n);
  void finish();

 private:
  [[noreturn]] void fail(int error) const;

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string path_, temporary_;  // temporary_: empty once there is nothing to remove
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace randnla
