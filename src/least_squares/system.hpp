// The passes over A that least squares make.
#pragma once

#include "seam/streamed_passes.hpp"

#include <randnla/core/buffer.hpp>
#include <randnla/operator/linear_map.hpp>

#include <cmath>
#include <optional>
#include <variant>
#include <vector>

namespace randnla {

/// Row of A against all right-hand sides: the residual, kept where `kept` is not null.
template <class T>
struct ResidualTerm {
  const T* b;  // by rows
  T* kept;
  index_t count;

  ResidualTerm from(index_t first) const {
    return {b + first * count, moved(kept, first * count), count};
  }
  RANDNLA_HD RowTerm<T> operator()(index_t, index_t row, T z) const {
    const T r = b[row] - z;
    return {r, r * r};
  }
  RANDNLA_HD T operator()(index_t, index_t row, T* z) const {
    for (index_t c = 0; c < count; ++c) kept[row * count + c] = z[c] = b[row * count + c] - z[c];
    return 0;
  }
};

template <class T>
struct ProductTerm {
  ProductTerm from(index_t) const { return {}; }
  RANDNLA_HD RowTerm<T> operator()(index_t, index_t, T z) const { return {z, 0}; }
  RANDNLA_HD T operator()(index_t, index_t, T*) const { return 0; }
};

/// A, and the right-hand sides by rows, each scaled by a power of two to entries of about 1.
template <Backend B, class T>
class System {
 public:
  System(Context<B>& ctx, const RowSource<T, B>& matrix, MatrixView<const T, B> b, double lambda)
      : A(matrix),
        rows(b.rows),
        cols(matrix.cols),
        count(b.cols),
        ridge(static_cast<T>(lambda)),
        b_(ctx, b.rows * b.cols),
        kept_(ctx, b.cols > 1 ? b.rows * b.cols : 0),
        norms2_(ctx, b.cols) {
    find_exponents(ctx, b);
    copy_scaled(ctx, b);
  }

  System(Context<B>& ctx, LinearMapRef<B, T> products, MatrixView<const T, B> b, double lambda)
      : System(ctx, Rows<T, B>(DenseRows<T, B>{nullptr, products.rows(), products.cols()}), b,
               lambda) {
    map = products;
    products_ = Buffer<T, B>(ctx, rows);
  }

  /// G = A'(b - A X) - ridge X.
  void residual(Context<B>& ctx, const T* X, T* G) {
    pass(ctx, X, ResidualTerm<T>{b_.data(), kept_.data(), count}, G, norms2_.data());
    const T lambda = ridge;
    for_each(ctx, cols * count, [=] RANDNLA_FN(index_t i) { G[i] -= lambda * X[i]; });
    const T* const kept = kept_.data();
    for (index_t c = 0; c < count && count > 1; ++c)
      sum_squares(ctx, kept + c, count, norms2_.data() + c);
  }
  /// |b - A X| of the last residual, without the ridge's part. Waits.
  std::vector<double> residual_norms() const { return roots(norms2_); }

  /// |b|, scaled as b() is. Waits.
  std::vector<double> side_norms(Context<B>& ctx) const {
    Buffer<double, B> sums(ctx, count);
    const T* const b = b_.data();
    for (index_t c = 0; c < count; ++c) sum_squares(ctx, b + c, count, sums.data() + c);
    return roots(sums);
  }

  /// Q = (A'A + ridge I) V.
  void product(Context<B>& ctx, const T* V, T* Q) {
    pass(ctx, V, ProductTerm<T>{}, Q, nullptr);
    const T lambda = ridge;
    for_each(ctx, cols * count, [=] RANDNLA_FN(index_t i) { Q[i] += lambda * V[i]; });
  }

  /// A pass with one vector, however many right-hand sides there are.
  template <class F>
  void pass_one(Context<B>& ctx, const T* v, F f, T* out, double* value) {
    if (map) {
      pass_by_products(ctx, v, f, out, value);
    } else {
      fused_pass(ctx, A, v, f, out, value);
    }
    ++passes;
  }

  /// A pass with a vector for each right-hand side; `value` for one of them only.
  template <class F>
  void pass(Context<B>& ctx, const T* V, F f, T* out, double* value) {
    if (count == 1) return pass_one(ctx, V, f, out, value);
    fused_multi_pass(ctx, A, V, count, f, out);
    ++passes;
  }

  /// A map has one right-hand side.
  template <class F>
  void pass_by_products(Context<B>& ctx, const T* v, F f, T* out, double* value) {
    map->apply(ctx, {v, cols}, products_.view());
    T* const z = products_.data();
    sum_then<double>(
        ctx, rows,
        [=] RANDNLA_FN(index_t i) -> double {
          const RowTerm<T> term = f(i, i, z[i]);
          z[i] = term.weight;
          return term.value;
        },
        [=] RANDNLA_FN(double sum) {
          if (value != nullptr) *value = sum;
        });
    map->apply_adjoint(ctx, {z, rows}, {out, cols});
  }

  /// The right-hand sides, each times 2 to its exponent.
  DenseRows<T, B> b() const { return {b_.data(), rows, count}; }
  int exponent(index_t c) const { return exponents_[static_cast<std::size_t>(c)]; }

  const RowSource<T, B> A;                // without entries where there is a map
  std::optional<LinearMapRef<B, T>> map;  // A by its products
  const index_t rows, cols, count;
  const T ridge;
  double passes = 0;

 private:
  static std::vector<double> roots(const Buffer<double, B>& squares) {
    std::vector<double> norms = squares.download();
    for (double& norm : norms) norm = std::sqrt(norm);
    return norms;
  }

 public:  // nvcc wants it of functions with extended lambdas
  void sum_squares(Context<B>& ctx, const T* v, index_t stride, double* out) const {
    sum_then<double>(
        ctx, rows,
        [=] RANDNLA_FN(index_t i) {
          const double r = v[i * stride];
          return r * r;
        },
        [=] RANDNLA_FN(double sum) { *out = sum; });
  }

  void find_exponents(Context<B>& ctx, MatrixView<const T, B> b) {
    Buffer<double, B> largest(ctx, count);
    for (index_t c = 0; c < count; ++c) {
      const T* const side = b.col(c).data;
      double* const to = largest.data() + c;
      max_then<double>(
          ctx, rows,
          [=] RANDNLA_FN(index_t i) {
            const double v = side[i];
            return v < 0 ? -v : v;
          },
          [=] RANDNLA_FN(double value) { *to = value; });
    }
    for (const double size : largest.download())
      exponents_.push_back(size > 0 && std::isfinite(size) ? -std::ilogb(size) : 0);
  }

  void copy_scaled(Context<B>& ctx, MatrixView<const T, B> b) {
    for (index_t c = 0; c < count; ++c) {
      // In two factors: one alone may be no number.
      const int exponent = exponents_[static_cast<std::size_t>(c)];
      const double half = std::scalbn(1.0, exponent / 2),
                   rest = std::scalbn(1.0, exponent - exponent / 2);
      const T* const side = b.col(c).data;
      T* const copy = b_.data() + c;
      const index_t stride = count;
      for_each(ctx, rows, [=] RANDNLA_FN(index_t i) {
        copy[i * stride] = static_cast<T>(static_cast<double>(side[i]) * half * rest);
      });
    }
  }

 private:
  std::vector<int> exponents_;
  Buffer<T, B> b_, kept_, products_;
  Buffer<double, B> norms2_;
};

/// out = op(M) X for X of `count` columns, one after the other.
template <Backend B, class T>
void multiply(Context<B>& ctx, Transpose trans, MatrixView<const T, B> M, const T* X, index_t count,
              T* out) {
  const bool transposed = trans == Transpose::yes;
  const index_t from = transposed ? M.rows : M.cols, to = transposed ? M.cols : M.rows;
  for (index_t c = 0; c < count; ++c)
    gemv<T>(ctx, trans, T(1), M, X + c * from, T(0), out + c * to);
}

/// norms[c] = |column c|. Waits.
template <Backend B, class T>
std::vector<double> column_norms(Context<B>& ctx, const T* X, index_t rows, index_t count) {
  Buffer<double, B> norms2(ctx, count);
  for (index_t c = 0; c < count; ++c) {
    const T* const x = X + c * rows;
    double* const norm2 = norms2.data() + c;
    sum_then<double>(
        ctx, rows,
        [=] RANDNLA_FN(index_t i) { return static_cast<double>(x[i]) * static_cast<double>(x[i]); },
        [=] RANDNLA_FN(double sum) { *norm2 = sum; });
  }
  std::vector<double> norms = norms2.download();
  for (double& norm : norms) norm = std::sqrt(norm);
  return norms;
}

}  // namespace randnla
