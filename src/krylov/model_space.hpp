// Models g's + s'Hs/2 with a term in |s|, minimised over a Krylov space that grows until the
// model's gradient is small: what the cubic and the trust-region solver share.
//
// A model is a small value with
//   minimize(T, gamma, guess, u, pivots, w)   of the tridiagonal problem; the multiplier lambda of
//                                             (T + lambda I) u = -gamma e_1
//   bonus(lambda, length)                     its decrease is -gamma u_1/2 plus this
//   solved(lambda)                            the InnerStop of a solution within the tolerance
// whose type has a name that nvcc can spell.
#pragma once

#include "core/philox.hpp"
#include "krylov/inner_checks.hpp"
#include "krylov/lanczos_steps.hpp"
#include "krylov/tridiagonal.hpp"

#include <randnla/krylov/inner_result.hpp>
#include <randnla/krylov/model_space.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

namespace randnla {

/// What the steps work on: the Lanczos process, and the model's problem in the space of state->steps dimensions.
template <class T, class Model>
struct ModelMemory : LanczosMemory<T> {
  using LanczosMemory<T>::n;
  using LanczosMemory<T>::max_steps;
  using LanczosMemory<T>::state;

  Model model;
  double tolerance, eps;  // eps: of T
  bool fresh;             // the space is this solve's
  Rng rng;
  const T* g;
  T* s;
  InnerResult* result;
  T* part;          // random, of the start
  double* scalars;  // |g|^2, multiplier, residual
  T* coordinates = nullptr;
  double *u = nullptr, *pivots = nullptr, *more = nullptr;

  template <class Visit>
  RANDNLA_HD void fields(const Visit& visit) const {
    const Keep kept = fresh ? Keep::after : Keep::before;
    this->lanczos_fields(visit, kept);
    visit(&ModelMemory::s, n, Keep::after);
    visit(&ModelMemory::part, n, kept);
    visit(&ModelMemory::scalars, 3, fresh ? Keep::after : Keep::both);
    visit(&ModelMemory::coordinates, max_steps, Keep::nothing);
    visit(&ModelMemory::u, max_steps, Keep::nothing);
    visit(&ModelMemory::pivots, max_steps, Keep::nothing);
    visit(&ModelMemory::more, max_steps, Keep::nothing);
  }

  RANDNLA_HD T start(index_t i) const { return g[i] + part[i]; }

  /// One thread takes O(k): late in a long process look every fourth step only, at the price of up to three steps more
  /// than needed.
  RANDNLA_HD void after_step() const {
    const int steps = state->steps;
    if (state->not_finite || (steps > 32 && steps % 4 != 0)) return;
    solve();
    if (converged()) state->done = 1;
  }

  /// The start is not the gradient's where that is zero: then there is no linear term.
  RANDNLA_HD double gamma() const { return scalars[0] > 0 ? state->start_norm : 0; }

  RANDNLA_HD void solve() const {
    const int steps = state->steps;
    const double guess = steps > 1 ? scalars[1] : 0;
    scalars[1] = model.minimize({this->alpha, this->beta, steps}, gamma(), guess, u, pivots, more);
    scalars[2] = state->invariant ? 0 : this->beta[steps - 1] * fabs(u[steps - 1]);
  }

  RANDNLA_HD bool converged() const {
    const double asked = tolerance * sqrt(scalars[0]);
    const double length = norm(u, state->steps), rounding = eps * state->scale * length;
    // Without a linear term a zero step says that this space knows no negative curvature yet.
    if (scalars[0] == 0 && length == 0 && !state->invariant) return false;
    return scalars[2] <= (asked > rounding ? asked : rounding);
  }

  /// Of the model whose linear term is the start.
  RANDNLA_HD double decrease() const {
    return -gamma() * u[0] / 2 + model.bonus(scalars[1], norm(u, state->steps));
  }
};

struct MeasureGradient {
  using Value = double;
  template <class M>
  RANDNLA_HD static double map(const M& m, index_t i) {
    return static_cast<double>(m.g[i]) * static_cast<double>(m.g[i]);
  }
  template <class M>
  RANDNLA_HD static void then(const M& m, double gg) {
    m.scalars[0] = gg, m.scalars[1] = m.scalars[2] = 0;
  }
};

/// As random_part(), by pairs of normals.
struct DrawPart {
  template <class M>
  RANDNLA_HD static index_t count(const M& m) {
    return (m.n + 1) / 2;
  }
  template <class M>
  RANDNLA_HD static void run(const M& m, index_t i) {
    using T = std::remove_reference_t<decltype(*m.part)>;
    const philox::Normals pair = philox::normals(m.rng, i);
    const auto unit = static_cast<T>(1 / sqrt(static_cast<double>(m.n)));
    const T size = m.scalars[0] > 0 ? static_cast<T>(sqrt(m.eps) * sqrt(m.scalars[0])) : T(1);
    m.part[2 * i] = unit * static_cast<T>(pair.first) * size;
    if (2 * i + 1 < m.n) m.part[2 * i + 1] = unit * static_cast<T>(pair.second) * size;
  }
};

struct SolveModel {
  template <class M>
  RANDNLA_HD static index_t count(const M&) {
    return 1;
  }
  template <class M>
  RANDNLA_HD static void run(const M& m, index_t) {
    const LanczosState& state = *m.state;
    const int k = state.steps, grown = m.fresh ? k : 0;
    InnerResult result{0, 0, grown, grown, InnerStop::not_finite};
    if (!state.not_finite) {
      m.solve();  // not all steps were looked at
      result = {m.decrease(), norm(m.u, k), grown, grown,
                m.converged() ? m.model.solved(m.scalars[1]) : InnerStop::iteration_limit};
      using T = std::remove_reference_t<decltype(*m.coordinates)>;
      for (int i = 0; i < k; ++i) m.coordinates[i] = static_cast<T>(m.u[i]);
    }
    if (m.writes) *m.result = result;
  }
};

struct MakeStep {
  template <class M>
  RANDNLA_HD static const auto* basis(const M& m) {
    return m.basis;
  }
  template <class M>
  RANDNLA_HD static int columns(const M& m) {
    return m.state->not_finite ? 0 : m.state->steps;
  }
  template <class M>
  RANDNLA_HD static const auto* u(const M& m) {
    return m.coordinates;
  }
  template <class M>
  RANDNLA_HD static auto* out(const M& m) {
    return m.s;
  }
};

/// The model was solved with the random part in its linear term: without it, m is m - part's.
struct TakePartOut {
  using Value = double;
  template <class M>
  RANDNLA_HD static double map(const M& m, index_t i) {
    return static_cast<double>(m.part[i]) * static_cast<double>(m.s[i]);
  }
  template <class M>
  RANDNLA_HD static void then(const M& m, double along) {
    if (m.writes && !m.state->not_finite && m.scalars[0] > 0) m.result->decrease += along;
  }
};

/// Starts the space anew from g plus a random part, and grows it until the model's solution has converged.
struct SolvePlan {
  static constexpr bool same_iterations = false;
  using Start = Steps<Sum<MeasureGradient>, Each<DrawPart>, Sum<MeasureStart>, Each<FirstColumn>>;
  using Iteration = LanczosStep;
  using End = Steps<Each<SolveModel>, Combine<MakeStep>, Sum<TakePartOut>>;
};

/// In the space as it is.
struct SolveAgainPlan {
  static constexpr bool same_iterations = false;
  using Start = Steps<>;
  using Iteration = Steps<>;
  using End = SolvePlan::End;
};

template <Backend B, Scalar T, class Model>
ModelMemory<T, Model> model_memory(ModelSpace<B, T>& space, const Model& model, double tolerance,
                                   VectorView<T, B> s, InnerResult* result) {
  ModelMemory<T, Model> m{};
  static_cast<LanczosMemory<T>&>(m) = space.lanczos.memory();
  m.k = 0;
  m.model = model;
  m.tolerance = tolerance, m.eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  m.s = s.data, m.result = result;
  m.part = space.part.data(), m.scalars = space.scalars.data();
  return m;
}

template <Backend B, Scalar T, class Model>
void solve_model(Context<B>& ctx, ModelSpace<B, T>& space, OperatorRef<B, T> H,
                 VectorView<const T, B> g, VectorView<T, B> s, InnerResult* result, Rng rng,
                 int max_iterations, const Model& model, double tolerance) {
  ModelMemory<T, Model> m = model_memory(space, model, tolerance, s, result);
  m.fresh = true, m.rng = rng, m.g = g.data;
  space.solved = true;
  run<SolvePlan>(ctx, H, m, std::min(m.max_steps, max_iterations));
}

template <Backend B, Scalar T, class Model>
void solve_model_again(Context<B>& ctx, ModelSpace<B, T>& space, VectorView<T, B> s,
                       InnerResult* result, const Model& model, double tolerance) {
  ModelMemory<T, Model> m = model_memory(space, model, tolerance, s, result);
  m.fresh = false;
  const SymmetricMatrix<B, T> none{};  // no product is taken
  run<SolveAgainPlan>(ctx, OperatorRef<B, T>(none), m, 0);
}

}  // namespace randnla
