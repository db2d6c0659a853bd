#include "core/philox.hpp"
#include "seam/seam.hpp"
#include "sketch/integer_scores.hpp"
#include "sketch/permutation.hpp"

#include <randnla/sketch/row_sampling.hpp>

#include <string>

namespace randnla {
namespace {

using Wide = unsigned __int128;

template <Backend B>
void draw_uniform(Context<B>& ctx, Sampling rule, index_t size, index_t terms, Rng rng,
                  index_t* rows) {
  if (rule == Sampling::uniform) {
    const Permutation permutation(rng, terms);
    for_each(
        ctx, (size + 3) / 4,
        [=] RANDNLA_FN(index_t group) {
          const index_t k = 4 * group;
          if (k + 4 <= size) return permutation.four(k, rows + k);
          for (index_t l = k; l < size; ++l) rows[l] = permutation(l);
        },
        4 * draw_work);
    return;
  }
  const auto range = static_cast<std::uint64_t>(terms);
  for_each(
      ctx, size,
      [=] RANDNLA_FN(index_t k) { rows[k] = static_cast<index_t>(philox::below(rng, k, range)); },
      draw_work);
}

template <Backend B, class T>
void draw_with_replacement(Context<B>& ctx, index_t size, index_t terms,
                           const std::uint64_t* cumulative, Rng rng, index_t* rows, T* weights) {
  const double draws = static_cast<double>(size) * static_cast<double>(terms);
  for_each(
      ctx, size,
      [=] RANDNLA_FN(index_t k) {
        const std::uint64_t total = cumulative[terms - 1];
        const std::uint64_t u = philox::below(rng, k, total);
        const index_t row = first_not(terms - 1, [=](index_t i) { return cumulative[i] <= u; });
        rows[k] = row;
        weights[k] = static_cast<T>(static_cast<double>(total) /
                                    (static_cast<double>(integer_score(cumulative, row)) * draws));
      },
      draw_work);
}

template <Backend B, class T>
void draw_bernoulli(Context<B>& ctx, index_t size, index_t terms, const std::uint64_t* cumulative,
                    std::uint64_t* kept, Rng rng, index_t* rows, T* weights, index_t* count) {
  const auto expected = static_cast<std::uint64_t>(size);
  for_each(ctx, terms, [=] RANDNLA_FN(index_t i) {
    const std::uint64_t total = cumulative[terms - 1];
    const Wide scaled = Wide{expected} * integer_score(cumulative, i);
    const std::uint64_t word = philox::block(rng, i).first;  // kept if word / 2^64 < scaled / total
    kept[i] = scaled >= total || Wide{word} * total < scaled << 64 ? 1 : 0;
  });
  inclusive_scan(ctx, kept, terms);
  const double n = static_cast<double>(terms), wanted = static_cast<double>(size);
  for_each(ctx, terms, [=] RANDNLA_FN(index_t i) {
    if (i == terms - 1) *count = static_cast<index_t>(kept[i]);
    if (integer_score(kept, i) == 0) return;
    const auto k = static_cast<index_t>(kept[i]) - 1;
    const double q = wanted * static_cast<double>(integer_score(cumulative, i)) /
                     static_cast<double>(cumulative[terms - 1]);
    rows[k] = i;
    weights[k] = static_cast<T>(1 / ((q < 1 ? q : 1) * n));
  });
}

}  // namespace

template <Backend B, Scalar T>
RowSampler<B, T>::RowSampler(Context<B>&, index_t terms) : terms_(terms) {
  require(terms >= 1, "RowSampler: " + std::to_string(terms) + " terms, want at least 1");
}

template <Backend B, Scalar T>
Sample<B, T> RowSampler<B, T>::draw(Context<B>& ctx, Sampling rule, index_t size,
                                    VectorView<const T, B> scores, Rng rng) {
  if (rule == Sampling::full) return Sample<B, T>::all(terms_);
  const bool weighted = uses_scores(rule);
  require(size >= 1, "RowSampler::draw: size = " + std::to_string(size) + ", want at least 1");
  require(rule != Sampling::uniform || size <= terms_, "RowSampler::draw: " + std::to_string(size) +
                                                           " of " + std::to_string(terms_) +
                                                           " rows without replacement");
  require(!weighted || scores.size == terms_, "RowSampler::draw: " + std::to_string(scores.size) +
                                                  " scores for " + std::to_string(terms_) +
                                                  " rows");
  if (!weighted) {
    ensure_size(ctx, rows_, size);
    draw_uniform(ctx, rule, size, terms_, rng, rows_.data());
    return {rows_.data(), nullptr, size, nullptr, next_draw()};
  }
  ensure_size(ctx, cumulative_, terms_);
  ensure_size(ctx, scale_, 1);
  accumulate_scores(ctx, scores, scale_.data(), cumulative_.data());
  const bool bernoulli = is_bernoulli(rule);
  const index_t bound = bernoulli ? terms_ : size;
  ensure_size(ctx, rows_, bound);
  ensure_size(ctx, weights_, bound);
  if (!bernoulli) {
    draw_with_replacement(ctx, size, terms_, cumulative_.data(), rng, rows_.data(),
                          weights_.data());
    return {rows_.data(), weights_.data(), size, nullptr, next_draw()};
  }
  ensure_size(ctx, kept_, terms_);
  ensure_size(ctx, count_, 1);
  draw_bernoulli(ctx, size, terms_, cumulative_.data(), kept_.data(), rng, rows_.data(),
                 weights_.data(), count_.data());
  return {rows_.data(), weights_.data(), bound, count_.data(), next_draw()};
}

template class RowSampler<ThisBackend, float>;
template class RowSampler<ThisBackend, double>;

}  // namespace randnla
