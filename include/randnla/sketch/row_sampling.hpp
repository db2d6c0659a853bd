#pragma once

#include <randnla/core/buffer.hpp>
#include <randnla/core/random.hpp>

#include <cstdint>

namespace randnla {

enum class Sampling {
  full,                      // every row once
  uniform,                   // without replacement
  uniform_with_replacement,  //
  row_norm,                  // with replacement, p_i proportional to a score
  row_norm_bernoulli,        // row i kept with probability min(1, size p_i)
  leverage,                  // as row_norm, the scores being leverage scores
  leverage_bernoulli,        // likewise
  given,            // as row_norm, the scores being the caller's probabilities, up to a factor
  given_bernoulli,  // likewise
};

/// Whether rows are drawn by scores, and whether each is kept or not by a coin of its own.
constexpr bool uses_scores(Sampling rule) { return rule >= Sampling::row_norm; }
constexpr bool is_bernoulli(Sampling rule) {
  return rule == Sampling::row_norm_bernoulli || rule == Sampling::leverage_bernoulli ||
         rule == Sampling::given_bernoulli;
}
constexpr bool is_leverage(Sampling rule) {
  return rule == Sampling::leverage || rule == Sampling::leverage_bernoulli;
}
constexpr bool is_given(Sampling rule) { return rule >= Sampling::given; }

/// Rows standing for all n: sum over k < count of weights[k] t(rows[k]) estimates (1/n) sum_i t(i)
/// without bias. Points into a RowSampler (valid until its next draw), or to nothing for all rows.
template <Backend B, class T>
struct Sample {
  const index_t* rows = nullptr;   // null: row k is k
  const T* weights = nullptr;      // null: every weight is 1 / bound
  index_t bound = 0;               // host-side upper bound of the number of rows
  const index_t* count = nullptr;  // backend memory; null: exactly `bound` rows
  std::uint64_t draw = 0;  // number of the draw in this process; 0: no draw's, or a part of it

  static Sample all(index_t n) { return {nullptr, nullptr, n, nullptr}; }
};

/// Draws samples of `terms` rows. Owns the memory of the last sample drawn.
///
/// Cost          uniform rules O(size); rules with scores three passes over the scores
/// Sync          none: a Bernoulli sample's size stays in backend memory
/// Determinism   the same scores give the same rows on both backends and for any number of threads:
///               scores become integers (a power-of-two scale, rounded up), and probabilities,
///               prefix sums and draws are integer arithmetic
/// Throws        InvalidArgument: size < 1, size > terms without replacement, scores missing
template <Backend B, Scalar T>
class RowSampler {
 public:
  RowSampler(Context<B>& ctx, index_t terms);

  /// scores (terms) nonnegative; read by the rules with scores only. All zero, or an infinite one,
  /// counts as all equal; a negative one or NaN as zero.
  Sample<B, T> draw(Context<B>& ctx, Sampling rule, index_t size, VectorView<const T, B> scores,
                    Rng rng);

 private:
  index_t terms_;
  Buffer<index_t, B> rows_;
  Buffer<T, B> weights_;
  Buffer<std::uint64_t, B> cumulative_, kept_;  // prefix sums of the scores' integers, of kept rows
  Buffer<index_t, B> count_;
  Buffer<double, B> scale_;
};

}  // namespace randnla
