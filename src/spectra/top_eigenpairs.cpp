#include "krylov/random_start.hpp"
#include "spectra/ritz.hpp"
#include "spectra/vectors.hpp"

#include <randnla/spectra/eigenpairs.hpp>

#include <limits>
#include <string>
#include <utility>

namespace randnla {
namespace {

/// That a look for better pairs ends before it has found one that is there.
constexpr double missed_probability = 1e-6;

template <Backend B, Scalar T>
struct EigenSearch {
  Context<B>& ctx;
  OperatorRef<B, T> H;
  MatrixView<T, B> V;
  Rng rng;
  EigenpairOptions options;
  double tolerance;
  Lanczos<B, T> space;  // its first columns are a copy of V's while it looks for others
  Buffer<T, B> work;    // n
  Buffer<T, B> restart;
  std::vector<double> found;
  double scale = 0;
  int products = 0;

  bool full() const { return std::cmp_equal(found.size(), options.count); }
  double key(double value) const { return rank_key(options.end, value); }
  /// What a value must be ranked above to take the place of the last one.
  double bar() const { return key(found.back()) + tolerance * scale; }

  bool converged(const Ritz& ritz, int wanted) const {
    if (ritz.size() < wanted) return false;
    return std::all_of(ritz.residuals.begin(), ritz.residuals.begin() + wanted,
                       [&](double r) { return r <= tolerance / 2 * scale; });
  }

  /// No eigenvalue in the space's complement is above the bar, but for missed_probability.
  bool excluded(const Ritz& ritz) const {
    const double eps = width_error(static_cast<double>(H.dim()), missed_probability, ritz.size());
    if (eps >= 0.5) return false;
    const double reach = eps * (ritz.largest() - ritz.smallest()) / (1 - 2 * eps);
    return std::max(key(ritz.largest() + reach), key(ritz.smallest() - reach)) <= bar();
  }
};

enum class RoundEnd { converged, invariant, excluded, products, not_finite };

struct Round {
  Ritz ritz;
  RoundEnd end;
};

/// out = the space's vector with these coordinates after the first `locked`.
template <Backend B, Scalar T>
void combine(EigenSearch<B, T>& s, int locked, const std::vector<double>& u, VectorView<T, B> out) {
  std::vector<T> all(static_cast<std::size_t>(s.space.queued()), T(0));
  for (std::size_t i = 0; i < u.size(); ++i) {
    all[static_cast<std::size_t>(locked) + i] = static_cast<T>(u[i]);
  }
  const Buffer<T, B> coordinates(s.ctx, all);
  s.space.combine(s.ctx, coordinates.data(), out);
}

template <Backend B, Scalar T>
void copy(Context<B>& ctx, VectorView<const T, B> from, VectorView<T, B> to) {
  ctx.copy(to.data, from.data, static_cast<std::size_t>(from.size) * sizeof(T));
}

/// The space becomes that of its first `count` Ritz vectors and its last column.
template <Backend B, Scalar T>
KeptRitz restart(EigenSearch<B, T>& s, int locked, const Ritz& ritz, int count) {
  const index_t n = s.H.dim();
  if (s.restart.size() < count * n) s.restart = Buffer<T, B>(s.ctx, count * n);
  const MatrixView<T, B> kept{s.restart.data(), n, count, n};
  for (int i = 0; i < count; ++i) {
    combine(s, locked, ritz.vectors[static_cast<std::size_t>(i)], kept.col(i));
  }
  copy<B, T>(s.ctx, s.space.column(s.space.queued()), s.space.column(locked + count));
  for (int i = 0; i < count; ++i) {
    copy<B, T>(s.ctx, kept.col(i), s.space.column(locked + i));
  }
  s.space.go_back(locked + count);
  return {{ritz.values.begin(), ritz.values.begin() + count},
          {ritz.last.begin(), ritz.last.begin() + count}};
}

/// A process from a random vector in the complement of what was found, until its best `wanted` pairs are good.
template <Backend B, Scalar T>
Round grow(EigenSearch<B, T>& s, int wanted) {
  const int locked = static_cast<int>(s.found.size());
  fill_normal(s.ctx, s.rng.next(), T(1), s.work.view());
  s.space.start(s.ctx, s.work.view(), locked);
  KeptRitz kept;
  for (;;) {
    const int size = s.space.queued() - locked;
    const int steps = std::min({1 + size / 8, s.space.max_steps() - s.space.queued(),
                                s.options.max_products - s.products});
    for (int i = 0; i < steps; ++i) s.space.step(s.ctx, s.H);
    s.products += steps;
    const Coefficients tail = fetch_coefficients(s.ctx, s.space, locked + kept.size());
    if (tail.not_finite) return {{}, RoundEnd::not_finite};
    Ritz ritz = ritz_pairs(kept, tail, s.options.end);
    s.scale = std::max(s.scale, ritz.norm());
    if (tail.invariant) return {std::move(ritz), RoundEnd::invariant};
    if (s.converged(ritz, wanted)) return {std::move(ritz), RoundEnd::converged};
    // The probability is that of a space without restarts.
    if (s.full() && kept.size() == 0 && s.excluded(ritz)) {
      return {std::move(ritz), RoundEnd::excluded};
    }
    if (s.products == s.options.max_products) return {std::move(ritz), RoundEnd::products};
    if (s.space.queued() == s.space.max_steps()) {
      kept = restart(s, locked, ritz, wanted + (ritz.size() - wanted) / 2);
    }
  }
}

/// V becomes the best of what was found and of the round's first `fresh` pairs.
template <Backend B, Scalar T>
void merge(EigenSearch<B, T>& s, const Ritz& ritz, int fresh) {
  const std::size_t locked = s.found.size();
  std::vector<double> values = s.found;
  values.insert(values.end(), ritz.values.begin(), ritz.values.begin() + fresh);
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(
      order, [&](std::size_t a, std::size_t b) { return s.key(values[a]) > s.key(values[b]); });
  order.resize(std::min(order.size(), static_cast<std::size_t>(s.options.count)));
  s.found.clear();
  for (const std::size_t from : order) {
    const VectorView<T, B> to = s.V.col(static_cast<index_t>(s.found.size()));
    if (from < locked) {
      copy<B, T>(s.ctx, s.space.column(static_cast<int>(from)), to);
    } else {
      combine(s, static_cast<int>(locked), ritz.vectors[from - locked], to);
    }
    s.found.push_back(values[from]);
  }
}

/// Rounds until no better pair is found. False where the products did not suffice, or one was not finite.
template <Backend B, Scalar T>
bool search(EigenSearch<B, T>& s, bool& not_finite) {
  for (;;) {
    const int locked = static_cast<int>(s.found.size());
    const bool full = s.full();
    const int wanted = full ? 1 : s.options.count - locked;
    if (s.products == s.options.max_products) return false;
    const Round round = grow(s, wanted);
    not_finite = round.end == RoundEnd::not_finite;
    if (not_finite) return false;
    const bool better = !full || s.key(round.ritz.values[0]) > s.bar();
    if (better) {
      merge(
          s, round.ritz,
          round.end == RoundEnd::converged ? wanted : std::min(round.ritz.size(), s.options.count));
    }
    const bool whole = round.end == RoundEnd::invariant && locked + round.ritz.size() == s.H.dim();
    if (s.full() && (s.options.count == 1 || whole || !better)) {
      return round.end != RoundEnd::products;
    }
    for (int i = 0; std::cmp_less(i, s.found.size()); ++i) {
      copy<B, T>(s.ctx, s.V.col(i), s.space.column(i));
    }
  }
}

/// Rayleigh quotients of V's columns and their residuals.
template <Backend B, Scalar T>
void measure(EigenSearch<B, T>& s, Eigenpairs& out) {
  const index_t n = s.H.dim(), found = static_cast<index_t>(s.found.size());
  Buffer<double, B> measured(s.ctx, 2 * found);
  const T* const w = s.work.data();
  for (index_t c = 0; c < found; ++c) {
    const T* const v = s.V.col(c).data;
    double* const value = measured.data() + c;
    double* const residual = measured.data() + found + c;
    s.H.apply(s.ctx, s.V.col(c), s.work.view());
    dot(s.ctx, n, v, w, value);
    sum_then<double>(
        s.ctx, n,
        [=] RANDNLA_FN(index_t i) {
          const double r = static_cast<double>(w[i]) - *value * static_cast<double>(v[i]);
          return r * r;
        },
        [=] RANDNLA_FN(double sum) { *residual = sqrt(sum); });
  }
  s.products += static_cast<int>(found);
  const std::vector<double> host = measured.download();
  out.values.assign(host.begin(), host.begin() + found);
  out.residuals.assign(host.begin() + found, host.end());
}

template <Backend B, Scalar T>
void check(const OperatorRef<B, T>& H, const MatrixView<T, B>& V, const EigenpairOptions& o) {
  const index_t n = H.dim();
  const auto say = [](const char* what, auto value) {
    return std::string("top_eigenpairs: ") + what + " = " + std::to_string(value);
  };
  require(o.count >= 1 && o.count <= n,
          say("count", o.count) + " of dimension " + std::to_string(n));
  require(V.rows == n && V.cols == o.count, "top_eigenpairs: H of dimension " + std::to_string(n) +
                                                ", V of " + std::to_string(V.rows) + " x " +
                                                std::to_string(V.cols) + " for " +
                                                std::to_string(o.count) + " pairs");
  require(o.tolerance >= 0 && std::isfinite(o.tolerance), say("tolerance", o.tolerance));
  require(o.max_products >= 1, say("max_products", o.max_products));
  const index_t least = std::min<index_t>(n, o.count + 3);
  require(o.max_basis == 0 || o.max_basis >= least,
          say("max_basis", o.max_basis) + ", at least " + std::to_string(least));
}

}  // namespace

template <Backend B, Scalar T>
Eigenpairs top_eigenpairs(Context<B>& ctx, OperatorRef<B, T> H, MatrixView<T, B> V, Rng rng,
                          const EigenpairOptions& options) {
  check(H, V, options);
  const index_t n = H.dim();
  const double rounding = 8 * std::sqrt(static_cast<double>(n)) *
                          static_cast<double>(std::numeric_limits<T>::epsilon());
  const int basis = options.max_basis > 0 ? options.max_basis : 2 * options.count + 50;
  EigenSearch<B, T> s{ctx,
                      H,
                      V,
                      rng,
                      options,
                      std::max(options.tolerance, rounding),
                      Lanczos<B, T>(ctx, n, basis),
                      Buffer<T, B>(ctx, n),
                      {},
                      {}};
  Eigenpairs out;
  const bool complete = search(s, out.not_finite);
  if (out.not_finite) s.found.clear();
  for (index_t c = static_cast<index_t>(s.found.size()); c < V.cols; ++c) {
    T* const v = V.col(c).data;
    for_each(ctx, n, [=] RANDNLA_FN(index_t i) { v[i] = T(0); });
  }
  measure(s, out);
  out.products = s.products;
  for (const double value : out.values) s.scale = std::max(s.scale, std::abs(value));
  out.scale = s.scale;
  out.converged = complete && std::ranges::all_of(out.residuals, [&](double r) {
                    return r <= s.tolerance * s.scale;
                  });
  return out;
}

template Eigenpairs top_eigenpairs(Context<ThisBackend>&, OperatorRef<ThisBackend, float>,
                                   MatrixView<float, ThisBackend>, Rng, const EigenpairOptions&);
template Eigenpairs top_eigenpairs(Context<ThisBackend>&, OperatorRef<ThisBackend, double>,
                                   MatrixView<double, ThisBackend>, Rng, const EigenpairOptions&);

}  // namespace randnla
