#pragma once

#include <randnla/data/dataset.hpp>
#include <randnla/objective/finite_sum.hpp>
#include <randnla/objective/losses.hpp>

namespace randnla {

/// F(x) = (1/n) sum_i Loss(a_i'x, y_i) + l2/2 |x|^2 over the rows a_i and targets y_i of `data`.
///
/// data    must outlive the objective        l2  >= 0
/// Cost    evaluate and hessian_product read each sampled row once; hessian_matrix is one weighted
///         Gram product, dim^2 multiply-adds a row; importance needs the rows' norms, one pass the
///         first time
/// Sync    none
/// Determinism  same bits from run to run and, on the CPU, for any number of threads
/// Throws  InvalidArgument: no rows, l2 negative or not finite, a view of another size
template <class Loss, Backend B, Scalar T>
class LinearModel {
 public:
  LinearModel(Context<B>& ctx, const Dataset<T, B>& data, double l2 = 0);

  index_t dim() const { return dim_; }
  index_t terms() const { return terms_; }
  HessianCosts hessian_costs() const;
  void evaluate(Context<B>& ctx, VectorView<const T, B> x, const Sample<B, T>& sample,
                const Evaluation<B, T>& out) const;
  void hessian_product(Context<B>& ctx, const HessianSample<B, T>& H, VectorView<const T, B> v,
                       VectorView<T, B> out) const;
  void hessian_matrix(Context<B>& ctx, const HessianSample<B, T>& H, MatrixView<T, B> out) const;
  /// out[i] = |curvature[i]| |a_i|^2
  void importance(Context<B>& ctx, VectorView<const T, B> curvature, VectorView<T, B> out) const;

 private:
  const T* squared_row_norms(Context<B>& ctx) const;

  Rows<T, B> rows_;
  const T* targets_;
  index_t terms_, dim_;
  T l2_;
  mutable Buffer<T, B> row_norms2_;  // filled when they are first asked for
};

/// Non-convex least squares, mean (y - sigmoid(a'x))^2.
template <Backend B, Scalar T>
using NonlinearLeastSquares = LinearModel<SigmoidSquares, B, T>;

/// Logistic regression with targets 0 and 1.
template <Backend B, Scalar T>
using LogisticRegression = LinearModel<LogisticLoss, B, T>;

}  // namespace randnla
