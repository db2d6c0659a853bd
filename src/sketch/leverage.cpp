#include "seam/stacked_factor.hpp"
#include "sketch/leverage_copies.hpp"
#include "sketch/leverage_ratio.hpp"
#include "sketch/sketched_factor.hpp"

#include <randnla/core/streamed_rows.hpp>
#include <randnla/sketch/leverage.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace randnla {
namespace {

/// 99 of 100 scores are within so many standard deviations, 2.58 if they were normal numbers: a sum of squares has
/// the more beyond them the fewer it has, and the larger the error is.
double deviations(double error) { return 2.5 + error; }
constexpr int most_ridge_steps = 20;

template <Backend B, class T>
struct Problem {
  Problem(const RowSource<T, B>& matrix, const LeverageOptions& given, VectorView<T, B> out,
          const T* row_weights = nullptr)
      : A(matrix),
        rows(matrix.rows),
        cols(matrix.cols),
        options(given),
        scores(out),
        weights(row_weights) {}

  const RowSource<T, B>& A;
  index_t rows, cols;
  const LeverageOptions& options;
  VectorView<T, B> scores;
  const T* weights;  // approximate: null, or of the rows, see sketch/leverage_ratio.hpp

  double variance() const { return std::pow(options.error / deviations(options.error), 2); }
  index_t sketch_rows() const {
    if (options.sketch_rows > 0) return options.sketch_rows;
    return cols + static_cast<index_t>(std::ceil(16 / variance()));
  }
  /// Rows of a projection of `rank` numbers that leaves the sketch its share of the variance, a quarter at
  /// least for itself; 0 where it would not be cheaper than a triangle.
  index_t projections(index_t rank) const {
    const auto k = static_cast<double>(rank);
    const double from_sketch = 2 / std::max(1.0, static_cast<double>(sketch_rows() - rank));
    const double mine = std::max(variance() / 4, variance() - from_sketch);
    const auto r = static_cast<index_t>(std::ceil(2 * k / (mine * (k + 2) + 2)));
    return 2 * r < rank ? r : 0;
  }
};

/// scores[i] = |P D^-1 a_i|^2, D the lengths, P (r x cols). In float where the processor is the CPU and `low` says
/// that it will do.
template <Backend B, class T>
void project_rows(Context<B>& ctx, const Problem<B, T>& problem, const std::vector<double>& P,
                  index_t r, const std::vector<double>& lengths, bool low) {
  std::vector<T> reciprocal;
  reciprocal.reserve(lengths.size());
  for (const double v : lengths) reciprocal.push_back(v > 0 ? static_cast<T>(1 / v) : T(0));
  const Buffer<T, B> scale(ctx, reciprocal);
  const auto pass = [&]<class V>(V) {
    const Buffer<V, B> matrix(ctx, std::vector<V>(P.begin(), P.end()));
    projected_row_norms(ctx, problem.A, scale.data(),
                        MatrixView<const V, B>{matrix.data(), r, problem.cols, r},
                        problem.scores.data);
  };
  if constexpr (std::is_same_v<B, Cpu>) {
    if (low) return pass(float{});
  }
  pass(T{});
}

/// False, and no score, where the Gram matrix will not do.
template <Backend B, class T>
bool by_cholesky(Context<B>& ctx, const Problem<B, T>& problem, LeverageResult& result) {
  constexpr double accuracy = std::is_same_v<T, double> ? 1e-6 : 1e-2;
  const index_t d = problem.cols;
  ++result.passes;
  std::vector<double> lengths;
  std::vector<double> H =
      unit_gram(gram_of<B, T>(ctx, problem.A, problem.options.ridge), d, 0, lengths);
  if (H.empty()) return false;
  const Triangle triangle = cholesky(std::move(H), d);
  if (!(gram_error<T>(triangle.condition) <= accuracy)) return false;
  result.used = LeverageMethod::cholesky;
  result.rank = d, result.condition = triangle.condition;
  result.error_estimate = gram_error<T>(triangle.condition);
  project_rows(ctx, problem, inverse_transposed(triangle, d), d, lengths, false);
  ++result.passes;
  return true;
}

/// scores[i] = sum over j of Q(i, j)^2.
template <Backend B, class T>
void add_squares(Context<B>& ctx, MatrixView<const T, B> Q, VectorView<T, B> scores) {
  constexpr index_t together = 16;
  const index_t n = scores.size;
  T* const out = scores.data;
  for_each(ctx, (n + together - 1) / together, [=] RANDNLA_FN(index_t piece) {
    const index_t begin = piece * together, end = begin + together < n ? begin + together : n;
    T sum[together] = {};
    for (index_t j = 0; j < Q.cols; ++j) {
      for (index_t i = begin; i < end; ++i)
        sum[i - begin] += Q.data[i + j * Q.ld] * Q.data[i + j * Q.ld];
    }
    for (index_t i = begin; i < end; ++i) out[i] = sum[i - begin];
  });
}

template <Backend B, class T>
void by_qr(Context<B>& ctx, const Problem<B, T>& problem, LeverageResult& result) {
  const index_t n = problem.rows, d = problem.cols;
  const double ridge = problem.options.ridge;
  const index_t all = std::max(d, n + (ridge > 0 ? d : 0));
  Buffer<T, B> memory(ctx, all * d);
  const MatrixView<T, B> Q{memory.data(), all, d, all}, top{memory.data(), n, d, all};
  fill(ctx, memory.data(), all * d, T(0));
  std::visit([&](const auto& rows) { copy_by_columns(ctx, rows, Q); }, problem.A.resident);
  const std::vector<double> lengths = lengths_with_ridge(ctx, top, ridge);
  require_finite(lengths);
  const Buffer<double, B> divisors(ctx, lengths);
  divide_columns(ctx, top, divisors.data());
  if (ridge > 0) add_ridge_rows(ctx, Q, n, std::sqrt(ridge), lengths);
  const Triangle triangle = with_condition(householder_qr(ctx, Q), d);
  const Ranked ranked = reveal_rank(triangle, d, static_cast<double>(all) * eps<T>);
  result.used = LeverageMethod::qr;
  result.rank = ranked.rank, result.condition = ranked.condition;
  result.error_estimate = eps<T> * std::sqrt(static_cast<double>(d));
  ++result.passes;
  if (ranked.full) return add_squares<B, T>(ctx, top, problem.scores);
  Buffer<T, B> rows(ctx, n * d);
  copy_by_rows<B, T>(ctx, top, rows.data());
  const RowSource<T, B> basis(Rows<T, B>(DenseRows<T, B>{rows.data(), n, d}));
  project_rows(ctx, Problem<B, T>(basis, problem.options, problem.scores), ranked.left, ranked.rank,
               std::vector<double>(static_cast<std::size_t>(d), 1.0), false);
}

/// Of streamed rows: R from a pass, |R^-T a_i|^2 from another one. The columns' lengths are those of R's.
template <Backend B, class T>
void by_stacked_qr(Context<B>& ctx, const Problem<B, T>& problem, LeverageResult& result) {
  const index_t d = problem.cols;
  const double ridge = problem.options.ridge;
  const std::vector<double> R = stacked_factor<B, T>(ctx, problem.A, nullptr, 0);
  Buffer<T, B> memory(ctx, 2 * d * d);
  const MatrixView<T, B> Q{memory.data(), 2 * d, d, 2 * d}, top{memory.data(), d, d, 2 * d};
  put_on_top(ctx, R, Q);
  const std::vector<double> lengths = lengths_with_ridge(ctx, top, ridge);
  require_finite(lengths);
  const Buffer<double, B> divisors(ctx, lengths);
  divide_columns(ctx, top, divisors.data());
  if (ridge > 0) add_ridge_rows(ctx, Q, d, std::sqrt(ridge), lengths);
  const Triangle triangle = with_condition(householder_qr(ctx, Q), d);
  const Ranked ranked =
      reveal_rank(triangle, d, static_cast<double>(std::max(d, problem.rows)) * eps<T>);
  result.used = LeverageMethod::qr;
  result.rank = ranked.rank, result.condition = ranked.condition;
  result.error_estimate = 10 * eps<T> * ranked.condition;
  result.passes += 2;
  project_rows(ctx, problem, ranked.full ? inverse_transposed(triangle, d) : ranked.right,
               ranked.rank, lengths, false);
}

/// What the sketch's Gram matrix is in the mean for the purposes of its inverse: this times A'A. Solves c = 1 -
/// (effective dimension of S A with a ridge of c times the true one) / rows of S, so that scores with that
/// ridge are 1 / c times the true ones in the mean; leaves the factor for it.
template <Backend B, class T>
double shrink(Context<B>& ctx, SketchedFactor<B, T>& sketched, double rows, double ridge,
              index_t cols, double& dimension) {
  double c = 1 - static_cast<double>(cols) / rows;
  sketched.factor(ctx, c * ridge);
  for (int step = 0; step < most_ridge_steps; ++step) {
    dimension = sketched.dimension(c * ridge);
    const double next = 1 - dimension / rows;
    const bool done = ridge == 0 || std::abs(next - c) < 1e-3 * c;
    c = next;
    if (done) break;
    sketched.factor(ctx, c * ridge);
  }
  return c;
}

template <Backend B, class T>
void by_sketch(Context<B>& ctx, const Problem<B, T>& problem, LeverageResult& result) {
  const LeverageOptions& options = problem.options;
  const auto s = static_cast<double>(problem.sketch_rows());
  Rng rng = options.rng;
  const Sketch S{.rows = problem.sketch_rows(),
                 .cols = problem.rows,
                 .nonzeros = options.nonzeros,
                 .rng = rng.next()};
  SketchedFactor<B, T> sketched(ctx, problem.A, problem.weights, S, options.ridge, options.error);
  if (problem.weights != nullptr && !sketched.finite()) {
    return fill(ctx, problem.scores.data, problem.rows, std::numeric_limits<T>::quiet_NaN());
  }
  require_finite(sketched.lengths);
  double dimension = 0;
  const double c = shrink(ctx, sketched, s, options.ridge, problem.cols, dimension);
  const index_t rank = sketched.ranked.rank, r = problem.projections(rank);
  std::vector<double> P = r > 0 ? sketched.projected_root(ctx, r, rng.next()) : sketched.root();
  for (double& v : P) v *= std::sqrt(c);
  result.used = LeverageMethod::approximate;
  result.rank = rank, result.condition = sketched.ranked.condition;
  const bool low = 100 * eps<float> * result.condition <= options.error;
  project_rows(ctx, problem, P, r > 0 ? r : rank, sketched.lengths, low);
  const auto k = static_cast<double>(rank), projected = static_cast<double>(r);
  result.error_estimate =
      std::sqrt(2 / (s - dimension) + (r > 0 ? 2 * (k - projected) / (projected * (k + 2)) : 0));
  result.sketch_rows = S.rows, result.projections = r;
  result.passes += 2;
}

/// See the header. Multiply-adds in float count half.
template <Backend B, class T>
bool approximate_is_cheaper(const Problem<B, T>& problem) {
  if (problem.options.error == 0 || problem.sketch_rows() >= problem.rows) return false;
  const auto entries = static_cast<double>(problem.A.nonzeros),
             n = static_cast<double>(problem.rows);
  const auto d = static_cast<double>(problem.cols), s = static_cast<double>(problem.sketch_rows());
  const index_t r = problem.projections(problem.cols);
  const double projection = r > 0 ? static_cast<double>(r) : d / 2;
  return 3 * (entries * (projection / 2 + 40) + s * d * d / 2 + d * d * d) <
         entries * (entries / n + d) / 2;
}

template <Backend B, class T>
void compute(Context<B>& ctx, const Problem<B, T>& problem, LeverageResult& result) {
  using enum LeverageMethod;
  const LeverageMethod method = problem.options.method;
  const auto by_qr_of_some_kind = [&] {
    problem.A.streamed != nullptr ? by_stacked_qr(ctx, problem, result)
                                  : by_qr(ctx, problem, result);
  };
  if (method == qr) return by_qr_of_some_kind();
  const bool approximated = method == approximate
                                ? problem.sketch_rows() < problem.rows
                                : method == automatic && approximate_is_cheaper(problem);
  if (approximated) return by_sketch(ctx, problem, result);
  if (by_cholesky(ctx, problem, result)) return;
  result.fell_back = true;
  by_qr_of_some_kind();
}

template <Backend B, class T>
void summarise(Context<B>& ctx, VectorView<const T, B> scores, LeverageResult& result) {
  Buffer<double, B> found(ctx, 2);
  double* const out = found.data();
  const T* const score = scores.data;
  max_then<double>(
      ctx, scores.size, [=] RANDNLA_FN(index_t i) { return static_cast<double>(score[i]); },
      [=] RANDNLA_FN(double largest) { out[0] = largest; });
  sum_then<Total>(
      ctx, scores.size,
      [=] RANDNLA_FN(index_t i) -> Total { return {static_cast<double>(score[i])}; },
      [=] RANDNLA_FN(const Total& sum) { out[1] = sum.value; });
  const std::vector<double> host = found.download();
  result.coherence = host[0], result.sum = host[1];
}

template <Backend B, class T>
void check(const Problem<B, T>& problem) {
  const LeverageOptions& o = problem.options;
  require(problem.scores.size == problem.rows,
          "leverage_scores: " + std::to_string(problem.scores.size) + " scores for " +
              std::to_string(problem.rows) + " rows");
  require(o.ridge >= 0 && std::isfinite(o.ridge),
          "leverage_scores: ridge = " + std::to_string(o.ridge) + ", want a number from 0");
  require(o.error >= 0 && o.error <= 1,
          "leverage_scores: error = " + std::to_string(o.error) + ", want 0 to 1");
  require(o.error > 0 || o.method != LeverageMethod::approximate,
          "leverage_scores: error = 0, and the method is approximate");
  require(o.sketch_rows == 0 || o.sketch_rows > problem.cols + 1,
          "leverage_scores: " + std::to_string(o.sketch_rows) + " sketch rows, want more than " +
              std::to_string(problem.cols + 1) + " (the columns and one)");
}

template <Backend B, class T>
LeverageResult scores_of(Context<B>& ctx, const RowSource<T, B>& A, const LeverageOptions& options,
                         VectorView<T, B> scores) {
  const Problem<B, T> problem(A, options, scores);
  check(problem);
  LeverageResult result;
  if (A.rows == 0 || A.cols == 0) {
    fill(ctx, scores.data, A.rows, T(0));
    return result;
  }
  compute(ctx, problem, result);
  summarise<B, T>(ctx, scores, result);
  return result;
}

}  // namespace

template <Backend B, Scalar T>
LeverageResult leverage_scores(Context<B>& ctx, const Rows<T, B>& A, const LeverageOptions& options,
                               VectorView<T, B> scores) {
  return scores_of<B, T>(ctx, A, options, scores);
}

template <Backend B, Scalar T>
LeverageResult leverage_scores(Context<B>& ctx, const StreamedRows<T, B>& A,
                               const LeverageOptions& options, VectorView<T, B> scores) {
  return scores_of<B, T>(ctx, A, options, scores);
}

template <Backend B, class T>
bool sketched_leverage_ratio(Context<B>& ctx, const RowSource<T, B>& A, const T* weights,
                             const LeverageOptions& options, VectorView<T, B> out) {
  const Problem<B, T> problem(A, options, out, weights);
  if (out.size == 0 || A.cols == 0 || !approximate_is_cheaper(problem)) return false;
  LeverageResult result;
  by_sketch(ctx, problem, result);
  return true;
}

template <Backend B, Scalar T>
std::vector<ScoredRow> top_k(Context<B>& ctx, VectorView<const T, B> scores, index_t k) {
  require(k >= 0, "top_k: k = " + std::to_string(k) + ", want 0 or more");
  std::vector<T> host(static_cast<std::size_t>(scores.size));
  if (!host.empty()) ctx.download(host.data(), scores.data, host.size() * sizeof(T));
  std::vector<ScoredRow> rows;
  rows.reserve(host.size());
  for (const T score : host) {
    rows.push_back({static_cast<index_t>(rows.size()), static_cast<double>(score)});
  }
  const auto end = rows.begin() + std::min(k, scores.size);
  std::partial_sort(rows.begin(), end, rows.end(), [](const ScoredRow& a, const ScoredRow& b) {
    return a.score != b.score ? a.score > b.score : a.row < b.row;
  });
  rows.erase(end, rows.end());
  return rows;
}

template LeverageResult leverage_scores(Context<ThisBackend>&, const Rows<float, ThisBackend>&,
                                        const LeverageOptions&, VectorView<float, ThisBackend>);
template LeverageResult leverage_scores(Context<ThisBackend>&, const Rows<double, ThisBackend>&,
                                        const LeverageOptions&, VectorView<double, ThisBackend>);
template LeverageResult leverage_scores(Context<ThisBackend>&,
                                        const StreamedRows<float, ThisBackend>&,
                                        const LeverageOptions&, VectorView<float, ThisBackend>);
template LeverageResult leverage_scores(Context<ThisBackend>&,
                                        const StreamedRows<double, ThisBackend>&,
                                        const LeverageOptions&, VectorView<double, ThisBackend>);
template bool sketched_leverage_ratio(Context<ThisBackend>&, const RowSource<float, ThisBackend>&,
                                      const float*, const LeverageOptions&,
                                      VectorView<float, ThisBackend>);
template bool sketched_leverage_ratio(Context<ThisBackend>&, const RowSource<double, ThisBackend>&,
                                      const double*, const LeverageOptions&,
                                      VectorView<double, ThisBackend>);
template std::vector<ScoredRow> top_k(Context<ThisBackend>&, VectorView<const float, ThisBackend>,
                                      index_t);
template std::vector<ScoredRow> top_k(Context<ThisBackend>&, VectorView<const double, ThisBackend>,
                                      index_t);

}  // namespace randnla
