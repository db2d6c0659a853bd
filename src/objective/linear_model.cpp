#include "seam/seam.hpp"

#include <randnla/objective/linear_model.hpp>

#include <cmath>
#include <string>

namespace randnla {
namespace {

void require_size(const char* what, index_t size, index_t want) {
  require(size == want, std::string(what) + " has " + std::to_string(size) + " entries, want " +
                            std::to_string(want));
}

template <Backend B, class T>
RowSelection<B> selection(const Sample<B, T>& sample) {
  return {sample.rows, sample.bound, sample.count};
}

/// `weighted` is a type's business, not a pointer's: where it was, the CPU's vectors loaded through the
/// null pointer with everything masked off, for 240 cycles each.
template <class Loss, class T, bool weighted>
struct EvaluateRow {
  const T* targets;
  const T* weights;  // of the rows if weighted; else all are `uniform`
  T uniform;
  T* curvature;  // null: not wanted
  bool gauss_newton;
  T* gradient_norms2;  // null: not wanted
  const T* row_norms2;

  RANDNLA_HD RowTerm<T> operator()(index_t k, index_t row, T z) const {
    const LossTerm<T> term = Loss{}(z, targets[row]);
    const T weight = weighted ? weights[k] : uniform;
    if (curvature != nullptr) curvature[k] = gauss_newton ? term.gauss_newton : term.curvature;
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

}  // namespace

template <class Loss, Backend B, Scalar T>
LinearModel<Loss, B, T>::LinearModel(Context<B>&, const Dataset<T, B>& data, double l2)
    : rows_(data.view()),
      targets_(data.targets.data()),
      terms_(data.rows),
      dim_(data.cols),
      l2_(static_cast<T>(l2)) {
  require(data.rows > 0 && data.cols > 0, "LinearModel: data of " + std::to_string(data.rows) +
                                              " x " + std::to_string(data.cols) + ", want some");
  require(l2 >= 0 && std::isfinite(l2),
          "LinearModel: l2 = " + std::to_string(l2) + ", want at least 0 and finite");
  require_size("LinearModel: targets", data.targets.size(), data.rows);
}

template <class Loss, Backend B, Scalar T>
HessianCosts LinearModel<Loss, B, T>::hessian_costs() const {
  const auto d = static_cast<double>(dim_);
  double entries = d;  // of a row
  if (const auto* sparse = std::get_if<CsrRows<T, B>>(&rows_)) {
    entries = static_cast<double>(sparse->nonzeros) / static_cast<double>(terms_);
  }
  return {2 * entries, d * (d + 1) / 2};
}

template <class Loss, Backend B, Scalar T>
void LinearModel<Loss, B, T>::evaluate(Context<B>& ctx, VectorView<const T, B> x,
                                       const Sample<B, T>& sample,
                                       const Evaluation<B, T>& out) const {
  require_size("LinearModel::evaluate: x", x.size, dim_);
  const T uniform = T(1) / static_cast<T>(sample.bound);
  const bool norms = out.gradient_norms2 != nullptr;
  const T* const row_norms2 = norms ? squared_row_norms(ctx) : nullptr;
  const auto pass = [&](auto row) {
    fused_pass(ctx, rows_, selection(sample), x.data, row, l2_, out.gradient, out.value);
  };
  const bool gauss_newton = out.kind == Curvature::gauss_newton;
  if (sample.weights != nullptr) {
    pass(EvaluateRow<Loss, T, true>{targets_, sample.weights, uniform, out.curvature, gauss_newton,
                                    out.gradient_norms2, row_norms2});
  } else {
    pass(EvaluateRow<Loss, T, false>{targets_, nullptr, uniform, out.curvature, gauss_newton,
                                     out.gradient_norms2, row_norms2});
  }
}

template <class Loss, Backend B, Scalar T>
void LinearModel<Loss, B, T>::hessian_product(Context<B>& ctx, const HessianSample<B, T>& H,
                                              VectorView<const T, B> v,
                                              VectorView<T, B> out) const {
  require_size("LinearModel::hessian_product: v", v.size, dim_);
  require_size("LinearModel::hessian_product: out", out.size, dim_);
  fused_pass(ctx, rows_, selection(H.sample), v.data, ApplyCurvature<T>{H.curvature}, l2_, out.data,
             static_cast<double*>(nullptr));
}

template <class Loss, Backend B, Scalar T>
void LinearModel<Loss, B, T>::hessian_matrix(Context<B>& ctx, const HessianSample<B, T>& H,
                                             MatrixView<T, B> out) const {
  require_size("LinearModel::hessian_matrix: rows", out.rows, dim_);
  require_size("LinearModel::hessian_matrix: columns", out.cols, dim_);
  gram(ctx, rows_, selection(H.sample), H.curvature, l2_, out);
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
  require_size("LinearModel::importance: curvature", curvature.size, terms_);
  require_size("LinearModel::importance: out", out.size, terms_);
  const T *norms = squared_row_norms(ctx), *c = curvature.data;
  T* const o = out.data;
  for_each(ctx, terms_, [=] RANDNLA_FN(index_t i) { o[i] = (c[i] < 0 ? -c[i] : c[i]) * norms[i]; });
}

template class LinearModel<SigmoidSquares, ThisBackend, float>;
template class LinearModel<SigmoidSquares, ThisBackend, double>;
template class LinearModel<LogisticLoss, ThisBackend, float>;
template class LinearModel<LogisticLoss, ThisBackend, double>;

}  // namespace randnla
