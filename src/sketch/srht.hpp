// The subsampled randomised Hadamard transform, entry by entry: integers only, the same on both backends.
//
// Entry (r, i) of the Hadamard matrix is -1 to the number of ones that r and i have in common. With the bits of
// i = q B + p and r = h B + l (B a power of two) that is entry (l, p) of the matrix of size B times the sign of
// (h, q): rows are transformed in blocks of B in the cache, and what row r of the whole transform gets from
// block q is row l of the block's, added or subtracted. Every row of A is read once.
#pragma once

#include "core/philox.hpp"
#include "sketch/permutation.hpp"

#include <randnla/sketch/sketch.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>

namespace randnla {

/// Whether the number of ones is odd.
RANDNLA_HD inline bool odd_ones(std::uint64_t v) {
  v ^= v >> 32;
  v ^= v >> 16;
  v ^= v >> 8;
  v ^= v >> 4;
  return (0x6996U >> (v & 15) & 1U) != 0;
}

/// The signs of rows 64 w to 64 w + 63, a bit each; 1: negative.
RANDNLA_HD inline std::uint64_t srht_signs(Rng rng, index_t w) { return philox::signs(rng, w); }

RANDNLA_HD inline bool srht_sign(Rng rng, index_t i) {
  return (srht_signs(rng, i / 64) >> (i % 64) & 1U) != 0;
}

/// The size of S's Hadamard matrix.
inline index_t padded_rows(const Sketch& S) {
  return static_cast<index_t>(
      std::bit_ceil(static_cast<std::uint64_t>(std::max<index_t>(1, S.cols))));
}

/// log2 of the rows that are transformed together. Of the sketch alone: the order of additions hangs on it.
/// About as many as the sketch has rows: transforming them and picking from them then take as long.
inline int log_block_rows(const Sketch& S) {
  const index_t block = std::clamp<index_t>(
      static_cast<index_t>(std::bit_ceil(static_cast<std::uint64_t>(S.rows))), 256, 2048);
  return std::countr_zero(static_cast<std::uint64_t>(std::min(block, padded_rows(S))));
}

/// The rows of the transform that S has; a permutation's first ones.
inline Permutation srht_selection(const Sketch& S) { return Permutation(S.rng, padded_rows(S)); }

}  // namespace randnla
