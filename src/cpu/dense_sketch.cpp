// 64 rows of some columns of S are made in the cache and used for all columns of A at hand, so that S is nowhere
// stored. The product is a tile of 4 vectors of S's rows by 6 columns of A in registers; its entries go on from
// where they were, so that the order of additions does not hang on how the rows are cut. That is why this is no
// call of a BLAS, whose blocks of rows would show in the bits.
#include "cpu/dense_sketch.hpp"

#include "cpu/aligned_array.hpp"
#include "cpu/dense_columns.hpp"
#include "cpu/simd.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace randnla {
namespace {

/// 24 sums of 32 vector registers, or 12 of 16.
constexpr int tile_cols = 6, tile_vectors = simd::vector_bytes == 64 ? 4 : 2;

/// Columns of S made at a time, and units of rows, columns of A, that one thread takes: the packed columns lie
/// in the second-level cache.
constexpr index_t depth = 128, part_units = 4, part_cols = 84 * tile_cols;

/// to += S a for `vectors` vectors of rows and `cols` columns; a's rows lie together.
template <int vectors, int cols, class T>
void multiply_tile(index_t count, const T* S, const T* a, index_t ld, T* to) {
  constexpr index_t lanes = simd::lanes<T>;
  simd::Vector<T> sum[cols][vectors];
  for (int j = 0; j < cols; ++j) {
    for (int v = 0; v < vectors; ++v) sum[j][v] = simd::load(to + j * ld + v * lanes);
  }
  for (index_t k = 0; k < count; ++k) {
    simd::Vector<T> s[vectors];
    for (int v = 0; v < vectors; ++v) s[v] = simd::load(S + k * dense_unit + v * lanes);
    for (int j = 0; j < cols; ++j) {
      for (int v = 0; v < vectors; ++v) sum[j][v] += s[v] * a[k * cols + j];
    }
  }
  for (int j = 0; j < cols; ++j) {
    for (int v = 0; v < vectors; ++v) simd::store(to + j * ld + v * lanes, sum[j][v]);
  }
}

/// multiply_tile with sizes that are known when it runs.
template <class T>
void multiply_tile(index_t vectors, index_t cols, index_t count, const T* S, const T* a, index_t ld,
                   T* to) {
  const auto with_cols = [&]<int v, int... c>(std::integral_constant<int, v>,
                                              std::integer_sequence<int, c...>) {
    (void)((cols == c + 1 && (multiply_tile<v, c + 1>(count, S, a, ld, to), true)) || ...);
  };
  [&]<int... v>(std::integer_sequence<int, v...>) {
    (void)((vectors == v + 1 && (with_cols(std::integral_constant<int, v + 1>{},
                                           std::make_integer_sequence<int, tile_cols>{}),
                                 true)) ||
           ...);
  }
  (std::make_integer_sequence<int, tile_vectors>());
}

/// A segment's share of one thread.
struct Part {
  index_t first, last;  // rows of A
  Chunk units, cols;    // of S's rows, of A's columns
};

/// `count` columns of S in the cache, for one unit of its rows at a time.
template <class T>
class Columns {
 public:
  Columns(const DenseSketch& sketch, index_t first_row)
      : sketch_(sketch), first_row_(first_row), values_(depth * dense_unit) {}

  /// Those of rows [begin, begin + count) of A.
  const T* fill(index_t begin, index_t count, index_t unit) {
    const index_t column = sketch_.first + begin - first_row_;
    for (index_t k = 0; k < count; ++k) {
      fill_column(sketch_, column + k, unit, height(unit), values_.data + k * dense_unit);
    }
    return values_.data;
  }
  index_t height(index_t unit) const {
    return std::min(dense_unit, sketch_.rows - unit * dense_unit);
  }
  index_t vectors(index_t unit) const {
    return (height(unit) + simd::lanes<T> - 1) / simd::lanes<T>;
  }

 private:
  DenseSketch sketch_;
  index_t first_row_;  // of A, whose column of S is sketch_.first
  AlignedArray<T> values_;
};

/// Rows of A by tile_cols columns, one such panel after the other, the last one as narrow as it is.
template <class T>
void pack(const DenseRows<T, Cpu>& A, index_t begin, index_t count, Chunk cols, T* packed) {
  for (index_t k = 0; k < count; ++k) {
    const T* const row = A.values + (begin + k) * A.cols;
    index_t j = cols.begin;
    for (T* panel = packed; j + tile_cols <= cols.end; j += tile_cols, panel += count * tile_cols) {
      for (index_t c = 0; c < tile_cols; ++c) panel[k * tile_cols + c] = row[j + c];
    }
    const index_t left = cols.end - j;
    T* const panel = packed + (j - cols.begin) * count;
    for (index_t c = 0; c < left; ++c) panel[k * left + c] = row[j + c];
  }
}

/// The rows packed, times one unit of S.
template <class T>
void multiply_unit(const T* S, index_t vectors, index_t count, const T* packed, index_t cols,
                   index_t ld, T* to) {
  for (index_t v = 0; v < vectors; v += tile_vectors) {
    const index_t lanes = v * simd::lanes<T>;
    for (index_t j = 0; j < cols; j += tile_cols) {
      multiply_tile(std::min<index_t>(tile_vectors, vectors - v),
                    std::min<index_t>(tile_cols, cols - j), count, S + lanes, packed + j * count,
                    ld, to + lanes + j * ld);
    }
  }
}

template <class T>
void add_part(const DenseRows<T, Cpu>& A, const Part& part, Columns<T>& columns, index_t ld,
              T* to) {
  const index_t cols = part.cols.end - part.cols.begin;
  const AlignedArray<T> packed(depth * cols);
  for (index_t begin = part.first; begin < part.last; begin += depth) {
    const index_t count = std::min(depth, part.last - begin);
    pack(A, begin, count, part.cols, packed.data);
    for (index_t unit = part.units.begin; unit < part.units.end; ++unit) {
      multiply_unit(columns.fill(begin, count, unit), columns.vectors(unit), count, packed.data,
                    cols, ld, to + unit * dense_unit + part.cols.begin * ld);
    }
  }
}

/// All columns: an entry of A is added to a unit's rows by vectors.
template <class T>
void add_part(const CsrRows<T, Cpu>& A, const Part& part, Columns<T>& columns, index_t ld, T* to) {
  constexpr index_t lanes = simd::lanes<T>;
  for (index_t begin = part.first; begin < part.last; begin += depth) {
    const index_t count = std::min(depth, part.last - begin);
    for (index_t unit = part.units.begin; unit < part.units.end; ++unit) {
      const T* const S = columns.fill(begin, count, unit);
      const index_t height = columns.vectors(unit) * lanes;
      for (index_t k = 0; k < count; ++k) {
        const T* const s = S + k * dense_unit;
        for (index_t e = A.offsets[begin + k]; e < A.offsets[begin + k + 1]; ++e) {
          T* const sum = to + unit * dense_unit + A.columns[e] * ld;
          for (index_t t = 0; t < height; t += lanes) {
            simd::store(sum + t, simd::load(sum + t) + simd::load(s + t) * A.values[e]);
          }
        }
      }
    }
  }
}

}  // namespace

template <class T>
void dense_sketch_rows(Context<Cpu>& ctx, const Rows<T, Cpu>& A, RowSegments segments,
                       const DenseSketch& sketch, SketchLayout layout, T* partial) {
  std::visit(
      [&](const auto& matrix) {
        constexpr bool dense = std::is_same_v<std::decay_t<decltype(matrix)>, DenseRows<T, Cpu>>;
        const index_t units = (sketch.rows + dense_unit - 1) / dense_unit;
        const index_t parts = (units + part_units - 1) / part_units;
        const index_t pieces = dense ? (matrix.cols + part_cols - 1) / part_cols : 1;
        const index_t tiles = (matrix.cols + tile_cols - 1) / tile_cols;
        parallel_for(ctx, segments.count() * parts * pieces, [&](index_t item) {
          const index_t g = item / (parts * pieces);
          Chunk cols = chunk_of(tiles, pieces, item % pieces);
          cols = {cols.begin * tile_cols, std::min(cols.end * tile_cols, matrix.cols)};
          const Part part{segments.first(g), segments.last(g),
                          chunk_of(units, parts, item / pieces % parts), cols};
          Columns<T> columns(sketch, segments.begin);
          add_part(matrix, part, columns, layout.rows, partial + g * layout.size());
        });
      },
      A);
}

template void dense_sketch_rows(Context<Cpu>&, const Rows<float, Cpu>&, RowSegments,
                                const DenseSketch&, SketchLayout, float*);
template void dense_sketch_rows(Context<Cpu>&, const Rows<double, Cpu>&, RowSegments,
                                const DenseSketch&, SketchLayout, double*);

}  // namespace randnla
