#include "core/philox.hpp"
#include "seam/seam.hpp"
#include "sketch/integer_scores.hpp"

#include <randnla/sketch/alias_table.hpp>

#include <string>

namespace randnla {
namespace {

using Wide = unsigned __int128;

/// Rows in the order light, heavy: light ones have n times their score at most `total`.
///
/// Vose's algorithm fills the cells of light rows from a heavy row, one after the other, until no more
/// than a cell's content is left of it; its own cell is then filled from the next heavy row. So light row
/// k is filled by the first heavy row j that the light rows before k have not used up, and heavy row j is
/// used up by the first light row k with which they lack what heavy rows have up to j: a comparison of
/// two sums, neither of which needs the algorithm's steps.
struct Parted {
  index_t n;
  const std::uint64_t* total;
  const std::uint64_t* heavy;  // (n) by row: heavy ones up to it
  const std::uint64_t* sums;   // (n) in the order: of scores

  RANDNLA_HD index_t heavy_rows() const { return static_cast<index_t>(heavy[n - 1]); }
  /// At least one: not all scores are beyond their mean.
  RANDNLA_HD index_t light_rows() const { return n - heavy_rows(); }
  RANDNLA_HD index_t place(index_t row) const {
    const auto before = static_cast<index_t>(heavy[row]);
    return integer_score(heavy, row) == 0 ? row - before : light_rows() + before - 1;
  }
  RANDNLA_HD Wide cells(index_t count) const { return static_cast<Wide>(count) * *total; }
  RANDNLA_HD Wide contents(std::uint64_t scores) const { return static_cast<Wide>(n) * scores; }
  /// What light rows 0 .. k lack, and what heavy rows 0 .. j have beyond a cell each.
  RANDNLA_HD Wide lack(index_t k) const { return cells(k + 1) - contents(sums[k]); }
  RANDNLA_HD Wide excess(index_t j) const {
    const index_t light = light_rows();
    return contents(sums[light + j] - sums[light - 1]) - cells(j + 1);
  }
};

template <Backend B, class T>
void fill_table(Context<B>& ctx, VectorView<const T, B> scores, AliasCell* cells,
                std::uint64_t* score, std::uint64_t* total) {
  const index_t n = scores.size;
  Buffer<std::uint64_t, B> cumulative(ctx, n), heavy(ctx, n);
  Buffer<index_t, B> order(ctx, n);
  Buffer<double, B> scale(ctx, 1);
  accumulate_scores(ctx, scores, scale.data(), cumulative.data());

  std::uint64_t *const sums = cumulative.data(), *const is_heavy = heavy.data();
  for_each(ctx, n, [=] RANDNLA_FN(index_t i) {
    score[i] = integer_score(sums, i);
    is_heavy[i] = static_cast<std::uint64_t>(n) * score[i] > sums[n - 1] ? 1 : 0;
    if (i == n - 1) *total = sums[i];
  });
  inclusive_scan(ctx, heavy.data(), n);
  const Parted rows{n, total, heavy.data(), sums};
  index_t* const row_at = order.data();
  for_each(ctx, n, [=] RANDNLA_FN(index_t i) {
    const index_t place = rows.place(i);
    row_at[place] = i;
    sums[place] = score[i];
  });
  inclusive_scan(ctx, cumulative.data(), n);

  for_each(
      ctx, n,
      [=] RANDNLA_FN(index_t at) {
        const index_t light = rows.light_rows(), heavies = rows.heavy_rows();
        AliasCell cell{};
        index_t from = 0;  // heavy row that fills the cell
        if (at < light) {
          const Wide used = at > 0 ? rows.lack(at - 1) : 0;
          cell.own = static_cast<std::uint64_t>(n) * score[row_at[at]];
          from = first_not(heavies, [=](index_t j) { return rows.excess(j) <= used; });
        } else {
          const Wide had = rows.excess(at - light);
          const index_t k = first_not(light - 1, [=](index_t l) { return rows.lack(l) < had; });
          cell.own = *total - static_cast<std::uint64_t>(rows.lack(k) - had);
          from = at - light + 1;
        }
        // Past the last one only where the cell is full.
        cell.alias = row_at[from < heavies ? light + from : at];
        cells[row_at[at]] = cell;
      },
      draw_work);
}

}  // namespace

template <Backend B, Scalar T>
AliasTable<B, T>::AliasTable(Context<B>& ctx, VectorView<const T, B> scores)
    : cells_(ctx, scores.size), scores_(ctx, scores.size), total_(ctx, 1) {
  require(scores.size >= 1, "AliasTable: no scores");
  fill_table(ctx, scores, cells_.data(), scores_.data(), total_.data());
}

template <Backend B, Scalar T>
Sample<B, T> AliasTable<B, T>::draw(Context<B>& ctx, index_t size, Rng rng) {
  require(size >= 1, "AliasTable::draw: size = " + std::to_string(size) + ", want at least 1");
  ensure_size(ctx, rows_, size);
  ensure_size(ctx, weights_, size);
  const index_t n = terms();
  const AliasCell* const cells = cells_.data();
  const std::uint64_t *const score = scores_.data(), *const total = total_.data();
  index_t* const rows = rows_.data();
  T* const weights = weights_.data();
  const double draws = static_cast<double>(size) * static_cast<double>(n);
  for_each(
      ctx, size,
      [=] RANDNLA_FN(index_t k) {
        const auto at = philox::below(rng, k, static_cast<std::uint64_t>(n), *total);
        const AliasCell cell = cells[at.first];
        const index_t row = at.second < cell.own ? static_cast<index_t>(at.first) : cell.alias;
        rows[k] = row;
        weights[k] =
            static_cast<T>(static_cast<double>(*total) / (static_cast<double>(score[row]) * draws));
      },
      draw_work);
  return {rows, weights, size, nullptr, next_draw()};
}

template class AliasTable<ThisBackend, float>;
template class AliasTable<ThisBackend, double>;

}  // namespace randnla
