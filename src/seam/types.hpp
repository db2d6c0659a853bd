// The types that cross the seam; see seam.hpp.
#pragma once

#include <randnla/core/buffer.hpp>
#include <randnla/core/random.hpp>

#include <cstdint>

namespace randnla {

enum class Transpose { no, yes };

/// Which rows of A a pass visits: all, or those listed; the number of them may be known on the
/// device only. Row k of the pass is row (rows ? rows[k] : k) of A, for k < (count ? *count :
/// bound).
template <Backend B>
struct RowSelection {
  const index_t* rows = nullptr;
  index_t bound = 0;
  const index_t* count = nullptr;
};

/// What one row contributes to a fused pass: `weight` times the row to the vector, `value` to the
/// scalar.
template <class T>
struct RowTerm {
  T weight, value;
};

/// The most vectors that a fused_multi_pass takes: the margins of its rows still lie in the shared
/// memory of a multiprocessor.
inline constexpr index_t max_pass_vectors = 128;

/// Where rows are added to a sketch: twice the sketch's row, plus 1 to subtract.
struct RowPattern {
  const std::uint32_t* nonzero;  // those of the k-th row at nonzero + k * per_row
  index_t per_row;
  /// Not so: 32 rows at a time lie the first nonzeros of all, then the second, ..., all l-th ones in the l-th of
  /// per_row equal parts of the sketch.
  bool by_stacks = false;
};
/// Rows that a pattern's memory has room for.
constexpr index_t pattern_rows(index_t rows) { return (rows + 31) / 32 * 32; }

/// A subsampled randomised Hadamard sketch of rows of which row `first` is the first at hand: row i's sign is that
/// of srht_sign(rng, i), row t is row selected[t] of the transform. Rows are transformed in blocks of 2^log_block.
struct HadamardRows {
  const std::uint64_t* selected;
  index_t count;
  int log_block;
  Rng rng;
  index_t first;
};

/// A Gaussian or Rademacher sketch of rows of which row `first` is the first at hand.
struct DenseSketch {
  Rng rng;
  bool gaussian;
  index_t rows, first;
};

/// Where the entry (t, j) of a partial sketch lies: tiles of 2^shift columns, each by rows.
struct SketchLayout {
  index_t rows = 0, tiles = 0;
  int shift = 0;

  RANDNLA_HD index_t width() const { return index_t{1} << shift; }
  RANDNLA_HD index_t size() const { return tiles * tile_size(); }
  RANDNLA_HD index_t tile_size() const { return rows << shift; }
  RANDNLA_HD index_t index(index_t t, index_t j) const {
    return (j >> shift) * tile_size() + (t << shift) + (j & (width() - 1));
  }
};

/// The most segments whose partial sketches are there at a time.
inline constexpr index_t most_segments = 128;
/// The layout of dense_sketch_rows: columns one after the other, with whole vectors of rows.
inline SketchLayout dense_sketch_layout(index_t rows, index_t cols) {
  return {(rows + 15) / 16 * 16, cols, 0};
}

/// Rows [begin, end) of a matrix in segments of `length`; `before` rows of the first one have gone before.
struct RowSegments {
  index_t begin, end, before, length;
  bool
      ends;  // no rows are to come after these: the last segment is complete, though it may be shorter
  index_t number;  // of the first one, in the sketch

  RANDNLA_HD index_t count() const { return (before + end - begin + length - 1) / length; }
  RANDNLA_HD index_t complete() const { return ends ? count() : (before + end - begin) / length; }
  RANDNLA_HD index_t first(index_t g) const { return g == 0 ? begin : begin - before + g * length; }
  RANDNLA_HD index_t last(index_t g) const {
    const index_t past = begin - before + (g + 1) * length;
    return past < end ? past : end;
  }
  /// It is the first that goes to the result, which holds nothing yet.
  RANDNLA_HD bool starts(index_t g) const { return number + g == 0; }
};

}  // namespace randnla
