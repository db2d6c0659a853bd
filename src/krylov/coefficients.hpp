// A Lanczos process' tridiagonal matrix on the host, for algorithms that decide there.
#pragma once

#include "seam/seam.hpp"

#include <randnla/krylov/lanczos.hpp>

#include <vector>

namespace randnla {

struct Coefficients {
  std::vector<double> alpha, beta;  // of columns first, first + 1, ... that steps have worked on
  bool invariant = false, not_finite = false;
};

/// Waits once. `first`: the columns that are not asked for.
template <Backend B, Scalar T>
Coefficients fetch_coefficients(Context<B>& ctx, Lanczos<B, T>& space, int first) {
  const index_t size = space.queued() - first;
  Buffer<double, B> packed(ctx, 2 * size + 3);
  double* const to = packed.data();
  const LanczosState* const st = space.state();
  const double *const alpha = space.alpha(), *const beta = space.beta();
  for_each(ctx, size + 1, [=] RANDNLA_FN(index_t i) {
    if (i < size) {
      to[3 + i] = alpha[first + i];
      to[3 + size + i] = beta[first + i];
    } else {
      to[0] = st->steps, to[1] = st->invariant, to[2] = st->not_finite;
    }
  });
  const std::vector<double> host = packed.download();
  const auto steps = static_cast<std::ptrdiff_t>(host[0]) - first;
  const auto a = host.begin() + 3, b = a + size;
  return {{a, a + steps}, {b, b + steps}, host[1] != 0, host[2] != 0};
}

}  // namespace randnla
