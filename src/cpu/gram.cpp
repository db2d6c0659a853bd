// A blocked rank-k update. Tasks are (part of the rows) x (stripe of columns). A task takes 128 rows at a
// time, dense and sparse alike, and packs its stripe of them, times d, in groups of eight columns; then,
// eight strips of three vectors of columns at a time, the rows as they are. A tile of H is 8 x 3 vectors,
// its 24 accumulators in registers. Parts and stripes depend on the shape alone, so bits do not depend on
// the number of threads.
#include "cpu/gram.hpp"

#include "cpu/aligned_array.hpp"
#include "cpu/simd.hpp"

#include <algorithm>
#include <cstring>
#include <variant>

namespace randnla {
namespace {

constexpr index_t group = 8;            // columns of a tile's height
constexpr int strip_vectors = 3;        // of a tile's width
constexpr index_t panel_rows = 128;     // a strip of three vectors is 24 KB, within the L1 cache
constexpr index_t stripe_cols = 192;    // packed, 192 KB in double, within the L2 cache
constexpr index_t strips_together = 8;  // likewise

constexpr index_t round_up(index_t n, index_t unit) { return (n + unit - 1) / unit * unit; }

/// h[j * ld + l] += sum_k scaled[k * group + j] * strip[k * width + l], j < group, l in `vectors` vectors.
template <int vectors, class T>
void update_tile(index_t count, const T* scaled, const T* strip, index_t width, index_t ld, T* h) {
  constexpr index_t lanes = simd::lanes<T>;
  simd::Vector<T> sum[group][vectors] = {};
  for (index_t k = 0; k < count; ++k) {
    simd::Vector<T> row[vectors];
    for (index_t v = 0; v < vectors; ++v) row[v] = simd::load(strip + k * width + v * lanes);
    for (index_t j = 0; j < group; ++j) {
      for (index_t v = 0; v < vectors; ++v) sum[j][v] += scaled[k * group + j] * row[v];
    }
  }
  for (index_t j = 0; j < group; ++j) {
    for (index_t v = 0; v < vectors; ++v) {
      T* out = h + j * ld + v * lanes;
      simd::store(out, simd::load(out) + sum[j][v]);
    }
  }
}

/// The rows of a panel: which of A's, and their weights, those with weight 0 left out.
template <class T>
struct PanelRows {
  index_t row[panel_rows];
  T weight[panel_rows];
  index_t count = 0;
};

/// to = factor * from, in vectors: left to itself the compiler copies one number at a time.
template <index_t width, class T>
void scale(const T* from, T factor, T* to) {
  constexpr int piece = std::min<int>(width, simd::lanes<T>);
  for (index_t i = 0; i < width; i += piece) {
    typename simd::VectorOf<T, piece>::type v;
    std::memcpy(&v, from + i, sizeof v);
    v *= factor;
    std::memcpy(to + i, &v, sizeof v);
  }
}

/// Distance of pieces of `width` columns in packed memory: a cache line more than they take, or the lines
/// of a row would all lie in one set of the L1 cache.
template <class T>
constexpr index_t piece_stride(index_t width) {
  return panel_rows * width + static_cast<index_t>(64 / sizeof(T));
}

/// Packs columns [left, left + pieces * width): piece p's entry i of row k goes, times factor(k), to
/// out[p * piece_stride + k * width + i]. Row after row, as they lie in memory: a piece at a time took
/// three times as long. Beyond the last column stands what lies there, on which no result depends.
template <index_t width, class T, class Factor>
void pack(const DenseRows<T, Cpu>& A, const PanelRows<T>& rows, index_t left, index_t pieces,
          Factor factor, T* out) {
  const index_t safe = A.rows * A.cols - width;
  for (index_t k = 0; k < rows.count; ++k) {
    const T f = factor(k);
    for (index_t p = 0; p < pieces; ++p) {
      const index_t column = left + p * width, first = rows.row[k] * A.cols + column;
      T* const to = out + p * piece_stride<T>(width) + k * width;
      if (first <= safe) {
        scale<width>(A.values + first, f, to);
      } else {  // one of the last rows
        for (index_t i = 0; i < std::min(width, A.cols - column); ++i)
          to[i] = f * A.values[first + i];
      }
    }
  }
}

template <index_t width, class T, class Factor>
void pack(const CsrRows<T, Cpu>& A, const PanelRows<T>& rows, index_t left, index_t pieces,
          Factor factor, T* out) {
  for (index_t p = 0; p < pieces; ++p)
    std::fill_n(out + p * piece_stride<T>(width), rows.count * width, T(0));
  for (index_t k = 0; k < rows.count; ++k) {
    const std::int32_t* const begin = A.columns + A.offsets[rows.row[k]];
    const std::int32_t* const end = A.columns + A.offsets[rows.row[k] + 1];
    const T f = factor(k);
    for (const auto* c = std::lower_bound(begin, end, left); c < end && *c < left + pieces * width;
         ++c) {
      const index_t piece = (*c - left) / width, i = (*c - left) % width;
      out[piece * piece_stride<T>(width) + k * width + i] = f * A.values[c - A.columns];
    }
  }
}

/// One task: `part` of the rows into columns [left, right) of the upper triangle's transpose, h (ld x ld,
/// row-major, entry (j, l) for l >= j).
template <class T, class Matrix>
class Task {
 public:
  Task(const Matrix& A, index_t left, index_t right, index_t ld, T* h)
      : A_(A), left_(left), right_(right), ld_(ld), h_(h) {}

  void run(const RowSelection<Cpu>& selection, const T* d, Chunk part) {
    for (index_t k = part.begin; k < part.end;) {
      rows_.count = 0;
      for (; k < part.end && rows_.count < panel_rows; ++k) {
        if (d[k] == 0) continue;
        rows_.weight[rows_.count] = d[k];
        rows_.row[rows_.count++] = selection.rows != nullptr ? selection.rows[k] : k;
      }
      add_panel();
    }
  }

 private:
  static constexpr index_t lanes = simd::lanes<T>, widest = strip_vectors * lanes;

  void add_panel() {
    pack<group>(
        A_, rows_, left_, round_up(right_ - left_, group) / group,
        [&](index_t k) { return rows_.weight[k]; }, scaled_.data);
    // The narrow strip comes first: the fewest tiles lie in it.
    index_t begin = left_ / lanes * lanes;
    const index_t narrow = (ld_ - begin) / lanes % strip_vectors;
    if (narrow == 1) add_strips<1>(begin, 1);
    if (narrow == 2) add_strips<2>(begin, 1);
    for (begin += narrow * lanes; begin < ld_; begin += strips_together * widest)
      add_strips<strip_vectors>(begin, std::min(strips_together, (ld_ - begin) / widest));
  }

  template <int vectors>
  void add_strips(index_t begin, index_t strips) {
    constexpr index_t width = vectors * lanes;
    pack<width>(
        A_, rows_, begin, strips, [](index_t) { return T(1); }, strips_.data);
    for (index_t s = 0; s < strips; ++s, begin += width) {
      for (index_t j = left_; j < std::min(right_, begin + width); j += group)
        add_tile<vectors>(j, begin, width, strips_.data + s * piece_stride<T>(width));
    }
  }

  /// Of a tile that the diagonal crosses, the vectors of columns left of it are left out: a tenth of the
  /// time at 22 columns, a fifteenth at 54.
  template <int vectors>
  void add_tile(index_t j, index_t begin, index_t width, const T* strip) {
    if constexpr (vectors > 1) {
      if (begin + lanes <= j) return add_tile<vectors - 1>(j, begin + lanes, width, strip + lanes);
    }
    update_tile<vectors>(rows_.count, scaled_.data + (j - left_) / group * piece_stride<T>(group),
                         strip, width, ld_, h_ + j * ld_ + begin);
  }

  Matrix A_;
  index_t left_, right_, ld_;
  T* h_;
  PanelRows<T> rows_;
  AlignedArray<T> scaled_{round_up(right_ - left_, group) / group * piece_stride<T>(group)};
  AlignedArray<T> strips_{std::min(strips_together, round_up(ld_, widest) / widest) *
                          piece_stride<T>(widest)};
};

}  // namespace

template <class T>
void gram(Context<Cpu>& ctx, const Rows<T, Cpu>& A, RowSelection<Cpu> rows, const T* d, T ridge,
          MatrixView<T, Cpu> H) {
  std::visit(
      [&]<class Matrix>(const Matrix& matrix) {
        const index_t cols = matrix.cols;
        const index_t selected = rows.count != nullptr ? *rows.count : rows.bound;
        const index_t ld = round_up(cols, std::max<index_t>(group, simd::lanes<T>));
        const index_t stripes = (cols + stripe_cols - 1) / stripe_cols;
        // Partial results of all parts together stay below a sixteenth of the rows' size.
        const index_t parts =
            std::clamp<index_t>(selected / (16 * std::max<index_t>(1, cols)), 1,
                                std::max<index_t>(1, 64 / std::max<index_t>(1, stripes)));
        AlignedArray<T> partial(parts * ld * ld);
        parallel_for(ctx, parts * stripes, [&](index_t task) {
          // Long stripes (small columns) and short ones in turn: equal work for every thread.
          const index_t part = task / stripes, turn = task % stripes;
          const index_t stripe = turn % 2 == 0 ? turn / 2 : stripes - 1 - turn / 2;
          Task<T, Matrix>(matrix, stripe * stripe_cols, std::min(cols, (stripe + 1) * stripe_cols),
                          ld, partial.data + part * ld * ld)
              .run(rows, d, chunk_of(selected, parts, part));
        });
        parallel_for(ctx, cols, [&](index_t j) {
          for (index_t l = j; l < cols; ++l) {
            T sum = l == j ? ridge : T(0);
            for (index_t p = 0; p < parts; ++p) sum += partial.data[p * ld * ld + j * ld + l];
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
