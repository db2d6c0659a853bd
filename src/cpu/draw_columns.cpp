#include "cpu/draw_columns.hpp"

#include "cpu/loops.hpp"
#include "cpu/simd.hpp"
#include "sketch/column_pattern.hpp"

#include <vector>

namespace randnla {
namespace {

/// A column a lane, with 32 bits in 64 so that products fit; the upper half may hold anything before `low`.
using Lanes = simd::Vector<std::uint64_t>;
constexpr int lanes = simd::lanes<std::uint64_t>;
constexpr std::uint64_t low = 0xffffffff;

/// With more nonzeros a column the check of sparse signs against all earlier ones is what takes time.
constexpr index_t most_in_lanes = 64;

/// What nonzero number l of a column is drawn from.
struct Range {
  std::uint64_t begin, size, reject_below;
};

std::vector<Range> ranges_of(const Sketch& S) {
  const index_t count = nonzeros_per_column(S);
  std::vector<Range> ranges;
  for (index_t l = 0; l < count; ++l) {
    const bool floyd = S.kind == SketchKind::sparse_sign;
    const index_t begin = floyd ? 0 : l * S.rows / count;
    const index_t end = floyd ? S.rows - count + l + 1 : (l + 1) * S.rows / count;
    const auto size = static_cast<std::uint64_t>(end - begin);
    ranges.push_back({static_cast<std::uint64_t>(begin), size, 0x80000000U % size});
  }
  return ranges;
}

/// Block `number` of each column's random words: Philox4x32-10 (see core/philox.hpp) in every lane.
void random_words(Rng rng, Lanes column, index_t number, Lanes* word) {
  Lanes a = column, b = (column >> 32) + (static_cast<std::uint64_t>(number) << 16);
  Lanes c = Lanes{} + (rng.counter & low), d = Lanes{} + (rng.counter >> 32);
  auto key = static_cast<std::uint32_t>(rng.seed),
       key2 = static_cast<std::uint32_t>(rng.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const Lanes p = (a & low) * 0xD2511F53U, q = (c & low) * 0xCD9E8D57U;
    a = (q >> 32) ^ b ^ key, b = q;
    c = (p >> 32) ^ d ^ key2, d = p;
    key += 0x9E3779B9U, key2 += 0xBB67AE85U;
  }
  word[0] = a & low, word[1] = b & low, word[2] = c & low, word[3] = d & low;
}

/// Nonzeros of the columns `column`, by nonzeros, as if no word were rejected; returns the lanes where one is.
Lanes draw_lanes(const Sketch& S, const std::vector<Range>& ranges, Lanes column, Lanes* nonzero) {
  const bool floyd = S.kind == SketchKind::sparse_sign;
  const auto count = static_cast<index_t>(ranges.size());
  Lanes words[4], rejected{};
  for (index_t l = 0; l < count; ++l) {
    if (l % 4 == 0) random_words(S.rng, column, l / 4, words);
    const Range& range = ranges[static_cast<std::size_t>(l)];
    const Lanes word = words[l % 4], product = (word >> 1) * range.size;
    rejected |= reinterpret_cast<Lanes>((product & 0x7fffffff) < range.reject_below);
    Lanes row = (product >> 31) + range.begin;
    if (floyd) {
      Lanes taken{};
      for (index_t e = 0; e < l; ++e) taken |= reinterpret_cast<Lanes>(nonzero[e] >> 1 == row);
      row = (taken & (range.size - 1)) | (row & ~taken);
    }
    nonzero[l] = row << 1 | (word & 1);
  }
  return rejected;
}

}  // namespace

/// `lanes` columns at a time; those few that meet a rejected word, and the last ones, one by one.
void draw_columns(Context<Cpu>& ctx, const Sketch& S, index_t first, index_t count,
                  std::uint32_t* pattern) {
  const index_t nonzeros = nonzeros_per_column(S);
  if (nonzeros > most_in_lanes) {
    return for_each(ctx, count,
                    [=](index_t i) { draw_column(S, first + i, pattern + i * nonzeros); });
  }
  const std::vector<Range> ranges = ranges_of(S);
  const index_t chunks = chunk_count(count);
  parallel_for(ctx, chunks, [&](index_t c) {
    auto [i, end] = chunk_of(count, chunks, c);
    Lanes nonzero[most_in_lanes];
    Lanes column;
    for (int k = 0; k < lanes; ++k) column[k] = static_cast<std::uint64_t>(first + i + k);
    for (; i + lanes <= end; i += lanes, column += lanes) {
      const Lanes rejected = draw_lanes(S, ranges, column, nonzero);
      for (int k = 0; k < lanes; ++k) {
        std::uint32_t* const out = pattern + (i + k) * nonzeros;
        if (rejected[k] != 0) {
          draw_column(S, first + i + k, out);
        } else {
          for (index_t l = 0; l < nonzeros; ++l) out[l] = static_cast<std::uint32_t>(nonzero[l][k]);
        }
      }
    }
    for (; i < end; ++i) draw_column(S, first + i, pattern + i * nonzeros);
  });
}

}  // namespace randnla
