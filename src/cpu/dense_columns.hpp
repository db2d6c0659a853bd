// Entries of Gaussian and Rademacher sketches by vectors: those of sketch/dense_columns.hpp, which says what they
// are, in loops that the compiler turns into vector code.
#pragma once

#include "cpu/simd.hpp"
#include "seam/types.hpp"
#include "sketch/dense_columns.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <type_traits>

namespace randnla {

/// Random words r of dense_lanes blocks, side by side.
using WordLanes = std::uint32_t[4][dense_lanes];

/// Blocks (i, first) to (i, first + 15): the ten rounds of Philox4x32 (Salmon et al., SC 2011). A word has 64 bits
/// of a register to itself, where its products are whole.
inline void random_lanes(Rng rng, index_t i, std::uint32_t first, WordLanes& words) {
  using Words = simd::Vector<std::uint64_t>;
  constexpr std::uint64_t low = 0xffffffff, multipliers[2] = {0xd2511f53, 0xcd9e8d57},
                          increments[2] = {0x9e3779b9, 0xbb67ae85};
  constexpr index_t lanes = simd::lanes<std::uint64_t>, vectors = dense_lanes / lanes;
  static constexpr std::array<std::uint64_t, dense_lanes> numbers = {0, 1, 2,  3,  4,  5,  6,  7,
                                                                     8, 9, 10, 11, 12, 13, 14, 15};
  const auto column = static_cast<std::uint64_t>(i);
  Words c[4][vectors];
  for (index_t v = 0; v < vectors; ++v) {
    c[0][v] = Words{} + (column & low), c[2][v] = Words{} + (rng.counter & low);
    c[3][v] = Words{} + (rng.counter >> 32);
    c[1][v] = simd::load(numbers.data() + v * lanes) + first;
    c[1][v] = (c[1][v] << 16) + (column >> 32);
  }
  std::uint64_t key[2] = {rng.seed & low, rng.seed >> 32};
  for (int round = 0; round < 10; ++round) {
    for (index_t v = 0; v < vectors; ++v) {
      const Words a = c[0][v] * multipliers[0], b = c[2][v] * multipliers[1];
      c[0][v] = (b >> 32) ^ c[1][v] ^ key[0], c[1][v] = b & low;
      c[2][v] = (a >> 32) ^ c[3][v] ^ key[1], c[3][v] = a & low;
    }
    for (int k = 0; k < 2; ++k) key[k] = (key[k] + increments[k]) & low;
  }
  for (index_t v = 0; v < vectors; ++v) {
    for (int w = 0; w < 4; ++w) {
      for (index_t l = 0; l < lanes; ++l) {
        words[w][v * lanes + l] = static_cast<std::uint32_t>(c[w][v][l]);
      }
    }
  }
}

/// Rows 64 unit to 64 unit + 63 of column i; of a Gaussian sketch the last 32 only where `height` goes beyond 32.
template <class T>
void fill_column(const DenseSketch& sketch, index_t i, index_t unit, index_t height, T* out) {
  if (sketch.gaussian) {
    WordLanes words;
    random_lanes(sketch.rng, i, static_cast<std::uint32_t>(unit * dense_lanes), words);
    for (index_t pair = 0; pair < height; pair += 2 * dense_lanes) {
      const std::uint32_t *const length = words[pair / dense_lanes], *const turn =
                                                                         length + dense_lanes;
      T* const to = out + pair;
      for (index_t l = 0; l < dense_lanes; ++l) {
        float first, second;
        normals_of_words(length[l], turn[l], first, second);
        to[l] = static_cast<T>(first), to[l + dense_lanes] = static_cast<T>(second);
      }
    }
    return;
  }
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  const std::uint64_t signs = dense_signs(sketch.rng, i, unit);
  for (index_t t = 0; t < dense_unit; ++t) {
    const Bits sign = static_cast<Bits>(signs >> t & 1U) << (8 * sizeof(T) - 1);
    out[t] = std::bit_cast<T>(std::bit_cast<Bits>(T(1)) | sign);
  }
}

}  // namespace randnla
