// The fused pass over dense and sparse rows on the CPU (see seam/seam.hpp for what it computes; the
// CUDA twin is kernels/fused_pass.cuh). Sixteen rows at a time: their margins, the row function
// on all of them (whole vectors), and the accumulation while the rows are still in the cache.
// Memory traffic is one read of the selected rows; bench/objective/fused_pass_bench.cpp holds it
// against the machine's read rate.
#pragma once

#include "cpu/loops.hpp"
#include "cpu/simd.hpp"
#include "seam/types.hpp"

#include <algorithm>
#include <memory>
#include <variant>

namespace randnla {
namespace fused {

/// Chunk results are vectors of `cols` numbers joined in order. At most 64 chunks: enough for 64
/// threads; and few enough that joining them stays below an eighth of the pass.
inline index_t pass_chunks(index_t selected, index_t entries_per_row, index_t cols) {
  const index_t entries = selected * std::max<index_t>(1, entries_per_row);
  const index_t by_work = entries / 16384, by_join = entries / (8 * std::max<index_t>(1, cols));
  return std::clamp<index_t>(std::min(by_work, by_join), selected > 0 ? 1 : 0, 64);
}

/// Rows whose margins, row function and accumulation follow one another. 8 leave the row function waiting
/// for its own results (evaluations at 464,810 x 54 take 5 to 9 % longer), from 32 on the accumulation
/// disturbs the stream from memory (products take 1.3 times as long there).
inline constexpr int batch_rows = 16;

/// The row function on `count` rows at once, margins z in, weights out; returns the sum of the values.
/// The loop must become whole vectors, a quarter of the scalar code's time. That needs the function's
/// whole code in this one, row numbers that are visibly consecutive where they are, and results that
/// leave through plain arrays.
template <int count, class T, class F>
[[gnu::flatten]] double terms(F f, index_t first, const index_t* rows, const T* z, T* weight) {
  T value[count];
  const auto evaluate = [&](int k, index_t row) {
    const RowTerm<T> term = f(first + k, row, z[k]);
    weight[k] = term.weight;
    value[k] = term.value;
  };
  if (rows == nullptr) {
#pragma GCC ivdep
    for (int k = 0; k < count; ++k) evaluate(k, first + k);
  } else {
#pragma GCC ivdep
    for (int k = 0; k < count; ++k) evaluate(k, rows[first + k]);
  }
  double sum = 0;
  for (int k = 0; k < count; ++k) sum += static_cast<double>(value[k]);
  return sum;
}

inline index_t row_at(const RowSelection<Cpu>& rows, index_t k) {
  return rows.rows != nullptr ? rows.rows[k] : k;
}

/// Dense rows cut into whole SIMD vectors. The last vector of a row is loaded so that it ends with
/// the row and overlaps its neighbour; where they overlap, v's copy of it is zero and the result's
/// copy is ignored. Fewer columns than lanes are handled one by one.
template <class T>
class DensePass {
 public:
  static constexpr index_t lanes = simd::lanes<T>;

  DensePass(const DenseRows<T, Cpu>& A, const RowSelection<Cpu>& rows, const T* v)
      : A_(A), rows_(rows), v_(v), whole_(A.cols / lanes * lanes), last_(A.cols - lanes) {
    for (index_t i = 0; i < lanes && whole_ > 0; ++i)
      tail_v_[i] = last_ + i < whole_ ? T(0) : v[last_ + i];
  }

  template <class F>
  double run(Chunk chunk, const F& f, T* out) {
    double value = 0;
    index_t k = chunk.begin;
    for (; k + batch_rows <= chunk.end; k += batch_rows) value += block<batch_rows>(k, f, out);
    for (; k < chunk.end; ++k) value += block<1>(k, f, out);
    if (out != nullptr && whole_ > 0) {
      for (index_t j = whole_; j < A_.cols; ++j) out[j] += tail_out_[j - last_];
    }
    return value;
  }

 private:
  template <int count, class F>
  double block(index_t first, const F& f, T* out) {
    const T* row[count];
    T z[count], weight[count];
    for (int k = 0; k < count; ++k) {
      row[k] = A_.values + row_at(rows_, first + k) * A_.cols;
      z[k] = margin(row[k]);
    }
    const double value = terms<count>(f, first, rows_.rows, z, weight);
    if (out == nullptr) return value;
    constexpr int together = std::min(count, 8);
    for (int k = 0; k < count; k += together) accumulate<together>(row + k, weight + k, out);
    return value;
  }

  /// Row after row and front to back, the one order in which the hardware's prefetching keeps up:
  /// eight rows side by side took 1.5 to 2.3 times as long at 464,810 x 54. Prefetching by hand
  /// costs up to half at 54 to 1,000 columns and gains a twentieth to a tenth at 2,000: not worth a
  /// second path. Four chains hide the latency of the multiply-adds.
  T margin(const T* row) const {
    if (whole_ == 0) {
      T sum = 0;
      for (index_t j = 0; j < A_.cols; ++j) sum += row[j] * v_[j];
      return sum;
    }
    simd::Vector<T> sum[4] = {};
    index_t j = 0;
    for (; j + 4 * lanes <= whole_; j += 4 * lanes) {
      for (int c = 0; c < 4; ++c) {
        sum[c] += simd::load(row + j + c * lanes) * simd::load(v_ + j + c * lanes);
      }
    }
    for (; j < whole_; j += lanes) sum[1] += simd::load(row + j) * simd::load(v_ + j);
    if (whole_ < A_.cols) sum[2] += simd::load(row + last_) * tail_v_;
    return simd::sum<T>((sum[0] + sum[1]) + (sum[2] + sum[3]));
  }

  template <int Count>
  void accumulate(const T* const* row, const T* weight, T* out) {
    if (whole_ == 0) {
      for (int k = 0; k < Count; ++k) {
        for (index_t j = 0; j < A_.cols; ++j) out[j] += weight[k] * row[k][j];
      }
      return;
    }
    for (index_t j = 0; j < whole_; j += lanes) {
      auto sum = simd::load(out + j);
      for (int k = 0; k < Count; ++k) sum += weight[k] * simd::load(row[k] + j);
      simd::store(out + j, sum);
    }
    if (whole_ < A_.cols) {
      for (int k = 0; k < Count; ++k) tail_out_ += weight[k] * simd::load(row[k] + last_);
    }
  }

  DenseRows<T, Cpu> A_;
  RowSelection<Cpu> rows_;
  const T* v_;
  index_t whole_, last_;
  simd::Vector<T> tail_v_{}, tail_out_{};
};

/// Compressed sparse rows, likewise in batches.
template <class T>
class CsrPass {
 public:
  CsrPass(const CsrRows<T, Cpu>& A, const RowSelection<Cpu>& rows, const T* v)
      : A_(A), rows_(rows), v_(v) {}

  template <class F>
  double run(Chunk chunk, const F& f, T* out) {
    double value = 0;
    index_t k = chunk.begin;
    for (; k + batch_rows <= chunk.end; k += batch_rows) value += block<batch_rows>(k, f, out);
    for (; k < chunk.end; ++k) value += block<1>(k, f, out);
    return value;
  }

 private:
  template <int count, class F>
  double block(index_t first, const F& f, T* out) {
    index_t row[count];
    T z[count], weight[count];
    for (int k = 0; k < count; ++k) {
      row[k] = row_at(rows_, first + k);
      T sum = 0;
      for (index_t e = A_.offsets[row[k]]; e < A_.offsets[row[k] + 1]; ++e) {
        sum += A_.values[e] * v_[A_.columns[e]];
      }
      z[k] = sum;
    }
    const double value = terms<count>(f, first, rows_.rows, z, weight);
    if (out == nullptr) return value;
    for (int k = 0; k < count; ++k) {
      for (index_t e = A_.offsets[row[k]]; e < A_.offsets[row[k] + 1]; ++e) {
        out[A_.columns[e]] += weight[k] * A_.values[e];
      }
    }
    return value;
  }

  CsrRows<T, Cpu> A_;
  RowSelection<Cpu> rows_;
  const T* v_;
};

}  // namespace fused

template <class T>
void row_norms(Context<Cpu>& ctx, const Rows<T, Cpu>& A, T* out) {
  std::visit(
      [&](const auto& matrix) {
        for_each(ctx, matrix.rows, [&](index_t i) {
          index_t begin = i * matrix.cols, end = begin + matrix.cols;
          if constexpr (requires { matrix.offsets; }) {
            begin = matrix.offsets[i], end = matrix.offsets[i + 1];
          }
          T sum = 0;
          for (index_t e = begin; e < end; ++e) sum += matrix.values[e] * matrix.values[e];
          out[i] = sum;
        });
      },
      A);
}

template <class T, class F>
void fused_pass(Context<Cpu>& ctx, const Rows<T, Cpu>& A, RowSelection<Cpu> rows, const T* v, F f,
                T ridge, T* out, double* value) {
  std::visit(
      [&](const auto& matrix) {
        constexpr bool dense = std::is_same_v<std::decay_t<decltype(matrix)>, DenseRows<T, Cpu>>;
        using Pass = std::conditional_t<dense, fused::DensePass<T>, fused::CsrPass<T>>;
        const index_t d = matrix.cols, selected = rows.count != nullptr ? *rows.count : rows.bound;
        index_t per_row = d;
        if constexpr (!dense) per_row = matrix.rows > 0 ? matrix.nonzeros / matrix.rows : 0;
        const index_t chunks = fused::pass_chunks(selected, per_row, d);
        const index_t stride = (d + 63) / 64 * 64;  // no two chunks on one cache line
        const auto partial = std::make_unique_for_overwrite<T[]>(
            static_cast<std::size_t>(out != nullptr ? chunks * stride : 0));
        std::vector<double> values(static_cast<std::size_t>(chunks));
        parallel_for(ctx, chunks, [&](index_t c) {
          T* mine = out != nullptr ? partial.get() + c * stride : nullptr;
          if (out != nullptr) std::fill_n(mine, d, T(0));
          values[static_cast<std::size_t>(c)] =
              Pass(matrix, rows, v).run(chunk_of(selected, chunks, c), f, mine);
        });
        if (value != nullptr) {
          double sum = 0, norm2 = 0;
          for (const double chunk_value : values) sum += chunk_value;
          if (ridge != 0) {
            for (index_t j = 0; j < d; ++j)
              norm2 += static_cast<double>(v[j]) * static_cast<double>(v[j]);
          }
          *value = sum + static_cast<double>(ridge) / 2 * norm2;
        }
        if (out == nullptr) return;
        const index_t parts = chunk_count(d);
        parallel_for(ctx, parts, [&](index_t p) {
          const auto [begin, end] = chunk_of(d, parts, p);
          for (index_t j = begin; j < end; ++j) out[j] = ridge != 0 ? ridge * v[j] : T(0);
          for (index_t c = 0; c < chunks; ++c) {
            const T* mine = partial.get() + c * stride;
            for (index_t j = begin; j < end; ++j) out[j] += mine[j];
          }
        });
      },
      A);
}

}  // namespace randnla
