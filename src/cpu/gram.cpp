// A blocked rank-k update. Tasks are (part of the rows) x (stripe of columns); a task packs 128
// rows at a time, dense and sparse alike, into a panel padded to whole vectors, beside it the
// stripe times d, and updates 4 x 3-vector tiles of H whose twelve accumulators stay in registers:
// 12 multiply-adds for 7 loads. Parts and stripes depend on the shape alone, so bits do not depend
// on the number of threads.
#include "cpu/gram.hpp"

#include "cpu/aligned_array.hpp"
#include "cpu/simd.hpp"

#include <algorithm>
#include <variant>

namespace randnla {
namespace {

template <class T>
struct Tile {
  static constexpr index_t lanes = simd::lanes<T>, height = 4, width = 3 * lanes;
};

constexpr index_t panel_rows = 128;  // a panel of 54 columns is 55 KB: it stays in the L2 cache
constexpr index_t stripe_cols = 96;

constexpr index_t round_up(index_t n, index_t unit) { return (n + unit - 1) / unit * unit; }

/// h[j * ld + l] += sum_k scaled[k * ld + j] * panel[k * ld + l] for one tile.
template <class T>
void update_tile(index_t count, const T* scaled, const T* panel, index_t ld, T* h) {
  constexpr index_t lanes = Tile<T>::lanes, height = Tile<T>::height;
  simd::Vector<T> sum[height][3] = {};
  for (index_t k = 0; k < count; ++k) {
    const T* row = panel + k * ld;
    const auto a = simd::load(row), b = simd::load(row + lanes), c = simd::load(row + 2 * lanes);
    for (index_t j = 0; j < height; ++j) {
      const T s = scaled[k * ld + j];
      sum[j][0] += s * a;
      sum[j][1] += s * b;
      sum[j][2] += s * c;
    }
  }
  for (index_t j = 0; j < height; ++j) {
    for (index_t v = 0; v < 3; ++v) {
      T* out = h + j * ld + v * lanes;
      simd::store(out, simd::load(out) + sum[j][v]);
    }
  }
}

template <class T>
void pack_row(const DenseRows<T, Cpu>& A, index_t row, T* out) {
  std::copy_n(A.values + row * A.cols, A.cols, out);
}

template <class T>
void pack_row(const CsrRows<T, Cpu>& A, index_t row, T* out) {
  std::fill_n(out, A.cols, T(0));
  for (index_t e = A.offsets[row]; e < A.offsets[row + 1]; ++e) out[A.columns[e]] = A.values[e];
}

/// One task: the rows of `part` into columns [left, right) of the upper triangle's transpose, h (ld
/// x ld, row-major, entry (j, l) for l >= j).
template <class T, class Matrix>
void accumulate(const Matrix& A, const RowSelection<Cpu>& rows, const T* d, Chunk part,
                index_t left, index_t right, index_t ld, T* h) {
  AlignedArray<T> panel(panel_rows * ld), scaled(panel_rows * ld);
  for (index_t first = part.begin; first < part.end; first += panel_rows) {
    index_t count = 0;
    for (index_t k = first; k < std::min(first + panel_rows, part.end); ++k) {
      if (d[k] == 0) continue;
      T* row = panel.data + count * ld;
      pack_row(A, rows.rows != nullptr ? rows.rows[k] : k, row);
      for (index_t j = left; j < right; ++j) scaled.data[count * ld + j] = d[k] * row[j];
      ++count;
    }
    for (index_t j = left; j < right; j += Tile<T>::height) {
      for (index_t l = j / Tile<T>::width * Tile<T>::width; l < ld; l += Tile<T>::width) {
        update_tile(count, scaled.data + j, panel.data + l, ld, h + j * ld + l);
      }
    }
  }
}

}  // namespace

template <class T>
void gram(Context<Cpu>& ctx, const Rows<T, Cpu>& A, RowSelection<Cpu> rows, const T* d, T ridge,
          MatrixView<T, Cpu> H) {
  std::visit(
      [&](const auto& matrix) {
        const index_t cols = matrix.cols;
        const index_t selected = rows.count != nullptr ? *rows.count : rows.bound;
        const index_t ld = round_up(cols, Tile<T>::width);
        const index_t stripes = (cols + stripe_cols - 1) / stripe_cols;
        // Partial results of all parts together stay below a sixteenth of the rows' size.
        const index_t parts =
            std::clamp<index_t>(selected / (16 * std::max<index_t>(1, cols)), 1,
                                std::max<index_t>(1, 64 / std::max<index_t>(1, stripes)));
        AlignedArray<T> partial(parts * ld * round_up(ld, Tile<T>::height));
        const index_t partial_size = ld * round_up(ld, Tile<T>::height);
        parallel_for(ctx, parts * stripes, [&](index_t task) {
          // Long stripes (small j) first in every part.
          const index_t part = task / stripes, stripe = task % stripes;
          accumulate(matrix, rows, d, chunk_of(selected, parts, part), stripe * stripe_cols,
                     std::min(cols, (stripe + 1) * stripe_cols), ld,
                     partial.data + part * partial_size);
        });
        parallel_for(ctx, cols, [&](index_t j) {
          for (index_t l = j; l < cols; ++l) {
            T sum = l == j ? ridge : T(0);
            for (index_t p = 0; p < parts; ++p) sum += partial.data[p * partial_size + j * ld + l];
            H.data[l + j * H.ld] = sum;
            H.data[j + l * H.ld] = sum;
          }
        });
      },
      A);
}

template void gram(Context<Cpu>&, const Rows<float, Cpu>&, RowSelection<Cpu>, const float*, float,
                   MatrixView<float, Cpu>);
template void gram(Context<Cpu>&, const Rows<double, Cpu>&, RowSelection<Cpu>, const double*,
                   double, MatrixView<double, Cpu>);

}  // namespace randnla
