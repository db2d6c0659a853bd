// Numbers for the writers of text.
#pragma once

#include "core/shortest.hpp"
#include "io/printable.hpp"

#include <randnla/core/backend.hpp>
#include <randnla/core/error.hpp>

#include <cmath>
#include <string>

namespace randnla {

/// Numbers in as few digits as give back the same value.
class NumberText {
 public:
  NumberText(const std::string& path, std::string& to) : path_(path), to_(to) {}

  template <class V>
  void append(V value) {
    to_ += shortest(value);
  }
  template <Scalar T>
  void append_finite(T value, index_t row, const char* what, index_t column) {
    if (!std::isfinite(value)) {
      std::string place = what;
      if (column >= 0) place.append(" ").append(std::to_string(column + 1));
      throw DataError(printable_path(path_) + ": cannot hold row " + std::to_string(row + 1) +
                      ": its " + place + " is not finite");
    }
    append(value);
  }
  template <Scalar T>
  void append_label(T value, index_t row) {
    append_finite(value, row, "label", -1);
  }

 private:
  const std::string& path_;
  std::string& to_;
};

}  // namespace randnla
