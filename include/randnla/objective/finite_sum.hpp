#pragma once

#include <randnla/operator/linear_operator.hpp>
#include <randnla/sketch/row_sampling.hpp>

#include <concepts>

namespace randnla {

/// The second derivative of a term, or the part of it that is positive semidefinite by construction.
enum class Curvature { hessian, gauss_newton };

/// What one pass over a sample at a point is to compute; null: not wanted. All in backend memory.
template <Backend B, Scalar T>
struct Evaluation {
  double* value = nullptr;       // of the sampled mean plus the regulariser
  T* gradient = nullptr;         // (dim) of the same
  T* curvature = nullptr;        // (sample.bound * curvature_size) of the k-th sampled term
  T* gradient_norms2 = nullptr;  // (sample.bound) |grad f_rows[k]|^2, without the regulariser
  Curvature kind = Curvature::hessian;
};

/// The Hessian on a sample at a point, sum_k weights[k] hess f_rows[k](x) plus the regulariser's.
template <Backend B, Scalar T>
struct HessianSample {
  VectorView<const T, B> x;
  Sample<B, T> sample;
  const T* curvature = nullptr;  // (sample.bound * curvature_size) curvatures times weights
  /// What `curvature` was evaluated as: under gauss_newton the regulariser's part, too, is positive
  /// semidefinite.
  Curvature kind = Curvature::hessian;
};

/// Work of a Hessian in multiply-adds a sampled term, for choosing between products and the matrix.
struct HessianCosts {
  double product = 0, matrix = 0;
};

/// F(x) = (1/n) sum_i f_i(x) + regulariser, n = terms(), x with dim() entries.
///
/// evaluate         values, gradients and curvatures of a sample in one pass. The curvature of a
///                  term is the numbers that its Hessian is made from, which scale with it; for a
///                  function of one linear form of x, f_i(x) = phi_i(a_i'x), it is phi_i''(a_i'x)
/// hessian_product  out = H v, in one pass over the sampled terms
/// hessian_matrix   H (dim x dim), both triangles
/// importance       out[i] = a bound of the norm of term i's Hessian, from the curvatures of all
///                  terms: the scores of row-norm sampling
///
/// Objectives may have three more functions:
///
/// curvature_size   numbers a term's curvature consists of; without it 1
/// leverage_ratio   (ctx, curvature, out): out[i] = the leverage score of term i in its sum of
///                  Hessians' absolute values, over its importance. Needed for Sampling::leverage
///                  only; may wait
/// replayable       whether hessian_product() is, as LinearOperator's apply(); without it it is not
///
/// All others are asynchronous. See LinearModel for a model of it.
template <class F, class B, class T>
concept FiniteSum = Backend<B> &&
    requires(const F& f, Context<B>& ctx, VectorView<const T, B> x, const Sample<B, T>& sample,
             const Evaluation<B, T>& evaluation, const HessianSample<B, T>& H, VectorView<T, B> out,
             MatrixView<T, B> matrix) {
  { f.dim() } -> std::convertible_to<index_t>;
  { f.terms() } -> std::convertible_to<index_t>;
  f.evaluate(ctx, x, sample, evaluation);
  f.hessian_product(ctx, H, x, out);
  f.hessian_matrix(ctx, H, matrix);
  f.importance(ctx, x, out);
  { f.hessian_costs() } -> std::same_as<HessianCosts>;
};

/// Non-owning handle to any FiniteSum, so that optimisers are compiled once per backend and scalar
/// type. The objective must outlive it.
template <Backend B, Scalar T>
class FiniteSumRef {
 public:
  template <FiniteSum<B, T> F>
  FiniteSumRef(const F& f)
      : self_(&f),
        dim_(f.dim()),
        terms_(f.terms()),
        curvature_size_(1),
        costs_(f.hessian_costs()),
        functions_(&functions<F>) {
    if constexpr (requires { f.curvature_size(); }) curvature_size_ = f.curvature_size();
    if constexpr (requires { f.replayable(); }) replayable_ = f.replayable();
  }

  index_t dim() const { return dim_; }
  index_t terms() const { return terms_; }
  index_t curvature_size() const { return curvature_size_; }
  HessianCosts hessian_costs() const { return costs_; }
  bool replayable() const { return replayable_; }
  void evaluate(Context<B>& ctx, VectorView<const T, B> x, const Sample<B, T>& sample,
                const Evaluation<B, T>& out) const {
    functions_->evaluate(self_, ctx, x, sample, out);
  }
  void hessian_product(Context<B>& ctx, const HessianSample<B, T>& H, VectorView<const T, B> v,
                       VectorView<T, B> out) const {
    functions_->product(self_, ctx, H, v, out);
  }
  void hessian_matrix(Context<B>& ctx, const HessianSample<B, T>& H, MatrixView<T, B> out) const {
    functions_->matrix(self_, ctx, H, out);
  }
  void importance(Context<B>& ctx, VectorView<const T, B> curvature, VectorView<T, B> out) const {
    functions_->importance(self_, ctx, curvature, out);
  }
  bool has_leverage() const { return functions_->leverage_ratio != nullptr; }
  /// Throws InvalidArgument where the objective has no such function.
  void leverage_ratio(Context<B>& ctx, VectorView<const T, B> curvature,
                      VectorView<T, B> out) const {
    require(has_leverage(), "the objective has no leverage scores");
    functions_->leverage_ratio(self_, ctx, curvature, out);
  }

 private:
  struct Functions {
    void (*evaluate)(const void*, Context<B>&, VectorView<const T, B>, const Sample<B, T>&,
                     const Evaluation<B, T>&);
    void (*product)(const void*, Context<B>&, const HessianSample<B, T>&, VectorView<const T, B>,
                    VectorView<T, B>);
    void (*matrix)(const void*, Context<B>&, const HessianSample<B, T>&, MatrixView<T, B>);
    using Scores = void (*)(const void*, Context<B>&, VectorView<const T, B>, VectorView<T, B>);
    Scores importance, leverage_ratio;
  };
  template <class F>
  static constexpr typename Functions::Scores leverage_of() {
    if constexpr (requires(const F& f, Context<B>& ctx, VectorView<const T, B> c,
                           VectorView<T, B> out) { f.leverage_ratio(ctx, c, out); }) {
      return [](const void* f, Context<B>& ctx, VectorView<const T, B> curvature,
                VectorView<T, B> out) { as<F>(f).leverage_ratio(ctx, curvature, out); };
    } else {
      return nullptr;
    }
  }
  template <class F>
  static const F& as(const void* self) {
    return *static_cast<const F*>(self);
  }
  template <class F>
  static constexpr Functions functions = {
      [](const void* f, Context<B>& ctx, VectorView<const T, B> x, const Sample<B, T>& sample,
         const Evaluation<B, T>& out) { as<F>(f).evaluate(ctx, x, sample, out); },
      [](const void* f, Context<B>& ctx, const HessianSample<B, T>& H, VectorView<const T, B> v,
         VectorView<T, B> out) { as<F>(f).hessian_product(ctx, H, v, out); },
      [](const void* f, Context<B>& ctx, const HessianSample<B, T>& H, MatrixView<T, B> out) {
        as<F>(f).hessian_matrix(ctx, H, out);
      },
      [](const void* f, Context<B>& ctx, VectorView<const T, B> curvature, VectorView<T, B> out) {
        as<F>(f).importance(ctx, curvature, out);
      },
      leverage_of<F>()};

  const void* self_;
  index_t dim_, terms_, curvature_size_;
  HessianCosts costs_;
  bool replayable_ = false;
  const Functions* functions_;
};

/// A sampled Hessian as a linear operator.
template <Backend B, Scalar T>
struct HessianOperator {
  FiniteSumRef<B, T> f;
  HessianSample<B, T> hessian;

  index_t dim() const { return f.dim(); }
  bool replayable() const { return f.replayable(); }
  void apply(Context<B>& ctx, VectorView<const T, B> v, VectorView<T, B> out) const {
    f.hessian_product(ctx, hessian, v, out);
  }
};

}  // namespace randnla
