// The sampled gradient of one outer iteration.
#pragma once

#include "seam/seam.hpp"

#include <randnla/objective/finite_sum.hpp>
#include <randnla/optimize/second_order.hpp>

#include <algorithm>
#include <cmath>

namespace randnla {

template <Backend B, Scalar T>
struct GradientModel {
  GradientModel(Context<B>& ctx, FiniteSumRef<B, T> objective, const GradientOptions& given)
      : f(objective), options(given), sampler(ctx, f.terms()), fraction(given.fraction) {
    if (sampled()) gradient = Buffer<T, B>(ctx, f.dim());
  }

  bool sampled() const { return options.rule != GradientOptions::Rule::full; }

  void draw(Context<B>& ctx, VectorView<const T, B> x, Rng rng) {
    size =
        static_cast<index_t>(std::max(1.0, std::floor(fraction * static_cast<double>(f.terms()))));
    f.evaluate(ctx, x, sampler.draw(ctx, Sampling::uniform, size, {}, rng),
               {nullptr, gradient.data(), nullptr});
  }

  /// Section 4 of arXiv 1802.06925: a smaller gradient needs a larger sample. The step is taken as
  /// often as the norm has changed by the factor: taken once, one long first step leaves the sample
  /// too small for good (on ijcnn1 trust region then ends at a loss of 0.0529 in place of 0.0520).
  void adapt(double norm) {
    if (options.rule != GradientOptions::Rule::adaptive) return;
    if (reference == 0) reference = norm;
    for (; norm > options.factor * reference; reference *= options.factor)
      fraction /= options.factor;
    for (; norm < reference / options.factor && norm > 0; reference /= options.factor)
      fraction *= options.factor;
    fraction = std::clamp(fraction, options.min_fraction, options.max_fraction);
  }

  FiniteSumRef<B, T> f;
  GradientOptions options;
  RowSampler<B, T> sampler;
  double fraction, reference = 0;
  index_t size = 0;
  Buffer<T, B> gradient;
};

}  // namespace randnla
