// The Hessian at a point on a sample: formed, or applied by passes over the sample.
#pragma once

#include "optimize/hessian_cost.hpp"
#include "seam/seam.hpp"

#include <randnla/objective/finite_sum.hpp>
#include <randnla/optimize/second_order.hpp>

namespace randnla {

template <Backend B, Scalar T>
class SampledHessian {
 public:
  explicit SampledHessian(FiniteSumRef<B, T> f) : f_(f), applied_{f, {}}, matrix_products_{{}} {}

  /// Where the caller puts the curvatures of `rows` terms, before use() or use_weighted().
  T* curvature_memory(Context<B>& ctx, index_t rows) {
    const index_t size = rows * f_.curvature_size();
    if (curvature_.size() < size) curvature_ = Buffer<T, B>(ctx, size);
    return curvature_.data();
  }

  /// The Hessian at x on `sample`, which must have equal weights and a number of rows known to the
  /// host; `products` of it are expected. x and the sample must stay as they are while it is used.
  void use(Context<B>& ctx, VectorView<const T, B> x, const Sample<B, T>& sample, int products) {
    T* const curvature = curvature_.data();
    const T weight = T(1) / static_cast<T>(sample.bound);
    for_each(ctx, sample.bound * f_.curvature_size(),
             [=] RANDNLA_FN(index_t k) { curvature[k] *= weight; });
    use_weighted(ctx, x, sample, Curvature::hessian, HessianOptions::Form::automatic, products,
                 sample.bound);
  }

  /// The same where the curvatures have their weights already, of any sample.
  void use_weighted(Context<B>& ctx, VectorView<const T, B> x, const Sample<B, T>& sample,
                    Curvature kind, HessianOptions::Form form, int products,
                    index_t expected_rows) {
    applied_.hessian = {x, sample, curvature_.data(), kind};
    const index_t d = f_.dim();
    formed_ = form == HessianOptions::Form::matrix ||
              (form == HessianOptions::Form::automatic &&
               matrix_is_cheaper(f_.hessian_costs(), expected_rows, d, products, sizeof(T)));
    if (!formed_) return;
    if (matrix_.size() == 0) matrix_ = Buffer<T, B>(ctx, d * d);
    f_.hessian_matrix(ctx, applied_.hessian, {matrix_.data(), d, d, d});
    matrix_products_.matrix = {matrix_.data(), d, d, d};
  }

  const HessianSample<B, T>& on() const { return applied_.hessian; }
  bool formed() const { return formed_; }
  OperatorRef<B, T> op() const {
    return formed_ ? OperatorRef<B, T>(matrix_products_) : OperatorRef<B, T>(applied_);
  }

 private:
  FiniteSumRef<B, T> f_;
  HessianOperator<B, T> applied_;
  SymmetricMatrix<B, T> matrix_products_;
  bool formed_ = false;
  Buffer<T, B> curvature_, matrix_;
};

}  // namespace randnla
