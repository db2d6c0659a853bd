#pragma once

#include <randnla/core/streamed_rows.hpp>
#include <randnla/data/dataset.hpp>
#include <randnla/objective/finite_sum.hpp>
#include <randnla/objective/regulariser.hpp>

#include <memory>

namespace randnla {

template <Backend B, class T>
class SampledRows;  // src/objective/data_parts.hpp

/// Multi-class logistic regression: with K classes and x = (w_1, .., w_K) one vector a class, class
/// after class, each of d = data.cols entries,
///
///   F(x) = (1/n) sum_i (log sum_c exp(a_i'w_c) - a_i'w_{y_i}) + regulariser(x)
///
/// over the rows a_i of `data`, whose targets y_i are 0 .. K-1. dim() = K d.
///
/// data      must outlive the objective      classes  K, 2 to 128
/// Curvature of a term is its probabilities p (K numbers): its Hessian is (diag p - pp') x aa',
///           and with s = w p in place of p, (diag s - ss'/sum s) x aa', which is w times it.
///           Positive semidefinite, so that Curvature::gauss_newton is the same.
/// Error     of a margin, d eps |a||w|. Neither log sum exp nor the exponentials overflow; the
///           value of a term and the gradient's p - e_y keep their relative precision as p_y nears
///           1
/// Cost      evaluate and hessian_product read each sampled row once, 2 K multiply-adds an entry;
///           hessian_matrix is K (K - 1) / 2 weighted Gram products of d^2 / 2 multiply-adds a row;
///           importance and gradient norms need the rows' norms, one pass the first time
/// Sync      the constructor waits for its check of the targets, leverage_ratio once; nothing else
/// Determinism  same bits from run to run and, on the CPU, for any number of threads
/// Throws    InvalidArgument: no rows, classes out of range, a target that is none of 0 .. K-1 (the
///           message names row and value), a number of the regulariser negative or not finite,
///           a view of another size
template <Backend B, Scalar T>
class SoftmaxRegression {
 public:
  SoftmaxRegression(Context<B>& ctx, const Dataset<T, B>& data, index_t classes,
                    Regulariser regulariser = {});
  /// The same over rows that stay in host memory, as LinearModel's.
  SoftmaxRegression(Context<B>& ctx, const StreamedRows<T, B>& rows, VectorView<const T, B> targets,
                    index_t classes, Regulariser regulariser = {});

  index_t dim() const { return classes_ * cols_; }
  index_t terms() const { return terms_; }
  index_t classes() const { return classes_; }
  index_t curvature_size() const { return classes_; }
  HessianCosts hessian_costs() const;
  bool replayable() const { return rows_.streamed == nullptr; }
  void evaluate(Context<B>& ctx, VectorView<const T, B> x, const Sample<B, T>& sample,
                const Evaluation<B, T>& out) const;
  void hessian_product(Context<B>& ctx, const HessianSample<B, T>& H, VectorView<const T, B> v,
                       VectorView<T, B> out) const;
  void hessian_matrix(Context<B>& ctx, const HessianSample<B, T>& H, MatrixView<T, B> out) const;
  /// out[i] = 2 max_c p_c (1 - p_c) |a_i|^2, by Gershgorin no less than |diag p - pp'| |a_i|^2: row
  /// c of the matrix has p_c (1 - p_c) on the diagonal and as much in absolute value beside it.
  void importance(Context<B>& ctx, VectorView<const T, B> curvature, VectorView<T, B> out) const;
  /// out[i] = a_i'(A'DA)^+ a_i / |a_i|^2, D_i = 2 max_c p_c (1 - p_c): leverage scores of D^(1/2) A
  /// over the importance, as LinearModel's.
  void leverage_ratio(Context<B>& ctx, VectorView<const T, B> curvature,
                      VectorView<T, B> out) const;

 private:
  SoftmaxRegression(Context<B>& ctx, const RowSource<T, B>& rows, VectorView<const T, B> targets,
                    index_t classes, Regulariser regulariser);
  const T* squared_row_norms(Context<B>& ctx) const;

  RowSource<T, B> rows_;
  const T* targets_;
  index_t terms_, cols_, classes_;
  Regulariser regulariser_;
  mutable Buffer<T, B> row_norms2_;                     // filled when they are first asked for
  mutable std::shared_ptr<SampledRows<B, T>> sampled_;  // of streamed rows: the last sample
};

}  // namespace randnla
