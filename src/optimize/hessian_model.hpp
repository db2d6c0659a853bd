// The sampled Hessian of one outer iteration: its rows, their curvatures, and how it is applied.
#pragma once

#include "optimize/hessian_cost.hpp"
#include "seam/seam.hpp"

#include <randnla/objective/finite_sum.hpp>
#include <randnla/optimize/second_order.hpp>

namespace randnla {

/// out[k] = weight of the k-th sampled row times its curvature, out of the curvatures of all rows.
template <Backend B, class T>
void weigh_curvature(Context<B>& ctx, const Sample<B, T>& sample, const T* curvature, T* out) {
  const T uniform = T(1) / static_cast<T>(sample.bound);
  for_each(ctx, sample.bound, [=] RANDNLA_FN(index_t k) {
    if (sample.count != nullptr && k >= *sample.count) return;
    const T weight = sample.weights != nullptr ? sample.weights[k] : uniform;
    out[k] = weight * curvature[sample.rows != nullptr ? sample.rows[k] : k];
  });
}

template <Backend B, Scalar T>
struct HessianModel {
  HessianModel(Context<B>& ctx, FiniteSumRef<B, T> objective, const HessianOptions& given)
      : f(objective),
        options(given),
        sampler(ctx, f.terms()),
        applied{f, {}},
        matrix_products{{}} {}

  /// Draws a sample and prepares its Hessian at x, where all rows have the given curvatures.
  void draw(Context<B>& ctx, VectorView<const T, B> x, const T* curvature, int products, Rng rng) {
    const auto size = static_cast<index_t>(
        std::max(1.0, std::floor(options.fraction * static_cast<double>(f.terms()))));
    VectorView<const T, B> scores;
    if (weighted()) {
      if (importance.size() == 0) importance = Buffer<T, B>(ctx, f.terms());
      f.importance(ctx, {curvature, f.terms()}, importance.view());
      scores = importance.view();
    }
    use(ctx, x, curvature, sampler.draw(ctx, options.sampling, size, scores, rng), products,
        options.form, options.sampling == Sampling::full ? f.terms() : size);
  }

  /// The Hessian on all data.
  void use_all(Context<B>& ctx, VectorView<const T, B> x, const T* curvature, int products) {
    use(ctx, x, curvature, Sample<B, T>::all(f.terms()), products, HessianOptions::Form::automatic,
        f.terms());
  }

  OperatorRef<B, T> op() const {
    return formed ? OperatorRef<B, T>(matrix_products) : OperatorRef<B, T>(applied);
  }

  bool weighted() const {
    return options.sampling == Sampling::row_norm ||
           options.sampling == Sampling::row_norm_bernoulli;
  }

  FiniteSumRef<B, T> f;
  HessianOptions options;
  RowSampler<B, T> sampler;
  HessianOperator<B, T> applied;
  SymmetricMatrix<B, T> matrix_products;
  bool formed = false;
  Buffer<T, B> importance, curvatures, matrix;

 private:
  void use(Context<B>& ctx, VectorView<const T, B> x, const T* curvature,
           const Sample<B, T>& sample, int products, HessianOptions::Form form,
           index_t expected_rows) {
    if (curvatures.size() < sample.bound) curvatures = Buffer<T, B>(ctx, sample.bound);
    weigh_curvature(ctx, sample, curvature, curvatures.data());
    applied.hessian = {x, sample, curvatures.data()};
    const index_t d = f.dim();
    formed = form == HessianOptions::Form::matrix ||
             (form == HessianOptions::Form::automatic &&
              matrix_is_cheaper(f.hessian_costs(), expected_rows, d, products, sizeof(T)));
    if (!formed) return;
    if (matrix.size() == 0) matrix = Buffer<T, B>(ctx, d * d);
    f.hessian_matrix(ctx, applied.hessian, {matrix.data(), d, d, d});
    matrix_products.matrix = {matrix.data(), d, d, d};
  }
};

}  // namespace randnla
