// Files that the program writes.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace randnla::app {

/// Throws before the long work what would otherwise go wrong after it: InvalidArgument where an
/// output is an input or another output, DataError where it cannot be written. Creates nothing.
void check_outputs(const std::vector<std::string>& outputs, const std::vector<std::string>& inputs);

/// Lines that are on their way to the disk when write() returns. The file appears with its first
/// line, or, without one, with finish().
class LineFile {
 public:
  explicit LineFile(std::string path) : path_(std::move(path)) {}

  /// A failure is kept for finish(): it must not end the run whose trace this is.
  void write(const std::string& line);
  /// Throws DataError where any line was not written.
  void finish();

 private:
  void open();
  void note_failure();

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string path_, failure_;
  std::unique_ptr<std::FILE, Close> file_;
};

/// With those above it, where they are not there. Throws DataError.
void make_folder(const std::string& path);

/// The file appears whole or not at all. Throws DataError where it cannot be written.
void write_text(const std::string& path, const std::string& text);

}  // namespace randnla::app
