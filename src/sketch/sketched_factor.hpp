// R with R'R = A'S'SA, A's columns scaled to length one, and its inverse's projections.
#pragma once

#include "cpu/score_root.hpp"
#include "sketch/apply_source.hpp"
#include "sketch/leverage_copies.hpp"

#include <randnla/core/random.hpp>
#include <randnla/sketch/sketch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <variant>
#include <vector>

namespace randnla {

template <class T>
constexpr double eps = std::numeric_limits<T>::epsilon();

/// What a score computed from a Gram matrix errs by, relative, about.
template <class T>
double gram_error(double condition) {
  return 10 * eps<T> * condition * condition;
}

/// A Gram matrix H as if the columns had the lengths that they have with `ridge` added to the diagonal, which is not;
/// empty where a diagonal entry is not the square of a length to full precision.
template <class T>
std::vector<double> unit_gram(const std::vector<T>& H, index_t d, double ridge,
                              std::vector<double>& lengths) {
  const double least = std::numeric_limits<T>::min() / eps<T>, most = std::numeric_limits<T>::max();
  lengths.clear();
  for (index_t j = 0; j < d; ++j) {
    const double square = H[static_cast<std::size_t>(j * (d + 1))];
    if (!(square >= least && square <= most)) return {};
    lengths.push_back(std::sqrt(square + ridge));
  }
  std::vector<double> out;
  out.reserve(H.size());
  for (index_t j = 0; j < d; ++j) {
    const double length = lengths[static_cast<std::size_t>(j)];
    for (index_t i = 0; i < d; ++i) {
      const auto e = static_cast<std::size_t>(i + j * d);
      out.push_back(H[e] / lengths[static_cast<std::size_t>(i)] / length);
    }
  }
  return out;
}

/// S A as if its columns had length one, and what its factors give.
template <Backend B, class T>
class SketchedFactor {
 public:
  /// weights: null, or A stands for |diag(weights)|^(1/2) A. Nothing but `lengths` is there where one of them is
  /// not finite.
  SketchedFactor(Context<B>& ctx, const RowSource<T, B>& A, const T* weights, const Sketch& S,
                 double ridge, double error)
      : s_(S.rows), d_(A.cols), error_(error), memory_(ctx, s_ * d_) {
    const MatrixView<T, B> SA = sketch();
    if (weights == nullptr) {
      apply(ctx, S, A, SA);
    } else {
      sketch_weighted(ctx, S, A, weights, SA);
    }
    gram_ = unit_gram(sketch_gram(ctx), d_, ridge, lengths);
    if (!gram_.empty()) return;
    lengths = lengths_with_ridge(ctx, SA, ridge);  // of any size
    if (!finite()) return;
    scale_sketch(ctx);
    const std::vector<T> H = sketch_gram(ctx);
    gram_.assign(H.begin(), H.end());
  }

  bool finite() const {
    return std::ranges::all_of(lengths, [](double v) { return std::isfinite(v); });
  }

  /// Of [S A; root(ridge) I].
  void factor(Context<B>& ctx, double ridge) {
    std::vector<double> H = gram_;
    for (index_t j = 0; j < d_; ++j) {
      const double length = lengths[static_cast<std::size_t>(j)];
      if (length > 0) H[static_cast<std::size_t>(j * (d_ + 1))] += ridge / length / length;
    }
    triangle = cholesky(std::move(H), d_);
    if (gram_error<T>(triangle.condition) <= error_ / 20) {
      ranked = {d_, triangle.condition};
      return;
    }
    scale_sketch(ctx);
    Buffer<T, B> copy(ctx, (s_ + d_) * d_);
    const MatrixView<T, B> Q{copy.data(), s_ + d_, d_, s_ + d_};
    fill(ctx, copy.data(), copy.size(), T(0));
    copy_matrix<B, T>(ctx, sketch(), Q);
    add_ridge_rows(ctx, Q, s_, std::sqrt(ridge), lengths);
    triangle = with_condition(householder_qr(ctx, Q), d_);
    ranked = reveal_rank(triangle, d_, static_cast<double>(s_ + d_) * eps<T>);
  }

  /// rank x d.
  std::vector<double> root() const {
    return ranked.full ? inverse_transposed(triangle, d_) : ranked.right;
  }
  /// r x d, with the length of the projection of a row as root()'s in the mean.
  std::vector<double> projected_root(Context<B>& ctx, index_t r, Rng rng) const {
    Buffer<double, B> normals(ctx, ranked.rank * r);
    fill_normal<B, double>(ctx, rng, 1, normals.view());
    std::vector<double> W = normals.download();
    make_orthonormal(W, ranked.rank, r);
    if (ranked.full) return project_inverse(triangle, d_, std::move(W), r);
    return project(ranked.right, ranked.rank, d_, W, r);
  }
  /// Effective dimension of what was factored with that ridge.
  double dimension(double ridge) const {
    if (ridge == 0) return static_cast<double>(ranked.rank);
    double beyond = 0;
    const std::vector<double> P = root();
    for (std::size_t e = 0; e < P.size(); ++e) {
      const double length = lengths[e / static_cast<std::size_t>(ranked.rank)];
      beyond += P[e] / length * (P[e] / length);
    }
    return static_cast<double>(ranked.rank) - ridge * beyond;
  }

  std::vector<double> lengths;
  Triangle triangle;
  Ranked ranked;

 private:
  MatrixView<T, B> sketch() { return {memory_.data(), s_, d_, s_}; }
  /// Divides its columns by the lengths, once.
  void scale_sketch(Context<B>& ctx) {
    if (std::exchange(scaled_, true)) return;
    const Buffer<double, B> divisors(ctx, lengths);
    divide_columns(ctx, sketch(), divisors.data());
  }
  std::vector<T> sketch_gram(Context<B>& ctx) {
    Buffer<T, B> H(ctx, d_ * d_);
    column_gram<T>(ctx, sketch(), MatrixView<T, B>{H.data(), d_, d_, d_});
    return H.download();
  }

  index_t s_, d_;
  double error_;
  Buffer<T, B> memory_;
  bool scaled_ = false;
  std::vector<double> gram_;
};

}  // namespace randnla
