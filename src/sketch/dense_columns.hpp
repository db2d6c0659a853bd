// The entries of Gaussian and Rademacher sketches, the same bits on both backends.
//
// Rows come by 64. Entry (t, i) of a Gaussian sketch is number (t mod 64) / 16 of the four normals that block
// (i, t / 64 * 16 + t mod 16) of random bits gives: sixteen blocks make a run of rows in registers.
#pragma once

#include "core/philox.hpp"

#include <randnla/core/math.hpp>

#include <bit>
#include <cmath>
#include <cstdint>

namespace randnla {

inline constexpr index_t dense_unit = 64, dense_lanes = 16;

/// A column has 2^16 blocks of random bits.
inline constexpr index_t most_dense_rows = index_t{1} << 18;

/// Two normals from 64 bits, by Box & Muller (1958). Floats: the radius has 32 bits, so that they reach 6.6; the
/// angle has 30, and two for the quarter.
RANDNLA_HD inline void normals_of_words(std::uint32_t length, std::uint32_t turn, float& first,
                                        float& second) {
  const float u = math::fma(static_cast<float>(length), 0x1p-32F, 0x1p-33F);
  const float radius = std::sqrt(-2 * math::log_of_positive(u));
  float sine, cosine;
  math::sincos_of_eighths(static_cast<float>(static_cast<std::int32_t>(turn << 2)) * 0x1p-31F, sine,
                          cosine);
  cosine = std::bit_cast<float>(std::bit_cast<std::uint32_t>(cosine) ^ (turn & 0x80000000U));
  const bool swapped = (turn & 0x40000000U) != 0;
  first = radius * (swapped ? sine : cosine);
  second = radius * (swapped ? cosine : sine);
}

struct FourNormals {
  float x[4];
};

RANDNLA_HD inline FourNormals four_normals(Rng rng, index_t i, std::uint32_t block) {
  const philox::Words words = philox::block(rng, i, block);
  FourNormals out;
  normals_of_words(static_cast<std::uint32_t>(words.first),
                   static_cast<std::uint32_t>(words.first >> 32), out.x[0], out.x[1]);
  normals_of_words(static_cast<std::uint32_t>(words.second),
                   static_cast<std::uint32_t>(words.second >> 32), out.x[2], out.x[3]);
  return out;
}

/// The signs of rows 64 unit to 64 unit + 63 of column i, a bit each; 1: negative.
RANDNLA_HD inline std::uint64_t dense_signs(Rng rng, index_t i, index_t unit) {
  const philox::Words words = philox::block(rng, i, static_cast<std::uint32_t>(unit / 2));
  return unit % 2 == 0 ? words.first : words.second;
}

/// Entry (t, i), unscaled.
RANDNLA_HD inline float dense_entry(Rng rng, bool gaussian, index_t t, index_t i) {
  const index_t unit = t / dense_unit, r = t % dense_unit;
  if (!gaussian) return (dense_signs(rng, i, unit) >> r & 1U) != 0 ? -1.0F : 1.0F;
  const auto block = static_cast<std::uint32_t>(unit * dense_lanes + r % dense_lanes);
  return four_normals(rng, i, block).x[r / dense_lanes];
}

}  // namespace randnla
