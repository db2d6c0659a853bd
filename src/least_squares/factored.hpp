// Factors of A's sketches and of A'A: what the iterations are preconditioned by and judged with.
#pragma once

#include "cpu/small_factor.hpp"
#include "least_squares/system.hpp"
#include "seam/stacked_factor.hpp"
#include "sketch/apply_source.hpp"

#include <randnla/least_squares/least_squares.hpp>

#include <limits>
#include <optional>
#include <utility>

namespace randnla {

/// A small factor, its P in backend memory, and the solutions of the small problem.
template <Backend B, class T>
struct Factored {
  Factored(Context<B>& ctx, SmallFactor factor, std::vector<double> solutions)
      : small(std::move(factor)), start(std::move(solutions)), P_(ctx, rounded(small.P())) {}

  MatrixView<const T, B> P() const { return {P_.data(), small.cols(), small.rank(), small.cols()}; }
  /// X = P Y and Y = P'X.
  void unwhiten(Context<B>& ctx, const T* Y, index_t count, T* X) const {
    multiply(ctx, Transpose::no, P(), Y, count, X);
  }
  void whiten(Context<B>& ctx, const T* X, index_t count, T* Y) const {
    multiply(ctx, Transpose::yes, P(), X, count, Y);
  }

  SmallFactor small;
  std::vector<double> start;  // cols x count

 private:
  static std::vector<T> rounded(const std::vector<double>& P) { return {P.begin(), P.end()}; }

  Buffer<T, B> P_;
};

/// Of R of A itself, and of a sketch. Matrices of half the rank leave 1.7 eps of the largest singular value at 200
/// columns and 2.8 at 600, sketched or not; a condition of 1e15 is 4.5.
template <class T>
SingularCut own_cut(index_t cols) {
  const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  return {eps * std::max(4.0, std::sqrt(static_cast<double>(cols)) / 6), 0};
}
template <class T>
SingularCut sketch_cut(index_t cols) {
  const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  return {own_cut<T>(cols).zero, 5 * eps};
}

/// From R of [M c], M with `cols` columns and c with `count`.
template <Backend B, class T>
Factored<B, T> factored(Context<B>& ctx, const std::vector<double>& with_sides, index_t cols,
                        index_t count, double ridge, SingularCut cut) {
  const index_t size = cols + count;
  const std::vector<double> R = with_ridge(with_sides, size, cols, ridge);
  std::vector<double> top;
  top.reserve(static_cast<std::size_t>(cols * cols));
  for (index_t j = 0; j < cols; ++j)
    top.insert(top.end(), R.begin() + j * size, R.begin() + j * size + cols);
  SmallFactor small(std::move(top), cols, cols, cut);
  std::vector<double> start;
  for (index_t c = 0; c < count && small.finite(); ++c) {
    const std::vector<double> x = small.solve(R.data() + (cols + c) * size);
    start.insert(start.end(), x.begin(), x.end());
  }
  return {ctx, std::move(small), std::move(start)};
}

/// The condition up to which A'A makes a factor: its square times the rounding of sums is then 0.001, and a
/// refinement gains as much.
template <class T>
double gram_limit(index_t cols) {
  const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  return 0.03 / std::sqrt(eps * static_cast<double>(std::max<index_t>(1, cols)));
}

/// From H = A'A + ridge I (cols x cols), summed over `rows`, on the host; nothing where that is too ill-conditioned.
template <class T>
std::optional<SmallFactor> factored_gram(const std::vector<double>& H, index_t cols, index_t rows) {
  // Squares that underflow lose half an eps of the smallest normal number each.
  const double least =
      static_cast<double>(std::numeric_limits<T>::min()) * static_cast<double>(rows);
  for (index_t j = 0; j < cols; ++j) {
    if (H[static_cast<std::size_t>(j * (cols + 1))] < least) return std::nullopt;
  }
  std::optional<SmallFactor> small = SmallFactor::of_gram(H, cols, sketch_cut<T>(cols));
  if (!small || !small->finite()) return small;
  const bool usable = small->rank() == cols && small->condition() <= gram_limit<T>(cols);
  return usable ? std::move(small) : std::nullopt;
}

/// One step of refinement for the solutions of the problem [M c].
template <Backend B, class T>
void refine_start(Context<B>& ctx, MatrixView<const T, B> M, MatrixView<const T, B> sides, T ridge,
                  Factored<B, T>& out) {
  const index_t cols = M.cols, count = sides.cols - cols;
  Buffer<T, B> X(ctx, std::vector<T>(out.start.begin(), out.start.end())), r(ctx, M.rows),
      g(ctx, cols * count), Y(ctx, out.small.rank() * count);
  for (index_t c = 0; c < count; ++c) {
    T *const x = X.data() + c * cols, *const to = g.data() + c * cols;
    ctx.copy(r.data(), sides.col(cols + c).data, static_cast<std::size_t>(M.rows) * sizeof(T));
    gemv<T>(ctx, Transpose::no, T(-1), M, x, T(1), r.data());
    gemv<T>(ctx, Transpose::yes, T(1), M, r.data(), T(0), to);
    for_each(ctx, cols, [=] RANDNLA_FN(index_t j) { to[j] -= ridge * x[j]; });
  }
  out.whiten(ctx, g.data(), count, Y.data());
  out.unwhiten(ctx, Y.data(), count, g.data());
  T* const to = X.data();
  const T* const step = g.data();
  for_each(ctx, cols * count, [=] RANDNLA_FN(index_t e) { to[e] += step[e]; });
  const std::vector<T> refined = X.download();
  out.start.assign(refined.begin(), refined.end());
}

/// Whether a quick sketch says that A is too ill-conditioned for A'A. Waits.
template <Backend B, class T>
bool too_ill_conditioned(Context<B>& ctx, System<B, T>& system, Rng rng) {
  const index_t n = system.cols, rows = 2 * n;
  const Sketch S{.kind = SketchKind::count_sketch, .rows = rows, .cols = system.rows, .rng = rng};
  Buffer<T, B> M(ctx, rows * n), H(ctx, n * n);
  apply(ctx, S, system.A, MatrixView<T, B>{M.data(), rows, n, rows});
  ++system.passes;
  column_gram(ctx, MatrixView<const T, B>{M.data(), rows, n, rows},
              MatrixView<T, B>{H.data(), n, n, n});
  const std::vector<T> host = H.download();
  return !factored_gram<T>({host.begin(), host.end()}, n, rows);
}

/// Solves the column-major problem [M c] by M'M, and refines once; nothing where M is too ill-conditioned.
template <Backend B, class T>
std::optional<Factored<B, T>> factored_by_gram(Context<B>& ctx, MatrixView<const T, B> sides,
                                               index_t cols, T ridge) {
  const index_t size = sides.cols, count = size - cols;
  Buffer<T, B> gram(ctx, size * size);
  column_gram(ctx, sides, MatrixView<T, B>{gram.data(), size, size, size});
  const std::vector<T> host = gram.download();
  const std::vector<double> all(host.begin(), host.end());
  std::vector<double> H;
  H.reserve(static_cast<std::size_t>(cols * cols));
  for (index_t j = 0; j < cols; ++j) {
    H.insert(H.end(), all.begin() + j * size, all.begin() + j * size + cols);
    H[static_cast<std::size_t>(j * (cols + 1))] += static_cast<double>(ridge);
  }
  std::optional<SmallFactor> small = factored_gram<T>(H, cols, sides.rows);
  if (!small || !small->finite())
    return std::nullopt;  // squares may overflow where a sketch does not
  std::vector<double> start;
  for (index_t c = 0; c < count; ++c) {
    const std::vector<double> x = small->solve_normal(all.data() + (cols + c) * size);
    start.insert(start.end(), x.begin(), x.end());
  }
  Factored<B, T> out(ctx, std::move(*small), std::move(start));
  refine_start(ctx, sides.first_cols(cols), sides, ridge, out);
  return out;
}

/// M = S [A b] by products with A', S of normal numbers of the streams from rng's on. One product a row of S.
template <Backend B, class T>
void sketch_map(Context<B>& ctx, System<B, T>& system, Rng rng, MatrixView<T, B> M) {
  Buffer<T, B> row(ctx, system.rows), product(ctx, system.cols);
  const T scale = static_cast<T>(1 / std::sqrt(static_cast<double>(M.rows)));
  const T *const s = row.data(), *const b = system.b().values, *const sA = product.data();
  for (index_t k = 0; k < M.rows; ++k) {
    fill_normal(ctx, rng.next(), scale, row.view());
    system.map->apply_adjoint(ctx, row.view(), product.view());
    T* const to = M.data + k;
    for_each(ctx, system.cols, [=] RANDNLA_FN(index_t j) { to[j * M.ld] = sA[j]; });
    sum_then<double>(
        ctx, system.rows,
        [=] RANDNLA_FN(index_t i) { return static_cast<double>(s[i]) * static_cast<double>(b[i]); },
        [=] RANDNLA_FN(double sum) { to[(M.cols - 1) * M.ld] = static_cast<T>(sum); });
  }
}

/// The sketched problem. Waits.
template <Backend B, class T>
Factored<B, T> sketched(Context<B>& ctx, System<B, T>& system, const Sketch& S) {
  const index_t n = system.cols, size = n + system.count;
  Buffer<T, B> M(ctx, S.rows * size);
  if (system.map) {
    sketch_map(ctx, system, S.rng, MatrixView<T, B>{M.data(), S.rows, size, S.rows});
    system.passes += static_cast<double>(S.rows) / 2;
  } else {
    apply(ctx, S, system.A, MatrixView<T, B>{M.data(), S.rows, n, S.rows});
    apply(ctx, S, Rows<T, B>(system.b()),
          MatrixView<T, B>{M.data() + S.rows * n, S.rows, system.count, S.rows});
    ++system.passes;
  }
  const MatrixView<const T, B> sides{M.data(), S.rows, size, S.rows};
  if (auto quick = factored_by_gram(ctx, sides, n, system.ridge)) return std::move(*quick);
  const auto R = upper_factor(ctx, sides);
  return factored<B, T>(ctx, R, n, system.count, static_cast<double>(system.ridge),
                        sketch_cut<T>(n));
}

/// The problem itself, by Householder reflections. Waits.
template <Backend B, class T>
Factored<B, T> factored_whole(Context<B>& ctx, System<B, T>& system) {
  ++system.passes;
  const T* const b = system.b().values;
  const auto R = system.A.streamed != nullptr
                     ? stacked_factor(ctx, system.A, b, system.count)
                     : upper_factor(ctx, system.A.resident, b, system.count);
  return factored<B, T>(ctx, R, system.cols, system.count, static_cast<double>(system.ridge),
                        own_cut<T>(system.cols));
}

}  // namespace randnla
