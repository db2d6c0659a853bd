// Leverage scores of weighted rows, as LinearModel and other objectives of the rows' linear
// forms need them.
#pragma once

#include "cpu/pseudo_inverse_root.hpp"
#include "seam/streamed_passes.hpp"
#include "sketch/leverage_ratio.hpp"

#include <randnla/core/buffer.hpp>

#include <limits>

namespace randnla {

/// Relative error that 99 of 100 scores do not exceed. Draws by scores that are too small by a factor of two at
/// most want twice as many (Drineas, Magdon-Ismail, Mahoney & Woodruff, JMLR 13 (2012)).
inline constexpr double sampling_error = 0.5;

/// out[i] = a_i'(A'|D|A)^+ a_i by the Gram matrix.
template <Backend B, class T>
void exact_leverage_ratio(Context<B>& ctx, const RowSource<T, B>& A, VectorView<const T, B> weights,
                          T* out) {
  const index_t n = weights.size, d = A.cols;
  Buffer<T, B> sizes(ctx, n), H(ctx, d * d);
  const T* const w = weights.data;
  T* const size = sizes.data();
  for_each(ctx, n, [=] RANDNLA_FN(index_t i) { size[i] = w[i] < 0 ? -w[i] : w[i]; });
  gram<B, T>(ctx, A, size, T(0), MatrixView<T, B>{H.data(), d, d, d});
  const std::vector<T> host = H.download();
  const auto root =
      pseudo_inverse_root({host.begin(), host.end()}, d, std::numeric_limits<T>::epsilon());
  if (!root.finite) {
    return for_each(ctx, n,
                    [=] RANDNLA_FN(index_t i) { out[i] = std::numeric_limits<T>::quiet_NaN(); });
  }
  const Buffer<T, B> P(ctx, std::vector<T>(root.values.begin(), root.values.end()));
  projected_row_norms(ctx, A, static_cast<const T*>(nullptr),
                      MatrixView<const T, B>{P.data(), root.rank, d, root.rank}, out);
}

/// out[i] = a_i'(A'|D|A)^+ a_i / |a_i|^2, D = diag(weights) of any sign: the leverage score of row i
/// of |D|^(1/2) A over |D_i| |a_i|^2, and defined where D_i = 0, too. 0 for rows of zeros; NaN where
/// A'|D|A is not finite. Approximate, from a sketch of |D|^(1/2) A, where that is cheaper by far: from some 300
/// columns on.
///
/// Cost   n d^2 multiply-adds for the Gram matrix, n d rank for the scores, 9 d^3 on the host; approximate: see
///        leverage_scores
/// Sync   one wait, for the Gram matrix; approximate: several
/// Error  exact: of the score of row i, about d eps times the condition of A'|D|A with its diagonal scaled
///        to one, which is at most 1 / (d eps): smaller eigenvalues count as zero. approximate: sampling_error
template <Backend B, class T>
void linear_leverage_ratio(Context<B>& ctx, const RowSource<T, B>& A,
                           VectorView<const T, B> weights, const T* row_norms2, T* out) {
  const index_t n = weights.size;
  const LeverageOptions options{.error = sampling_error};
  if (!sketched_leverage_ratio(ctx, A, weights.data, options, VectorView<T, B>{out, n})) {
    exact_leverage_ratio(ctx, A, weights, out);
  }
  for_each(ctx, n, [=] RANDNLA_FN(index_t i) {
    if (out[i] == out[i]) out[i] = row_norms2[i] > 0 ? out[i] / row_norms2[i] : T(0);
  });
}

}  // namespace randnla
