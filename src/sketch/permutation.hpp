// A keyed permutation of [0, n): sampling without replacement with O(1) memory, each position on
// its own, the same on every backend.
#pragma once

#include <randnla/core/random.hpp>

#include <bit>
#include <cstdint>

namespace randnla {

/// A Feistel network on the smallest even number of bits that holds n, walked along its cycle until
/// the value lies below n (fewer than four steps on average). Its round function mixes the half
/// block with a 64-bit key by two multiplications (the finaliser of MurmurHash3, Appleby 2011).
/// Ten rounds: with halves of one or two bits fewer leave the small permutations visibly uneven
/// (tests/sketch/row_sampling_test.cpp holds every pair of positions to a chi-square test).
class Permutation {
 public:
  Permutation(Rng rng, index_t n)
      : n_(static_cast<std::uint64_t>(n)),
        half_bits_((static_cast<int>(std::bit_width(n_ > 1 ? n_ - 1 : 1)) + 1) / 2),
        key_(mix(rng.seed ^ mix(rng.counter + 0x9e3779b97f4a7c15))) {}

  RANDNLA_HD index_t operator()(index_t i) const {
    auto value = static_cast<std::uint64_t>(i);
    do value = network(value);
    while (value >= n_);
    return static_cast<index_t>(value);
  }

 private:
  RANDNLA_HD static std::uint64_t mix(std::uint64_t h) {
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccd;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53;
    return h ^ (h >> 33);
  }

  RANDNLA_HD std::uint64_t network(std::uint64_t value) const {
    const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
    std::uint64_t left = value >> half_bits_, right = value & mask;
    for (std::uint64_t round = 1; round <= 10; ++round) {
      const std::uint64_t next =
          left ^ (mix(right + round * 0x9e3779b97f4a7c15 + key_) >> (64 - half_bits_));
      left = right;
      right = next;
    }
    return left << half_bits_ | right;
  }

  std::uint64_t n_;
  int half_bits_;
  std::uint64_t key_;
};

}  // namespace randnla
