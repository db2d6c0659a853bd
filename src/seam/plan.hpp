// An iterative solve as a list of steps: its one source, for more than one way of running it.
//
//   run<Plan>(ctx, H, m, limit)         Plan::Start, then Plan::Iteration at most `limit` times, until *m.stop_flag()
//                                       is set, then Plan::End; asynchronous. Plan::same_iterations: whether no step of
//                                       an iteration looks at m.k
//   run_steps(ctx, H, m, Steps<...>{})  these alone, each a loop of its own over the whole machine; run_steps<T>
//                                       without H, where there is no Product
//
// run() does the same, with the flag read late (lagged_flag), or on a device hands the whole plan to one kernel launch
// where H is a SymmetricMatrix for which that is cheaper (kernels/one_launch.cuh); results then differ by rounding.
// Where H is replayable and iterations are the same, a device records one and replays it, with the same bits.
//
// A step names a struct X of static functions of `m`, the memory of the solve:
//
//   Sum<X>      X::Value s = sum of X::map(m, i) over i in [0, m.n), in a fixed order; then X::then(m, s), once
//   Each<X>     X::run(m, i) for i in [0, X::count(m)), in no order
//   Product<X>  X::y(m) = H X::x(m), two different vectors; left out where there is an X::wanted(m) that says no
//   ProjectTwice<X>  X::h(m) = Q'w, w -= Q h, X::again(m) = Q'w, w -= Q again, w = X::w(m), Q the first
//               X::columns(m) columns of X::basis(m); then as Sum<X>
//   Combine<X>  X::out(m) = Q X::u(m), Q as above
//
// The memory is a trivially copyable struct with PlanMemory's members, pointers and numbers, and
//
//   stop_flag()    const int*
//   fields(visit)  visit(&M::pointer, count, Keep) for every array that steps write by themselves. Null pointers get
//                  memory for the time of run(). Where many blocks run a plan together each has these arrays to itself:
//                  Keep says whether they hold something before, and whether what they hold in the end is wanted
//
// What else a step writes, it writes where m.writes is true; it may be read after the next Product, ProjectTwice or
// Combine.
#pragma once

#include "seam/seam.hpp"

#include <randnla/operator/linear_operator.hpp>

#include <cstddef>

namespace randnla {

template <class X>
struct Sum {};
template <class X>
struct Each {};
template <class X>
struct Product {};
template <class X>
struct ProjectTwice {};
template <class X>
struct Combine {};

template <class... Step>
struct Steps {};

enum class Keep : unsigned { nothing = 0, before = 1, after = 2, both = 3 };

struct PlanMemory {
  index_t n = 0;       // the dimension
  int k = 0;           // iterations before this one
  bool writes = true;  // whether this is who writes what all may read
};

/// Arrays one after the other; without a base it only counts.
struct Arena {
  static constexpr std::size_t alignment = 64;

  unsigned char* base = nullptr;
  std::size_t used = 0;

  template <class V>
  RANDNLA_HD V* take(index_t count) {
    V* const taken = base != nullptr ? reinterpret_cast<V*>(base + used) : nullptr;
    used += (static_cast<std::size_t>(count) * sizeof(V) + alignment - 1) / alignment * alignment;
    return taken;
  }
};

/// Gives the fields of m memory: all, or those that have none.
template <class M>
struct PlaceFields {
  M& m;
  Arena& arena;
  bool all;

  template <class V, class Base>
  RANDNLA_HD void operator()(V* Base::*field, index_t count, Keep) const {
    if (all || m.*field == nullptr) m.*field = arena.take<V>(count);
  }
};

/// The bytes that PlaceFields takes.
template <class M>
std::size_t field_bytes(M m, bool all) {
  Arena counting;
  m.fields(PlaceFields<M>{m, counting, all});
  return counting.used;
}

/// A row of Q (entries `stride` apart) times u. Not by gemv: its order of summation depends on how many columns there
/// are, which is how late the stop flag is read, or what only the device knows. Columns with no part in the sum may
/// hold NaN.
template <class T>
RANDNLA_HD T combination(const T* row, index_t stride, int columns, const T* u) {
  T sum = 0;
  for (int j = 0; j < columns; ++j) {
    if (u[j] != 0) sum += row[j * stride] * u[j];
  }
  return sum;
}

/// The functions of a step with the memory bound: what the loops take.
template <class X, class M>
struct BoundMap {
  M m;
  RANDNLA_FN auto operator()(index_t i) const { return X::map(m, i); }
};
template <class X, class M>
struct BoundThen {
  M m;
  RANDNLA_FN void operator()(const typename X::Value& sum) const { X::then(m, sum); }
};
template <class X, class M>
struct BoundRun {
  M m;
  RANDNLA_FN void operator()(index_t i) const { X::run(m, i); }
};
template <class X, class M>
struct BoundCombination {
  M m;
  RANDNLA_FN void operator()(index_t i) const {
    X::out(m)[i] = combination(X::basis(m) + i, m.n, X::columns(m), X::u(m));
  }
};

template <class X, class M>
bool wanted(const M& m) {
  if constexpr (requires { X::wanted(m); }) {
    return X::wanted(m);
  } else {
    return true;
  }
}

template <class X, Backend B, Scalar T, class M>
void run_step(Context<B>& ctx, const OperatorRef<B, T>&, const M& m, Sum<X>) {
  sum_then<typename X::Value>(ctx, m.n, BoundMap<X, M>{m}, BoundThen<X, M>{m});
}

template <class X, Backend B, Scalar T, class M>
void run_step(Context<B>& ctx, const OperatorRef<B, T>&, const M& m, Each<X>) {
  for_each(ctx, X::count(m), BoundRun<X, M>{m});
}

template <class X, Backend B, Scalar T, class M>
void run_step(Context<B>& ctx, const OperatorRef<B, T>& H, const M& m, Product<X>) {
  if (wanted<X>(m)) H.apply(ctx, {X::x(m), m.n}, {X::y(m), m.n});
}

template <class X, Backend B, Scalar T, class M>
void run_step(Context<B>& ctx, const OperatorRef<B, T>&, const M& m, ProjectTwice<X>) {
  const MatrixView<const T, B> Q{X::basis(m), m.n, X::columns(m), m.n};
  project_twice<typename X::Value>(ctx, Q, X::w(m), X::h(m), X::again(m), BoundMap<X, M>{m},
                                   BoundThen<X, M>{m});
}

template <class X, Backend B, Scalar T, class M>
void run_step(Context<B>& ctx, const OperatorRef<B, T>&, const M& m, Combine<X>) {
  for_each(ctx, m.n, BoundCombination<X, M>{m});
}

template <Backend B, Scalar T, class M, class... Step>
void run_steps(Context<B>& ctx, const OperatorRef<B, T>& H, const M& m, Steps<Step...>) {
  (run_step(ctx, H, m, Step{}), ...);
}

/// Of steps without a Product.
template <Scalar T, Backend B, class M, class... Step>
void run_steps(Context<B>& ctx, const M& m, Steps<Step...> steps) {
  const SymmetricMatrix<B, T> none{};
  run_steps(ctx, OperatorRef<B, T>(none), m, steps);
}

/// run() in many loops, iterate(m) for every iteration.
template <class Plan, Backend B, Scalar T, class M, class Iterate>
void run_in_loops(Context<B>& ctx, const OperatorRef<B, T>& H, M m, int limit, Iterate iterate) {
  Buffer<unsigned char, B> memory(ctx, static_cast<index_t>(field_bytes(m, false)));
  Arena arena{memory.data()};
  m.fields(PlaceFields<M>{m, arena, false});
  run_steps(ctx, H, m, typename Plan::Start{});
  auto stopped = lagged_flag(ctx, m.stop_flag());
  for (; m.k < limit && !stopped(); ++m.k) iterate(m);
  run_steps(ctx, H, m, typename Plan::End{});
}

}  // namespace randnla

#if defined(__CUDACC__)
#include "one_launch.cuh"
#else
namespace randnla {

template <class Plan, Scalar T, class M>
void run(Context<Cpu>& ctx, const OperatorRef<Cpu, T>& H, const M& m, int limit) {
  run_in_loops<Plan>(ctx, H, m, limit,
                     [&](const M& now) { run_steps(ctx, H, now, typename Plan::Iteration{}); });
}

}  // namespace randnla
#endif
