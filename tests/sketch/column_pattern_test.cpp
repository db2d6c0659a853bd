#include "sketch/column_pattern.hpp"

#include "sketch/sketches.hpp"
#include "support/statistics.hpp"

#include <Random123/philox.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace randnla {
namespace {

using test::all_kinds;
using test::chi_square;
using test::chi_square_limit;
using test::column_of;
using test::place_of;
using test::z_limit;

constexpr std::uint32_t all_ones = 0x7fffffff;
constexpr std::uint64_t words = std::uint64_t{1} << 31;

struct Scaled {
  bool accepted;
  std::uint32_t value;
};

Scaled scaled(std::uint64_t bits, std::uint64_t range) {
  Scaled out{};
  out.accepted =
      scale_bits(static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(range), out.value);
  return out;
}

TEST(ScaleBits, AllOnesIsTheLastValue) {
  for (const std::uint64_t range :
       {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{1000}, words / 2,
        words / 2 + 1, words - 1, words}) {
    const Scaled last = scaled(all_ones, range);
    EXPECT_TRUE(last.accepted) << range;
    EXPECT_EQ(last.value, range - 1);
    EXPECT_EQ(scaled(0, range).value, 0U);
  }
}

TEST(ScaleBits, RangeOneIsZeroAndTheWholeRangeIsTheWord) {
  for (const std::uint32_t bits : {0U, 1U, 12345U, 0x40000000U, all_ones - 1, all_ones}) {
    EXPECT_TRUE(scaled(bits, 1).accepted);
    EXPECT_EQ(scaled(bits, 1).value, 0U);
    EXPECT_TRUE(scaled(bits, words).accepted);
    EXPECT_EQ(scaled(bits, words).value, bits);
  }
}

TEST(ScaleBits, OneLessThanTheWholeRangeRejectsOneWord) {
  EXPECT_FALSE(scaled(0, words - 1).accepted);
  for (const std::uint32_t bits : {1U, 2U, 12345U, 0x40000000U, all_ones - 1, all_ones}) {
    EXPECT_TRUE(scaled(bits, words - 1).accepted) << bits;
    EXPECT_EQ(scaled(bits, words - 1).value, bits - 1);
  }
}

/// The words of one value are those from ceil(value words / range) up to the next value's first, and no
/// others as a product grows with the word. Of them floor(words / range) must be accepted. A product's low
/// part grows, too: after the first accepted word of a value no other may be rejected.
void expect_equal_share(std::uint64_t value, std::uint64_t range) {
  const std::uint64_t first = (value * words + range - 1) / range;
  const std::uint64_t end = ((value + 1) * words + range - 1) / range;
  std::uint64_t rejected = 0;
  while (first + rejected < end && !scaled(first + rejected, range).accepted) ++rejected;
  ASSERT_EQ(end - first - rejected, words / range) << value << " of " << range;
  for (const std::uint64_t bits : {first, first + rejected, (first + end) / 2, end - 1}) {
    ASSERT_EQ(scaled(bits, range).value, value) << bits << ", range " << range;
    if (bits >= first + rejected) {
      ASSERT_TRUE(scaled(bits, range).accepted) << bits << ", range " << range;
    }
  }
}

TEST(ScaleBits, EveryValueHasTheSameNumberOfWords) {
  for (std::uint64_t range = 1; range <= 300; ++range) {
    for (std::uint64_t value = 0; value < range; ++value) expect_equal_share(value, range);
  }
  for (const std::uint64_t range :
       {std::uint64_t{65'537}, std::uint64_t{3} << 20, words / 3 + 1, words / 2 - 1, words / 2,
        words / 2 + 1, words - 5, words - 1, words}) {
    for (std::uint64_t k = 0; k < 1000; ++k) {
      expect_equal_share(k * (range - 1) / 999, range);
    }
  }
}

/// Column i of S as its definition says, from Random123 itself; the rejection without a short cut.
std::vector<std::uint32_t> defined_column(const Sketch& S, std::uint64_t i) {
  std::uint32_t used = 0;
  const auto word = [&] {
    const r123::Philox4x32::ctr_type counter = {
        {static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i >> 32) + (used / 4 << 16),
         static_cast<std::uint32_t>(S.rng.counter),
         static_cast<std::uint32_t>(S.rng.counter >> 32)}};
    return r123::Philox4x32{}(counter,
                              {{static_cast<std::uint32_t>(S.rng.seed),
                                static_cast<std::uint32_t>(S.rng.seed >> 32)}})[used++ % 4];
  };
  const auto draw = [&](std::uint64_t range) {  // row and sign
    for (;;) {
      const std::uint32_t bits = word();
      const std::uint64_t product = (bits >> 1) * range;
      if (product % words >= words % range) return std::pair(product / words, bits & 1U);
    }
  };
  const auto rows = static_cast<std::uint64_t>(S.rows);
  const auto count = static_cast<std::uint64_t>(nonzeros_per_column(S));
  std::set<std::uint64_t> taken;
  std::vector<std::uint32_t> out;
  for (std::uint64_t l = 0; l < count; ++l) {
    const std::uint64_t begin = S.kind == SketchKind::sparse_sign ? 0 : l * rows / count;
    const std::uint64_t end =
        S.kind == SketchKind::sparse_sign ? rows - count + l + 1 : (l + 1) * rows / count;
    auto [row, negative] = draw(end - begin);
    row += begin;
    if (S.kind == SketchKind::sparse_sign && !taken.insert(row).second) {
      taken.insert(row = end - 1);
    }
    out.push_back(static_cast<std::uint32_t>(2 * row + negative));
  }
  return out;
}

TEST(ColumnPattern, ColumnsAreDrawnAsDefinedUpToTheLastOne) {
  // Half a million and a billion rows: with range 2^30 + 1 every second word is rejected.
  for (const SketchKind kind : all_kinds) {
    for (const index_t rows : {index_t{12}, index_t{500'001}, (index_t{1} << 30) + 1,
                               (index_t{1} << 31) - 1, index_t{1} << 31}) {
      for (const index_t nonzeros : {1, 5, 12}) {
        const Sketch S{kind, rows, index_t{1} << 48, nonzeros, Rng{0x123456789abcdef, 0x987654321}};
        std::set<std::vector<std::uint32_t>> different;
        for (const index_t i : {index_t{0}, index_t{1}, index_t{1} << 25, (index_t{1} << 25) + 1,
                                (index_t{1} << 32) - 1, index_t{1} << 33, (index_t{1} << 33) + 1,
                                (index_t{1} << 48) - 1}) {
          const auto column = column_of(S, i);
          ASSERT_EQ(column, defined_column(S, static_cast<std::uint64_t>(i)))
              << "column " << i << ", rows " << rows << ", nonzeros " << nonzeros;
          different.insert(column);
        }
        if (rows > 12) {
          EXPECT_EQ(different.size(), 8U) << rows;
        }
      }
    }
  }
}

TEST(ColumnPattern, TheMostNonzerosHaveWordsOfTheirOwn) {
  // Rows and signs of 2^16 nonzeros: were words used twice, a part would be there again, in stacks further on.
  constexpr index_t most = index_t{1} << 16;
  const Sketch S{SketchKind::sparse_stack, most << 15, 1, most, Rng{10}};
  const auto column = column_of(S, 0);
  std::set<std::pair<std::uint32_t, std::uint32_t>> neighbours;
  for (std::size_t l = 0; l + 1 < column.size(); ++l) {
    neighbours.emplace(column[l] % (1U << 16), column[l + 1] % (1U << 16));
  }
  EXPECT_GT(neighbours.size(), column.size() - 10);
}

TEST(ColumnPattern, SeedAndStreamMakeOtherColumns) {
  Sketch S{SketchKind::sparse_stack, 1000, 10, 4, Rng{1, 2}};
  const auto column = column_of(S, 3);
  S.rng = Rng{2, 2};
  EXPECT_NE(column_of(S, 3), column);
  S.rng = Rng{1, 3};
  EXPECT_NE(column_of(S, 3), column);
  S.rng = Rng{1, 2};
  EXPECT_EQ(column_of(S, 3), column);
}

TEST(ColumnPattern, EveryNonzeroOfASparseStackIsInItsOwnStack) {
  for (const index_t rows : {8, 9, 15, 17, 100, 1001}) {
    for (const index_t nonzeros : {1, 3, 7, 8}) {
      const Sketch S{SketchKind::sparse_stack, rows, 2000, nonzeros, Rng{3}};
      for (index_t i = 0; i < S.cols; ++i) {
        const auto column = column_of(S, i);
        for (index_t l = 0; l < nonzeros; ++l) {
          const index_t row = column[place_of(l)] / 2;
          ASSERT_GE(row, l * rows / nonzeros) << rows << " rows, nonzero " << l;
          ASSERT_LT(row, (l + 1) * rows / nonzeros) << rows << " rows, nonzero " << l;
        }
      }
    }
  }
}

TEST(ColumnPattern, RowsOfASparseSignColumnDifferUpToAllOfThem) {
  for (const index_t rows : {1, 2, 8, 9, 100}) {
    for (const index_t nonzeros : {index_t{1}, rows / 2, rows - 1, rows}) {
      if (nonzeros < 1) continue;
      const Sketch S{SketchKind::sparse_sign, rows, 500, nonzeros, Rng{4}};
      for (index_t i = 0; i < S.cols; ++i) {
        std::set<std::uint32_t> different;
        for (const std::uint32_t nonzero : column_of(S, i)) {
          ASSERT_LT(nonzero / 2, static_cast<std::uint64_t>(rows));
          different.insert(nonzero / 2);
        }
        ASSERT_EQ(different.size(), place_of(nonzeros)) << rows << " rows, column " << i;
      }
    }
  }
}

/// Columns that one statistic is of.
constexpr index_t draws = 30'000;

TEST(ColumnPatternStatistics, RowsAndSignsTogetherAreUniformInEveryStack) {
  for (const index_t nonzeros : {1, 3}) {  // 13 rows: stacks of 4, 4 and 5
    const Sketch S{nonzeros == 1 ? SketchKind::count_sketch : SketchKind::sparse_stack, 13, draws,
                   nonzeros, Rng{5}};
    std::vector<std::map<std::uint32_t, double>> counts(place_of(nonzeros));
    for (index_t i = 0; i < draws; ++i) {
      const auto column = column_of(S, i);
      for (std::size_t l = 0; l < column.size(); ++l) counts[l][column[l]] += 1;
    }
    for (index_t l = 0; l < nonzeros; ++l) {
      const index_t cells = 2 * ((l + 1) * 13 / nonzeros - l * 13 / nonzeros);
      std::vector<double> seen;
      for (const auto& [cell, count] : counts[place_of(l)]) seen.push_back(count);
      ASSERT_EQ(seen.size(), place_of(cells));
      const double share = static_cast<double>(draws) / static_cast<double>(cells);
      EXPECT_LT(chi_square(seen, std::vector<double>(seen.size(), share)),
                chi_square_limit(static_cast<double>(cells - 1)))
          << "nonzero " << l << " of " << nonzeros;
    }
  }
}

TEST(ColumnPatternStatistics, EverySetOfRowsOfASparseSignColumnIsEquallyLikely) {
  struct Case {
    index_t rows, nonzeros, sets;
  };
  for (const Case& c : {Case{10, 2, 45}, Case{7, 3, 35}, Case{6, 5, 6}}) {
    const Sketch S{SketchKind::sparse_sign, c.rows, draws, c.nonzeros, Rng{6}};
    std::map<std::uint32_t, double> counts;
    for (index_t i = 0; i < draws; ++i) {
      std::uint32_t set = 0;
      for (const std::uint32_t nonzero : column_of(S, i)) set |= 1U << (nonzero / 2);
      counts[set] += 1;
    }
    std::vector<double> seen;
    for (const auto& [set, count] : counts) seen.push_back(count);
    ASSERT_EQ(seen.size(), place_of(c.sets));
    const double share = static_cast<double>(draws) / static_cast<double>(c.sets);
    EXPECT_LT(chi_square(seen, std::vector<double>(seen.size(), share)),
              chi_square_limit(static_cast<double>(c.sets - 1)))
        << c.rows << " rows, " << c.nonzeros << " nonzeros";
  }
}

TEST(ColumnPatternStatistics, SignsOfAColumnAreIndependent) {
  // All 2^3 of three nonzeros, in the order of their rows: who gave way to whom must not show.
  for (const SketchKind kind : {SketchKind::sparse_stack, SketchKind::sparse_sign}) {
    const Sketch S{kind, 6, draws, 3, Rng{7}};
    std::vector<double> seen(8, 0.0);
    for (index_t i = 0; i < draws; ++i) {
      auto column = column_of(S, i);
      std::sort(column.begin(), column.end());
      seen[column[0] % 2 * 4 + column[1] % 2 * 2 + column[2] % 2] += 1;
    }
    EXPECT_LT(chi_square(seen, std::vector<double>(8, draws / 8.0)), chi_square_limit(7));
  }
}

TEST(ColumnPatternStatistics, NeighbouringColumnsAndStreamsAreIndependent) {
  for (const bool streams : {false, true}) {
    std::vector<double> seen(100, 0.0);
    for (index_t i = 0; i < draws; ++i) {
      const Sketch S{SketchKind::count_sketch, 5, 2 * draws, 1, Rng{8, 1}};
      Sketch other = S;
      if (streams) other.rng.counter = 2;
      const auto first = column_of(S, 2 * i)[0],
                 second = column_of(other, 2 * i + (streams ? 0 : 1))[0];
      seen[first * 10 + second] += 1;
    }
    EXPECT_LT(chi_square(seen, std::vector<double>(100, draws / 100.0)), chi_square_limit(99));
  }
}

}  // namespace
}  // namespace randnla
