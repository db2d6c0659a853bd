#include "core/philox.hpp"

#include "support/statistics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace randnla::philox {
namespace {

constexpr double significance = 1e-6;  // of every statistical test here
constexpr std::uint64_t all_ones = std::numeric_limits<std::uint64_t>::max();

// The three published known answers of Philox4x32-10: the file kat_vectors of Random123 1.14.
TEST(Philox, KnownAnswers) {
  const Words zeros = block(Rng{0, 0}, 0);
  EXPECT_EQ(zeros.first, 0xe169c58d6627e8d5u);
  EXPECT_EQ(zeros.second, 0x9b00dbd8bc57ac4cu);
  const Words ones = block(Rng{all_ones, all_ones}, (index_t{1} << 48) - 1, 0xffff);
  EXPECT_EQ(ones.first, 0x41c83b0e408f276du);
  EXPECT_EQ(ones.second, 0x6d5451fda20bc7c6u);
  // Counter 243f6a88 85a308d3 13198a2e 03707344, key a4093822 299f31d0: the digits of pi.
  const Words pi = block(Rng{0x299f31d0a4093822, 0x0370734413198a2e}, 0x08d3243f6a88, 0x85a3);
  EXPECT_EQ(pi.first, 0x94fdccebd16cfe09u);
  EXPECT_EQ(pi.second, 0x24126ea15001e420u);
}

TEST(Uniform, LiesStrictlyBetweenZeroAndOne) {
  EXPECT_GT(uniform(0), 0);
  EXPECT_LT(uniform(all_ones), 1);
  // Symmetric: complementing the word mirrors the number, exactly.
  for (index_t i = 0; i < 1000; ++i) {
    const std::uint64_t word = block(Rng{3, 1}, i).first;
    ASSERT_EQ(uniform(word) + uniform(~word), 1) << word;
  }
  EXPECT_EQ(uniform(0) + uniform(all_ones), 1);
}

TEST(Uniform, FillsTheIntervalEvenly) {
  std::vector<std::int64_t> counts(256, 0);
  for (index_t i = 0; i < 200'000; ++i) {
    for (const std::uint64_t word : {block(Rng{5, 2}, i).first, block(Rng{5, 2}, i).second}) {
      ++counts[static_cast<std::size_t>(uniform(word) * 256)];
    }
  }
  EXPECT_LT(test::chi_square(counts), test::chi_square_limit(255, significance));
}

/// floor(word range / 2^64) and the product's low half, by halves of 32 bits.
struct Product {
  std::uint64_t high, low;
};
Product times(std::uint64_t word, std::uint64_t range) {
  const std::uint64_t mask = 0xffffffff;
  const std::uint64_t low = (word & mask) * (range & mask);
  const std::uint64_t middle = (word >> 32) * (range & mask) + (low >> 32);
  const std::uint64_t other = (word & mask) * (range >> 32) + (middle & mask);
  return {(word >> 32) * (range >> 32) + (middle >> 32) + (other >> 32),
          (other << 32) | (low & mask)};
}

// 2^25 + 1 and 2^33 are beyond what scaling a float can reach; the last ones reject up to half of
// the words.
constexpr std::array<std::uint64_t, 10> ranges = {1,
                                                  2,
                                                  3,
                                                  1000,
                                                  (std::uint64_t{1} << 25) + 1,
                                                  std::uint64_t{1} << 33,
                                                  (std::uint64_t{1} << 33) + 1,
                                                  (std::uint64_t{1} << 63) + 1,
                                                  std::uint64_t{3} << 62,
                                                  all_ones};

TEST(Below, IsMultiplyShiftWithRejection) {
  const Rng rng{11, 4};
  for (const std::uint64_t range : ranges) {
    const std::uint64_t surplus = (all_ones % range + 1) % range;  // 2^64 mod range
    for (index_t i = 0; i < 2000; ++i) {
      std::uint32_t attempt = 0;
      Product product = times(block(rng, i, attempt).first, range);
      while (product.low < surplus) product = times(block(rng, i, ++attempt).first, range);
      ASSERT_EQ(below(rng, i, range), product.high) << range << " " << i;
      ASSERT_LT(product.high, range);
    }
  }
}

/// Chi-square of what bucket_of makes of 200,000 draws.
template <class BucketOf>
double spread(std::uint64_t range, std::size_t buckets, BucketOf bucket_of) {
  std::vector<std::int64_t> counts(buckets, 0);
  for (index_t i = 0; i < 200'000; ++i) {
    ++counts[static_cast<std::size_t>(bucket_of(below(Rng{21, 0}, i, range)))];
  }
  return test::chi_square(counts);
}

TEST(Below, IsEvenInItsHighBits) {
  for (const std::uint64_t range : ranges) {
    if (range < 100) continue;
    const auto bucket = [&](std::uint64_t x) {
      return std::floor(static_cast<long double>(x) / static_cast<long double>(range) * 50);
    };
    EXPECT_LT(spread(range, 50, bucket), test::chi_square_limit(49, significance)) << range;
  }
}

TEST(Below, IsEvenInItsLowBits) {
  // Remainders by 2 and by 3; 1000 and the ranges that are no multiple are too large to notice.
  for (const std::uint64_t range : ranges) {
    if (range < 1'000'000) continue;
    for (const std::uint64_t m : {2, 3, 64}) {
      EXPECT_LT(spread(range, m, [&](std::uint64_t x) { return x % m; }),
                test::chi_square_limit(static_cast<double>(m - 1), significance))
          << range << " mod " << m;
    }
  }
}

TEST(Below, SmallRangesAreEven) {
  for (const std::uint64_t range : {2, 3, 7, 1000}) {
    EXPECT_LT(spread(range, range, [](std::uint64_t x) { return x; }),
              test::chi_square_limit(static_cast<double>(range - 1), significance))
        << range;
  }
}

TEST(Normals, FollowTheNormalDistributionUpToTheTails) {
  // Kolmogorov's distance of both members, and of the product's sign, at the stated significance.
  constexpr index_t n = 200'000;
  std::vector<double> first, second;
  std::vector<std::int64_t> quadrants(4, 0);
  for (index_t i = 0; i < n; ++i) {
    const auto [x, y] = normals(Rng{8, 5}, i);
    first.push_back(x), second.push_back(y);
    ++quadrants[(x > 0 ? 1u : 0u) + (y > 0 ? 2u : 0u)];
  }
  for (std::vector<double>* draws : {&first, &second}) {
    std::sort(draws->begin(), draws->end());
    double distance = 0;
    for (std::size_t k = 0; k < draws->size(); ++k) {
      const double below_it = 0.5 * std::erfc(-(*draws)[k] / std::sqrt(2.0));
      const double rank = static_cast<double>(k);
      distance = std::max({distance, std::abs(below_it - rank / n),  //
                           std::abs(below_it - (rank + 1) / n)});
    }
    EXPECT_LT(distance, test::kolmogorov_limit(n, significance));
  }
  EXPECT_LT(test::chi_square(quadrants), test::chi_square_limit(3, significance));
}

}  // namespace
}  // namespace randnla::philox
