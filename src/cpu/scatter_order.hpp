// Additions of a block of rows to a sketch, in the order of the sketch's rows.
#pragma once

#include <randnla/core/backend.hpp>

#include <cstdint>
#include <utility>
#include <vector>

namespace randnla::scatter {

/// One row of a block added to row `target` of the sketch; `row` is twice its place in the block, plus 1 to
/// subtract.
struct Addition {
  std::uint32_t target, row;
};

/// Whether a block's additions are worth sorting: not where counting goes over many more targets than there are
/// additions.
inline bool sorting_pays(index_t additions, index_t sketch_rows) {
  return sketch_rows <= 4 * additions;
}

/// The nonzeros of `rows` rows; with `sorted` by targets, those of one target in the order that they had (a
/// counting sort).
inline void order_additions(const std::uint32_t* nonzero, index_t rows, index_t per_row,
                            index_t sketch_rows, bool sorted, Addition* ordered) {
  std::vector<std::uint32_t> places;
  if (sorted) {
    places.resize(static_cast<std::size_t>(sketch_rows));
    for (index_t n = 0; n < rows * per_row; ++n) ++places[nonzero[n] >> 1];
    std::uint32_t before = 0;
    for (std::uint32_t& place : places) before += std::exchange(place, before);
  }
  for (index_t i = 0; i < rows; ++i) {
    for (index_t n = i * per_row; n < (i + 1) * per_row; ++n) {
      const std::uint32_t target = nonzero[n] >> 1;
      const index_t place = sorted ? places[target]++ : n;
      ordered[place] = {target, static_cast<std::uint32_t>(2 * i) + (nonzero[n] & 1)};
    }
  }
}

}  // namespace randnla::scatter
