#pragma once

#include <randnla/core/context.hpp>
#include <randnla/core/view.hpp>

#include <concepts>

namespace randnla {

/// A linear map of rows() x cols(): apply(ctx, x, y) queues y = A x, apply_adjoint(ctx, y, x) queues x = A'y; x
/// has cols() entries, y rows(), and they do not overlap.
template <class A, class B, class T>
concept LinearMap = Backend<B> &&
    requires(const A& a, Context<B>& ctx, VectorView<const T, B> in, VectorView<T, B> out) {
  { a.rows() } -> std::convertible_to<index_t>;
  { a.cols() } -> std::convertible_to<index_t>;
  { a.apply(ctx, in, out) } -> std::same_as<void>;
  { a.apply_adjoint(ctx, in, out) } -> std::same_as<void>;
};

/// Non-owning handle to any LinearMap, which must outlive it.
template <Backend B, Scalar T>
class LinearMapRef {
 public:
  template <LinearMap<B, T> A>
  LinearMapRef(const A& a)
      : self_(&a),
        rows_(a.rows()),
        cols_(a.cols()),
        apply_([](const void* self, Context<B>& ctx, VectorView<const T, B> x, VectorView<T, B> y) {
          static_cast<const A*>(self)->apply(ctx, x, y);
        }),
        adjoint_(
            [](const void* self, Context<B>& ctx, VectorView<const T, B> y, VectorView<T, B> x) {
              static_cast<const A*>(self)->apply_adjoint(ctx, y, x);
            }) {}

  index_t rows() const { return rows_; }
  index_t cols() const { return cols_; }
  void apply(Context<B>& ctx, VectorView<const T, B> x, VectorView<T, B> y) const {
    apply_(self_, ctx, x, y);
  }
  void apply_adjoint(Context<B>& ctx, VectorView<const T, B> y, VectorView<T, B> x) const {
    adjoint_(self_, ctx, y, x);
  }

 private:
  using Apply = void (*)(const void*, Context<B>&, VectorView<const T, B>, VectorView<T, B>);

  const void* self_;
  index_t rows_, cols_;
  Apply apply_, adjoint_;
};

}  // namespace randnla
