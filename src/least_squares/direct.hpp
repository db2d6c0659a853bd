// Small factors by other ways than a sketch or QR of all rows: of wide A, of A'A, of a sample of A's rows.
#pragma once

#include "core/gathered_rows.hpp"
#include "least_squares/factored.hpp"

#include <randnla/sketch/leverage.hpp>

#include <optional>

namespace randnla {

/// out[k + j * count] = weight(k) times the entry j of row rows[k], for k < count.
template <Backend B, class T>
void gather_rows(Context<B>& ctx, const Rows<T, B>& A, const index_t* rows, const T* weights,
                 index_t count, T* out) {
  if (const auto* dense = std::get_if<DenseRows<T, B>>(&A)) {
    const DenseRows<T, B> from = *dense;
    for_each(ctx, count * from.cols, [=] RANDNLA_FN(index_t e) {
      const index_t k = e % count, j = e / count;
      const index_t row = rows != nullptr ? rows[k] : k;
      out[e] = (weights != nullptr ? weights[k] : T(1)) * from.values[row * from.cols + j];
    });
    return;
  }
  const CsrRows<T, B> from = std::get<CsrRows<T, B>>(A);
  for_each(ctx, count * from.cols, [=] RANDNLA_FN(index_t e) { out[e] = 0; });
  for_each(ctx, count, [=] RANDNLA_FN(index_t k) {
    const index_t row = rows != nullptr ? rows[k] : k;
    for (index_t e = from.offsets[row]; e < from.offsets[row + 1]; ++e)
      out[k + from.columns[e] * count] = (weights != nullptr ? weights[k] : T(1)) * from.values[e];
  });
}

/// The same, wherever A's rows are. Waits where they are streamed.
template <Backend B, class T>
void gather_rows(Context<B>& ctx, const RowSource<T, B>& A, const index_t* rows, const T* weights,
                 index_t count, T* out) {
  if (A.streamed == nullptr) return gather_rows(ctx, A.resident, rows, weights, count, out);
  const GatheredRows<B, T> some(ctx, A.streamed->host(), downloaded(ctx, rows, count));
  gather_rows<B, T>(ctx, some.view(), nullptr, weights, count, out);
}

/// A itself on the host, for fewer rows than columns. Waits.
template <Backend B, class T>
Factored<B, T> factored_wide(Context<B>& ctx, System<B, T>& system) {
  Buffer<T, B> M(ctx, system.rows * system.cols);
  gather_rows<B, T>(ctx, system.A.resident, nullptr, nullptr, system.rows, M.data());
  ++system.passes;
  const std::vector<T> host = M.download();
  SmallFactor small({host.begin(), host.end()}, system.rows, system.cols, own_cut<T>(system.rows));
  std::vector<T> by_rows(static_cast<std::size_t>(system.rows * system.count));
  ctx.download(by_rows.data(), system.b().values, by_rows.size() * sizeof(T));
  std::vector<double> start;
  for (index_t c = 0; c < system.count && small.finite(); ++c) {
    std::vector<double> b;
    for (index_t i = 0; i < system.rows; ++i)
      b.push_back(by_rows[static_cast<std::size_t>(i * system.count + c)]);
    const std::vector<double> x = small.solve(b.data());
    start.insert(start.end(), x.begin(), x.end());
  }
  return {ctx, std::move(small), std::move(start)};
}

/// `size` rows of A drawn by the options' rule. Waits.
template <Backend B, class T>
Factored<B, T> sampled(Context<B>& ctx, System<B, T>& system, const LeastSquaresOptions& options,
                       index_t size) {
  const index_t n = system.cols;
  const Sampling rule = *options.sampling;
  Rng rng = options.rng;
  Buffer<T, B> scores(ctx, uses_scores(rule) ? system.rows : 0);
  if (is_given(rule)) {
    scores = Buffer<T, B>(ctx, std::vector<T>(options.scores.begin(), options.scores.end()));
  } else if (is_leverage(rule)) {
    const LeverageOptions leverage{.rng = rng.next()};
    const LeverageResult known = system.A.visit(
        [&](const auto& rows) { return leverage_scores(ctx, rows, leverage, scores.view()); });
    system.passes += known.passes;
  } else if (uses_scores(rule)) {
    row_norms(ctx, system.A, scores.data());
    ++system.passes;
  }
  RowSampler<B, T> sampler(ctx, system.rows);
  const Sample<B, T> sample = sampler.draw(ctx, rule, size, scores.view(), rng.next());
  index_t drawn = sample.bound;
  if (sample.count != nullptr) ctx.download(&drawn, sample.count, sizeof drawn);
  Buffer<T, B> roots(ctx, drawn), M(ctx, drawn * (n + system.count));
  T* const root = roots.data();
  const T *const weights = sample.weights, total = static_cast<T>(system.rows);
  for_each(ctx, drawn, [=] RANDNLA_FN(index_t k) {
    const double weight = weights != nullptr ? weights[k] * total : T(1);
    root[k] = static_cast<T>(sqrt(weight));
  });
  gather_rows<B, T>(ctx, system.A, sample.rows, root, drawn, M.data());
  gather_rows<B, T>(ctx, Rows<T, B>(system.b()), sample.rows, root, drawn, M.data() + drawn * n);
  const auto R =
      upper_factor(ctx, MatrixView<const T, B>{M.data(), drawn, n + system.count, drawn});
  return factored<B, T>(ctx, R, n, system.count, static_cast<double>(system.ridge),
                        sketch_cut<T>(n));
}

/// A'A + ridge I by Cholesky, starting at zero; nothing where A is too ill-conditioned. Waits.
template <Backend B, class T>
std::optional<Factored<B, T>> factored_normal(Context<B>& ctx, System<B, T>& system) {
  const index_t n = system.cols;
  Buffer<T, B> ones(ctx, system.rows), H(ctx, n * n);
  T* const one = ones.data();
  for_each(ctx, system.rows, [=] RANDNLA_FN(index_t i) { one[i] = 1; });
  gram<B, T>(ctx, system.A, one, system.ridge, MatrixView<T, B>{H.data(), n, n, n});
  ++system.passes;
  const std::vector<T> host = H.download();
  std::optional<SmallFactor> small = factored_gram<T>({host.begin(), host.end()}, n, system.rows);
  if (!small) return std::nullopt;
  return Factored<B, T>(ctx, std::move(*small),
                        std::vector<double>(static_cast<std::size_t>(n * system.count), 0.0));
}

}  // namespace randnla
