// The Hadamard transform of one vector of columns, and what rows of A that are on their way to it come through.
//
// Steps follow one another from the nearest rows on, up to four at a time in registers, in three passes: the first
// one reads A, the middle one goes over parts in the first-level cache, and the last one hands its rows on before
// they leave it.
#pragma once

#include "cpu/loops.hpp"
#include "cpu/simd.hpp"

#include <algorithm>
#include <utility>

namespace randnla::hadamard {

/// log2 of the rows that pass through registers together.
constexpr int most_bits = simd::vector_bytes == 64 ? 4 : 3;

/// log2 of a part's rows, which lie in the first-level cache: 16 KiB.
constexpr int log_near_rows = 8;

/// The steps that each pass takes: the first up to `first`, the last from `near` on.
struct Passes {
  explicit Passes(int log_rows)
      : log_block(log_rows),
        first(std::min(most_bits, log_rows)),
        near(std::max(log_rows > 2 * most_bits ? std::min(log_near_rows, log_rows - 1) : first,
                      log_rows - most_bits)) {}

  int last() const { return log_block - near; }
  index_t block() const { return index_t{1} << log_block; }
  index_t part() const { return index_t{1} << near; }

  /// Rows to ask for while 2^bits others are in registers. The first pass asks for none: it waits for the
  /// second-level cache itself, and requests on their way to memory would hold up its own.
  int asked(int bits) const {
    const int passes = (near - first + most_bits - 1) / most_bits + 1;
    return ((1 << bits) + passes - 1) / passes;
  }

  int log_block, first, near;
};

/// All steps among 2^bits values in registers, each between values half as far apart as the next one's.
template <int bits, class V>
void butterflies(V (&x)[1 << bits]) {
  constexpr int pairs = (1 << bits) / 2;
#pragma GCC unroll 4
  for (int step = 0; step < bits; ++step) {
#pragma GCC unroll 8
    for (int pair = 0; pair < pairs; ++pair) {
      const int a = ((pair >> step) << (step + 1)) + (pair & ((1 << step) - 1));
      const V sum = x[a] + x[a + (1 << step)];
      x[a + (1 << step)] = x[a] - x[a + (1 << step)];
      x[a] = sum;
    }
  }
}

/// f.template operator()<bits>() for a number of bits that is known when it runs.
template <class F>
void with_bits(int bits, F f) {
  [&]<int... b>(std::integer_sequence<int, b...>) {
    (void)((bits == b && (f.template operator()<b>(), true)) || ...);
  }
  (std::make_integer_sequence<int, most_bits + 1>());
}

/// Asks memory, on to the second-level cache, for a vector of columns of the rows that come next, some at a time.
template <class T>
struct Ahead {
  const T* at;
  index_t apart, rows;

  void ask(index_t wanted) {
    const index_t now = std::min(wanted, rows);
    for (index_t r = 0; r < now; ++r, at += apart) __builtin_prefetch(at, 0, 2);
    rows -= now;
  }
};

/// The first `bits` steps of `rows` rows that are `apart`, times their signs.
template <int bits, class T>
void first_pass(const T* from, index_t apart, const T* signs, index_t rows, T* tile) {
  constexpr index_t lanes = simd::lanes<T>, together = 1 << bits;
  for (index_t i = 0; i < rows; i += together) {
    simd::Vector<T> x[together];
    for (index_t r = 0; r < together; ++r) x[r] = signs[i + r] * simd::load(from + (i + r) * apart);
    butterflies<bits>(x);
    for (index_t r = 0; r < together; ++r) simd::store(tile + (i + r) * lanes, x[r]);
  }
}

/// Steps number `done` to done + bits - 1 of `rows` rows.
template <int bits, class T>
void middle_pass(index_t rows, int done, T* tile, Ahead<T>& ahead, int lines) {
  constexpr index_t lanes = simd::lanes<T>, together = 1 << bits;
  const index_t near = index_t{1} << done;
  for (index_t base = 0; base < rows; base += together * near) {
    for (index_t i = base; i < base + near; ++i) {
      simd::Vector<T> x[together];
      for (index_t r = 0; r < together; ++r) x[r] = simd::load(tile + (i + r * near) * lanes);
      butterflies<bits>(x);
      ahead.ask(lines);
      for (index_t r = 0; r < together; ++r) simd::store(tile + (i + r * near) * lanes, x[r]);
    }
  }
}

/// The last steps of rows i, i + near, ... for i in [begin, end), which go to `out` end - begin apart.
template <int bits, class T>
void last_pass(const T* tile, index_t near, index_t begin, index_t end, T* out, Ahead<T>& ahead,
               int lines) {
  constexpr index_t lanes = simd::lanes<T>, together = 1 << bits;
  for (index_t i = begin; i < end; ++i, out += lanes) {
    simd::Vector<T> x[together];
    for (index_t r = 0; r < together; ++r) x[r] = simd::load(tile + (i + r * near) * lanes);
    butterflies<bits>(x);
    ahead.ask(lines);
    for (index_t r = 0; r < together; ++r) simd::store(out + r * (end - begin) * lanes, x[r]);
  }
}

/// All steps but the last pass's of a block of rows that are `apart`: part by part in the first-level cache.
template <class T>
void transform_parts(const Passes& passes, const T* from, index_t apart, const T* signs, T* tile,
                     Ahead<T>& ahead) {
  const index_t part = passes.near > passes.first ? passes.part() : passes.block();
  for (index_t begin = 0; begin < passes.block(); begin += part) {
    T* const mine = tile + begin * simd::lanes<T>;
    with_bits(passes.first, [&]<int bits>() {
      first_pass<bits>(from + begin * apart, apart, signs + begin, part, mine);
    });
    for (int done = passes.first; done < passes.near;) {
      const int steps = std::min(most_bits, passes.near - done);
      with_bits(steps, [&]<int bits>() {
        middle_pass<bits>(part, done, mine, ahead, passes.asked(bits));
      });
      done += steps;
    }
  }
}

}  // namespace randnla::hadamard
