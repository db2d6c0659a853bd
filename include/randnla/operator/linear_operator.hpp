#pragma once

#include <randnla/core/context.hpp>
#include <randnla/core/view.hpp>

#include <concepts>

namespace randnla {

/// A symmetric linear map: apply(ctx, x, y) queues y = A x; x and y have dim() entries and do not
/// overlap.
///
/// It may have a replayable() that says whether apply(), from its second call with the same x and y on, queues the
/// same work on the same memory every time and neither waits nor allocates: a device may then record it once and
/// replay that.
template <class A, class B, class T>
concept LinearOperator = Backend<B> &&
    requires(const A& a, Context<B>& ctx, VectorView<const T, B> x, VectorView<T, B> y) {
  { a.dim() } -> std::convertible_to<index_t>;
  { a.apply(ctx, x, y) } -> std::same_as<void>;
};

template <Backend B, Scalar T>
struct SymmetricMatrix;

/// Non-owning handle to any LinearOperator, so that solvers are compiled once per backend and
/// scalar type. The operator must outlive it.
template <Backend B, Scalar T>
class OperatorRef {
 public:
  template <LinearOperator<B, T> A>
  OperatorRef(const A& a)
      : self_(&a),
        dim_(a.dim()),
        apply_([](const void* self, Context<B>& ctx, VectorView<const T, B> x, VectorView<T, B> y) {
          static_cast<const A*>(self)->apply(ctx, x, y);
        }) {
    if constexpr (std::same_as<A, SymmetricMatrix<B, T>>) matrix_ = &a.matrix;
    if constexpr (requires { a.replayable(); }) replayable_ = a.replayable();
  }

  index_t dim() const { return dim_; }
  /// The entries of a SymmetricMatrix; null for any other operator.
  const MatrixView<const T, B>* matrix() const { return matrix_; }
  bool replayable() const { return replayable_; }
  void apply(Context<B>& ctx, VectorView<const T, B> x, VectorView<T, B> y) const {
    apply_(self_, ctx, x, y);
  }

 private:
  const void* self_;
  index_t dim_;
  const MatrixView<const T, B>* matrix_ = nullptr;
  bool replayable_ = false;
  void (*apply_)(const void*, Context<B>&, VectorView<const T, B>, VectorView<T, B>);
};

/// A symmetric matrix held whole, both triangles.
template <Backend B, Scalar T>
struct SymmetricMatrix {
  MatrixView<const T, B> matrix;

  index_t dim() const { return matrix.cols; }
  bool replayable() const { return true; }
  void apply(Context<B>& ctx, VectorView<const T, B> x, VectorView<T, B> y) const;
};

}  // namespace randnla
