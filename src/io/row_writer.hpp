// What the writers of data share: rows through a buffer to a file.
#pragma once

#include "io/output_file.hpp"

#include <randnla/core/view.hpp>

#include <functional>
#include <string>

namespace randnla {

/// Collects the bytes of rows and writes them in large parts.
class RowWriter {
 public:
  RowWriter(const std::string& path, const std::function<void(index_t)>& progress)
      : file_(path), progress_(progress) {}

  std::string& text() { return text_; }
  void end_row() {
    ++rows_;
    if (text_.size() >= part_bytes) flush();
  }
  void finish() {
    flush();
    file_.finish();
  }

 private:
  static constexpr std::size_t part_bytes = std::size_t{1} << 20;

  void flush() {
    file_.write(text_.data(), text_.size());
    text_.clear();
    if (progress_) progress_(rows_);
  }

  OutputFile file_;
  const std::function<void(index_t)>& progress_;
  std::string text_;
  index_t rows_ = 0;
};

/// column, value -> f for the entries of row i that are in memory, in order.
template <class T, class F>
void for_each_stored(const DenseRows<T, Cpu>& data, index_t i, F f) {
  const T* const row = data.values + i * data.cols;
  for (index_t j = 0; j < data.cols; ++j) f(j, row[j]);
}

template <class T, class F>
void for_each_stored(const CsrRows<T, Cpu>& data, index_t i, F f) {
  for (index_t k = data.offsets[i]; k < data.offsets[i + 1]; ++k) {
    f(index_t{data.columns[k]}, data.values[k]);
  }
}

}  // namespace randnla
