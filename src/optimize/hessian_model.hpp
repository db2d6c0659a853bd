// The sampled Hessian of one outer iteration: its rows, their curvatures, and how it is applied.
#pragma once

#include "optimize/sample_size.hpp"
#include "optimize/sampled_hessian.hpp"
#include "seam/seam.hpp"

#include <randnla/objective/finite_sum.hpp>
#include <randnla/optimize/second_order.hpp>

#include <cmath>

namespace randnla {

/// out[k] = weight of the k-th sampled row times its curvature (`each` numbers), out of the
/// curvatures of all rows.
template <Backend B, class T>
void weigh_curvature(Context<B>& ctx, const Sample<B, T>& sample, const T* curvature, index_t each,
                     T* out) {
  const T uniform = T(1) / static_cast<T>(sample.bound);
  for_each(
      ctx, sample.bound,
      [=] RANDNLA_FN(index_t k) {
        if (sample.count != nullptr && k >= *sample.count) return;
        const T weight = sample.weights != nullptr ? sample.weights[k] : uniform;
        const T* const from = curvature + (sample.rows != nullptr ? sample.rows[k] : k) * each;
        for (index_t c = 0; c < each; ++c) out[k * each + c] = weight * from[c];
      },
      8);  // curvatures come from anywhere
}

struct ScoreSums {
  double a = 0, b = 0;
  RANDNLA_HD ScoreSums& operator+=(const ScoreSums& o) {
    a += o.a, b += o.b;
    return *this;
  }
};

/// out = sum_i q_i^2 / (n^2 p_i), which s E|H_S - H|_F^2 does not exceed for s draws with
/// probabilities p, where q_i bounds the norm of term i's Hessian.
template <Backend B, class T>
void second_moment(Context<B>& ctx, Sampling rule, VectorView<const T, B> importance,
                   const T* ratio, double* out) {
  const T* const q = importance.data;
  const double n = static_cast<double>(importance.size);
  const bool by_scores = uses_scores(rule), by_leverage = is_leverage(rule);
  sum_then<ScoreSums>(
      ctx, importance.size,
      [=] RANDNLA_FN(index_t i) -> ScoreSums {
        const double qi = q[i];
        if (by_leverage) {
          const double r = ratio[i];
          return {qi * r, r > 0 ? qi / r : 0};
        }
        return by_scores ? ScoreSums{qi, qi} : ScoreSums{qi * qi, 1};
      },
      [=] RANDNLA_FN(const ScoreSums& sums) { *out = sums.a * sums.b / (n * n); });
}

template <Backend B, Scalar T>
struct HessianModel {
  using Form = HessianOptions::Form;

  HessianModel(Context<B>& ctx, FiniteSumRef<B, T> objective, const HessianOptions& given,
               bool measure_errors)
      : f(objective),
        options(given),
        measured(measure_errors || given.size == HessianOptions::Size::error_driven),
        sampler(ctx, f.terms()),
        size(std::max<index_t>(
            1, static_cast<index_t>(given.fraction * static_cast<double>(f.terms())))),
        rows(f) {}

  bool sampled() const { return options.sampling != Sampling::full; }
  bool error_driven() const {
    return sampled() && options.size == HessianOptions::Size::error_driven;
  }

  /// The scores of all terms at a point, and the second moment where it is wanted.
  void score(Context<B>& ctx, const T* curvature, double* second) {
    if (!sampled() || (!uses_scores(options.sampling) && !measured)) return;
    const index_t n = f.terms();
    const VectorView<const T, B> curvatures_of_all{curvature, n * f.curvature_size()};
    if (importance.size() == 0) importance = Buffer<T, B>(ctx, n);
    f.importance(ctx, curvatures_of_all, importance.view());
    if (is_leverage(options.sampling)) {
      if (ratio.size() == 0 || draws_since_refresh >= options.refresh) {
        if (ratio.size() == 0) ratio = Buffer<T, B>(ctx, n);
        f.leverage_ratio(ctx, curvatures_of_all, ratio.view());
        draws_since_refresh = 0;
      }
      ++draws_since_refresh;
    }
    if (measured) {
      second_moment<B, T>(ctx, options.sampling, importance.view(), ratio.data(), second);
    }
    if (!is_leverage(options.sampling)) return;
    T* const score = importance.data();
    const T* const r = ratio.data();
    for_each(ctx, n, [=] RANDNLA_FN(index_t i) { score[i] *= r[i]; });
  }

  /// Draws `size` rows, or all where that is more than half of them and the size may change, and
  /// prepares their Hessian at x, where all rows have the given curvatures.
  void draw(Context<B>& ctx, VectorView<const T, B> x, const T* curvature, int products, Rng rng) {
    const index_t n = f.terms();
    whole = !sampled() || (error_driven() && size > n / 2);
    if (whole) {
      return use(ctx, x, curvature, Sample<B, T>::all(n), products, options.form, n,
                 options.curvature);
    }
    VectorView<const T, B> scores;
    if (uses_scores(options.sampling)) scores = importance.view();
    use(ctx, x, curvature, sampler.draw(ctx, options.sampling, size, scores, rng), products,
        options.form, size, options.curvature);
  }

  /// The true Hessian on all data, out of true curvatures.
  void use_all(Context<B>& ctx, VectorView<const T, B> x, const T* curvature, int products) {
    use(ctx, x, curvature, Sample<B, T>::all(f.terms()), products, Form::automatic, f.terms(),
        Curvature::hessian);
  }

  /// sqrt of what E|H_S - H|_F^2 is at most, for the sample drawn.
  double error(double second) const {
    if (whole) return 0;
    const auto s = static_cast<double>(size), n = static_cast<double>(f.terms());
    return std::sqrt(sample_error2(second, s, n, options.sampling != Sampling::uniform));
  }
  /// The size of the next sample, so that error() is at most delta.
  void choose_size(double second, double delta) {
    const auto n = static_cast<double>(f.terms());
    const double wanted = sample_size(second, delta, n, options.sampling != Sampling::uniform);
    const double least = std::max(1.0, options.fraction * n);
    size = static_cast<index_t>(std::ceil(std::clamp(wanted, least, n)));
  }

  FiniteSumRef<B, T> f;
  HessianOptions options;
  bool measured;
  RowSampler<B, T> sampler;
  index_t size;
  SampledHessian<B, T> rows;
  bool whole = false;
  int draws_since_refresh = 0;
  Buffer<T, B> importance, ratio;

 private:
  void use(Context<B>& ctx, VectorView<const T, B> x, const T* curvature,
           const Sample<B, T>& sample, int products, Form form, index_t expected_rows,
           Curvature kind) {
    T* const weighted = rows.curvature_memory(ctx, sample.bound);
    weigh_curvature(ctx, sample, curvature, f.curvature_size(), weighted);
    rows.use_weighted(ctx, x, sample, kind, form, products, expected_rows);
  }
};

}  // namespace randnla
