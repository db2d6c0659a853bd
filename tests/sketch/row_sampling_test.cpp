#include "core/philox.hpp"
#include "sketch/permutation.hpp"
#include "support/backends.hpp"
#include "support/statistics.hpp"

#include <randnla/sketch/row_sampling.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <utility>

namespace randnla {
namespace {

using test::chi_square;
using test::chi_square_limit;
using test::z_limit;

/// A sample in host memory.
template <class T>
struct Drawn {
  std::vector<index_t> rows;
  std::vector<T> weights;  // empty: all are 1 / rows.size()
  index_t bound = 0;
};

template <Backend B, Scalar T>
Drawn<T> draw(Context<B>& ctx, RowSampler<B, T>& sampler, Sampling rule, index_t size,
              const std::vector<T>& scores, Rng rng) {
  const Buffer<T, B> on_backend(ctx, scores);
  const Sample<B, T> sample = sampler.draw(ctx, rule, size, on_backend.view(), rng);
  const index_t count =
      sample.count != nullptr ? test::fetch(ctx, sample.count, 1)[0] : sample.bound;
  Drawn<T> drawn{test::fetch(ctx, sample.rows, count), {}, sample.bound};
  if (sample.weights != nullptr) drawn.weights = test::fetch(ctx, sample.weights, count);
  return drawn;
}

template <Backend B, Scalar T>
Drawn<T> draw(Context<B>& ctx, Sampling rule, index_t terms, index_t size,
              const std::vector<T>& scores, Rng rng) {
  RowSampler<B, T> sampler(ctx, terms);
  return draw(ctx, sampler, rule, size, scores, rng);
}

/// Exactly representable in float, with zeros and a spread of 1 to 40.
template <class T>
std::vector<T> mixed_scores(index_t n) {
  std::vector<T> scores;
  for (index_t i = 0; i < n; ++i) {
    scores.push_back(static_cast<T>(i % 5 == 3 ? 0 : 0.25 * static_cast<double>(1 + i * 7 % 40)));
  }
  return scores;
}

template <class T>
std::vector<double> probabilities(const std::vector<T>& scores) {
  std::vector<double> p(scores.begin(), scores.end());
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& v : p) v /= sum;
  return p;
}

std::vector<double> counts_of(const std::vector<index_t>& rows, index_t n) {
  std::vector<double> counts(static_cast<std::size_t>(n), 0.0);
  for (const index_t row : rows) counts.at(static_cast<std::size_t>(row)) += 1;
  return counts;
}

bool distinct(std::vector<index_t> rows) {
  std::sort(rows.begin(), rows.end());
  return std::adjacent_find(rows.begin(), rows.end()) == rows.end();
}

bool within(const std::vector<index_t>& rows, index_t n) {
  return std::all_of(rows.begin(), rows.end(), [n](index_t r) { return r >= 0 && r < n; });
}

template <class Instance>
class RowSampling : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(RowSampling, test::Instances, test::InstanceName);

TYPED_TEST(RowSampling, FullIsEveryRowOnce) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  RowSampler<B, T> sampler(this->ctx(), 37);
  const Sample<B, T> sample = sampler.draw(this->ctx(), Sampling::full, 5, {}, Rng{1, 0});
  EXPECT_EQ(sample.rows, nullptr);
  EXPECT_EQ(sample.weights, nullptr);
  EXPECT_EQ(sample.count, nullptr);
  EXPECT_EQ(sample.bound, 37);
}

TYPED_TEST(RowSampling, WithoutReplacementRowsAreDistinctAndAllOfThemAPermutation) {
  using T = typename TypeParam::Real;
  for (const index_t n : {1, 2, 3, 5, 31, 32, 33, 64, 65, 257, 1000}) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      const auto all = draw<typename TypeParam::Space, T>(this->ctx(), Sampling::uniform, n, n, {},
                                                          Rng{seed, 4});
      ASSERT_EQ(all.rows.size(), static_cast<std::size_t>(n));
      EXPECT_TRUE(within(all.rows, n)) << n;
      EXPECT_TRUE(distinct(all.rows)) << n;
      EXPECT_TRUE(all.weights.empty());
      const index_t some = (n + 1) / 2;
      const auto part = draw<typename TypeParam::Space, T>(this->ctx(), Sampling::uniform, n, some,
                                                           {}, Rng{seed, 4});
      ASSERT_EQ(part.rows.size(), static_cast<std::size_t>(some));
      EXPECT_TRUE(std::equal(part.rows.begin(), part.rows.end(), all.rows.begin())) << n;
    }
  }
}

TYPED_TEST(RowSampling, UniformSumsAreUnbiased) {
  // Means of t(i) = i over samples of either uniform rule; the variance of a mean of s rows is
  // sigma^2 / s, times (n - s) / (n - 1) without replacement.
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  constexpr index_t n = 101, size = 20;
  const int repeats = test::sized<B>(2000, 50);
  const double mean = 50, variance = (101.0 * 101.0 - 1) / 12;
  for (const Sampling rule : {Sampling::uniform, Sampling::uniform_with_replacement}) {
    RowSampler<B, T> sampler(this->ctx(), n);
    double sum = 0, squares = 0;
    for (int r = 0; r < repeats; ++r) {
      const auto drawn =
          draw<B, T>(this->ctx(), sampler, rule, size, {}, Rng{99, static_cast<std::uint64_t>(r)});
      double m = 0;
      for (const index_t row : drawn.rows) m += static_cast<double>(row) / size;
      sum += m, squares += (m - mean) * (m - mean);
    }
    const double of_mean =
        variance / size * (rule == Sampling::uniform ? (n - size) / (n - 1.0) : 1);
    EXPECT_LT(std::abs(sum / repeats - mean), z_limit * std::sqrt(of_mean / repeats));
    // The spread, too: chi-square with `repeats` degrees of freedom, nearly normal.
    EXPECT_LT(std::abs(squares / repeats / of_mean - 1), z_limit * std::sqrt(2.0 / repeats));
  }
}

TYPED_TEST(RowSampling, WithReplacementEveryRowIsEquallyLikely) {
  using T = typename TypeParam::Real;
  for (const index_t n : {1, 2, 3, 5, 100}) {
    constexpr index_t size = 6000;
    const auto drawn = draw<typename TypeParam::Space, T>(
        this->ctx(), Sampling::uniform_with_replacement, n, size, {}, Rng{5, 11});
    ASSERT_EQ(drawn.rows.size(), static_cast<std::size_t>(size));
    ASSERT_TRUE(within(drawn.rows, n));
    const double expected = static_cast<double>(size) / static_cast<double>(n);
    const auto cells = static_cast<std::size_t>(n);
    if (n > 1) {
      EXPECT_LT(chi_square(counts_of(drawn.rows, n), std::vector<double>(cells, expected)),
                chi_square_limit(static_cast<double>(n - 1)))
          << n;
    }
  }
}

TYPED_TEST(RowSampling, RowNormDrawsInProportionToTheScores) {
  using T = typename TypeParam::Real;
  constexpr index_t n = 60, size = 8000;
  auto scores = mixed_scores<T>(n);
  for (T& score : scores) score *= T(0.7310585);  // more digits than a few bits hold
  const auto p = probabilities(scores);
  const auto drawn = draw<typename TypeParam::Space, T>(this->ctx(), Sampling::row_norm, n, size,
                                                        scores, Rng{17, 3});
  ASSERT_EQ(drawn.rows.size(), static_cast<std::size_t>(size));
  ASSERT_EQ(drawn.weights.size(), static_cast<std::size_t>(size));
  const auto counts = counts_of(drawn.rows, n);
  std::vector<double> seen, expected;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (p[i] == 0) {
      EXPECT_EQ(counts[i], 0) << "a row of score zero, " << i;
    } else {
      seen.push_back(counts[i]), expected.push_back(p[i] * size);
    }
  }
  EXPECT_LT(chi_square(seen, expected), chi_square_limit(static_cast<double>(seen.size() - 1)));
  // Weight 1 / (s n p_i); rounding up to 40 bits moves p_i by n 2^-38 of the largest at most.
  const double tolerance =
      2 * std::numeric_limits<T>::epsilon() + 40.0 * static_cast<double>(n) * 0x1p-38;
  for (std::size_t k = 0; k < drawn.rows.size(); ++k) {
    const double want =
        1 / (size * static_cast<double>(n) * p[static_cast<std::size_t>(drawn.rows[k])]);
    ASSERT_NEAR(static_cast<double>(drawn.weights[k]), want, tolerance * want) << k;
  }
}

TYPED_TEST(RowSampling, RowNormSumsAreUnbiased) {
  // Sum of weight t(row) against the mean of t, whose variance over s draws is known:
  // (sum t^2 / (n^2 p) - mean^2) / s. t vanishes where the score does.
  using T = typename TypeParam::Real;
  constexpr index_t n = 60, size = 8000;
  const auto scores = mixed_scores<T>(n);
  const auto p = probabilities(scores);
  std::vector<double> t;
  double mean = 0, second = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    t.push_back(p[i] == 0 ? 0 : std::sin(static_cast<double>(i)) + 0.5);
    mean += t[i] / n;
    if (p[i] > 0) second += t[i] * t[i] / (static_cast<double>(n * n) * p[i]);
  }
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const auto drawn = draw<typename TypeParam::Space, T>(this->ctx(), Sampling::row_norm, n, size,
                                                          scores, Rng{seed, 0});
    double sum = 0;
    for (std::size_t k = 0; k < drawn.rows.size(); ++k) {
      sum += static_cast<double>(drawn.weights[k]) * t[static_cast<std::size_t>(drawn.rows[k])];
    }
    EXPECT_LT(std::abs(sum - mean), z_limit * std::sqrt((second - mean * mean) / size)) << seed;
  }
}

TYPED_TEST(RowSampling, BernoulliKeepsEachRowWithItsOwnProbability) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  constexpr index_t n = 60, size = 25;
  const int repeats = test::sized<B>(4000, 60);
  auto scores = mixed_scores<T>(n);
  scores[7] = 400;  // min(1, s p) = 1: always kept
  const auto p = probabilities(scores);
  std::vector<double> q, kept(n, 0.0);
  double expected = 0, variance = 0;
  for (const double v : p) {
    q.push_back(std::min(1.0, size * v));
    expected += q.back(), variance += q.back() * (1 - q.back());
  }
  ASSERT_EQ(q[7], 1);
  RowSampler<B, T> sampler(this->ctx(), n);
  double total = 0, weighted = 0, weighted_variance = 0, mean = 0;
  for (std::size_t i = 0; i < q.size(); ++i) {  // t(i) = i where the score is not zero
    const double ti = q[i] > 0 ? static_cast<double>(i) : 0;
    mean += ti / n;
    if (q[i] > 0) weighted_variance += ti * ti * (1 - q[i]) / (q[i] * n * n);
  }
  for (int r = 0; r < repeats; ++r) {
    const auto drawn = draw(this->ctx(), sampler, Sampling::row_norm_bernoulli, size, scores,
                            Rng{3, static_cast<std::uint64_t>(r)});
    ASSERT_EQ(drawn.bound, n);
    ASSERT_TRUE(distinct(drawn.rows));
    ASSERT_TRUE(std::is_sorted(drawn.rows.begin(), drawn.rows.end()));
    total += static_cast<double>(drawn.rows.size());
    for (std::size_t k = 0; k < drawn.rows.size(); ++k) {
      const auto i = static_cast<std::size_t>(drawn.rows[k]);
      kept[i] += 1;
      const double want = 1 / (q[i] * n);
      ASSERT_NEAR(static_cast<double>(drawn.weights[k]), want,
                  want * (2 * std::numeric_limits<T>::epsilon() + 0x1p-28));
      weighted += static_cast<double>(drawn.weights[k]) * static_cast<double>(i);
    }
  }
  for (std::size_t i = 0; i < q.size(); ++i) {
    if (q[i] == 0 || q[i] == 1) {
      EXPECT_EQ(kept[i], q[i] * repeats) << i;
    } else {
      EXPECT_LT(std::abs(kept[i] / repeats - q[i]),
                z_limit * std::sqrt(q[i] * (1 - q[i]) / repeats))
          << i;
    }
  }
  EXPECT_LT(std::abs(total / repeats - expected), z_limit * std::sqrt(variance / repeats));
  EXPECT_LT(std::abs(weighted / repeats - mean), z_limit * std::sqrt(weighted_variance / repeats));
}

TYPED_TEST(RowSampling, BernoulliKeepsAllRowsWhereMoreAreAskedForThanThereAre) {
  // Up to products of size and score beyond 64 bits.
  using T = typename TypeParam::Real;
  const std::vector<T> scores(3, T(1));
  for (const index_t size : {index_t{3}, index_t{1} << 25, index_t{1} << 40}) {
    const auto drawn = draw<typename TypeParam::Space, T>(this->ctx(), Sampling::row_norm_bernoulli,
                                                          3, size, scores, Rng{4});
    EXPECT_EQ(drawn.rows, (std::vector<index_t>{0, 1, 2})) << size;
    EXPECT_EQ(drawn.weights, std::vector<T>(3, T(1) / T(3))) << size;
  }
}

TYPED_TEST(RowSampling, RowsOfScoreZeroAreNeverDrawn) {
  using T = typename TypeParam::Real;
  for (const index_t n : {1, 2, 3, 5, 100}) {
    for (const index_t only : {index_t{0}, n / 2, n - 1}) {
      std::vector<T> scores(static_cast<std::size_t>(n), T(0));
      scores[static_cast<std::size_t>(only)] = T(1e-20);
      for (const Sampling rule : {Sampling::row_norm, Sampling::row_norm_bernoulli}) {
        const auto drawn =
            draw<typename TypeParam::Space, T>(this->ctx(), rule, n, 40, scores, Rng{8, 1});
        ASSERT_EQ(drawn.rows.size(), rule == Sampling::row_norm ? 40U : 1U);
        for (std::size_t k = 0; k < drawn.rows.size(); ++k) {
          EXPECT_EQ(drawn.rows[k], only);
          const double want = 1 / (static_cast<double>(n) * static_cast<double>(drawn.rows.size()));
          EXPECT_NEAR(static_cast<double>(drawn.weights[k]), want,
                      2 * want * std::numeric_limits<T>::epsilon());
        }
      }
    }
  }
}

TYPED_TEST(RowSampling, ScoresThatSayNothingCountAsEqual) {
  using T = typename TypeParam::Real;
  constexpr index_t n = 40, size = 4000;
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  std::vector<T> one_infinite(n, T(1));
  one_infinite[3] = inf;
  for (const auto& scores :
       {std::vector<T>(n, T(0)), std::vector<T>(n, inf), std::vector<T>(n, nan), one_infinite}) {
    const auto drawn = draw<typename TypeParam::Space, T>(this->ctx(), Sampling::row_norm, n, size,
                                                          scores, Rng{21, 2});
    EXPECT_LT(chi_square(counts_of(drawn.rows, n), std::vector<double>(n, size / n)),
              chi_square_limit(n - 1));
    for (const T w : drawn.weights) {
      ASSERT_NEAR(static_cast<double>(w), 1.0 / size,
                  2.0 / size * std::numeric_limits<T>::epsilon());
    }
  }
}

TYPED_TEST(RowSampling, NanAndNegativeScoresAmongOthersCountAsZero) {
  using T = typename TypeParam::Real;
  std::vector<T> scores(10, T(2));
  scores[0] = scores[4] = std::numeric_limits<T>::quiet_NaN();
  scores[9] = T(-3);
  for (const Sampling rule : {Sampling::row_norm, Sampling::row_norm_bernoulli}) {
    const auto drawn =
        draw<typename TypeParam::Space, T>(this->ctx(), rule, 10, 100, scores, Rng{2, 2});
    const std::set<index_t> seen(drawn.rows.begin(), drawn.rows.end());
    EXPECT_EQ(seen, (std::set<index_t>{1, 2, 3, 5, 6, 7, 8}));
  }
}

TYPED_TEST(RowSampling, ScoresOfAnyMagnitudeKeepTheirProportions) {
  // Powers of two times the same scores are the same integers; down to the smallest normal number.
  using T = typename TypeParam::Real;
  constexpr index_t n = 50, size = 200;
  const auto scores = mixed_scores<T>(n);
  const auto want =
      draw<typename TypeParam::Space, T>(this->ctx(), Sampling::row_norm, n, size, scores, Rng{6});
  for (const int exponent :
       {std::numeric_limits<T>::min_exponent, -60, 60, std::numeric_limits<T>::max_exponent - 8}) {
    std::vector<T> scaled;
    for (const T s : scores) scaled.push_back(std::ldexp(s, exponent));
    const auto drawn = draw<typename TypeParam::Space, T>(this->ctx(), Sampling::row_norm, n, size,
                                                          scaled, Rng{6});
    EXPECT_EQ(drawn.rows, want.rows) << exponent;
    EXPECT_EQ(drawn.weights, want.weights) << exponent;
  }
  // Below that, too, all rows with a score can be drawn and no other.
  std::vector<T> least(3, std::numeric_limits<T>::denorm_min());
  least[1] = 0;
  const auto drawn =
      draw<typename TypeParam::Space, T>(this->ctx(), Sampling::row_norm, 3, 200, least, Rng{6});
  const auto counts = counts_of(drawn.rows, 3);
  EXPECT_LT(std::abs(counts[0] - 100), z_limit * std::sqrt(50.0));
  EXPECT_EQ(counts[1], 0);
  for (const T w : drawn.weights) EXPECT_NEAR(static_cast<double>(w), 2.0 / 3 / 200, 1e-8);
}

TYPED_TEST(RowSampling, KnownRows) {
  // Pinned: the same on every backend, for either scalar type, and from release to release.
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const auto scores = mixed_scores<T>(1000);
  const Rng rng{42, 7};
  const auto rows = [&](Sampling rule, index_t size) {
    return draw<B, T>(this->ctx(), rule, 1000, size, scores, rng).rows;
  };
  const std::vector<index_t> uniform{917, 223, 91, 934, 583, 633, 242, 652, 407, 404},
      replaced{895, 375, 937, 493, 167, 916, 446, 541, 327, 58},
      weighted{896, 376, 937, 495, 169, 916, 449, 541, 329, 57},
      bernoulli{91, 95, 244, 327, 335, 399, 457, 484, 524, 535, 607, 639, 879, 991, 992};
  EXPECT_EQ(rows(Sampling::uniform, 10), uniform);
  EXPECT_EQ(rows(Sampling::uniform_with_replacement, 10), replaced);
  EXPECT_EQ(rows(Sampling::row_norm, 10), weighted);
  EXPECT_EQ(rows(Sampling::row_norm_bernoulli, 10), bernoulli);
}

TYPED_TEST(RowSampling, GivenProbabilitiesAreAnyScoresUpToAFactor) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto scores = mixed_scores<T>(1000);
  const Rng rng{42, 7};
  for (const auto& [rule, same] :
       {std::pair{Sampling::given, Sampling::row_norm},
        std::pair{Sampling::given_bernoulli, Sampling::row_norm_bernoulli}}) {
    const auto want = draw<B, T>(this->ctx(), same, 1000, 50, scores, rng);
    auto probabilities = scores;
    for (T& p : probabilities) p /= 1024;
    const auto got = draw<B, T>(this->ctx(), rule, 1000, 50, probabilities, rng);
    EXPECT_EQ(got.rows, want.rows);
    EXPECT_EQ(got.weights, want.weights);
    EXPECT_THROW(draw(this->ctx(), rule, 1000, 50, std::vector<T>(999, T(1)), rng),
                 InvalidArgument);
  }
}

TYPED_TEST(RowSampling, DependsOnTheStreamAloneNotOnEarlierDraws) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const auto scores = mixed_scores<T>(300);
  RowSampler<B, T> used(this->ctx(), 300);
  for (const Sampling rule : {Sampling::uniform, Sampling::uniform_with_replacement,
                              Sampling::row_norm, Sampling::row_norm_bernoulli}) {
    const auto first = draw(this->ctx(), used, rule, 20, scores, Rng{1, 5});
    const auto other = draw(this->ctx(), used, rule, 30, scores, Rng{1, 6});
    const auto reseeded = draw(this->ctx(), used, rule, 20, scores, Rng{2, 5});
    const auto again = draw(this->ctx(), used, rule, 20, scores, Rng{1, 5});
    EXPECT_EQ(first.rows, again.rows);
    EXPECT_EQ(first.weights, again.weights);
    EXPECT_NE(first.rows, other.rows);
    EXPECT_NE(first.rows, reseeded.rows);
  }
}

TYPED_TEST(RowSampling, MoreRowsThan32BitsCount) {
  // 2^33 rows: uniform rules need no array of that length. Rows spread over the whole range (mean
  // within z_limit), every part of it is reached and so are odd and even rows.
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  constexpr index_t size = 2000;
  for (const index_t n : {index_t{1} << 33, (index_t{1} << 25) + 1}) {
    for (const Sampling rule : {Sampling::uniform, Sampling::uniform_with_replacement}) {
      const auto rows = draw<B, T>(this->ctx(), rule, n, size, {}, Rng{4, 9}).rows;
      ASSERT_TRUE(within(rows, n));
      double mean = 0;
      std::vector<double> parts(16, 0.0), low_bits(16, 0.0);
      for (const index_t row : rows) {
        mean += static_cast<double>(row) / size;
        parts[static_cast<std::size_t>(static_cast<double>(row) / static_cast<double>(n) * 16)] +=
            1;
        low_bits[static_cast<std::size_t>(row % 16)] += 1;
      }
      const double half = static_cast<double>(n) / 2;
      EXPECT_LT(std::abs(mean - half), z_limit * half / std::sqrt(3.0 * size));
      EXPECT_LT(chi_square(parts, std::vector<double>(16, size / 16.0)), chi_square_limit(15));
      EXPECT_LT(chi_square(low_bits, std::vector<double>(16, size / 16.0)), chi_square_limit(15));
      EXPECT_TRUE(rule != Sampling::uniform || distinct(rows));
    }
  }
}

TYPED_TEST(RowSampling, MisuseThrows) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  EXPECT_THROW((RowSampler<B, T>(this->ctx(), 0)), InvalidArgument);
  RowSampler<B, T> sampler(this->ctx(), 10);
  const std::vector<T> nine(9, T(1)), ten(10, T(1));
  for (const Sampling rule : {Sampling::uniform, Sampling::uniform_with_replacement,
                              Sampling::row_norm, Sampling::row_norm_bernoulli}) {
    EXPECT_THROW(draw(this->ctx(), sampler, rule, 0, ten, Rng{}), InvalidArgument);
    EXPECT_THROW(draw(this->ctx(), sampler, rule, -1, ten, Rng{}), InvalidArgument);
    EXPECT_NO_THROW(draw(this->ctx(), sampler, rule, 10, ten, Rng{}));
    if (rule == Sampling::uniform) {
      EXPECT_THROW(draw(this->ctx(), sampler, rule, 11, ten, Rng{}), InvalidArgument);
    } else {
      EXPECT_NO_THROW(draw(this->ctx(), sampler, rule, 11, ten, Rng{}));
    }
  }
  for (const Sampling rule : {Sampling::row_norm, Sampling::row_norm_bernoulli}) {
    EXPECT_THROW(draw(this->ctx(), sampler, rule, 3, nine, Rng{}), InvalidArgument);
    EXPECT_THROW(draw(this->ctx(), sampler, rule, 3, {}, Rng{}), InvalidArgument);
  }
}

TEST(RowSamplingThreads, SameRowsForAnyNumberOfThreads) {
  constexpr index_t n = 50'000;
  const auto scores = mixed_scores<double>(n);
  for (const Sampling rule : {Sampling::uniform, Sampling::uniform_with_replacement,
                              Sampling::row_norm, Sampling::row_norm_bernoulli}) {
    Context<Cpu> one(1);
    const auto want = draw<Cpu, double>(one, rule, n, 20'000, scores, Rng{12, 1});
    for (const int threads : {2, 7}) {
      Context<Cpu> many(threads);
      const auto drawn = draw<Cpu, double>(many, rule, n, 20'000, scores, Rng{12, 1});
      EXPECT_EQ(drawn.rows, want.rows);
      EXPECT_EQ(drawn.weights, want.weights);
    }
  }
}

TEST(RowSamplingLarge, RowNormAboveTheIntegersOfAFloat) {
  // 2^25 + 1 rows, scores only in the last 8 and in one of the first: odd rows above 2^24, and the
  // last one, are reached with their probabilities.
  constexpr index_t n = (index_t{1} << 25) + 1, size = 9000;
  Context<Cpu> ctx(2);
  std::vector<float> scores(static_cast<std::size_t>(n), 0.0F);
  std::vector<index_t> want{5};
  for (index_t i = n - 8; i < n; ++i) want.push_back(i);
  for (const index_t i : want) scores[static_cast<std::size_t>(i)] = 0.5F;
  const auto rows = draw<Cpu, float>(ctx, Sampling::row_norm, n, size, scores, Rng{31, 0}).rows;
  std::vector<double> counts(want.size(), 0.0);
  for (const index_t row : rows) {
    const auto at = std::find(want.begin(), want.end(), row);
    ASSERT_NE(at, want.end()) << row;
    counts[static_cast<std::size_t>(at - want.begin())] += 1;
  }
  EXPECT_LT(chi_square(counts, std::vector<double>(9, size / 9.0)), chi_square_limit(8));
}

TEST(RowPermutation, EveryPairOfPositionsIsUniformOverPairsOfRows) {
  // For each pair of positions the pair of rows there, over many keys: chi-square with n (n - 1) - 1
  // degrees of freedom. Keys that differ in the seed, and keys that differ in the counter.
  for (const index_t n : {2, 3, 4, 5, 6, 7, 8, 9, 13}) {
    const auto size = static_cast<std::size_t>(n);
    const int keys = static_cast<int>(150 * n * (n - 1));
    for (const bool by_seed : {true, false}) {
      std::vector<std::vector<double>> counts(size * size, std::vector<double>(size * size, 0.0));
      for (int key = 0; key < keys; ++key) {
        const auto k = static_cast<std::uint64_t>(key);
        const Permutation permutation(by_seed ? Rng{k, 0} : Rng{1, k}, n);
        std::vector<std::size_t> rows(size);
        for (std::size_t i = 0; i < size; ++i) {
          rows[i] = static_cast<std::size_t>(permutation(static_cast<index_t>(i)));
        }
        for (std::size_t i = 0; i < size; ++i) {
          for (std::size_t j = i + 1; j < size; ++j)
            counts[i * size + j][rows[i] * size + rows[j]] += 1;
        }
      }
      for (std::size_t i = 0; i < size; ++i) {
        for (std::size_t j = i + 1; j < size; ++j) {
          std::vector<double> seen;
          for (std::size_t a = 0; a < size; ++a) {
            for (std::size_t b = 0; b < size; ++b) {
              if (a != b) seen.push_back(counts[i * size + j][a * size + b]);
            }
          }
          EXPECT_LT(chi_square(seen, std::vector<double>(seen.size(), 150.0)),
                    chi_square_limit(static_cast<double>(seen.size() - 1)))
              << "n = " << n << ", positions " << i << " and " << j;
        }
      }
    }
  }
}

TEST(RowPermutation, IsAPermutationUpToTheEdgesOfItsBlocks) {
  for (const index_t n : {1, 4, 15, 16, 17, 255, 256, 257, 4095, 4096, 4097}) {
    const Permutation permutation(Rng{3, 3}, n);
    std::vector<bool> seen(static_cast<std::size_t>(n), false);
    for (index_t i = 0; i < n; ++i) {
      const index_t row = permutation(i);
      ASSERT_TRUE(row >= 0 && row < n);
      ASSERT_FALSE(seen[static_cast<std::size_t>(row)]);
      seen[static_cast<std::size_t>(row)] = true;
    }
  }
}

TEST(RowPermutation, FourAtATimeAreThose) {
  for (const index_t n : {4, 7, 16, 257, 4096, 49990}) {
    const Permutation permutation(Rng{5, 3}, n);
    for (index_t i = 0; i + 4 <= n; i += n < 300 ? 1 : 997) {
      index_t four[4];
      permutation.four(i, four);
      for (index_t k = 0; k < 4; ++k) EXPECT_EQ(four[k], permutation(i + k)) << n << ", " << i;
    }
  }
}

TEST(PhiloxBelow, IsUniformForRangesThatDoNotDivideAPowerOfTwo) {
  // Three quarters of 2^64 rejects a quarter of the words: without rejection the lowest third
  // would be hit twice as often.
  const std::uint64_t range = std::uint64_t{3} << 62;
  std::vector<double> thirds(3, 0.0);
  for (index_t i = 0; i < 6000; ++i) {
    const std::uint64_t drawn = philox::below(Rng{77, 1}, i, range);
    ASSERT_LT(drawn, range);
    thirds[static_cast<std::size_t>(drawn >> 62)] += 1;
  }
  EXPECT_LT(chi_square(thirds, std::vector<double>(3, 2000.0)), chi_square_limit(2));
  for (index_t i = 0; i < 100; ++i) EXPECT_EQ(philox::below(Rng{77, 1}, i, 1), 0U);
}

}  // namespace
}  // namespace randnla
