// The fused pass with several vectors on the CPU (see seam/seam.hpp for what it computes; the CUDA
// twin is kernels/fused_multi_pass.cuh).
//
// Dense rows are copied, a block at a time, into a panel that stays in the second-level cache: the
// one read of memory. From there the margins are a small matrix product in tiles of 4 rows x 6
// classes of vector sums, and the result another one in tiles of 6 classes x 4 vectors. Sparse rows
// have V and the result transposed, so that the classes of a column lie side by side: one vector
// operation an entry and up to eight or sixteen classes.
#pragma once

#include "cpu/aligned_array.hpp"
#include "cpu/fused_pass.hpp"

#include <bit>

namespace randnla {
namespace fused {

/// Where entry (c, j) of a K x d matrix lies in padded memory.
struct MultiLayout {
  index_t class_stride, column_stride, size;
  index_t at(index_t c, index_t j) const { return c * class_stride + j * column_stride; }
};

/// Chunks as those of fused_pass, whose results of K * d numbers together stay below the entries'
/// size too.
inline index_t multi_chunks(index_t selected, index_t entries_per_row, index_t cols,
                            index_t rows_to_join) {
  const index_t entries = selected * std::max<index_t>(1, entries_per_row);
  const index_t by_join = entries / (rows_to_join * std::max<index_t>(1, cols));
  return std::min(pass_chunks(selected, entries_per_row, cols),
                  std::max<index_t>(by_join, selected > 0 ? 1 : 0));
}

/// 24 sums of 32 vector registers, or 12 of 16.
struct MultiTile {
  static constexpr int rows = 4, vectors = 4;
  static constexpr int classes = simd::vector_bytes == 64 ? 6 : 3;
};

/// f(c, integral_constant<width>) for the classes in tiles of nearly equal width.
template <int Width = MultiTile::classes, class F>
void for_class_tiles(index_t classes, const F& f) {
  const index_t tiles = (classes + MultiTile::classes - 1) / MultiTile::classes;
  for (index_t t = 0; t < tiles; ++t) {
    const Chunk part = chunk_of(classes, tiles, t);
    const auto call = [&]<int... W>(std::integer_sequence<int, W...>) {
      (void)((part.end - part.begin == W + 1 &&
              (f(part.begin, std::integral_constant<int, W + 1>{}), true)) ||
             ...);
    };
    call(std::make_integer_sequence<int, Width>{});
  }
}

template <class T>
class DenseMultiPass {
 public:
  static constexpr index_t lanes = simd::lanes<T>;

  /// Whole vectors, an odd number of them so that rows do not meet in the same sets of a cache.
  static MultiLayout layout(const DenseRows<T, Cpu>& A, index_t classes) {
    const index_t stride = (A.cols + lanes - 1) / lanes | 1;
    return {stride * lanes, 1, classes * stride * lanes};
  }
  static index_t chunks(const DenseRows<T, Cpu>& A, index_t selected, index_t classes) {
    return multi_chunks(selected, A.cols, A.cols, std::max<index_t>(32, classes));
  }

  DenseMultiPass(const DenseRows<T, Cpu>& A, const RowSelection<Cpu>& rows, const T* V,
                 index_t classes)
      : A_(A),
        rows_(rows),
        V_(V),
        classes_(classes),
        vectors_((A.cols + lanes - 1) / lanes),
        ld_(layout(A, classes).class_stride),
        block_(std::clamp<index_t>(panel_bytes / (ld_ * static_cast<index_t>(sizeof(T))), 4, 64) /
               4 * 4),
        panel_(block_ * ld_),
        z_(block_ * classes) {}

  template <class F>
  double run(Chunk chunk, const F& f, T* out) {
    double value = 0;
    for (index_t first = chunk.begin; first < chunk.end; first += block_) {
      const index_t count = std::min(block_, chunk.end - first);
      const index_t whole = (count + MultiTile::rows - 1) / MultiTile::rows * MultiTile::rows;
      for (index_t r = 0; r < whole; ++r) {
        T* const row = panel_.data + r * ld_;
        if (r < count) {
          std::copy_n(A_.values + row_at(rows_, first + r) * A_.cols, A_.cols, row);
        } else {
          std::fill_n(row, A_.cols, T(0));
        }
      }
      margins(first, whole, chunk.end);
      for (index_t r = 0; r < count; ++r) {
        const index_t k = first + r;
        value += static_cast<double>(f(k, row_at(rows_, k), z_.data + r * classes_));
      }
      if (out != nullptr) accumulate(count, out);
    }
    return value;
  }

 private:
  static constexpr index_t panel_bytes = 256 << 10;

  /// Meanwhile the rows of the next block come to the cache, which saves a tenth to a fifth of the
  /// time: the copy alone waits for memory.
  void margins(index_t first, index_t rows, index_t end) {
    constexpr int together = MultiTile::rows;
    for (index_t r = 0; r < rows; r += together) {
      const T* next[together];
      for (int i = 0; i < together; ++i) {
        const index_t k = std::min(first + block_ + r + i, end - 1);
        next[i] = A_.values + row_at(rows_, k) * A_.cols;
      }
      for_class_tiles(classes_, [&](index_t c, auto width) {
        const T *row = panel_.data + r * ld_, *v = V_ + c * ld_;
        T* const z = z_.data + r * classes_ + c;
        if (c == 0) {
          margin_tile<width, true>(row, v, z, next);
        } else {
          margin_tile<width, false>(row, v, z, next);
        }
      });
    }
  }

  template <int Classes, bool Fetch>
  void margin_tile(const T* row, const T* v, T* z, const T* const* next) const {
    constexpr int rows = MultiTile::rows;
    simd::Vector<T> sum[rows][Classes] = {};
    for (index_t j = 0; j < vectors_ * lanes; j += lanes) {
      simd::Vector<T> a[rows];
      for (int r = 0; r < rows; ++r) a[r] = simd::load(row + r * ld_ + j);
      if constexpr (Fetch) {
        for (int r = 0; r < rows; ++r) __builtin_prefetch(next[r] + j, 0, 2);  // to the L2 cache
      }
      for (int c = 0; c < Classes; ++c) {
        const auto b = simd::load(v + c * ld_ + j);
        for (int r = 0; r < rows; ++r) sum[r][c] += a[r] * b;
      }
    }
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < Classes; ++c) z[r * classes_ + c] = simd::sum<T>(sum[r][c]);
    }
  }

  void accumulate(index_t count, T* out) const {
    for_class_tiles(classes_, [&](index_t c, auto width) {
      index_t j = 0;
      const index_t end = vectors_ * lanes;
      constexpr int most = MultiTile::vectors;
      for (; j + most * lanes <= end; j += most * lanes) {
        sum_tile<width, most>(count, c, j, out + c * ld_ + j);
      }
      for (; j + 2 * lanes <= end; j += 2 * lanes) {
        sum_tile<width, 2>(count, c, j, out + c * ld_ + j);
      }
      if (j < end) sum_tile<width, 1>(count, c, j, out + c * ld_ + j);
    });
  }

  template <int Classes, int Vectors>
  void sum_tile(index_t count, index_t c0, index_t j, T* out) const {
    simd::Vector<T> sum[Classes][Vectors];
    for (int c = 0; c < Classes; ++c) {
      for (int v = 0; v < Vectors; ++v) sum[c][v] = simd::load(out + c * ld_ + v * lanes);
    }
    for (index_t r = 0; r < count; ++r) {
      const T* const row = panel_.data + r * ld_ + j;
      const T* const weight = z_.data + r * classes_ + c0;
      simd::Vector<T> a[Vectors];
      for (int v = 0; v < Vectors; ++v) a[v] = simd::load(row + v * lanes);
      for (int c = 0; c < Classes; ++c) {
        for (int v = 0; v < Vectors; ++v) sum[c][v] += weight[c] * a[v];
      }
    }
    for (int c = 0; c < Classes; ++c) {
      for (int v = 0; v < Vectors; ++v) simd::store(out + c * ld_ + v * lanes, sum[c][v]);
    }
  }

  DenseRows<T, Cpu> A_;
  RowSelection<Cpu> rows_;
  const T* V_;
  index_t classes_, vectors_, ld_, block_;
  AlignedArray<T> panel_, z_;
};

/// Compressed sparse rows, one after the other.
template <class T>
class CsrMultiPass {
 public:
  /// Few classes take a narrow vector, so that V and the result stay within twice their size.
  static index_t lanes(index_t classes) {
    const auto wanted = static_cast<index_t>(std::bit_ceil(static_cast<std::uint64_t>(classes)));
    return std::clamp<index_t>(wanted, 2, simd::lanes<T>);
  }
  static MultiLayout layout(const CsrRows<T, Cpu>& A, index_t classes) {
    const index_t width = lanes(classes), padded = (classes + width - 1) / width * width;
    return {1, padded, A.cols * padded};
  }
  static index_t chunks(const CsrRows<T, Cpu>& A, index_t selected, index_t classes) {
    return multi_chunks(selected, A.rows > 0 ? A.nonzeros / A.rows : 0, A.cols,
                        std::max<index_t>(8, classes));
  }

  CsrMultiPass(const CsrRows<T, Cpu>& A, const RowSelection<Cpu>& rows, const T* V, index_t classes)
      : A_(A),
        rows_(rows),
        V_(V),
        classes_(classes),
        ld_(layout(A, classes).column_stride),
        z_(ld_) {}

  template <class F>
  double run(Chunk chunk, const F& f, T* out) {
    constexpr int widest = simd::lanes<T>;
    const index_t width = lanes(classes_);
    if (width == 2) return run_with<2>(chunk, f, out);
    if (width == 4) return run_with<std::min(4, widest)>(chunk, f, out);
    if (width == 8) return run_with<std::min(8, widest)>(chunk, f, out);
    return run_with<widest>(chunk, f, out);
  }

 private:
  template <int Lanes, class F>
  double run_with(Chunk chunk, const F& f, T* out) {
    double value = 0;
    for (index_t k = chunk.begin; k < chunk.end; ++k) {
      const index_t row = row_at(rows_, k);
      const Chunk entries{A_.offsets[row], A_.offsets[row + 1]};
      for_class_vectors<Lanes>(
          [&](index_t c, auto vectors) { margins<Lanes, vectors>(entries, c); });
      value += static_cast<double>(f(k, row, z_.data));
      if (out == nullptr) continue;
      for_class_vectors<Lanes>(
          [&](index_t c, auto vectors) { accumulate<Lanes, vectors>(entries, c, out); });
    }
    return value;
  }

  /// f(c, integral_constant<vectors>) over the classes, four vectors at a time and then one.
  template <int Lanes, class F>
  void for_class_vectors(const F& f) const {
    index_t c = 0;
    for (; c + 4 * Lanes <= ld_; c += 4 * Lanes) f(c, std::integral_constant<int, 4>{});
    for (; c + 2 * Lanes <= ld_; c += 2 * Lanes) f(c, std::integral_constant<int, 2>{});
    if (c < ld_) f(c, std::integral_constant<int, 1>{});
  }

  template <int Lanes, int Vectors>
  void margins(Chunk entries, index_t c) {
    typename simd::VectorOf<T, Lanes>::type sum[Vectors] = {};
    for (index_t e = entries.begin; e < entries.end; ++e) {
      const T* const v = V_ + A_.columns[e] * ld_ + c;
      for (int i = 0; i < Vectors; ++i) {
        sum[i] += A_.values[e] * simd::load<T, Lanes>(v + i * Lanes);
      }
    }
    for (int i = 0; i < Vectors; ++i) simd::store<T, Lanes>(z_.data + c + i * Lanes, sum[i]);
  }

  template <int Lanes, int Vectors>
  void accumulate(Chunk entries, index_t c, T* out) const {
    typename simd::VectorOf<T, Lanes>::type weight[Vectors];
    for (int i = 0; i < Vectors; ++i) weight[i] = simd::load<T, Lanes>(z_.data + c + i * Lanes);
    for (index_t e = entries.begin; e < entries.end; ++e) {
      T* const to = out + A_.columns[e] * ld_ + c;
      for (int i = 0; i < Vectors; ++i) {
        simd::store<T, Lanes>(to + i * Lanes,
                              simd::load<T, Lanes>(to + i * Lanes) + A_.values[e] * weight[i]);
      }
    }
  }

  CsrRows<T, Cpu> A_;
  RowSelection<Cpu> rows_;
  const T* V_;
  index_t classes_, ld_;
  AlignedArray<T> z_;  // padded entries stay zero: V's are
};

/// Sum of the chunks' values plus ridge/2 |V|^2.
template <class T>
double joined_value(const std::vector<double>& values, T ridge, const T* V, index_t size) {
  double sum = 0, norm2 = 0;
  for (const double value : values) sum += value;
  if (ridge == 0) return sum;
  for (index_t i = 0; i < size; ++i) {
    norm2 += static_cast<double>(V[i]) * static_cast<double>(V[i]);
  }
  return sum + static_cast<double>(ridge) / 2 * norm2;
}

}  // namespace fused

template <class T, class F>
void fused_multi_pass(Context<Cpu>& ctx, const Rows<T, Cpu>& A, RowSelection<Cpu> rows, const T* V,
                      index_t classes, F f, T ridge, T* out, double* value) {
  std::visit(
      [&](const auto& matrix) {
        constexpr bool dense = std::is_same_v<std::decay_t<decltype(matrix)>, DenseRows<T, Cpu>>;
        using Pass = std::conditional_t<dense, fused::DenseMultiPass<T>, fused::CsrMultiPass<T>>;
        const index_t d = matrix.cols, selected = rows.count != nullptr ? *rows.count : rows.bound;
        const fused::MultiLayout layout = Pass::layout(matrix, classes);
        AlignedArray<T> padded(layout.size);
        for (index_t c = 0; c < classes; ++c) {
          for (index_t j = 0; j < d; ++j) padded.data[layout.at(c, j)] = V[c * d + j];
        }
        const index_t chunks = Pass::chunks(matrix, selected, classes);
        const index_t stride = (layout.size + 63) / 64 * 64;  // no two chunks on one cache line
        const auto partial = std::make_unique_for_overwrite<T[]>(
            static_cast<std::size_t>(out != nullptr ? chunks * stride : 0));
        std::vector<double> values(static_cast<std::size_t>(chunks));
        parallel_for(ctx, chunks, [&](index_t chunk) {
          T* const mine = out != nullptr ? partial.get() + chunk * stride : nullptr;
          if (out != nullptr) std::fill_n(mine, layout.size, T(0));
          values[static_cast<std::size_t>(chunk)] =
              Pass(matrix, rows, padded.data, classes)
                  .run(chunk_of(selected, chunks, chunk), f, mine);
        });
        if (value != nullptr) *value = fused::joined_value(values, ridge, V, classes * d);
        if (out == nullptr) return;
        for_each(ctx, classes * d, [&](index_t i) {
          const index_t at = layout.at(i / d, i % d);
          T sum = ridge != 0 ? ridge * V[i] : T(0);
          for (index_t chunk = 0; chunk < chunks; ++chunk) sum += partial[chunk * stride + at];
          out[i] = sum;
        });
      },
      A);
}

}  // namespace randnla
