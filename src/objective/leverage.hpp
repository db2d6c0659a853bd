// Exact leverage scores of weighted rows, as LinearModel and other objectives of the rows' linear
// forms need them.
#pragma once

#include "cpu/pseudo_inverse_root.hpp"
#include "seam/seam.hpp"

#include <randnla/core/buffer.hpp>

#include <limits>

namespace randnla {

/// out[i] = a_i'(A'|D|A)^+ a_i / |a_i|^2, D = diag(weights) of any sign: the leverage score of row i
/// of |D|^(1/2) A over |D_i| |a_i|^2, and defined where D_i = 0, too. 0 for rows of zeros; NaN where
/// A'|D|A is not finite.
///
/// Cost   n d^2 multiply-adds for the Gram matrix, n d rank for the scores, 9 d^3 on the host
/// Sync   one wait, for the Gram matrix
/// Error  of the score of row i, about d eps times the condition of A'|D|A with its diagonal scaled
///        to one, which is at most 1 / (d eps): smaller eigenvalues count as zero
template <Backend B, class T>
void linear_leverage_ratio(Context<B>& ctx, const Rows<T, B>& A, VectorView<const T, B> weights,
                           const T* row_norms2, T* out) {
  const index_t n = weights.size, d = std::visit([](const auto&rows) { return rows.cols; }, A);
  Buffer<T, B> sizes(ctx, n), H(ctx, d * d);
  const T* const w = weights.data;
  T* const size = sizes.data();
  for_each(ctx, n, [=] RANDNLA_FN(index_t i) { size[i] = w[i] < 0 ? -w[i] : w[i]; });
  gram(ctx, A, RowSelection<B>{nullptr, n, nullptr}, size, T(0),
       MatrixView<T, B>{H.data(), d, d, d});
  const std::vector<T> host = H.download();
  const auto root =
      pseudo_inverse_root({host.begin(), host.end()}, d, std::numeric_limits<T>::epsilon());
  const Buffer<T, B> P(ctx, std::vector<T>(root.values.begin(), root.values.end()));
  projected_row_norms(ctx, A, MatrixView<const T, B>{P.data(), root.rank, d, root.rank}, out);
  const bool finite = root.finite;
  for_each(ctx, n, [=] RANDNLA_FN(index_t i) {
    if (!finite) {
      out[i] = std::numeric_limits<T>::quiet_NaN();
    } else {
      out[i] = row_norms2[i] > 0 ? out[i] / row_norms2[i] : T(0);
    }
  });
}

}  // namespace randnla
