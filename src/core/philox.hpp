// Philox4x32-10 from Random123, the same header and so the same bits on both sides.
#pragma once

#include <randnla/core/math.hpp>
#include <randnla/core/random.hpp>

#include <Random123/philox.h>

#include <cstdint>

namespace randnla::philox {

struct Words {
  std::uint64_t first, second;
};

/// The block of 128 random bits number (i, attempt) of a stream; i < 2^48.
RANDNLA_HD inline Words block(Rng rng, index_t i, std::uint32_t attempt = 0) {
  const auto position = static_cast<std::uint64_t>(i);
  const r123::Philox4x32::ctr_type counter = {
      {static_cast<std::uint32_t>(position),
       static_cast<std::uint32_t>(position >> 32) + (attempt << 16),
       static_cast<std::uint32_t>(rng.counter), static_cast<std::uint32_t>(rng.counter >> 32)}};
  const r123::Philox4x32::key_type key = {
      {static_cast<std::uint32_t>(rng.seed), static_cast<std::uint32_t>(rng.seed >> 32)}};
  const auto out = r123::Philox4x32{}(counter, key);
  return {out[0] | static_cast<std::uint64_t>(out[1]) << 32,
          out[2] | static_cast<std::uint64_t>(out[3]) << 32};
}

/// Random signs 64 w to 64 w + 63 of a stream, a bit each; 1: negative.
RANDNLA_HD inline std::uint64_t signs(Rng rng, index_t w) {
  const Words words = block(rng, w / 2);
  return w % 2 == 0 ? words.first : words.second;
}

/// In the open interval (0, 1): the middles of 2^52 equal cells. With one bit more the middles
/// would not be doubles, and the last one would round to 1.
RANDNLA_HD inline double uniform(std::uint64_t word) {
  return (static_cast<double>(word >> 12) + 0.5) * 0x1p-52;
}

/// Every integer in [0, range) with the same probability, range >= 1: multiply-shift with rejection
/// (Lemire, ACM TOMACS 29 (2019), algorithm 5).
RANDNLA_HD inline std::uint64_t below(Rng rng, index_t i, std::uint64_t range) {
  using Wide = unsigned __int128;
  const std::uint64_t reject_below = (0 - range) % range;
  for (std::uint32_t attempt = 0;; ++attempt) {
    const Wide product = Wide{block(rng, i, attempt).first} * range;
    if (static_cast<std::uint64_t>(product) >= reject_below) {
      return static_cast<std::uint64_t>(product >> 64);
    }
  }
}

/// Likewise in [0, first) and in [0, second), independent of each other, from one block.
RANDNLA_HD inline Words below(Rng rng, index_t i, std::uint64_t first, std::uint64_t second) {
  using Wide = unsigned __int128;
  const Words reject_below = {(0 - first) % first, (0 - second) % second};
  for (std::uint32_t attempt = 0;; ++attempt) {
    const Words words = block(rng, i, attempt);
    const Wide a = Wide{words.first} * first, b = Wide{words.second} * second;
    if (static_cast<std::uint64_t>(a) >= reject_below.first &&
        static_cast<std::uint64_t>(b) >= reject_below.second) {
      return {static_cast<std::uint64_t>(a >> 64), static_cast<std::uint64_t>(b >> 64)};
    }
  }
}

/// Two independent standard normals.
struct Normals {
  double first, second;
};

RANDNLA_HD inline Normals normals(Rng rng, index_t i) {
  const Words words = block(rng, i);
  const double radius = sqrt(-2 * math::log_of_positive(uniform(words.first)));
  double sine, cosine;
  math::sincos_of_turns(static_cast<double>(words.second >> 11) * 0x1p-53, sine, cosine);
  return {radius * cosine, radius * sine};
}

}  // namespace randnla::philox
