// Where the nonzeros of a sketch's column are: integers only, the same on both backends.
#pragma once

#include "core/philox.hpp"

#include <randnla/sketch/sketch.hpp>

#include <cstdint>

namespace randnla {

/// 31 random bits scaled to [0, range), range <= 2^31: multiply-shift; false where it would be biased.
RANDNLA_HD inline bool scale_bits(std::uint32_t bits, std::uint32_t range, std::uint32_t& scaled) {
  const std::uint64_t product = std::uint64_t{bits} * range;
  scaled = static_cast<std::uint32_t>(product >> 31);
  const auto low = static_cast<std::uint32_t>(product & 0x7fffffff);
  return low >= range || low >= 0x80000000U % range;  // the division is rarely needed
}

/// The random words of a column, one after the other.
class ColumnWords {
 public:
  RANDNLA_HD ColumnWords(Rng rng, index_t column) : rng_(rng), column_(column) {}

  RANDNLA_HD std::uint32_t next() {
    if (used_ % 4 == 0) words_ = philox::block(rng_, column_, used_ / 4);
    const std::uint64_t pair = used_ % 4 < 2 ? words_.first : words_.second;
    return static_cast<std::uint32_t>(used_++ % 2 == 0 ? pair : pair >> 32);
  }

 private:
  Rng rng_;
  index_t column_;
  std::uint32_t used_ = 0;
  philox::Words words_{};
};

/// One nonzero: twice its row below `range` plus its sign's bit (1: negative).
RANDNLA_HD inline std::uint32_t draw_nonzero(ColumnWords& words, std::uint32_t range) {
  std::uint32_t word, row;
  do word = words.next();
  while (!scale_bits(word >> 1, range, row));
  return row * 2 + (word & 1);
}

/// The nonzeros of column i but of a sparse_sign: the l-th in the l-th of equal parts of the rows, to out(l, nonzero).
template <class F>
RANDNLA_HD void draw_stacks_of(const Sketch& S, index_t i, F out) {
  ColumnWords words(S.rng, i);
  const index_t count = nonzeros_per_column(S);
  for (index_t l = 0; l < count; ++l) {
    const index_t begin = l * S.rows / count, end = (l + 1) * S.rows / count;
    out(l, draw_nonzero(words, static_cast<std::uint32_t>(end - begin)) +
               2 * static_cast<std::uint32_t>(begin));
  }
}

/// All nonzeros of column i.
RANDNLA_HD inline void draw_column(const Sketch& S, index_t i, std::uint32_t* nonzero) {
  if (S.kind != SketchKind::sparse_sign) {
    return draw_stacks_of(S, i, [=](index_t l, std::uint32_t word) { nonzero[l] = word; });
  }
  ColumnWords words(S.rng, i);
  const index_t count = nonzeros_per_column(S);
  for (index_t l = 0; l < count; ++l) {
    // Floyd's sampling without replacement: a row that is taken already gives way to the largest one.
    const auto largest = static_cast<std::uint32_t>(S.rows - count + l);
    const std::uint32_t mine = draw_nonzero(words, largest + 1);
    bool taken = false;
    for (index_t earlier = 0; earlier < l; ++earlier) {
      taken = taken || nonzero[earlier] / 2 == mine / 2;
    }
    nonzero[l] = taken ? largest * 2 + mine % 2 : mine;
  }
}

}  // namespace randnla
