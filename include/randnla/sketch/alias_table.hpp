#pragma once

#include <randnla/core/buffer.hpp>
#include <randnla/core/random.hpp>
#include <randnla/sketch/row_sampling.hpp>

#include <cstdint>

namespace randnla {

/// A cell of an alias table: drawn with probability 1/n, it stands for its own row in `own` of
/// `total` cases and for the row `alias` in the others.
struct AliasCell {
  std::uint64_t own;
  index_t alias;
};

/// Samples with replacement from probabilities that stay what they are: p_i proportional to scores
/// as RowSampler's, which once are made into a table from which a row is drawn in a time that does not
/// depend on how many there are. RowSampler is for scores that change: it makes prefix sums of them
/// for every sample, and a search in these for every row.
///
/// Owns the table, 24 bytes a term, and the memory of the last sample drawn.
///
/// scores   (terms) nonnegative. All zero, or an infinite one, counts as all equal; a negative one
///          or NaN as zero. Not needed any more once the table's work is done
/// Cost     the table: six passes over the scores and a binary search a term; a sample: O(size), two
///          reads of the table at random a row
/// Error    the table is exact for the scores as integers, those of RowSampler: the cells give row i
///          in n times its integer of n total cases
/// Sync     none
/// Determinism  the same table and rows on both backends and for any number of threads; not the rows
///          that RowSampler draws from the same stream
/// Throws   InvalidArgument: no scores, size < 1
/// Source   Walker, ACM TOMS 3 (1977); Vose, IEEE Trans. Softw. Eng. 17 (1991). In parallel, by prefix
///          sums of what light rows lack and heavy ones have beyond the mean: Huebschle-Schneider &
///          Sanders, ACM TOMS 48 (2022)
template <Backend B, Scalar T>
class AliasTable {
 public:
  AliasTable(Context<B>& ctx, VectorView<const T, B> scores);

  index_t terms() const { return cells_.size(); }
  /// Valid until the next draw.
  Sample<B, T> draw(Context<B>& ctx, index_t size, Rng rng);

  /// (terms) backend memory, and `total` of them, the sum of the integer scores.
  const AliasCell* cells() const { return cells_.data(); }
  const std::uint64_t* total() const { return total_.data(); }

 private:
  Buffer<AliasCell, B> cells_;
  Buffer<std::uint64_t, B> scores_, total_;  // integers; (terms), (1)
  Buffer<index_t, B> rows_;
  Buffer<T, B> weights_;
};

}  // namespace randnla
