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
    return walked(network(static_cast<std::uint64_t>(i)));
  }

  /// to[k] = (*this)(i + k) for k < 4: the rounds of four networks hide each other's latency.
  RANDNLA_HD void four(index_t i, index_t* to) const {
    std::uint64_t left[4], right[4];
    for (int k = 0; k < 4; ++k) split(static_cast<std::uint64_t>(i + k), left[k], right[k]);
    for (std::uint64_t round = 1; round <= rounds; ++round) {
      for (int k = 0; k < 4; ++k) mix_halves(round, left[k], right[k]);
    }
    for (int k = 0; k < 4; ++k) to[k] = walked(left[k] << half_bits_ | right[k]);
  }

 private:
  RANDNLA_HD static std::uint64_t mix(std::uint64_t h) {
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccd;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53;
    return h ^ (h >> 33);
  }

  static constexpr std::uint64_t rounds = 10;

  RANDNLA_HD void split(std::uint64_t value, std::uint64_t& left, std::uint64_t& right) const {
    left = value >> half_bits_;
    right = value & ((std::uint64_t{1} << half_bits_) - 1);
  }

  RANDNLA_HD void mix_halves(std::uint64_t round, std::uint64_t& left, std::uint64_t& right) const {
    const std::uint64_t next =
        left ^ (mix(right + round * 0x9e3779b97f4a7c15 + key_) >> (64 - half_bits_));
    left = right;
    right = next;
  }

  RANDNLA_HD std::uint64_t network(std::uint64_t value) const {
    std::uint64_t left, right;
    split(value, left, right);
    for (std::uint64_t round = 1; round <= rounds; ++round) mix_halves(round, left, right);
    return left << half_bits_ | right;
  }

  RANDNLA_HD index_t walked(std::uint64_t value) const {
    while (value >= n_) value = network(value);
    return static_cast<index_t>(value);
  }

  std::uint64_t n_;
  int half_bits_;
  std::uint64_t key_;
};

}  // namespace randnla
