#include <randnla/core/random.hpp>

#include <gtest/gtest.h>

#include <cmath>

namespace randnla {
namespace {

TEST(FillNormal, SameBitsForAnyNumberOfThreadsAndAnyLength) {
  Context<Cpu> one(1), seven(7);
  Buffer<double, Cpu> a(one, 50001), b(seven, 50000);
  const Rng rng{42, 3};
  fill_normal(one, rng, 2.0, a.view());
  fill_normal(seven, rng, 2.0, b.view());
  const auto left = a.download(), right = b.download();
  for (std::size_t i = 0; i < right.size(); ++i) ASSERT_EQ(left[i], right[i]) << i;
}

TEST(FillNormal, HasTheMomentsOfTheNormalDistribution) {
  // n = 1e6 draws: each standardised moment error below 5 sigma (two-sided significance 6e-7).
  Context<Cpu> ctx(2);
  constexpr index_t n = 1'000'000;
  Buffer<double, Cpu> x(ctx, n);
  fill_normal(ctx, Rng{7, 0}, 1.0, x.view());
  double m1 = 0, m2 = 0, m4 = 0, neighbours = 0, previous = 0;
  for (const double v : x.download()) {
    m1 += v, m2 += v * v, m4 += v * v * v * v, neighbours += v * previous;
    previous = v;
  }
  const double root = std::sqrt(static_cast<double>(n));
  EXPECT_LT(std::abs(m1 / n), 5 / root);
  EXPECT_LT(std::abs(m2 / n - 1), 5 * std::sqrt(2.0) / root);
  EXPECT_LT(std::abs(m4 / n - 3), 5 * std::sqrt(96.0) / root);
  EXPECT_LT(std::abs(neighbours / n), 5 / root);
}

}  // namespace
}  // namespace randnla
