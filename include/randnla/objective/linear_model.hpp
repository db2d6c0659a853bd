#pragma once

#include <randnla/core/streamed_rows.hpp>
#include <randnla/data/dataset.hpp>
#include <randnla/objective/finite_sum.hpp>
#include <randnla/objective/losses.hpp>
#include <randnla/objective/regulariser.hpp>

#include <memory>

namespace randnla {

template <Backend B, class T>
class SampledRows;  // src/objective/data_parts.hpp

/// F(x) = (1/n) sum_i loss(a_i'x, y_i) + regulariser(x) over the rows a_i and targets y_i of `data`.
///
/// data    must outlive the objective        loss  a function object as those of losses.hpp
/// Cost    evaluate and hessian_product read each sampled row once; hessian_matrix is one weighted
///         Gram product, dim^2 multiply-adds a row; importance needs the rows' norms, one pass the
///         first time; the non-convex regulariser adds one or two loops over x
/// Sync    none but for leverage_ratio
/// Determinism  same bits from run to run and, on the CPU, for any number of threads
/// Throws  InvalidArgument: no rows, a number of the regulariser negative or not finite, what the
///         loss's check() throws, a view of another size
///
/// Compiled into the library for the losses of losses.hpp. For a loss of your own include
/// <randnla/objective/define_linear_model.hpp>.
template <class Loss, Backend B, Scalar T>
class LinearModel {
 public:
  LinearModel(Context<B>& ctx, const Dataset<T, B>& data, Regulariser regulariser = {},
              Loss loss = {});
  /// The same over rows that stay in host memory, which must outlive the objective; the targets are in backend
  /// memory. Everything is the same to rounding: a pass over all rows sums chunk by chunk, and a sample's rows are
  /// gathered on the host and kept on the backend as long as the sample is in use. Sync: evaluate and
  /// hessian_product wait where they see a sample for the first time.
  LinearModel(Context<B>& ctx, const StreamedRows<T, B>& rows, VectorView<const T, B> targets,
              Regulariser regulariser = {}, Loss loss = {});

  index_t dim() const { return dim_; }
  index_t terms() const { return terms_; }
  HessianCosts hessian_costs() const;
  bool replayable() const { return rows_.streamed == nullptr; }
  void evaluate(Context<B>& ctx, VectorView<const T, B> x, const Sample<B, T>& sample,
                const Evaluation<B, T>& out) const;
  void hessian_product(Context<B>& ctx, const HessianSample<B, T>& H, VectorView<const T, B> v,
                       VectorView<T, B> out) const;
  void hessian_matrix(Context<B>& ctx, const HessianSample<B, T>& H, MatrixView<T, B> out) const;
  /// out[i] = |curvature[i]| |a_i|^2
  void importance(Context<B>& ctx, VectorView<const T, B> curvature, VectorView<T, B> out) const;
  /// out[i] = a_i'(A'|D|A)^+ a_i / |a_i|^2, D the curvatures: leverage scores of |D|^(1/2) A over the
  /// importance, 0 for rows of zeros. Safe for any rank. Exact up to some 300 columns: eigenvalues of
  /// A'|D|A, scaled to unit diagonal, below dim eps times the largest count as zero; costs dim^2
  /// multiply-adds a row twice and 9 dim^3 on the host; waits once. Beyond, where it is cheaper by far, from
  /// a sketch (`approximate` of leverage_scores), 99 of 100 scores within a half; waits several times.
  void leverage_ratio(Context<B>& ctx, VectorView<const T, B> curvature,
                      VectorView<T, B> out) const;

 private:
  LinearModel(const RowSource<T, B>& rows, VectorView<const T, B> targets, Regulariser regulariser,
              Loss loss);
  const T* squared_row_norms(Context<B>& ctx) const;

  RowSource<T, B> rows_;
  const T* targets_;
  index_t terms_, dim_;
  Regulariser regulariser_;
  Loss loss_;
  mutable Buffer<T, B> row_norms2_;                     // filled when they are first asked for
  mutable std::shared_ptr<SampledRows<B, T>> sampled_;  // of streamed rows: the last sample
};

/// Non-convex least squares, mean (y - sigmoid(a'x))^2.
template <Backend B, Scalar T>
using NonlinearLeastSquares = LinearModel<SigmoidSquares, B, T>;

/// Logistic regression with targets 0 and 1.
template <Backend B, Scalar T>
using LogisticRegression = LinearModel<LogisticLoss, B, T>;

/// Linear least squares, mean (a'x - y)^2 / 2.
template <Backend B, Scalar T>
using LeastSquares = LinearModel<SquaredLoss, B, T>;

}  // namespace randnla
