// From parsed blocks to the arrays of a Dataset.
#pragma once

#include "cpu/loops.hpp"
#include "io/compact_rows.hpp"

#include <randnla/data/dataset.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace randnla {

/// All rows of a file, in blocks and with the indices as written.
template <Scalar T>
struct ParsedFile {
  std::deque<CompactRows<T>> blocks;
  index_t rows = 0, width = 0;  // width: largest index + 1
  bool index_zero_occurs = false;
};

/// Entries of a sorted row with index below `bound`.
inline index_t kept_entries(const std::int32_t* indices, std::int32_t count, index_t bound) {
  return std::lower_bound(indices, indices + count, bound) - indices;
}

/// Puts the blocks into the arrays of the result, freeing each on the way.
template <Scalar T>
class Assembly {
 public:
  Assembly(Context<Cpu>& ctx, ParsedFile<T>& file, int base, index_t cols)
      : ctx_(ctx), file_(file), base_(base), end_(cols + base) {
    data_.rows = file.rows;
    data_.cols = cols;
    kept_.resize(file.blocks.size());
    parallel_for(ctx_, block_count(), [&](index_t c) { kept_[at(c)] = count_kept(block(c)); });
    index_t rows = 0;
    for (std::size_t b = 0; b < kept_.size(); ++b) {
      first_row_.push_back(rows);
      first_entry_.push_back(data_.nonzeros);
      rows += file.blocks[b].rows();
      data_.nonzeros += kept_[b];
      dropped_ += file.blocks[b].entries() - kept_[b];
    }
  }

  index_t dropped() const { return dropped_; }
  double density() const {
    return static_cast<double>(data_.nonzeros) /
           (static_cast<double>(data_.rows) * static_cast<double>(data_.cols));
  }

  Dataset<T, Cpu> dense() {
    require(data_.rows <= std::numeric_limits<index_t>::max() / 16 / data_.cols,
            "dense storage of " + std::to_string(data_.rows) + " x " + std::to_string(data_.cols));
    data_.nonzeros = data_.rows * data_.cols;
    data_.values = Buffer<T, Cpu>(ctx_, data_.nonzeros);
    fill([this](index_t) {
      return [this](index_t i, const std::int32_t* indices, const T* values, index_t kept) {
        T* const row = data_.values.data() + i * data_.cols;
        std::fill_n(row, data_.cols, T(0));
        for (index_t k = 0; k < kept; ++k) row[indices[k] - base_] = values[k];
      };
    });
    return std::move(data_);
  }

  Dataset<T, Cpu> sparse() {
    data_.values = Buffer<T, Cpu>(ctx_, data_.nonzeros);
    data_.columns = Buffer<std::int32_t, Cpu>(ctx_, data_.nonzeros);
    data_.offsets = Buffer<index_t, Cpu>(ctx_, data_.rows + 1);
    data_.offsets.data()[0] = 0;
    fill([this](index_t c) {
      return [this, entry = first_entry_[at(c)]](index_t i, const std::int32_t* indices,
                                                 const T* values, index_t kept) mutable {
        for (index_t k = 0; k < kept; ++k) data_.columns.data()[entry + k] = indices[k] - base_;
        std::copy_n(values, kept, data_.values.data() + entry);
        entry += kept;
        data_.offsets.data()[i + 1] = entry;
      };
    });
    return std::move(data_);
  }

 private:
  static std::size_t at(index_t c) { return static_cast<std::size_t>(c); }
  CompactRows<T>& block(index_t c) { return file_.blocks[at(c)]; }
  index_t block_count() const { return static_cast<index_t>(file_.blocks.size()); }

  index_t count_kept(const CompactRows<T>& rows) const {
    if (rows.width() <= end_) return rows.entries();
    index_t kept = 0;
    rows.for_each_row([&](index_t, T, const std::int32_t* indices, const T*, std::int32_t count) {
      kept += kept_entries(indices, count, end_);
    });
    return kept;
  }

  /// writer_of(c) makes the function that stores the rows of block c, given one after another.
  template <class WriterOf>
  void fill(WriterOf writer_of) {
    data_.targets = Buffer<T, Cpu>(ctx_, data_.rows);
    parallel_for(ctx_, block_count(), [&](index_t c) {
      auto write = writer_of(c);
      const index_t first = first_row_[at(c)];
      const bool all = block(c).width() <= end_;
      block(c).for_each_row([&](index_t r, T label, const std::int32_t* indices, const T* values,
                                std::int32_t count) {
        data_.targets.data()[first + r] = label;
        write(first + r, indices, values, all ? count : kept_entries(indices, count, end_));
      });
      block(c).release();
    });
  }

  Context<Cpu>& ctx_;
  ParsedFile<T>& file_;
  std::int32_t base_;
  index_t end_;  // indices from here on are dropped
  std::vector<index_t> kept_, first_row_, first_entry_;
  index_t dropped_ = 0;
  Dataset<T, Cpu> data_;
};

}  // namespace randnla
