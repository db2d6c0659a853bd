// The members of LinearModel, for instantiating it with a loss of your own: link randnla::extend,
// include this, and write
//
//   template class randnla::LinearModel<MyLoss, randnla::ThisBackend, double>;
//
// in a source that g++ compiles (ThisBackend is Cpu), nvcc (Cuda), or each in turn. All other users
// include <randnla/objective/linear_model.hpp>, whose losses are in the library.
#pragma once

#include "objective/data_parts.hpp"
#include "objective/leverage.hpp"
#include "objective/regulariser_terms.hpp"
#include "seam/streamed_passes.hpp"

#include <randnla/objective/linear_model.hpp>

#include <string>
#include <type_traits>

namespace randnla {
namespace linear {

inline void require_size(const char* what, index_t size, index_t want) {
  require(size == want, std::string(what) + " has " + std::to_string(size) + " entries, want " +
                            std::to_string(want));
}

/// `weighted` is a type's business, not a pointer's: where it was, the CPU's vectors loaded through the
/// null pointer with all lanes masked off, which takes 240 cycles each.
template <class Loss, class T, bool weighted>
struct EvaluateRow {
  Loss loss;
  const T* targets;
  const T* weights;  // of the rows if weighted; else all are `uniform`
  T uniform;
  T* curvature;  // null: not wanted
  /// The curvature's and the Gauss-Newton part's share, 1 and 0 or 0 and 1: a choice by a flag keeps
  /// GCC 12 from making whole vectors of the loop around this, and sigmoid least squares then take
  /// 0.96 in place of 0.51 ms at 49,990 x 22 on one thread.
  T curvature_share, gauss_newton_share;
  T* gradient_norms2;  // null: not wanted
  const T* row_norms2;

  RANDNLA_HD RowTerm<T> operator()(index_t k, index_t row, T z) const {
    const LossTerm<T> term = loss(z, targets[row]);
    const T weight = weighted ? weights[k] : uniform;
    if (curvature != nullptr) {
      curvature[k] = curvature_share * term.curvature + gauss_newton_share * term.gauss_newton;
    }
    if (gradient_norms2 != nullptr) gradient_norms2[k] = term.slope * term.slope * row_norms2[row];
    return {weight * term.slope, weight * term.value};
  }
};

template <class T>
struct ApplyCurvature {
  const T* curvature;  // times the sample's weights

  RANDNLA_HD RowTerm<T> operator()(index_t k, index_t, T z) const {
    return {curvature[k] * z, T(0)};
  }
};

}  // namespace linear

template <class Loss, Backend B, Scalar T>
LinearModel<Loss, B, T>::LinearModel(Context<B>&, const Dataset<T, B>& data,
                                     Regulariser regulariser, Loss loss)
    : LinearModel(data.view(), data.targets.view(), regulariser, loss) {}

template <class Loss, Backend B, Scalar T>
LinearModel<Loss, B, T>::LinearModel(Context<B>&, const StreamedRows<T, B>& rows,
                                     VectorView<const T, B> targets, Regulariser regulariser,
                                     Loss loss)
    : LinearModel(RowSource<T, B>(rows), targets, regulariser, loss) {}

template <class Loss, Backend B, Scalar T>
LinearModel<Loss, B, T>::LinearModel(const RowSource<T, B>& rows, VectorView<const T, B> targets,
                                     Regulariser regulariser, Loss loss)
    : rows_(rows),
      targets_(targets.data),
      terms_(rows.rows),
      dim_(rows.cols),
      regulariser_(regulariser),
      loss_(loss) {
  require(terms_ > 0 && dim_ > 0, "LinearModel: data of " + std::to_string(terms_) + " x " +
                                      std::to_string(dim_) + ", want some");
  linear::require_size("LinearModel: targets", targets.size, terms_);
  regulariser.check("LinearModel");
  if constexpr (requires { loss.check(); }) loss.check();
}

template <class Loss, Backend B, Scalar T>
HessianCosts LinearModel<Loss, B, T>::hessian_costs() const {
  const auto d = static_cast<double>(dim_);
  const double entries = static_cast<double>(rows_.nonzeros) / static_cast<double>(terms_);
  return {2 * entries, d * (d + 1) / 2};
}

template <class Loss, Backend B, Scalar T>
void LinearModel<Loss, B, T>::evaluate(Context<B>& ctx, VectorView<const T, B> x,
                                       const Sample<B, T>& sample,
                                       const Evaluation<B, T>& out) const {
  linear::require_size("LinearModel::evaluate: x", x.size, dim_);
  const bool gauss_newton = out.kind == Curvature::gauss_newton;
  const T uniform = T(1) / static_cast<T>(sample.bound), ridge = static_cast<T>(regulariser_.l2);
  ChunkSum<B, T> sum(out.gradient, dim_, out.value);
  const auto pass = [&]<bool weighted>(const DataPart<B, T>& part, std::bool_constant<weighted>) {
    const linear::EvaluateRow<Loss, T, weighted> row{loss_,
                                                     part.targets,
                                                     moved(sample.weights, part.first),
                                                     uniform,
                                                     moved(out.curvature, part.first),
                                                     gauss_newton ? T(0) : T(1),
                                                     gauss_newton ? T(1) : T(0),
                                                     moved(out.gradient_norms2, part.first),
                                                     part.row_norms2};
    sum.add(ctx, [&](MatrixView<T, B> to, double* value, bool first) {
      fused_pass(ctx, part.rows, part.selection, x.data, row, first ? ridge : T(0), to.data, value);
    });
  };
  for_each_part(
      ctx, rows_, targets_, sample, out.gradient_norms2 != nullptr,
      [&] { return squared_row_norms(ctx); }, sampled_,
      [&](const DataPart<B, T>& part) {
        if (sample.weights != nullptr) {
          pass(part, std::true_type{});
        } else {
          pass(part, std::false_type{});
        }
      });
  add_regulariser_value_gradient(ctx, regulariser_, x, out.value, out.gradient);
}

template <class Loss, Backend B, Scalar T>
void LinearModel<Loss, B, T>::hessian_product(Context<B>& ctx, const HessianSample<B, T>& H,
                                              VectorView<const T, B> v,
                                              VectorView<T, B> out) const {
  linear::require_size("LinearModel::hessian_product: x", H.x.size, dim_);
  linear::require_size("LinearModel::hessian_product: v", v.size, dim_);
  linear::require_size("LinearModel::hessian_product: out", out.size, dim_);
  const T ridge = static_cast<T>(regulariser_.l2);
  ChunkSum<B, T> sum(out.data, dim_, nullptr);
  for_each_part(ctx, rows_, targets_, H.sample, sampled_, [&](const DataPart<B, T>& part) {
    const linear::ApplyCurvature<T> row{H.curvature + part.first};
    sum.add(ctx, [&](MatrixView<T, B> to, double* value, bool first) {
      fused_pass(ctx, part.rows, part.selection, v.data, row, first ? ridge : T(0), to.data, value);
    });
  });
  add_regulariser_product(ctx, regulariser_, H.kind, H.x, v, out);
}

template <class Loss, Backend B, Scalar T>
void LinearModel<Loss, B, T>::hessian_matrix(Context<B>& ctx, const HessianSample<B, T>& H,
                                             MatrixView<T, B> out) const {
  linear::require_size("LinearModel::hessian_matrix: x", H.x.size, dim_);
  linear::require_size("LinearModel::hessian_matrix: rows", out.rows, dim_);
  linear::require_size("LinearModel::hessian_matrix: columns", out.cols, dim_);
  const T ridge = static_cast<T>(regulariser_.l2);
  ChunkSum<B, T> sum(out, nullptr);
  for_each_part(ctx, rows_, targets_, H.sample, sampled_, [&](const DataPart<B, T>& part) {
    sum.add(ctx, [&](MatrixView<T, B> to, double*, bool first) {
      gram(ctx, part.rows, part.selection, H.curvature + part.first, first ? ridge : T(0), to);
    });
  });
  add_regulariser_matrix(ctx, regulariser_, H.kind, H.x, out);
}

template <class Loss, Backend B, Scalar T>
const T* LinearModel<Loss, B, T>::squared_row_norms(Context<B>& ctx) const {
  if (row_norms2_.size() == 0) {
    row_norms2_ = Buffer<T, B>(ctx, terms_);
    row_norms(ctx, rows_, row_norms2_.data());
  }
  return row_norms2_.data();
}

template <class Loss, Backend B, Scalar T>
void LinearModel<Loss, B, T>::importance(Context<B>& ctx, VectorView<const T, B> curvature,
                                         VectorView<T, B> out) const {
  linear::require_size("LinearModel::importance: curvature", curvature.size, terms_);
  linear::require_size("LinearModel::importance: out", out.size, terms_);
  const T *norms = squared_row_norms(ctx), *c = curvature.data;
  T* const o = out.data;
  for_each(ctx, terms_, [=] RANDNLA_FN(index_t i) { o[i] = (c[i] < 0 ? -c[i] : c[i]) * norms[i]; });
}

template <class Loss, Backend B, Scalar T>
void LinearModel<Loss, B, T>::leverage_ratio(Context<B>& ctx, VectorView<const T, B> curvature,
                                             VectorView<T, B> out) const {
  linear::require_size("LinearModel::leverage_ratio: curvature", curvature.size, terms_);
  linear::require_size("LinearModel::leverage_ratio: out", out.size, terms_);
  linear_leverage_ratio(ctx, rows_, curvature, squared_row_norms(ctx), out.data);
}

}  // namespace randnla
