// Scores as integers, so that probabilities, prefix sums and draws are the same on both backends and for any
// number of threads.
#pragma once

#include "seam/seam.hpp"

#include <randnla/core/buffer.hpp>
#include <randnla/core/view.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>

namespace randnla {

/// Bits of the largest score's integer: 40, so that rounding up changes a probability by 2^-39 of
/// the largest one at most, and few enough that n times each, and the sum of n of them, stay below
/// 2^62.
inline int score_bits(index_t n) {
  return std::min(40, 62 - static_cast<int>(std::bit_width(static_cast<std::uint64_t>(n))));
}

/// cumulative[i] = sum of the integer scores of rows 0 .. i. scale: a number of scratch.
template <Backend B, class T>
void accumulate_scores(Context<B>& ctx, VectorView<const T, B> scores, double* scale,
                       std::uint64_t* cumulative) {
  const index_t n = scores.size;
  const T* const s = scores.data;
  const int bits = score_bits(n);
  max_then<double>(
      ctx, n, [=] RANDNLA_FN(index_t i) { return static_cast<double>(s[i]); },
      [=] RANDNLA_FN(double largest) {
        // A power of two: the product below is exact, and so the same on every backend. At most
        // 2^1023, the largest there is: saturated losses give scores near the smallest number.
        const bool usable = largest > 0 && largest <= 1.7976931348623157e308;
        const int exponent = bits - 1 - (usable ? ilogb(largest) : 0);
        *scale = usable ? ldexp(1.0, exponent < 1023 ? exponent : 1023) : 0;
      });
  for_each(ctx, n, [=] RANDNLA_FN(index_t i) {
    const double scaled = ceil(static_cast<double>(s[i]) * *scale);
    cumulative[i] = *scale == 0 ? 1 : scaled > 0 ? static_cast<std::uint64_t>(scaled) : 0;
  });
  inclusive_scan(ctx, cumulative, n);
}

/// A row's integer score, of prefix sums.
RANDNLA_HD inline std::uint64_t integer_score(const std::uint64_t* cumulative, index_t i) {
  return cumulative[i] - (i > 0 ? cumulative[i - 1] : 0);
}

/// The first i in [0, n) that is not `before`, a condition that holds up to some i and then no more.
template <class Before>
RANDNLA_HD index_t first_not(index_t n, const Before& before) {
  index_t low = 0, high = n;
  while (low < high) {
    const index_t middle = low + (high - low) / 2;
    if (before(middle)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/// Of a sample, from 1 on; over all samplers, because one may lie where another was.
inline std::uint64_t next_draw() {
  static std::atomic<std::uint64_t> draws{0};
  return ++draws;
}

/// A draw takes 20 to 100 ns, an element of a loop 1.
constexpr index_t draw_work = 32;

template <class V, Backend B>
void ensure_size(Context<B>& ctx, Buffer<V, B>& buffer, index_t n) {
  if (buffer.size() < n) buffer = Buffer<V, B>(ctx, n);
}

}  // namespace randnla
