// The gradient of one outer iteration: of all terms, or of a sample that may grow.
#pragma once

#include "optimize/sample_size.hpp"
#include "optimize/steps.hpp"
#include "seam/seam.hpp"

#include <randnla/objective/finite_sum.hpp>
#include <randnla/optimize/second_order.hpp>

#include <algorithm>
#include <cmath>

namespace randnla {

/// What a sampled gradient tells of itself, in backend memory.
struct GradientMoments {
  double norm2 = 0;   // |g_S|^2
  double second = 0;  // mean of |grad f_i|^2 over S; 0: not measured
};

template <Backend B, Scalar T>
struct GradientModel {
  using Rule = GradientOptions::Rule;

  GradientModel(Context<B>& ctx, FiniteSumRef<B, T> objective, const GradientOptions& given,
                bool measure_errors)
      : f(objective),
        options(given),
        measured(measure_errors || given.rule == Rule::error_driven),
        sampler(ctx, f.terms()),
        fraction(given.rule == Rule::error_driven ? given.min_fraction : given.fraction) {
    if (sampled()) gradient = Buffer<T, B>(ctx, f.dim());
    if (sampled() && measured) norms2 = Buffer<T, B>(ctx, f.terms());
  }

  bool sampled() const { return options.rule != Rule::full; }
  bool error_driven() const { return options.rule == Rule::error_driven; }

  /// g_S on a new sample of `fraction` of the terms.
  void draw(Context<B>& ctx, VectorView<const T, B> x, Rng rng, GradientMoments* moments) {
    stream = rng;
    size = std::max<index_t>(1, static_cast<index_t>(fraction * static_cast<double>(f.terms())));
    f.evaluate(
        ctx, x, sampler.draw(ctx, Sampling::uniform, size, {}, stream),
        {.gradient = gradient.data(), .gradient_norms2 = measured ? norms2.data() : nullptr});
    take_moments(ctx, moments);
  }

  /// The same sample with more rows, `wanted` in all: only these are evaluated.
  void grow(Context<B>& ctx, VectorView<const T, B> x, index_t wanted, GradientMoments* moments) {
    if (more.size() == 0) more = Buffer<T, B>(ctx, f.dim());
    Sample<B, T> added = sampler.draw(ctx, Sampling::uniform, wanted, {}, stream);
    added.rows += size;
    added.bound -= size;
    f.evaluate(ctx, x, added, {.gradient = more.data(), .gradient_norms2 = norms2.data() + size});
    const double share = static_cast<double>(size) / static_cast<double>(wanted);
    T* const g = gradient.data();
    const T* const h = more.data();
    for_each(ctx, f.dim(), [=] RANDNLA_FN(index_t i) {
      g[i] = static_cast<T>(share * static_cast<double>(g[i]) +
                            (1 - share) * static_cast<double>(h[i]));
    });
    size = wanted;
    take_moments(ctx, moments);
  }

  /// Section 4 of arXiv 1802.06925: a smaller gradient needs a larger sample. The step is taken as
  /// often as the norm has changed by the factor: taken once, one long first step leaves the sample
  /// too small for good (on ijcnn1 trust region then ends at a loss of 0.0529 in place of 0.0520).
  void adapt(double norm) {
    if (options.rule != Rule::adaptive) return;
    if (reference == 0) reference = norm;
    for (; norm > options.factor * reference; reference *= options.factor)
      fraction /= options.factor;
    for (; norm < reference / options.factor && norm > 0; reference /= options.factor)
      fraction *= options.factor;
    fraction = std::clamp(fraction, options.min_fraction, options.max_fraction);
  }

  /// Rows that the tolerance asks for where the gradient has this norm.
  double rows_wanted(double second, double norm, double eps_g) const {
    return sample_size(second, options.tolerance * std::max(eps_g, norm),
                       static_cast<double>(f.terms()), false);
  }

  FiniteSumRef<B, T> f;
  GradientOptions options;
  bool measured;  // the terms' gradient norms
  RowSampler<B, T> sampler;
  double fraction, reference = 0;
  index_t size = 0;
  Rng stream;  // of the sample
  Buffer<T, B> gradient, more, norms2;

  void take_moments(Context<B>& ctx, GradientMoments* moments) {
    sum_squares<B, T>(ctx, gradient.view(), &moments->norm2);
    if (!measured) return;
    const T* const each = norms2.data();
    const double count = static_cast<double>(size);
    sum_then<double>(
        ctx, size, [=] RANDNLA_FN(index_t k) { return static_cast<double>(each[k]); },
        [=] RANDNLA_FN(double sum) { moments->second = sum / count; });
  }
};

}  // namespace randnla
