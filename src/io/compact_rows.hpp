#pragma once

#include "core/pages.hpp"

#include <randnla/core/backend.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace randnla {

/// Rows as they come out of a parser; reused from block to block, so that it allocates once.
template <class T>
struct RowScratch {
  std::vector<T> labels;
  std::vector<std::int32_t> counts;   // entries of each row
  std::vector<std::int32_t> indices;  // as written, ascending within a row
  std::vector<T> values;
  index_t rows = 0, entries = 0;  // the vectors may be longer
  std::int32_t width = 0;         // largest index + 1
};

/// A block of sparse rows in as little memory as is simple: where at least about one in 32 entries
/// is stored, the indices of a row are a bit mask and not numbers, and a dense block costs little
/// more than its values.
template <class T>
class CompactRows {
 public:
  explicit CompactRows(const RowScratch<T>& from)
      : rows_(from.rows), entries_(from.entries), width_(from.width) {
    const std::size_t rows = static_cast<std::size_t>(rows_);
    const std::size_t entries = static_cast<std::size_t>(entries_);
    mask_bytes_ = (static_cast<std::size_t>(width_) + 7) / 8;
    masked_ = rows * mask_bytes_ <= (rows + entries) * sizeof(std::int32_t);
    const std::size_t pattern =
        masked_ ? rows * mask_bytes_ : (rows + entries) * sizeof(std::int32_t);
    pages_ = Pages((entries + rows) * sizeof(T) + pattern);
    std::copy_n(from.values.data(), entries, values());
    std::copy_n(from.labels.data(), rows, labels());
    if (masked_) {
      const std::int32_t* index = from.indices.data();
      for (std::size_t r = 0; r < rows; ++r) {
        std::uint8_t* mask = masks() + r * mask_bytes_;
        for (const std::int32_t* end = index + from.counts[r]; index < end; ++index) {
          mask[*index / 8] = static_cast<std::uint8_t>(mask[*index / 8] | 1 << *index % 8);
        }
      }
    } else {
      std::copy_n(from.counts.data(), rows, counts());
      std::copy_n(from.indices.data(), entries, indices());
    }
  }

  index_t rows() const { return rows_; }
  index_t entries() const { return entries_; }
  std::int32_t width() const { return width_; }
  void release() { pages_ = Pages(); }

  /// f(r, label, indices, values, count), in order; the indices ascend.
  template <class F>
  void for_each_row(F f) const {
    const std::size_t rows = static_cast<std::size_t>(rows_);
    std::vector<std::int32_t> decoded(masked_ ? mask_bytes_ * 8 : 0);
    const T* value = values();
    const std::int32_t* index = masked_ ? nullptr : indices();
    for (std::size_t r = 0; r < rows; ++r) {
      const std::int32_t count = masked_ ? decode(r, decoded.data()) : counts()[r];
      f(static_cast<index_t>(r), labels()[r], masked_ ? decoded.data() : index, value, count);
      value += count;
      if (!masked_) index += count;
    }
  }

 private:
  std::int32_t decode(std::size_t r, std::int32_t* out) const {
    const std::uint8_t* mask = masks() + r * mask_bytes_;
    const std::int32_t* const begin = out;
    for (std::size_t b = 0; b < mask_bytes_; ++b) {
      for (unsigned bits = mask[b]; bits != 0; bits &= bits - 1) {
        *out++ = static_cast<std::int32_t>(b * 8) + std::countr_zero(bits);
      }
    }
    return static_cast<std::int32_t>(out - begin);
  }

  // The sections of the memory, widest type first so that each is aligned.
  T* values() const { return reinterpret_cast<T*>(pages_.data()); }
  T* labels() const { return values() + entries_; }
  std::uint8_t* masks() const { return reinterpret_cast<std::uint8_t*>(labels() + rows_); }
  std::int32_t* counts() const { return reinterpret_cast<std::int32_t*>(labels() + rows_); }
  std::int32_t* indices() const { return counts() + rows_; }

  index_t rows_ = 0, entries_ = 0;
  std::int32_t width_ = 0;
  bool masked_ = false;
  std::size_t mask_bytes_ = 0;  // of a row
  Pages pages_;
};

}  // namespace randnla
