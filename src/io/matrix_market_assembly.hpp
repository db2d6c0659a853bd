// From the entries of a Matrix Market file to the arrays of a Dataset.
#pragma once

#include "cpu/loops.hpp"
#include "io/matrix_market_header.hpp"
#include "io/matrix_market_parser.hpp"
#include "io/printable.hpp"

#include <randnla/core/error.hpp>
#include <randnla/data/dataset.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace randnla {

template <Scalar T>
class MarketAssembly {
 public:
  MarketAssembly(Context<Cpu>& ctx, const std::string& path, const MatrixMarketHeader& header,
                 std::deque<MarketEntries<T>> blocks)
      : ctx_(ctx), path_(path), symmetry_(header.symmetry()), blocks_(std::move(blocks)) {
    data_.rows = header.rows();
    data_.cols = header.cols();
  }

  /// The values of an array stand column by column, of a symmetric one from the diagonal down.
  Dataset<T, Cpu> dense() {
    data_.nonzeros = data_.rows * data_.cols;
    data_.values = Buffer<T, Cpu>(ctx_, data_.nonzeros);
    T* const values = data_.values.data();
    if (symmetry_ == Symmetry::skew_symmetric) std::fill_n(values, data_.nonzeros, T(0));
    index_t i = first_row(0), j = 0;
    for (; !blocks_.empty(); blocks_.pop_front()) {
      for (const T value : blocks_.front().values) {
        values[i * data_.cols + j] = value;
        if (mirrored(i, j)) values[j * data_.cols + i] = mirror(value);
        if (++i == data_.rows) i = first_row(++j);
      }
    }
    return std::move(data_);
  }

  Dataset<T, Cpu> sparse() {
    count_rows();
    data_.columns = Buffer<std::int32_t, Cpu>(ctx_, data_.nonzeros);
    data_.values = Buffer<T, Cpu>(ctx_, data_.nonzeros);
    place_entries();
    for_each(ctx_, data_.rows, [this](index_t i) { sort_row(i); });
    if (const index_t kept = add_up_repeated(); kept < data_.nonzeros) shrink(kept);
    return std::move(data_);
  }

 private:
  using Symmetry = MatrixMarketHeader::Symmetry;

  bool mirrored(index_t i, index_t j) const { return symmetry_ != Symmetry::general && i != j; }
  T mirror(T value) const { return symmetry_ == Symmetry::skew_symmetric ? -value : value; }
  index_t first_row(index_t j) const {
    return symmetry_ == Symmetry::general ? 0 : j + (symmetry_ == Symmetry::symmetric ? 0 : 1);
  }

  /// f(i, j, value), also for what is left out of a symmetric file.
  template <class F>
  void for_entries_of(const MarketEntries<T>& block, F f) const {
    for (std::size_t k = 0; k < block.values.size(); ++k) {
      const index_t i = block.rows[k];
      const std::int32_t j = block.columns[k];
      f(i, j, block.values[k]);
      if (mirrored(i, j)) f(index_t{j}, static_cast<std::int32_t>(i), mirror(block.values[k]));
    }
  }

  void count_rows() {
    data_.offsets = Buffer<index_t, Cpu>(ctx_, data_.rows + 1);
    index_t* const offsets = data_.offsets.data();
    std::fill_n(offsets, data_.rows + 1, index_t{0});
    for (const MarketEntries<T>& block : blocks_) {
      for_entries_of(block, [&](index_t i, std::int32_t, T) { ++offsets[i + 1]; });
    }
    for (index_t i = 0; i < data_.rows; ++i) offsets[i + 1] += offsets[i];
    data_.nonzeros = offsets[data_.rows];
  }

  /// In the order of the file within a row; frees each block on the way.
  void place_entries() {
    // The offset of a row moves on with its entries, and ends at that of the next.
    index_t* const offsets = data_.offsets.data();
    for (; !blocks_.empty(); blocks_.pop_front()) {
      for_entries_of(blocks_.front(), [&](index_t i, std::int32_t j, T value) {
        const index_t to = offsets[i]++;
        data_.columns.data()[to] = j;
        data_.values.data()[to] = value;
      });
    }
    std::copy_backward(offsets, offsets + data_.rows, offsets + data_.rows + 1);
    offsets[0] = 0;
  }

  void sort_row(index_t i) {
    const index_t begin = data_.offsets.data()[i];
    const index_t end = data_.offsets.data()[i + 1];
    std::int32_t* const columns = data_.columns.data();
    T* const values = data_.values.data();
    if (std::is_sorted(columns + begin, columns + end)) return;
    std::vector<std::pair<std::int32_t, T>> entries;
    entries.reserve(static_cast<std::size_t>(end - begin));
    for (index_t k = begin; k < end; ++k) entries.emplace_back(columns[k], values[k]);
    std::stable_sort(entries.begin(), entries.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (index_t k = begin; k < end; ++k) {
      const auto& [column, value] = entries[static_cast<std::size_t>(k - begin)];
      columns[k] = column;
      values[k] = value;
    }
  }

  /// Moves all entries to the front of the arrays; returns how many they are.
  index_t add_up_repeated() {
    index_t* const offsets = data_.offsets.data();
    std::int32_t* const columns = data_.columns.data();
    T* const values = data_.values.data();
    index_t from = 0, to = 0;
    for (index_t i = 0; i < data_.rows; ++i) {
      const index_t begin = to;
      for (; from < offsets[i + 1]; ++from) {
        if (to > begin && columns[to - 1] == columns[from]) {
          values[to - 1] += values[from];
          if (!std::isfinite(values[to - 1])) bad_sum(i, columns[from]);
        } else {
          columns[to] = columns[from];
          values[to++] = values[from];
        }
      }
      offsets[i + 1] = to;
    }
    return to;
  }

  [[noreturn]] void bad_sum(index_t i, index_t j) const {
    throw DataError(printable_path(path_) + ": row " + std::to_string(i + 1) + ", column " +
                    std::to_string(j + 1) + ": the sum of its entries is nan or infinity");
  }

  void shrink(index_t kept) {
    Buffer<std::int32_t, Cpu> columns(ctx_, kept);
    std::copy_n(data_.columns.data(), kept, columns.data());
    data_.columns = std::move(columns);
    Buffer<T, Cpu> values(ctx_, kept);
    std::copy_n(data_.values.data(), kept, values.data());
    data_.values = std::move(values);
    data_.nonzeros = kept;
  }

  Context<Cpu>& ctx_;
  const std::string& path_;
  MatrixMarketHeader::Symmetry symmetry_;
  std::deque<MarketEntries<T>> blocks_;
  Dataset<T, Cpu> data_;
};

}  // namespace randnla
