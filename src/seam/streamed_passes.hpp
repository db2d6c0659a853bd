// The seam's passes over rows wherever they are: one call where they are resident, and a sum over the chunks, in their
// order, where they are streamed.
#pragma once

#include "core/chunk_bounds.hpp"
#include "seam/seam.hpp"

#include <randnla/core/streamed_rows.hpp>

#include <variant>

namespace randnla {

template <Backend B, class T>
index_t rows_in(const Rows<T, B>& rows) {
  return std::visit([](const auto& A) { return A.rows; }, rows);
}

template <Backend B>
RowSelection<B> all_of(index_t rows) {
  return {nullptr, rows, nullptr};
}

/// to += from, and value += more, each of them unless it is null.
template <Backend B, class T>
void add_share(Context<B>& ctx, const T* from, MatrixView<T, B> to, const double* more,
               double* value) {
  const bool matrix = to.data != nullptr;
  for_each(ctx, matrix ? to.rows * to.cols : index_t{1}, [=] RANDNLA_FN(index_t e) {
    if (matrix) to.data[e % to.rows + e / to.rows * to.ld] += from[e];
    if (value != nullptr && e == 0) *value += *more;
  });
}

/// A vector or matrix, and a number, as sums over chunks: the first chunk writes them, each later one writes beside
/// them and is added. Null: not wanted.
template <Backend B, class T>
class ChunkSum {
 public:
  ChunkSum(MatrixView<T, B> out, double* value) : out_(out), value_(value) {}
  ChunkSum(T* out, index_t size, double* value) : ChunkSum({out, size, 1, size}, value) {}

  /// share(matrix, value, first): a chunk's own, to be written there.
  template <class Share>
  void add(Context<B>& ctx, Share share) {
    if (first_) {
      first_ = false;
      return share(out_, value_, true);
    }
    const index_t size = out_.data != nullptr ? out_.rows * out_.cols : 0;
    if (more_.size() < size) more_ = Buffer<T, B>(ctx, size);
    if (value_ != nullptr && more_value_.size() == 0) more_value_ = Buffer<double, B>(ctx, 1);
    share(MatrixView<T, B>{more_.data(), out_.rows, out_.cols, out_.rows}, more_value_.data(),
          false);
    add_share(ctx, static_cast<const T*>(more_.data()), out_,
              static_cast<const double*>(more_value_.data()), value_);
  }

 private:
  MatrixView<T, B> out_;
  double* value_;
  bool first_ = true;
  Buffer<T, B> more_;
  Buffer<double, B> more_value_;
};

/// fused_pass over all rows. f.from(first): f for rows that count from 0 and are first, first + 1, ...
template <Backend B, class T, class F>
void fused_pass(Context<B>& ctx, const RowSource<T, B>& A, const T* v, F f, T* out, double* value) {
  ChunkSum<B, T> sum(out, A.cols, value);
  A.for_each_chunk(ctx, [&](index_t first, const Rows<T, B>& rows) {
    sum.add(ctx, [&](MatrixView<T, B> to, double* share, bool) {
      fused_pass(ctx, rows, all_of<B>(rows_in(rows)), v, f.from(first), T(0), to.data, share);
    });
  });
}

template <Backend B, class T, class F>
void fused_multi_pass(Context<B>& ctx, const RowSource<T, B>& A, const T* V, index_t K, F f,
                      T* out) {
  ChunkSum<B, T> sum(out, A.cols * K, nullptr);
  A.for_each_chunk(ctx, [&](index_t first, const Rows<T, B>& rows) {
    sum.add(ctx, [&](MatrixView<T, B> to, double* share, bool) {
      fused_multi_pass(ctx, rows, all_of<B>(rows_in(rows)), V, K, f.from(first), T(0), to.data,
                       share);
    });
  });
}

/// H = A'diag(d)A + ridge I.
template <Backend B, class T>
void gram(Context<B>& ctx, const RowSource<T, B>& A, const T* d, T ridge, MatrixView<T, B> H) {
  ChunkSum<B, T> sum(H, nullptr);
  A.for_each_chunk(ctx, [&](index_t first, const Rows<T, B>& rows) {
    sum.add(ctx, [&](MatrixView<T, B> to, double*, bool is_first) {
      gram(ctx, rows, all_of<B>(rows_in(rows)), d + first, is_first ? ridge : T(0), to);
    });
  });
}

template <Backend B, class T>
void row_norms(Context<B>& ctx, const RowSource<T, B>& A, T* out) {
  A.for_each_chunk(
      ctx, [&](index_t first, const Rows<T, B>& rows) { row_norms(ctx, rows, out + first); });
}

template <Backend B, class T, class V>
void projected_row_norms(Context<B>& ctx, const RowSource<T, B>& A, const T* scale,
                         MatrixView<const V, B> P, T* out) {
  A.for_each_chunk(ctx, [&](index_t first, const Rows<T, B>& rows) {
    projected_row_norms(ctx, rows, scale, P, out + first);
  });
}

}  // namespace randnla
