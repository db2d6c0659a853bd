// |P D a_i|^2 without the product: a product of matrices whose results are squared and summed while they are
// in the L1 cache. P is copied once into panels of three vectors' rows, padded by zeros. A task packs up to 48
// dense rows, scaled and converted, in groups of eight, which it turns eight columns at a time in registers (of
// 350 ms at 100,000 x 1,000 that saves 25 against writing entry by entry; asking memory for the next rows meanwhile
// gained nothing that could be told from noise). For every panel, 512 of its columns at a time, a tile of 8 x 3
// vectors is summed in registers (24 multiply-adds for 11 loads), of the last panel no more vectors than it has rows
// for. Columns that are zero in a whole panel are left out: half of them where P is triangular. A sparse row takes a
// panel's columns at its entries. A row's bits depend on nothing but the row and P.
#include "cpu/projected_row_norms.hpp"

#include "cpu/aligned_array.hpp"
#include "cpu/simd.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <variant>
#include <vector>

namespace randnla {
namespace {

constexpr index_t group = 8;    // rows of a tile
constexpr index_t vectors = 3;  // of a tile's width
constexpr index_t piece = 512;  // columns at a time: a group's are 32 KB in double
constexpr index_t most_groups = 6;
constexpr index_t packed_bytes = index_t{512} << 10;  // of a task's rows, half of an L2 cache

template <class V>
constexpr index_t width = vectors* simd::lanes<V>;

/// P by panels: entry (c, j) of panel p is P(p * width + c, j), at (p * cols + j) * width + c.
template <class V>
class Panels {
 public:
  explicit Panels(MatrixView<const V, Cpu> P)
      : count((P.rows + width<V> - 1) / width<V>),
        rows_(P.rows),
        cols_(P.cols),
        values_(count * P.cols * width<V>),
        used_(static_cast<std::size_t>(count), Chunk{P.cols, 0}) {
    for (index_t j = 0; j < P.cols; ++j) {
      for (index_t c = 0; c < P.rows; ++c) {
        const V value = P.data[c + j * P.ld];
        if (value == 0) continue;
        const index_t p = c / width<V>;
        values_.data[(p * cols_ + j) * width<V> + c % width<V>] = value;
        Chunk& used = used_[static_cast<std::size_t>(p)];
        used = {std::min(used.begin, j), j + 1};
      }
    }
  }
  const V* column(index_t p, index_t j) const { return values_.data + (p * cols_ + j) * width<V>; }
  /// From the first column that is not zero to behind the last.
  Chunk used(index_t p) const { return used_[static_cast<std::size_t>(p)]; }
  /// That have a row of P.
  index_t used_vectors(index_t p) const {
    const index_t rows = std::min(width<V>, rows_ - p * width<V>);
    return (rows + simd::lanes<V> - 1) / simd::lanes<V>;
  }

  const index_t count;

 private:
  index_t rows_, cols_;
  AlignedArray<V> values_;  // zeros where P has no row
  std::vector<Chunk> used_;
};

/// sums (group x width) += the products of `count` columns of a group of rows and of a panel's first n vectors.
template <index_t n, class V>
void add_vectors(const V* rows, const V* panel, index_t count, V* sums) {
  constexpr index_t lanes = simd::lanes<V>;
  simd::Vector<V> sum[group][n];
  for (index_t k = 0; k < group; ++k) {
    for (index_t v = 0; v < n; ++v) sum[k][v] = simd::load(sums + k * width<V> + v * lanes);
  }
  for (index_t j = 0; j < count; ++j) {
    simd::Vector<V> column[n];
    for (index_t v = 0; v < n; ++v) column[v] = simd::load(panel + j * width<V> + v * lanes);
    for (index_t k = 0; k < group; ++k) {
      const V x = rows[j * group + k];
      for (index_t v = 0; v < n; ++v) sum[k][v] += x * column[v];
    }
  }
  for (index_t k = 0; k < group; ++k) {
    for (index_t v = 0; v < n; ++v) simd::store(sums + k * width<V> + v * lanes, sum[k][v]);
  }
}

template <class V>
void add_columns(const V* rows, const V* panel, index_t used_vectors, index_t count, V* sums) {
  if (used_vectors == 1) return add_vectors<1>(rows, panel, count, sums);
  if (used_vectors == 2) return add_vectors<2>(rows, panel, count, sums);
  add_vectors<vectors>(rows, panel, count, sums);
}

/// Sum of the squares of one row's products with a panel.
template <class V>
V squares(const V* sums) {
  simd::Vector<V> total{};
  for (index_t v = 0; v < vectors; ++v) {
    const auto z = simd::load(sums + v * simd::lanes<V>);
    total += z * z;
  }
  return simd::sum<V>(total);
}

/// What a row is divided by before it goes into a narrower arithmetic: the size of its largest entry, or small
/// rows would lose their digits.
template <class T>
T unit_of_largest(T largest) {
  return largest >= std::numeric_limits<T>::min() ? largest : T(1);
}

template <class T>
using Eight = typename simd::VectorOf<T, group>::type;

/// A dense row's entries times the columns' scale, eight columns from j on; zeros beyond the row.
template <class T>
Eight<T> scaled(const T* row, const T* scale, index_t j, index_t cols) {
  if (j + group <= cols) {
    const auto x = simd::load<T, group>(row + j);
    return scale != nullptr ? x * simd::load<T, group>(scale + j) : x;
  }
  T x[group] = {};
  for (index_t c = j; c < cols; ++c) x[c - j] = scale != nullptr ? row[c] * scale[c] : row[c];
  return simd::load<T, group>(x);
}

template <class V, class T>
T unit_of(const T* row, const T* scale, index_t cols) {
  if constexpr (std::is_same_v<V, T>) return 1;
  Eight<T> largest{};
  for (index_t j = 0; j < cols; j += group) {
    const Eight<T> x = scaled(row, scale, j, cols), size = x < 0 ? -x : x;
    largest = size > largest ? size : largest;
  }
  T all = 0;
  for (index_t c = 0; c < group; ++c) all = std::max(all, largest[c]);
  return unit_of_largest(all);
}

/// Eight rows of eight become columns.
template <class V>
void transpose(Eight<V>* x) {
  const auto exchange = [x]<int step>(std::integral_constant<int, step>, auto low, auto high) {
    for (int k = 0; k < group; ++k) {
      if ((k & step) != 0) continue;
      const Eight<V> a = x[k], b = x[k + step];
      x[k] = low(a, b), x[k + step] = high(a, b);
    }
  };
  exchange(
      std::integral_constant<int, 4>{},
      [](auto a, auto b) { return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11); },
      [](auto a, auto b) { return __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15); });
  exchange(
      std::integral_constant<int, 2>{},
      [](auto a, auto b) { return __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13); },
      [](auto a, auto b) { return __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15); });
  exchange(
      std::integral_constant<int, 1>{},
      [](auto a, auto b) { return __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14); },
      [](auto a, auto b) { return __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15); });
}

/// Rows of `block` in groups: column j of group g at (g * cols + j) * group, zeros beyond the last row. Row k is
/// divided by units[k].
template <class T, class V>
void pack(const DenseRows<T, Cpu>& A, const T* scale, Chunk block, V* packed, T* units) {
  for (index_t i = block.begin; i < block.end; i += group, packed += group * A.cols) {
    const T* const top = A.values + i * A.cols;
    const index_t rows = std::min(group, block.end - i);
    T inverse[group];
    for (index_t k = 0; k < rows; ++k) {
      const T unit = units[i - block.begin + k] = unit_of<V>(top + k * A.cols, scale, A.cols);
      inverse[k] = 1 / unit;
    }
    for (index_t j = 0; j < A.cols; j += group) {
      Eight<V> x[group] = {};
      for (index_t k = 0; k < rows; ++k) {
        const auto entries = scaled(top + k * A.cols, scale, j, A.cols) * inverse[k];
        x[k] = __builtin_convertvector(entries, Eight<V>);
      }
      transpose<V>(x);
      for (index_t c = 0; c < std::min(group, A.cols - j); ++c) {
        simd::store<V, group>(packed + (j + c) * group, x[c]);
      }
    }
  }
}

template <class T, class V>
void project(const DenseRows<T, Cpu>& A, const T* scale, const Panels<V>& panels, Chunk block,
             T* norms) {
  const index_t rows = block.end - block.begin, groups = (rows + group - 1) / group;
  AlignedArray<V> packed(groups * group * A.cols);
  T units[most_groups * group];
  pack(A, scale, block, packed.data, units);
  V total[most_groups * group] = {};
  alignas(64) V sums[most_groups][group * width<V>];
  for (index_t p = 0; p < panels.count; ++p) {
    std::fill_n(&sums[0][0], groups * group * width<V>, V(0));
    const Chunk used = panels.used(p);
    for (index_t j = used.begin; j < used.end; j += piece) {
      for (index_t g = 0; g < groups; ++g) {
        add_columns(packed.data + (g * A.cols + j) * group, panels.column(p, j),
                    panels.used_vectors(p), std::min(piece, used.end - j), sums[g]);
      }
    }
    for (index_t k = 0; k < rows; ++k) {
      total[k] += squares<V>(sums[k / group] + k % group * width<V>);
    }
  }
  for (index_t k = 0; k < rows; ++k) norms[k] = static_cast<T>(total[k]) * units[k] * units[k];
}

template <class T, class V>
void project(const CsrRows<T, Cpu>& A, const T* scale, const Panels<V>& panels, Chunk block,
             T* norms) {
  for (index_t i = block.begin; i < block.end; ++i) {
    const T* const values = A.values + A.offsets[i];
    const std::int32_t* const columns = A.columns + A.offsets[i];
    const index_t count = A.offsets[i + 1] - A.offsets[i];
    const auto entry = [&](index_t e) {
      return scale != nullptr ? values[e] * scale[columns[e]] : values[e];
    };
    T largest = 0;
    if constexpr (!std::is_same_v<V, T>) {
      for (index_t e = 0; e < count; ++e) largest = std::max(largest, std::abs(entry(e)));
    }
    const T unit = unit_of_largest(largest), inverse = 1 / unit;
    V total = 0;
    for (index_t p = 0; p < panels.count; ++p) {
      simd::Vector<V> sum[vectors] = {};
      for (index_t e = 0; e < count; ++e) {
        const V x = static_cast<V>(entry(e) * inverse);
        const V* const column = panels.column(p, columns[e]);
        for (index_t v = 0; v < vectors; ++v) sum[v] += x * simd::load(column + v * simd::lanes<V>);
      }
      alignas(64) V sums[width<V>];
      for (index_t v = 0; v < vectors; ++v) simd::store(sums + v * simd::lanes<V>, sum[v]);
      total += squares<V>(sums);
    }
    norms[i - block.begin] = static_cast<T>(total) * unit * unit;
  }
}

}  // namespace

template <class T, class V>
void projected_row_norms(Context<Cpu>& ctx, const Rows<T, Cpu>& A, const T* scale,
                         MatrixView<const V, Cpu> P, T* out) {
  const Panels<V> panels(P);
  const index_t row_bytes = std::max<index_t>(1, P.cols) * static_cast<index_t>(sizeof(V));
  const index_t block_rows =
      group * std::clamp<index_t>(packed_bytes / (group * row_bytes), 1, most_groups);
  std::visit(
      [&](const auto& matrix) {
        parallel_for(ctx, (matrix.rows + block_rows - 1) / block_rows, [&](index_t b) {
          const Chunk block{b * block_rows, std::min(matrix.rows, (b + 1) * block_rows)};
          project(matrix, scale, panels, block, out + block.begin);
        });
      },
      A);
}

template void projected_row_norms(Context<Cpu>&, const Rows<float, Cpu>&, const float*,
                                  MatrixView<const float, Cpu>, float*);
template void projected_row_norms(Context<Cpu>&, const Rows<double, Cpu>&, const double*,
                                  MatrixView<const float, Cpu>, double*);
template void projected_row_norms(Context<Cpu>&, const Rows<double, Cpu>&, const double*,
                                  MatrixView<const double, Cpu>, double*);

}  // namespace randnla
