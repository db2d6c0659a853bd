// Matrices for sketches, dense and sparse, and S A from its columns one by one in long double.
#pragma once

#include "sketch/column_pattern.hpp"
#include "support/backends.hpp"

#include <randnla/sketch/sketch.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace randnla::test {

using CpuInstances = ::testing::Types<On<Cpu, float>, On<Cpu, double>>;

inline constexpr SketchKind all_kinds[] = {SketchKind::sparse_stack, SketchKind::sparse_sign,
                                           SketchKind::count_sketch};

constexpr std::size_t place_of(index_t i) { return static_cast<std::size_t>(i); }

/// Column i of S: twice the row plus 1 where negative, nonzero by nonzero.
inline std::vector<std::uint32_t> column_of(const Sketch& S, index_t i) {
  std::vector<std::uint32_t> nonzero(place_of(nonzeros_per_column(S)));
  draw_column(S, i, nonzero.data());
  return nonzero;
}

/// Rows in host memory as sparse ones; any range of them as dense ones, in an array of just that size, so
/// that an address sanitizer sees what is read beyond.
template <class T>
struct HostRows {
  index_t rows = 0, cols = 0;
  std::vector<index_t> offsets{0};
  std::vector<std::int32_t> columns;
  std::vector<T> values;

  CsrRows<T, Cpu> sparse(index_t first, index_t last) const {
    return {
        offsets.data() + first, columns.data(), values.data(),
        last - first,           cols,           offsets[place_of(last)] - offsets[place_of(first)]};
  }
  std::vector<T> dense(index_t first, index_t last) const {
    std::vector<T> out(place_of((last - first) * cols), T(0));
    for (index_t i = first; i < last; ++i) {
      for (index_t e = offsets[place_of(i)]; e < offsets[place_of(i + 1)]; ++e) {
        out[place_of((i - first) * cols + columns[place_of(e)])] = values[place_of(e)];
      }
    }
    return out;
  }
};

/// Normal entries, about `stride` columns apart.
template <class T>
HostRows<T> random_rows(std::uint64_t seed, index_t rows, index_t cols, std::uint64_t stride) {
  HostRows<T> out;
  out.rows = rows, out.cols = cols;
  std::mt19937_64 bits(seed);
  std::normal_distribution<double> normal;
  for (index_t i = 0; i < rows; ++i) {
    auto j = static_cast<index_t>(bits() % stride);
    for (; j < cols; j += static_cast<index_t>(1 + bits() % (2 * stride - 1))) {
      out.columns.push_back(static_cast<std::int32_t>(j));
      out.values.push_back(static_cast<T>(normal(bits)));
    }
    out.offsets.push_back(static_cast<index_t>(out.values.size()));
  }
  return out;
}

/// Integers of some four digits' spread: sums of a few thousand are exact in float, in any order.
template <class T>
HostRows<T> random_integers(std::uint64_t seed, index_t rows, index_t cols, std::uint64_t stride) {
  HostRows<T> out = random_rows<T>(seed, rows, cols, stride);
  for (T& v : out.values) v = std::round(100 * v);
  return out;
}

/// S A by `apply`, with nothing between the columns; what it finds in SA must not matter.
template <class T>
std::vector<T> sketched(Context<Cpu>& ctx, const Sketch& S, const Rows<T, Cpu>& A, index_t cols) {
  std::vector<T> SA(place_of(S.rows * cols), std::numeric_limits<T>::quiet_NaN());
  apply<Cpu, T>(ctx, S, A, MatrixView<T, Cpu>{SA.data(), S.rows, cols, S.rows});
  return SA;
}

template <class T>
std::vector<T> sketched(Context<Cpu>& ctx, const Sketch& S, const HostRows<T>& A, bool sparse) {
  if (sparse) return sketched<T>(ctx, S, A.sparse(0, A.rows), A.cols);
  const std::vector<T> values = A.dense(0, A.rows);
  return sketched<T>(ctx, S, DenseRows<T, Cpu>{values.data(), A.rows, A.cols}, A.cols);
}

/// The same bits, of zeros and NaNs, too.
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

/// S A of exact integers against SA. An entry is a sum of `segments` exact ones, each scaled by a rounded
/// number and added with one rounding: off by at most (segments + 1) units of sum |S_ti A_ij|.
template <class T>
void expect_product(const Sketch& S, const HostRows<T>& A, const std::vector<T>& SA) {
  const index_t segment = std::max<index_t>(1024, 16 * S.rows);
  const long double scale = 1 / std::sqrt(static_cast<long double>(nonzeros_per_column(S)));
  std::vector<long double> want(SA.size(), 0), size(SA.size(), 0);
  for (index_t i = 0; i < A.rows; ++i) {
    for (const std::uint32_t nonzero : column_of(S, i)) {
      for (index_t e = A.offsets[place_of(i)]; e < A.offsets[place_of(i + 1)]; ++e) {
        const index_t to = nonzero / 2 + A.columns[place_of(e)] * S.rows;
        const long double term = scale * A.values[place_of(e)];
        want[place_of(to)] += nonzero % 2 == 1 ? -term : term;
        size[place_of(to)] += std::abs(term);
      }
    }
  }
  const index_t segments = A.rows / segment + 1;
  const auto roundings = static_cast<long double>(segments + 1);
  for (std::size_t e = 0; e < SA.size(); ++e) {
    const long double tolerance = roundings * std::numeric_limits<T>::epsilon() * size[e];
    ASSERT_LE(std::abs(static_cast<long double>(SA[e]) - want[e]), tolerance)
        << "row " << e % place_of(S.rows) << ", column " << e / place_of(S.rows) << " of " << S.rows
        << " x " << A.cols << " from " << A.rows << " rows: got " << SA[e] << ", want " << want[e];
  }
}

}  // namespace randnla::test
