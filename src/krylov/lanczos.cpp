#include "krylov/lanczos_steps.hpp"

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
      h_(ctx, 2 * max_steps_),
      alpha_(ctx, max_steps_),
      beta_(ctx, max_steps_),
      state_(ctx, 1) {}

template <Backend B, Scalar T>
LanczosMemory<T> Lanczos<B, T>::memory() {
  LanczosMemory<T> m{};
  m.n = n_, m.k = queued_, m.max_steps = max_steps_;
  m.noise = 8 * std::sqrt(static_cast<double>(n_)) *
            static_cast<double>(std::numeric_limits<T>::epsilon());
  m.basis = basis_.data(), m.w = w_.data(), m.h = h_.data(), m.again = h_.data() + max_steps_;
  m.alpha = alpha_.data(), m.beta = beta_.data(), m.state = state_.data();
  return m;
}

template <Backend B, Scalar T>
void Lanczos<B, T>::start(Context<B>& ctx, VectorView<const T, B> q, int kept) {
  require(q.size == n_, "Lanczos::start: vector of " + std::to_string(q.size) +
                            " entries for dimension " + std::to_string(n_));
  require(kept >= 0 && kept <= max_steps_, "Lanczos::start: kept = " + std::to_string(kept) +
                                               " of " + std::to_string(max_steps_) + " columns");
  queued_ = kept;
  LanczosMemory<T> m = memory();
  m.from = q.data;
  if (kept == 0) return run_steps<T>(ctx, m, LanczosStart{});
  ctx.copy(m.w, q.data, static_cast<std::size_t>(n_) * sizeof(T));
  m.from = m.w;
  run_steps<T>(ctx, m, LanczosStartOutside{});
}

template <Backend B, Scalar T>
void Lanczos<B, T>::go_back(int columns) {
  require(columns >= 0 && columns < queued_, "Lanczos::go_back: to " + std::to_string(columns) +
                                                 " of " + std::to_string(queued_) + " columns");
  queued_ = columns;
}

template <Backend B, Scalar T>
void Lanczos<B, T>::step(Context<B>& ctx, OperatorRef<B, T> H) {
  require(queued_ < max_steps_, "Lanczos::step: all " + std::to_string(max_steps_) + " are done");
  run_steps(ctx, H, memory(), LanczosStep{});
  ++queued_;
}

template <Backend B, Scalar T>
void Lanczos<B, T>::combine(Context<B>& ctx, const T* u, VectorView<T, B> out) {
  require(out.size == n_, "Lanczos::combine: out of " + std::to_string(out.size) +
                              " entries for dimension " + std::to_string(n_));
  const T* const Q = basis_.data();
  T* const to = out.data;
  const index_t n = n_;
  const int columns = queued_;
  for_each(ctx, n, [=] RANDNLA_FN(index_t i) { to[i] = combination(Q + i, n, columns, u); });
}

template class Lanczos<ThisBackend, float>;
template class Lanczos<ThisBackend, double>;

}  // namespace randnla
