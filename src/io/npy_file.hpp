// An npy file being read, values converted on the way.
#pragma once

#include "io/npy_header.hpp"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace randnla {

/// All throw DataError naming the file.
class NpyFile {
 public:
  enum class Types { floats, numbers };  // numbers: integers and bool, too

  /// Reads the header; the array must have this many dimensions (0: one or two) and such a type.
  NpyFile(std::string path, std::size_t dimensions, Types types);

  /// One size a dimension; their product is known to fit the file.
  const std::vector<std::uint64_t>& shape() const { return shape_; }

  /// Reads all values to `to`, row-major whatever the order of the file.
  template <class T>
  void read(T* to);

  [[noreturn]] void fail(const std::string& what) const;

 private:
  std::size_t read_bytes(char* to, std::size_t n);
  std::string read_header();
  void check_size() const;
  [[noreturn]] void fail_size(std::uint64_t held) const;
  std::uint64_t count() const;

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::vector<std::uint64_t> shape_;
  NpyType type_ = NpyType::f8;
  bool fortran_order_ = false;
};

}  // namespace randnla
