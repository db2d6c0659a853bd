// A Lanczos process as steps of a plan.
#pragma once

#include "seam/plan.hpp"

#include <randnla/krylov/lanczos.hpp>

#include <cmath>
#include <type_traits>

namespace randnla {

/// What the steps work on; column k of the basis is the one at hand.
template <class T>
struct LanczosMemory : PlanMemory {
  int max_steps;
  double noise;   // relative to |H|: what rounding leaves of a vector that lies in the space
  const T* from;  // the start vector
  T* basis;       // n x (max_steps + 1), by columns
  T *w, *h,
      *again;  // the next column but for its length, and its parts along the basis, found and found again
  double *alpha, *beta;
  LanczosState* state;
  T* column = nullptr;  // a copy of column k; null: it is only in the basis

  RANDNLA_HD const int* stop_flag() const { return &state->done; }
  RANDNLA_HD T start(index_t i) const { return from[i]; }
  RANDNLA_HD void after_step() const {}

  RANDNLA_HD void set_column(int j, index_t i, T value) const {
    if (column != nullptr) column[i] = value;
    if (writes) basis[i + j * n] = value;
  }

  /// `kept`: of alpha, beta and the state
  template <class Visit>
  RANDNLA_HD void lanczos_fields(const Visit& visit, Keep kept) const {
    visit(&LanczosMemory::w, n, Keep::nothing);
    visit(&LanczosMemory::h, max_steps, Keep::nothing);
    visit(&LanczosMemory::again, max_steps, Keep::nothing);
    visit(&LanczosMemory::alpha, max_steps, kept);
    visit(&LanczosMemory::beta, max_steps, kept);
    visit(&LanczosMemory::state, 1, kept);
    visit(&LanczosMemory::column, n, Keep::nothing);
  }
};

/// What lies outside the basis. Twice is enough (Parlett, 1980).
struct OutsideBasis {
  template <class M>
  RANDNLA_HD static const auto* basis(const M& m) {
    return m.basis;
  }
  template <class M>
  RANDNLA_HD static auto* w(const M& m) {
    return m.w;
  }
  template <class M>
  RANDNLA_HD static auto* h(const M& m) {
    return m.h;
  }
  template <class M>
  RANDNLA_HD static auto* again(const M& m) {
    return m.again;
  }
};

struct MeasureStart {
  using Value = double;
  template <class M>
  RANDNLA_HD static double map(const M& m, index_t i) {
    const double x = m.start(i);
    return x * x;
  }
  template <class M>
  RANDNLA_HD static void then(const M& m, double qq) {
    LanczosState& st = *m.state;
    st = {};
    st.steps = m.k;
    st.start_norm = sqrt(qq);
    st.invariant = st.done = !(qq > 0);
    st.not_finite = !(qq - qq == 0);
  }
};

/// The start less its part in the k columns that were kept.
struct MeasureComplement : OutsideBasis, MeasureStart {
  template <class M>
  RANDNLA_HD static int columns(const M& m) {
    return m.k;
  }
};

struct FirstColumn {
  template <class M>
  RANDNLA_HD static index_t count(const M& m) {
    return m.n;
  }
  template <class M>
  RANDNLA_HD static void run(const M& m, index_t i) {
    using T = std::remove_reference_t<decltype(*m.w)>;
    if (i < m.max_steps) m.alpha[i] = m.beta[i] = 0;  // so that all of them may be copied
    const double norm = m.state->start_norm;
    m.set_column(
        m.k, i, m.state->invariant ? T(0) : static_cast<T>(static_cast<double>(m.start(i)) / norm));
  }
};

/// w = H q_k
struct ApplyToColumn {
  template <class M>
  RANDNLA_HD static const auto* x(const M& m) {
    return m.column != nullptr ? m.column : m.basis + m.k * m.n;
  }
  template <class M>
  RANDNLA_HD static auto* y(const M& m) {
    return m.w;
  }
};

/// The next column but for its length.
struct MeasureNext : OutsideBasis {
  using Value = double;
  template <class M>
  RANDNLA_HD static int columns(const M& m) {
    return m.k + 1;
  }
  template <class M>
  RANDNLA_HD static double map(const M& m, index_t i) {
    return static_cast<double>(m.w[i]) * static_cast<double>(m.w[i]);
  }
  template <class M>
  RANDNLA_HD static void then(const M& m, double ww) {
    const int j = m.k;
    LanczosState& st = *m.state;
    m.alpha[j] = static_cast<double>(m.h[j]) + static_cast<double>(m.again[j]);
    m.beta[j] = sqrt(ww);
    if (st.done) return;
    st.steps = j + 1;
    const double size = fabs(m.alpha[j]) + m.beta[j];
    if (size - size != 0) st.not_finite = st.done = 1;
    if (size > st.scale) st.scale = size;
    if (m.beta[j] <= m.noise * st.scale || j + 1 == m.n) st.invariant = st.done = 1;
    m.after_step();
  }
};

struct NextColumn {
  template <class M>
  RANDNLA_HD static index_t count(const M& m) {
    return m.n;
  }
  template <class M>
  RANDNLA_HD static void run(const M& m, index_t i) {
    using T = std::remove_reference_t<decltype(*m.w)>;
    m.set_column(
        m.k + 1, i,
        m.state->invariant ? T(0) : static_cast<T>(static_cast<double>(m.w[i]) / m.beta[m.k]));
  }
};

using LanczosStart = Steps<Sum<MeasureStart>, Each<FirstColumn>>;
using LanczosStartOutside = Steps<ProjectTwice<MeasureComplement>, Each<FirstColumn>>;
using LanczosStep = Steps<Product<ApplyToColumn>, ProjectTwice<MeasureNext>, Each<NextColumn>>;

}  // namespace randnla
