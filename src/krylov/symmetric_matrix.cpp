#include "seam/seam.hpp"

#include <randnla/operator/linear_operator.hpp>

namespace randnla {

template <Backend B, Scalar T>
void SymmetricMatrix<B, T>::apply(Context<B>& ctx, VectorView<const T, B> x,
                                  VectorView<T, B> y) const {
  gemv<T>(ctx, Transpose::no, T(1), matrix, x.data, T(0), y.data);
}

template struct SymmetricMatrix<ThisBackend, float>;
template struct SymmetricMatrix<ThisBackend, double>;

}  // namespace randnla
