// Columns drawn many at a time are those that are drawn one by one.
#include "cpu/draw_columns.hpp"

#include "sketch/sketches.hpp"

#include <gtest/gtest.h>

namespace randnla {
namespace {

using test::all_kinds;
using test::column_of;
using test::place_of;

/// Columns [first, first + count), and a mark behind them.
std::vector<std::uint32_t> drawn(Context<Cpu>& ctx, const Sketch& S, index_t first, index_t count) {
  std::vector<std::uint32_t> pattern(place_of(count * nonzeros_per_column(S)) + 1, 0xabcdef01);
  draw_columns(ctx, S, first, count, pattern.data());
  EXPECT_EQ(pattern.back(), 0xabcdef01);
  pattern.pop_back();
  return pattern;
}

std::vector<std::uint32_t> one_by_one(const Sketch& S, index_t first, index_t count) {
  std::vector<std::uint32_t> pattern;
  for (index_t i = first; i < first + count; ++i) {
    const auto column = column_of(S, i);
    pattern.insert(pattern.end(), column.begin(), column.end());
  }
  return pattern;
}

void expect_same(const Sketch& S, index_t first, index_t count) {
  Context<Cpu> ctx(2);
  EXPECT_EQ(drawn(ctx, S, first, count), one_by_one(S, first, count))
      << count << " columns from " << first << ", kind " << static_cast<int>(S.kind) << ", "
      << S.rows << " rows, " << S.nonzeros << " nonzeros";
}

TEST(DrawColumns, AreThoseDrawnOneByOne) {
  constexpr index_t cols = index_t{1} << 48;
  for (const SketchKind kind : all_kinds) {
    for (const index_t nonzeros : {1, 2, 3, 4, 5, 8, 63, 64, 65}) {
      for (const index_t rows : {nonzeros, nonzeros + 1, index_t{100}, index_t{4000}}) {
        const Sketch S{kind, rows, cols, nonzeros, Rng{0x123456789abcdef0, 0xfedcba9876543210}};
        expect_same(S, 0, 300);
      }
    }
  }
}

TEST(DrawColumns, AnyNumberFromAnyColumnOn) {
  constexpr index_t cols = index_t{1} << 48, low_ends = index_t{1} << 32;
  for (const SketchKind kind : all_kinds) {
    const Sketch S{kind, 77, cols, 3, Rng{3, 4}};
    for (index_t count = 0; count <= 35; ++count) expect_same(S, 5, count);
    for (const index_t count : {4095, 4096, 4097, 8192, 9001}) expect_same(S, 1, count);
    for (const index_t first : {low_ends - 1, low_ends - 20, 3 * low_ends + 7, cols - 40}) {
      expect_same(S, first, 40);
    }
  }
}

TEST(DrawColumns, WhereRejectedWordsAreCommon) {
  // Of 2^31 words 2^30 + 1 accept about a half, and 2^31 / 3 + 1 about two thirds.
  constexpr index_t words = index_t{1} << 31, half = words / 2 + 1, third = words / 3 + 1;
  for (const SketchKind kind : all_kinds) {
    for (const index_t range : {half, third, words - 1, words}) {
      for (const index_t nonzeros : {1, 2, 5, 8}) {
        const bool stacks = kind == SketchKind::sparse_stack;
        const index_t rows = stacks ? std::min(words, nonzeros * range) : range;
        expect_same({kind, rows, 5000, nonzeros, Rng{6}}, 9, 1000);
      }
    }
  }
  // The words of column 9 on: some of them are rejected, and some are not.
  const Sketch S{SketchKind::count_sketch, half, 5000, 1, Rng{6}};
  int rejected = 0;
  for (index_t i = 9; i < 1009; ++i) {
    std::uint32_t row;
    const auto word = static_cast<std::uint32_t>(philox::block(S.rng, i).first);
    rejected += scale_bits(word >> 1, static_cast<std::uint32_t>(half), row) ? 0 : 1;
  }
  EXPECT_GT(rejected, 400);
  EXPECT_LT(rejected, 600);
}

}  // namespace
}  // namespace randnla
