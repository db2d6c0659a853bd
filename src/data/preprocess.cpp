#include "core/pages.hpp"
#include "core/philox.hpp"
#include "core/shortest.hpp"
#include "cpu/loops.hpp"
#include "data/require_targets.hpp"

#include <randnla/data/preprocess.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace randnla {
namespace {

template <Scalar T>
index_t row_begin(const Dataset<T, Cpu>& data, index_t i) {
  return data.sparse() ? data.offsets.data()[i] : i * data.cols;
}

/// The entries of rows [begin, end) are copied and will not be read again.
template <Scalar T>
void discard_rows(const Dataset<T, Cpu>& data, index_t begin, index_t end) {
  const index_t first = row_begin(data, begin);
  const auto entries = static_cast<std::size_t>(row_begin(data, end) - first);
  discard_pages(data.values.data() + first, entries * sizeof(T));
  if (data.sparse()) {
    discard_pages(data.columns.data() + first, entries * sizeof(std::int32_t));
  }
}

/// begin, end -> f, for contiguous parts of the rows.
template <Scalar T, class F>
void for_row_ranges(Context<Cpu>& ctx, const Dataset<T, Cpu>& data, index_t chunks, F f) {
  parallel_for(ctx, chunks, [&](index_t c) {
    const auto [begin, end] = chunk_of(data.rows, chunks, c);
    f(c, begin, end);
  });
}

template <Scalar T>
index_t range_count(const Dataset<T, Cpu>& data) {
  return std::min(data.rows, chunk_count(std::max(data.rows, data.nonzeros)));
}

template <Scalar T>
Dataset<T, Cpu> empty_part(Context<Cpu>& ctx, const Dataset<T, Cpu>& like, index_t rows,
                           index_t entries) {
  Dataset<T, Cpu> part;
  part.rows = rows;
  part.cols = like.cols;
  part.nonzeros = entries;
  part.values = Buffer<T, Cpu>(ctx, entries);
  part.targets = Buffer<T, Cpu>(ctx, rows);
  if (like.sparse()) {
    part.columns = Buffer<std::int32_t, Cpu>(ctx, entries);
    part.offsets = Buffer<index_t, Cpu>(ctx, rows + 1);
    part.offsets.data()[0] = 0;
  }
  return part;
}

/// One for the `count` rows with the smallest random keys, the first entries of a random
/// permutation.
std::vector<std::uint8_t> draw_rows(Context<Cpu>& ctx, index_t rows, index_t count,
                                    std::uint64_t seed) {
  // Far from the small stream numbers that a solver with the same seed counts up from.
  const Rng rng{seed, std::uint64_t{1} << 63};
  std::vector<std::pair<std::uint64_t, index_t>> keys(static_cast<std::size_t>(rows));
  for_each(ctx, rows, [&](index_t i) {
    keys[static_cast<std::size_t>(i)] = {philox::block(rng, i).first, i};
  });
  std::nth_element(keys.begin(), keys.begin() + count, keys.end());
  std::vector<std::uint8_t> drawn(keys.size(), 0);
  for (index_t k = 0; k < count; ++k) {
    drawn[static_cast<std::size_t>(keys[static_cast<std::size_t>(k)].second)] = 1;
  }
  return drawn;
}

/// Where a part of the result has grown to.
struct End {
  index_t rows = 0, entries = 0;
};

template <Scalar T>
void copy_row(const Dataset<T, Cpu>& from, index_t i, End& end, Dataset<T, Cpu>& to) {
  const index_t begin = row_begin(from, i), count = row_begin(from, i + 1) - begin;
  std::copy_n(from.values.data() + begin, count, to.values.data() + end.entries);
  to.targets.data()[end.rows] = from.targets.data()[i];
  if (from.sparse()) {
    std::copy_n(from.columns.data() + begin, count, to.columns.data() + end.entries);
    to.offsets.data()[end.rows + 1] = end.entries + count;
  }
  ++end.rows;
  end.entries += count;
}

}  // namespace

template <Scalar T>
void add_bias(Context<Cpu>& ctx, Dataset<T, Cpu>& data) {
  constexpr index_t most_cols = std::numeric_limits<std::int32_t>::max();
  require(data.cols < most_cols,
          "add_bias: data has " + std::to_string(data.cols) + " features, want less");
  const bool sparse = data.sparse();
  const index_t entries = data.nonzeros + data.rows;
  Buffer<T, Cpu> values(ctx, entries);
  Buffer<std::int32_t, Cpu> columns(ctx, sparse ? entries : 0);
  for_row_ranges(ctx, data, range_count(data), [&](index_t, index_t begin, index_t end) {
    for (index_t i = begin; i < end; ++i) {
      const index_t from = row_begin(data, i), to = from + i;  // one more entry in each row above
      const index_t count = row_begin(data, i + 1) - from;
      std::copy_n(data.values.data() + from, count, values.data() + to);
      values.data()[to + count] = 1;
      if (sparse) {
        std::copy_n(data.columns.data() + from, count, columns.data() + to);
        columns.data()[to + count] = static_cast<std::int32_t>(data.cols);
      }
    }
    discard_rows(data, begin, end);
  });
  if (sparse) for_each(ctx, data.rows + 1, [&](index_t i) { data.offsets.data()[i] += i; });
  data.values = std::move(values);
  data.columns = std::move(columns);
  data.nonzeros = entries;
  ++data.cols;
}

template <Scalar T>
std::pair<Dataset<T, Cpu>, Dataset<T, Cpu>> split(Context<Cpu>& ctx, Dataset<T, Cpu> data,
                                                  double test_fraction, std::uint64_t seed) {
  require_targets("split", data);
  require(test_fraction > 0 && test_fraction < 1,
          "split: test_fraction = " + shortest(test_fraction) + ", want above 0 and below 1");
  const auto tests = static_cast<index_t>(test_fraction * static_cast<double>(data.rows));
  require(tests > 0 && tests < data.rows, "split: " + std::to_string(tests) + " of " +
                                              std::to_string(data.rows) +
                                              " rows for testing leave a part empty");
  const std::vector<std::uint8_t> part_of = draw_rows(ctx, data.rows, tests, seed);
  const index_t chunks = range_count(data);
  std::vector<std::array<End, 2>> starts;  // of each chunk's rows in the two parts
  std::array<End, 2> ends;
  for (index_t c = 0; c < chunks; ++c) {
    starts.push_back(ends);
    const auto [begin, end] = chunk_of(data.rows, chunks, c);
    for (index_t i = begin; i < end; ++i) {
      End& part = ends[part_of[static_cast<std::size_t>(i)]];
      ++part.rows;
      part.entries += row_begin(data, i + 1) - row_begin(data, i);
    }
  }
  std::array<Dataset<T, Cpu>, 2> parts = {empty_part(ctx, data, ends[0].rows, ends[0].entries),
                                          empty_part(ctx, data, ends[1].rows, ends[1].entries)};
  for_row_ranges(ctx, data, chunks, [&](index_t c, index_t begin, index_t end) {
    std::array<End, 2> to = starts[static_cast<std::size_t>(c)];
    for (index_t i = begin; i < end; ++i) {
      const std::size_t part = part_of[static_cast<std::size_t>(i)];
      copy_row(data, i, to[part], parts[part]);
    }
    discard_rows(data, begin, end);
  });
  return {std::move(parts[0]), std::move(parts[1])};
}

#define RANDNLA_INSTANTIATE(T)                                                               \
  template void add_bias(Context<Cpu>&, Dataset<T, Cpu>&);                                   \
  template std::pair<Dataset<T, Cpu>, Dataset<T, Cpu>> split(Context<Cpu>&, Dataset<T, Cpu>, \
                                                             double, std::uint64_t);
RANDNLA_INSTANTIATE(float)
RANDNLA_INSTANTIATE(double)
#undef RANDNLA_INSTANTIATE

}  // namespace randnla
