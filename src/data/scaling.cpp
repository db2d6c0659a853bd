#include "core/pages.hpp"
#include "cpu/loops.hpp"

#include <randnla/data/preprocess.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace randnla {
namespace {

/// f(j, value) for the stored entries of row i.
template <Scalar T, class F>
void for_each_entry(const Dataset<T, Cpu>& data, index_t i, F f) {
  if (data.sparse()) {
    const index_t* const offsets = data.offsets.data();
    for (index_t k = offsets[i]; k < offsets[i + 1]; ++k) {
      f(static_cast<std::size_t>(data.columns.data()[k]), data.values.data()[k]);
    }
  } else {
    const auto cols = static_cast<std::size_t>(data.cols);
    const T* const row = data.values.data() + i * data.cols;
    for (std::size_t j = 0; j < cols; ++j) f(j, row[j]);
  }
}

/// Parts of the rows for sums over rows, one sum a feature: their number depends on the shape
/// alone, and the partial sums of all parts stay below 32 MB each.
template <Scalar T>
index_t part_count(const Dataset<T, Cpu>& data) {
  const index_t most = std::max<index_t>(1, (index_t{1} << 22) / std::max<index_t>(1, data.cols));
  return std::min({data.rows, std::max<index_t>(1, chunk_count(data.nonzeros)), most});
}

/// accumulate(partial, i) over the rows of each part, then join(total, partial) in order.
template <class Partial, Scalar T, class Accumulate, class Join>
Partial over_rows(Context<Cpu>& ctx, const Dataset<T, Cpu>& data, const Partial& zero,
                  Accumulate accumulate, Join join) {
  const index_t parts = part_count(data);
  std::vector<Partial> partial(static_cast<std::size_t>(parts), zero);
  parallel_for(ctx, parts, [&](index_t c) {
    const auto [begin, end] = chunk_of(data.rows, parts, c);
    for (index_t i = begin; i < end; ++i) accumulate(partial[static_cast<std::size_t>(c)], i);
  });
  for (std::size_t c = 1; c < partial.size(); ++c) join(partial[0], partial[c]);
  return std::move(partial[0]);
}

struct Summary {
  explicit Summary(std::size_t n)
      : sum(n, 0.0),
        least(n, std::numeric_limits<double>::infinity()),
        greatest(n, -std::numeric_limits<double>::infinity()),
        stored(n, 0) {}
  std::vector<double> sum, least, greatest;
  std::vector<index_t> stored;
};

template <Scalar T>
Summary summarize(Context<Cpu>& ctx, const Dataset<T, Cpu>& data) {
  Summary total = over_rows(
      ctx, data, Summary(static_cast<std::size_t>(data.cols)),
      [&](Summary& part, index_t i) {
        for_each_entry(data, i, [&](std::size_t j, T value) {
          const auto x = static_cast<double>(value);
          part.sum[j] += x;
          part.least[j] = std::min(part.least[j], x);
          part.greatest[j] = std::max(part.greatest[j], x);
          ++part.stored[j];
        });
      },
      [](Summary& sum, const Summary& part) {
        for (std::size_t j = 0; j < sum.sum.size(); ++j) {
          sum.sum[j] += part.sum[j];
          sum.least[j] = std::min(sum.least[j], part.least[j]);
          sum.greatest[j] = std::max(sum.greatest[j], part.greatest[j]);
          sum.stored[j] += part.stored[j];
        }
      });
  for (std::size_t j = 0; j < total.sum.size(); ++j) {
    if (total.stored[j] == data.rows) continue;
    total.least[j] = std::min(total.least[j], 0.0);  // a zero that is not stored
    total.greatest[j] = std::max(total.greatest[j], 0.0);
  }
  return total;
}

/// Sums of (x - mean)^2 over the stored entries.
template <Scalar T>
std::vector<double> centred_squares(Context<Cpu>& ctx, const Dataset<T, Cpu>& data,
                                    const std::vector<double>& mean) {
  return over_rows(
      ctx, data, std::vector<double>(mean.size(), 0.0),
      [&](std::vector<double>& part, index_t i) {
        for_each_entry(data, i, [&](std::size_t j, T value) {
          const double centred = static_cast<double>(value) - mean[j];
          part[j] += centred * centred;
        });
      },
      [](std::vector<double>& sum, const std::vector<double>& part) {
        for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += part[j];
      });
}

/// 1 / x, or 1 where that is no number to multiply by.
double inverse_or_one(double x) { return std::isnormal(x) && std::isfinite(1 / x) ? 1 / x : 1; }

template <Scalar T>
FeatureMap fit_standardize(Context<Cpu>& ctx, const Dataset<T, Cpu>& data) {
  const Summary summary = summarize(ctx, data);
  const auto n = static_cast<double>(data.rows);
  FeatureMap map;
  for (const double sum : summary.sum) map.shift.push_back(sum / n);
  const std::vector<double> squares = centred_squares(ctx, data, map.shift);
  for (std::size_t j = 0; j < squares.size(); ++j) {
    const double mean = map.shift[j];
    const auto absent = static_cast<double>(data.rows - summary.stored[j]);
    const double deviation = std::sqrt((squares[j] + absent * mean * mean) / n);
    if (!std::isfinite(mean) || !std::isfinite(deviation)) {
      throw DataError("feature " + std::to_string(j + 1) +
                      " cannot be standardised: its mean or deviation is not finite");
    }
    // Told by the values: the mean of equal values is not exactly their value, and what rounding
    // leaves must not be blown up to one.
    const bool constant = summary.least[j] == summary.greatest[j];
    if (constant) map.shift[j] = summary.least[j];
    map.scale.push_back(constant ? 1 : inverse_or_one(deviation));
  }
  return map;
}

template <Scalar T>
FeatureMap fit_max_abs(Context<Cpu>& ctx, const Dataset<T, Cpu>& data) {
  const Summary summary = summarize(ctx, data);
  FeatureMap map;
  map.shift.assign(summary.sum.size(), 0.0);
  for (std::size_t j = 0; j < summary.sum.size(); ++j) {
    const double largest = std::max(-summary.least[j], summary.greatest[j]);
    // A nan passes by the comparisons, but stays in the sum.
    if (!std::isfinite(largest) || std::isnan(summary.sum[j])) {
      throw DataError("feature " + std::to_string(j + 1) +
                      " cannot be scaled: it has a value that is not finite");
    }
    map.scale.push_back(inverse_or_one(largest));
  }
  return map;
}

template <Scalar T>
T mapped(const FeatureMap& map, std::size_t j, T value) {
  return static_cast<T>((static_cast<double>(value) - map.shift[j]) * map.scale[j]);
}

/// The mapped data as dense rows; gives the memory of the sparse ones back on the way.
template <Scalar T>
void scale_to_dense(Context<Cpu>& ctx, const FeatureMap& map, Dataset<T, Cpu>& data) {
  std::vector<T> absent;
  for (std::size_t j = 0; j < map.shift.size(); ++j) absent.push_back(mapped(map, j, T(0)));
  const index_t entries = data.rows * data.cols;
  Buffer<T, Cpu> values(ctx, entries);
  const index_t chunks = std::min(data.rows, chunk_count(entries));
  parallel_for(ctx, chunks, [&](index_t c) {
    const auto [begin, end] = chunk_of(data.rows, chunks, c);
    for (index_t i = begin; i < end; ++i) {
      T* const row = values.data() + i * data.cols;
      std::copy(absent.begin(), absent.end(), row);
      for_each_entry(data, i, [&](std::size_t j, T value) { row[j] = mapped(map, j, value); });
    }
    const index_t first = data.offsets.data()[begin];
    const auto done = static_cast<std::size_t>(data.offsets.data()[end] - first);
    discard_pages(data.values.data() + first, done * sizeof(T));
    discard_pages(data.columns.data() + first, done * sizeof(std::int32_t));
  });
  data.values = std::move(values);
  data.offsets = {};
  data.columns = {};
  data.nonzeros = entries;
}

}  // namespace

template <Scalar T>
FeatureMap fit_scaling(Context<Cpu>& ctx, const Dataset<T, Cpu>& data, Scaling scaling) {
  if (scaling == Scaling::none) return {};
  require(data.rows > 0, "fit_scaling: no rows");
  return scaling == Scaling::standardize ? fit_standardize(ctx, data) : fit_max_abs(ctx, data);
}

template <Scalar T>
void apply_scaling(Context<Cpu>& ctx, const FeatureMap& map, Dataset<T, Cpu>& data) {
  require(map.shift.size() == map.scale.size(),
          "apply_scaling: " + std::to_string(map.shift.size()) + " shifts and " +
              std::to_string(map.scale.size()) + " scales");
  if (map.shift.empty()) return;
  require(static_cast<index_t>(map.shift.size()) == data.cols,
          "apply_scaling: map of " + std::to_string(map.shift.size()) + " features, data of " +
              std::to_string(data.cols));
  if (data.sparse()) {
    if (std::any_of(map.shift.begin(), map.shift.end(), [](double s) { return s != 0; })) {
      return scale_to_dense(ctx, map, data);
    }
    for_each(ctx, data.nonzeros, [&](index_t k) {
      T& value = data.values.data()[k];
      value = mapped(map, static_cast<std::size_t>(data.columns.data()[k]), value);
    });
    return;
  }
  const index_t chunks = std::min(data.rows, chunk_count(data.nonzeros));
  parallel_for(ctx, chunks, [&](index_t c) {
    const auto [begin, end] = chunk_of(data.rows, chunks, c);
    for (index_t i = begin; i < end; ++i) {
      T* const row = data.values.data() + i * data.cols;
      for (std::size_t j = 0; j < map.shift.size(); ++j) row[j] = mapped(map, j, row[j]);
    }
  });
}

template FeatureMap fit_scaling(Context<Cpu>&, const Dataset<float, Cpu>&, Scaling);
template FeatureMap fit_scaling(Context<Cpu>&, const Dataset<double, Cpu>&, Scaling);
template void apply_scaling(Context<Cpu>&, const FeatureMap&, Dataset<float, Cpu>&);
template void apply_scaling(Context<Cpu>&, const FeatureMap&, Dataset<double, Cpu>&);

}  // namespace randnla
