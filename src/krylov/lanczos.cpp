#include "krylov/tridiagonal.hpp"
#include "seam/seam.hpp"

#include <randnla/krylov/lanczos.hpp>

#include <cmath>
#include <limits>
#include <string>

namespace randnla {

template <Backend B, Scalar T>
Lanczos<B, T>::Lanczos(Context<B>& ctx, index_t n, int max_steps)
    : n_(n),
      max_steps_(static_cast<int>(std::min<index_t>(max_steps, n))),
      basis_(ctx, n * (max_steps_ + 1)),
      w_(ctx, n),
      h_(ctx, max_steps_),
      alpha_(ctx, max_steps_),
      beta_(ctx, max_steps_),
      state_(ctx, 1) {}

template <Backend B, Scalar T>
void Lanczos<B, T>::start(Context<B>& ctx, VectorView<const T, B> q, int kept) {
  require(q.size == n_, "Lanczos::start: vector of " + std::to_string(q.size) +
                            " entries for dimension " + std::to_string(n_));
  require(kept >= 0 && kept <= max_steps_, "Lanczos::start: kept = " + std::to_string(kept) +
                                               " of " + std::to_string(max_steps_) + " columns");
  queued_ = kept;
  LanczosState* const st = state_.data();
  const T* from = q.data;
  T* const first = basis_.data() + kept * n_;
  if (kept > 0) {
    ctx.copy(w_.data(), q.data, static_cast<std::size_t>(n_) * sizeof(T));
    for (int pass = 0; pass < 2; ++pass) orthogonalise(ctx, kept);
    from = w_.data();
  }
  sum_then<double>(
      ctx, n_,
      [=] RANDNLA_FN(index_t i) {
        return static_cast<double>(from[i]) * static_cast<double>(from[i]);
      },
      [=] RANDNLA_FN(double qq) {
        *st = {};
        st->steps = kept;
        st->start_norm = sqrt(qq);
        st->invariant = st->done = !(qq > 0);
        st->not_finite = !(qq - qq == 0);
      });
  for_each(ctx, n_, [=] RANDNLA_FN(index_t i) {
    first[i] = st->invariant ? T(0) : static_cast<T>(static_cast<double>(from[i]) / st->start_norm);
  });
}

template <Backend B, Scalar T>
void Lanczos<B, T>::go_back(int columns) {
  require(columns >= 0 && columns < queued_, "Lanczos::go_back: to " + std::to_string(columns) +
                                                 " of " + std::to_string(queued_) + " columns");
  queued_ = columns;
}

/// h = Q'w, w -= Q h
template <Backend B, Scalar T>
void Lanczos<B, T>::orthogonalise(Context<B>& ctx, int columns) {
  const MatrixView<const T, B> Q = basis().first_cols(columns);
  gemv<T>(ctx, Transpose::yes, T(1), Q, w_.data(), T(0), h_.data());
  gemv<T>(ctx, Transpose::no, T(-1), Q, h_.data(), T(1), w_.data());
}

template <Backend B, Scalar T>
void Lanczos<B, T>::step(Context<B>& ctx, OperatorRef<B, T> H) {
  require(queued_ < max_steps_, "Lanczos::step: all " + std::to_string(max_steps_) + " are done");
  const int j = queued_++;
  const index_t n = n_;
  LanczosState* const st = state_.data();
  double *const alpha = alpha_.data(), *const beta = beta_.data();
  T *const w = w_.data(), *const h = h_.data(), *const next = basis_.data() + (j + 1) * n;
  H.apply(ctx, column(j), w_.view());
  for (int pass = 0; pass < 2; ++pass) {  // twice is enough (Parlett, 1980)
    orthogonalise(ctx, j + 1);
    for_each(ctx, 1, [=] RANDNLA_FN(index_t) {
      alpha[j] = (pass > 0 ? alpha[j] : 0) + static_cast<double>(h[j]);
    });
  }
  // What rounding leaves of a vector that lies in the space.
  const double noise = 8 * std::sqrt(static_cast<double>(n)) *
                       static_cast<double>(std::numeric_limits<T>::epsilon());
  sum_then<double>(
      ctx, n,
      [=] RANDNLA_FN(index_t i) { return static_cast<double>(w[i]) * static_cast<double>(w[i]); },
      [=] RANDNLA_FN(double ww) {
        beta[j] = sqrt(ww);
        if (st->done) return;
        st->steps = j + 1;
        const double size = fabs(alpha[j]) + beta[j];
        if (size - size != 0) st->not_finite = st->done = 1;
        if (size > st->scale) st->scale = size;
        if (beta[j] <= noise * st->scale || j + 1 == n) st->invariant = st->done = 1;
      });
  for_each(ctx, n, [=] RANDNLA_FN(index_t i) {
    next[i] = st->invariant ? T(0) : static_cast<T>(static_cast<double>(w[i]) / beta[j]);
  });
}

template <Backend B, Scalar T>
void Lanczos<B, T>::combine(Context<B>& ctx, const T* u, VectorView<T, B> out) {
  require(out.size == n_, "Lanczos::combine: out of " + std::to_string(out.size) +
                              " entries for dimension " + std::to_string(n_));
  // Not by gemv: its order of summation depends on how many columns there are, and so on how late
  // the stop flag is read. Columns with no part in the sum may hold NaN.
  const T* const Q = basis_.data();
  T* const to = out.data;
  const index_t n = n_;
  const int columns = queued_;
  for_each(ctx, n, [=] RANDNLA_FN(index_t i) {
    T sum = 0;
    for (int j = 0; j < columns; ++j) {
      if (u[j] != 0) sum += Q[i + j * n] * u[j];
    }
    to[i] = sum;
  });
}

template class Lanczos<ThisBackend, float>;
template class Lanczos<ThisBackend, double>;

}  // namespace randnla
