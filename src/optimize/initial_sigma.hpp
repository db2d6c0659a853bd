// The first weight of the cubic term, from the first model.
#pragma once

#include "krylov/tridiagonal.hpp"

#include <randnla/krylov/lanczos.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace randnla {

/// Products that it takes, at most: enough for |H| and the size of a regularised Newton step.
inline constexpr int initial_sigma_steps = 10;

/// sigma such that the minimiser s of g's + s'Hs/2 + sigma/3 |s|^3 has sigma |s| = nu, where nu lies
/// a tenth of |H| above what makes H + nu I positive semidefinite, in the Krylov space of g.
/// Scaling x by a and F by b scales it by b/a^3, as it must. Levenberg-Marquardt methods choose their
/// first damping likewise (Madsen, Nielsen & Tingleff, Methods for non-linear least squares problems
/// (2004), equation 3.14). 0 where the gradient is zero or anything is not finite. Waits.
template <Backend B, Scalar T>
double initial_sigma(Context<B>& ctx, OperatorRef<B, T> H, VectorView<const T, B> g,
                     int* products) {
  // ijcnn1, SubH, median props of 3 seeds to F* + 1e-3: 2.8e6 for 1, 2.2e6 for 0.1, 2.1e6 for 0.01,
  // 2.3e6 for 0.001 (sigma = 10: 4.1e6; trust region: 2.0e6).
  constexpr double share = 0.1;
  Lanczos<B, T> space(ctx, H.dim(), initial_sigma_steps);
  space.start(ctx, g);
  while (space.queued() < space.max_steps()) space.step(ctx, H);
  LanczosState state;
  ctx.download(&state, space.state(), sizeof state);
  *products = state.steps;
  if (state.not_finite || state.steps == 0) return 0;
  const auto k = static_cast<std::size_t>(state.steps);
  std::vector<double> alpha(k), beta(k), pivots(k), u(k, 0.0);
  ctx.download(alpha.data(), space.alpha(), k * sizeof(double));
  ctx.download(beta.data(), space.beta(), k * sizeof(double));
  const Tridiagonal small{alpha.data(), beta.data(), state.steps};
  const double lowest = smallest_eigenvalue(small, 1e-6, pivots.data()).low;
  const double highest =
      -smallest_eigenvalue({small.alpha, small.beta, small.k, -1}, 1e-6, pivots.data()).low;
  const double nu = std::max(0.0, -lowest) + share * std::max(std::fabs(lowest), highest);
  if (!(nu > 0) || !small.factor(nu, pivots.data())) return 0;
  u[0] = state.start_norm;
  small.solve(pivots.data(), u.data());
  return nu / norm(u.data(), state.steps);
}

}  // namespace randnla
