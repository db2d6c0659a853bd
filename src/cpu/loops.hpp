// The CPU's side of the seam: loops and reductions. Work is cut into chunks whose number and
// borders depend on the size alone, never on the number of threads, and chunk results are joined in
// order: so bits do not depend on the number of threads.
#pragma once

#include "cpu/thread_pool.hpp"
#include "seam/types.hpp"

#include <randnla/core/context.hpp>
#include <randnla/core/view.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

namespace randnla {

/// f(c) for c in [0, chunks) on the context's threads (see ThreadPool); the one place where they work.
template <class F>
void parallel_for(Context<Cpu>& ctx, index_t chunks, F f) {
  ctx.pool().run(
      chunks, [](void* argument, index_t c) { (*static_cast<F*>(argument))(c); }, &f);
}

/// Elements a chunk of an element-wise loop has at least: below it a thread costs more than it
/// gives.
inline constexpr index_t loop_grain = 4096;

struct Chunk {
  index_t begin, end;
};

/// The c-th of `chunks` nearly equal parts of [0, n).
inline Chunk chunk_of(index_t n, index_t chunks, index_t c) {
  const index_t size = n / chunks, larger = n % chunks;
  const index_t begin = c * size + std::min(c, larger);
  return {begin, begin + size + (c < larger ? 1 : 0)};
}

inline index_t chunk_count(index_t n) {
  return std::clamp<index_t>(n / loop_grain, n > 0 ? 1 : 0, 256);
}

/// `work` of an element: how many of an element-wise loop it takes as long as.
template <class F>
void for_each(Context<Cpu>& ctx, index_t n, F f, index_t work = 1) {
  const index_t chunks = std::min(n, chunk_count(n * work));
  parallel_for(ctx, chunks, [&](index_t c) {
    const auto [begin, end] = chunk_of(n, chunks, c);
    for (index_t i = begin; i < end; ++i) f(i);
  });
}

template <class S, class Map, class Join>
S reduce(Context<Cpu>& ctx, index_t n, Map map, Join join) {
  const index_t chunks = chunk_count(n);
  std::vector<S> partial(static_cast<std::size_t>(chunks), S{});
  parallel_for(ctx, chunks, [&](index_t c) {
    const auto [begin, end] = chunk_of(n, chunks, c);
    S sum{};
    for (index_t i = begin; i < end; ++i) join(sum, map(i));
    partial[static_cast<std::size_t>(c)] = sum;
  });
  S total{};
  for (const S& sum : partial) join(total, sum);
  return total;
}

template <class S, class Map, class Then>
void sum_then(Context<Cpu>& ctx, index_t n, Map map, Then then) {
  then(reduce<S>(ctx, n, map, [](S& sum, const S& term) { sum += term; }));
}

template <class S, class Map, class Then>
void max_then(Context<Cpu>& ctx, index_t n, Map map, Then then) {
  then(
      reduce<S>(ctx, n, map, [](S& largest, const S& term) { largest = std::max(largest, term); }));
}

inline void inclusive_scan(Context<Cpu>& ctx, std::uint64_t* values, index_t n) {
  const index_t chunks = chunk_count(n);
  std::vector<std::uint64_t> before(static_cast<std::size_t>(chunks) + 1, 0);
  parallel_for(ctx, chunks, [&](index_t c) {
    const auto [begin, end] = chunk_of(n, chunks, c);
    std::uint64_t sum = 0;
    for (index_t i = begin; i < end; ++i) values[i] = sum += values[i];
    before[static_cast<std::size_t>(c) + 1] = sum;
  });
  for (std::size_t c = 1; c < before.size(); ++c) before[c] += before[c - 1];
  parallel_for(ctx, chunks, [&](index_t c) {
    const auto [begin, end] = chunk_of(n, chunks, c);
    for (index_t i = begin; i < end; ++i) values[i] += before[static_cast<std::size_t>(c)];
  });
}

/// Replays the late reads of a GPU queue, `poll_lag` calls behind.
class LaggedFlag {
 public:
  LaggedFlag(Context<Cpu>& ctx, const int* done) : ctx_(ctx), done_(done) {}
  bool operator()() {
    ++ctx_.counters.flag_polls;
    seen_.push_back(*done_);
    if (static_cast<int>(seen_.size()) <= ctx_.poll_lag) return false;
    const bool oldest = seen_.front() != 0;
    seen_.pop_front();
    return oldest;
  }

 private:
  Context<Cpu>& ctx_;
  const int* done_;
  std::deque<int> seen_;
};

inline LaggedFlag lagged_flag(Context<Cpu>& ctx, const int* done) { return {ctx, done}; }

template <class T>
void gemv(Context<Cpu>& ctx, Transpose trans, T alpha, MatrixView<const T, Cpu> A, const T* x,
          T beta, T* y);

template <class S, class T, class Map, class Then>
void project_twice(Context<Cpu>& ctx, MatrixView<const T, Cpu> Q, T* w, T* h, T* again, Map map,
                   Then then) {
  for (T* const parts : {h, again}) {
    gemv<T>(ctx, Transpose::yes, T(1), Q, w, T(0), parts);
    gemv<T>(ctx, Transpose::no, T(-1), Q, parts, T(1), w);
  }
  sum_then<S>(ctx, Q.rows, map, then);
}

/// H = M'M (M.cols x M.cols), both triangles.
template <class T>
void column_gram(Context<Cpu>& ctx, MatrixView<const T, Cpu> M, MatrixView<T, Cpu> H);

}  // namespace randnla
