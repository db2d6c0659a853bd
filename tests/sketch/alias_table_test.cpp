#include "support/backends.hpp"
#include "support/statistics.hpp"

#include <randnla/sketch/alias_table.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <set>

namespace randnla {
namespace {

using test::chi_square;
using test::chi_square_limit;

using Wide = unsigned __int128;

template <class Instance>
class AliasTables : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(AliasTables, test::Instances, test::InstanceName);

template <class T>
std::vector<T> equal(index_t n) {
  return std::vector<T>(static_cast<std::size_t>(n), T(3));
}

/// Scores over many orders of magnitude, a third of them zero.
template <class T>
std::vector<T> spread(index_t n, std::uint64_t seed) {
  std::mt19937_64 draw(seed);
  std::vector<T> scores;
  for (index_t i = 0; i < n; ++i) {
    const int exponent = static_cast<int>(draw() % 40) - 20;
    scores.push_back(draw() % 3 == 0
                         ? T(0)
                         : std::ldexp(T(1) + static_cast<T>(draw() % 1024) / T(1024), exponent));
  }
  scores[static_cast<std::size_t>(n / 2)] = T(1);
  return scores;
}

template <class T>
std::vector<T> one_heavy(index_t n, index_t heavy) {
  std::vector<T> scores(static_cast<std::size_t>(n), T(1));
  scores[static_cast<std::size_t>(heavy)] = T(1e6);
  return scores;
}

/// Of all n total cases, those in which a row is drawn.
std::vector<Wide> cases(const std::vector<AliasCell>& cells, std::uint64_t total) {
  std::vector<Wide> of(cells.size(), 0);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    of[i] += cells[i].own;
    of.at(static_cast<std::size_t>(cells[i].alias)) += total - cells[i].own;
  }
  return of;
}

TYPED_TEST(AliasTables, GiveEveryRowItsShareOfAllCasesExactly) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  std::vector<std::vector<T>> tables;
  for (const index_t n : {1, 2, 3, 7, 64, 257, 1000}) {
    tables.push_back(equal<T>(n));
    tables.push_back(one_heavy<T>(n, 0));
    tables.push_back(one_heavy<T>(n, n - 1));
    for (std::uint64_t seed = 1; seed <= 5; ++seed) tables.push_back(spread<T>(n, seed));
  }
  tables.push_back({T(1), T(2), T(3), T(2)});  // a light row uses a heavy one up to the last case
  tables.push_back({T(3), T(1), T(3), T(1)});
  for (const std::vector<T>& scores : tables) {
    const Buffer<T, B> on_backend(this->ctx(), scores);
    const AliasTable<B, T> table(this->ctx(), on_backend.view());
    const auto n = static_cast<index_t>(scores.size());
    ASSERT_EQ(table.terms(), n);
    const std::uint64_t total = test::fetch(this->ctx(), table.total(), 1)[0];
    const auto got = cases(test::fetch(this->ctx(), table.cells(), n), total);
    // Scores are integers but for a power of two, and rounded up.
    Wide sum = 0;
    const T largest = *std::max_element(scores.begin(), scores.end());
    for (std::size_t i = 0; i < scores.size(); ++i) {
      ASSERT_EQ(static_cast<std::uint64_t>(got[i] % static_cast<Wide>(n)), 0U)
          << n << ", row " << i;
      const double score = static_cast<double>(got[i] / static_cast<Wide>(n));
      const double want = std::ceil(std::ldexp(static_cast<double>(scores[i]),
                                               39 - std::ilogb(static_cast<double>(largest))));
      ASSERT_EQ(score, want) << n << ", row " << i;
      sum += got[i];
    }
    EXPECT_TRUE(sum == static_cast<Wide>(n) * total) << n;
  }
}

TYPED_TEST(AliasTables, DrawInProportionToTheScores) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  constexpr index_t n = 60, size = 8000;
  std::vector<T> scores;
  for (index_t i = 0; i < n; ++i) scores.push_back(i % 5 == 3 ? T(0) : T(1 + i * 7 % 40));
  const double sum = std::accumulate(scores.begin(), scores.end(), 0.0);
  const Buffer<T, B> on_backend(this->ctx(), scores);
  AliasTable<B, T> table(this->ctx(), on_backend.view());
  const Sample<B, T> sample = table.draw(this->ctx(), size, Rng{17, 3});
  ASSERT_EQ(sample.bound, size);
  ASSERT_EQ(sample.count, nullptr);
  const auto rows = test::fetch(this->ctx(), sample.rows, size);
  const auto weights = test::fetch(this->ctx(), sample.weights, size);
  std::vector<double> counts(n, 0.0), seen, expected;
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const auto row = static_cast<std::size_t>(rows[k]);
    counts.at(row) += 1;
    const double want = sum / (static_cast<double>(scores[row]) * size * n);
    ASSERT_NEAR(static_cast<double>(weights[k]), want,
                want * (2 * std::numeric_limits<T>::epsilon() + 0x1p-28));
  }
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (scores[i] == 0) {
      EXPECT_EQ(counts[i], 0) << i;
    } else {
      seen.push_back(counts[i]), expected.push_back(size * static_cast<double>(scores[i]) / sum);
    }
  }
  EXPECT_LT(chi_square(seen, expected), chi_square_limit(static_cast<double>(seen.size() - 1)));
}

TYPED_TEST(AliasTables, KnownRows) {
  // Pinned: the same on every backend, for either scalar type, and from release to release.
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const Buffer<T, B> scores(this->ctx(), spread<T>(1000, 9));
  AliasTable<B, T> table(this->ctx(), scores.view());
  const std::vector<index_t> want{839, 347, 863, 431, 211, 839, 428, 541, 289, 69};
  EXPECT_EQ(test::fetch(this->ctx(), table.draw(this->ctx(), 10, Rng{42, 7}).rows, 10), want);
  EXPECT_NE(test::fetch(this->ctx(), table.draw(this->ctx(), 10, Rng{42, 8}).rows, 10), want);
  EXPECT_EQ(test::fetch(this->ctx(), table.draw(this->ctx(), 10, Rng{42, 7}).rows, 10), want);
}

TYPED_TEST(AliasTables, ScoresThatSayNothingCountAsEqualAndBadOnesAsZero) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  for (const T each : {T(0), inf, nan}) {
    const Buffer<T, B> scores(this->ctx(), std::vector<T>(20, each));
    const AliasTable<B, T> table(this->ctx(), scores.view());
    const auto cells = test::fetch(this->ctx(), table.cells(), 20);
    for (const AliasCell& cell : cells) EXPECT_EQ(cell.own, 20U);
  }
  std::vector<T> some(10, T(2));
  some[0] = some[4] = nan, some[9] = T(-3);
  const Buffer<T, B> scores(this->ctx(), some);
  AliasTable<B, T> table(this->ctx(), scores.view());
  const auto rows = test::fetch(this->ctx(), table.draw(this->ctx(), 200, Rng{2, 2}).rows, 200);
  EXPECT_EQ(std::set<index_t>(rows.begin(), rows.end()), (std::set<index_t>{1, 2, 3, 5, 6, 7, 8}));
}

TYPED_TEST(AliasTables, RefusesWhatItCannotDraw) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  EXPECT_THROW((AliasTable<B, T>(this->ctx(), VectorView<const T, B>{})), InvalidArgument);
  const Buffer<T, B> scores(this->ctx(), std::vector<T>(5, T(1)));
  AliasTable<B, T> table(this->ctx(), scores.view());
  EXPECT_THROW(table.draw(this->ctx(), 0, Rng{1}), InvalidArgument);
}

}  // namespace
}  // namespace randnla
