// Sparse rows with columns drawn at random.
#pragma once

#include <randnla/core/random.hpp>
#include <randnla/data/dataset.hpp>

#include <algorithm>
#include <random>

namespace randnla::bench {

/// `per_row` different columns a row on average, drawn uniformly, with normal values. With `vary` rows
/// have per_row - per_row / 4 to per_row + per_row / 4 of them: the processor learns the end of rows
/// that are all equally long. Values and column numbers are read as they lie in memory, values first.
template <class T>
Dataset<T, Cpu> random_sparse(Context<Cpu>& ctx, index_t rows, index_t cols, index_t per_row,
                              bool vary) {
  Dataset<T, Cpu> data;
  std::mt19937_64 draw(1);
  const index_t less = vary ? per_row / 4 : 0;
  std::uniform_int_distribution<index_t> length(per_row - less, per_row + less);
  data.rows = rows, data.cols = cols;
  data.offsets = Buffer<index_t, Cpu>(ctx, rows + 1);
  index_t* const offsets = data.offsets.data();
  offsets[0] = 0;
  for (index_t i = 0; i < rows; ++i) offsets[i + 1] = offsets[i] + length(draw);
  data.nonzeros = offsets[rows];
  data.values = Buffer<T, Cpu>(ctx, data.nonzeros);
  data.columns = Buffer<std::int32_t, Cpu>(ctx, data.nonzeros);
  data.targets = Buffer<T, Cpu>(ctx, rows);
  fill_normal(ctx, Rng{2, 0}, T(1), data.values.view());
  for (index_t i = 0; i < rows; ++i) {
    data.targets.data()[i] = static_cast<T>(draw() % 2);
    std::int32_t* const row = data.columns.data() + offsets[i];
    const index_t entries = offsets[i + 1] - offsets[i];
    for (index_t e = 0; e < entries; ++e) {
      do {
        row[e] = static_cast<std::int32_t>(draw() % static_cast<std::uint64_t>(cols));
      } while (std::find(row, row + e, row[e]) != row + e);
    }
    std::sort(row, row + entries);
  }
  return data;
}

}  // namespace randnla::bench
