// A whole iterative solve (seam/plan.hpp) in one launch, for an H that is formed and small.
//
// Mapping   Every block holds all vectors and scalars of the solve in its shared memory and takes every step itself, in
//           the same order: all blocks have the same bits, and no sum has to travel. What is divided is what is large:
//           rows of H, which stay in shared memory where they fit (else in the L2 cache), and the columns and rows of a
//           basis. A warp takes a row; results cross to the other blocks through global memory and one barrier of the
//           grid. Up to 128 rows one block does it alone, without such barriers.
// Traffic   H once for the whole solve where it stays in shared memory.
// Bound by  latency: some 1.5 us a barrier of the grid, of which an iteration of CG has one and one of Lanczos five,
//           and the three to five sums of an iteration, each with two barriers of the block.
// Bits      of sums and products depend on n alone, never on the device or the number of blocks.
// Instead   of four launches and more an iteration, at 3 us each: so wherever it can be done it is. It cannot with more
//           than 1,024 rows, on a device without cooperative launches or with fewer multiprocessors than blocks, or
//           where a block's shared memory does not hold the vectors; the plan is run in loops then.
// Twin      run_in_loops() in seam/plan.hpp; tests/krylov/one_launch_test.cpp; bench/cuda/inner_bench.cpp
#pragma once

#include "loops.cuh"
#include "replay.cuh"
#include "seam/plan.hpp"

#include <cooperative_groups.h>

#include <algorithm>
#include <cstddef>

namespace randnla {

struct OneLaunchPolicy {
  /// With 512 threads 128 registers are left to each, and GLTR's kernel spills on sm_90.
  static constexpr int threads = 384;
  static constexpr int warps = threads / 32;
  static constexpr index_t most_rows = 1024;
  static constexpr index_t one_block_rows = 128;
  /// A row a warp. More blocks make a product faster and a barrier slower.
  static constexpr index_t rows_per_block = warps;
  /// Rows that a warp multiplies at a time.
  static constexpr int rows_at_once = 4;
};

struct ReplayPolicy {
  /// Before one is recorded, which costs the host some ten launches; the first also makes all scratch memory that an
  /// iteration needs. Nobody has measured it on a GPU.
  static constexpr int queued_iterations = 4;
};

namespace one_launch {

/// How a solve is shared out; without blocks it is not to be done in one launch.
struct Shape {
  unsigned blocks = 0;
  index_t rows_per_block = 0;
  bool resident = false;  // whether H lies in shared memory
  std::size_t shared = 0;
};

/// For n rows of `row_bytes`, 0 for a plan without products, and `fields` bytes of vectors and scalars.
Shape shape(const Context<Cuda>::Workspace& device, index_t n, std::size_t row_bytes,
            std::size_t fields);

/// The formed H; what a kernel is told.
template <class T>
struct Formed {
  const T* entries;
  index_t ld;
  index_t rows_per_block;
  bool resident;
  T* exchange;  // 2 n: results on their way to all blocks, in turn in either half, so that nobody has to wait for the
                // last block to have read what it got before
};

template <class M>
struct LoadFields {
  const M &m, &outer;
  unsigned rank;

  template <class V, class Base>
  RANDNLA_HD void operator()(V* Base::*field, index_t count, Keep keep) const {
    if ((static_cast<unsigned>(keep) & static_cast<unsigned>(Keep::before)) == 0) return;
    for (index_t i = rank; i < count; i += OneLaunchPolicy::threads) {
      (m.*field)[i] = (outer.*field)[i];
    }
  }
};

template <class M>
struct StoreFields {
  const M &m, &outer;
  unsigned rank;

  template <class V, class Base>
  RANDNLA_HD void operator()(V* Base::*field, index_t count, Keep keep) const {
    if ((static_cast<unsigned>(keep) & static_cast<unsigned>(Keep::after)) == 0) return;
    for (index_t i = rank; i < count; i += OneLaunchPolicy::threads) {
      (outer.*field)[i] = (m.*field)[i];
    }
  }
};

template <class T>
__device__ T warp_sum(T z) {
  for (int offset = 16; offset > 0; offset /= 2) {
    z += __shfl_xor_sync(loops::full_warp, z, offset);
  }
  return z;
}

/// One block's part in a solve.
template <class T, class M>
class Team {
 public:
  /// rows: this block's rows of H
  __device__ Team(const M& memory, const Formed<T>& H, const T* rows, index_t ld)
      : m_(memory),
        rows_(rows),
        ld_(ld),
        exchange_(H.exchange),
        first_(min(memory.n, blockIdx.x * H.rows_per_block)),
        last_(min(memory.n, first_ + H.rows_per_block)) {}

  template <class... Step>
  __device__ void run(Steps<Step...>) {
    (step(Step{}), ...);
  }

 private:
  using Policy = OneLaunchPolicy;

  template <class X>
  __device__ void step(Sum<X>) {
    typename X::Value mine{};
    for (index_t i = threadIdx.x; i < m_.n; i += Policy::threads) mine += X::map(m_, i);
    mine = sum_of_block(mine);
    if (threadIdx.x == 0) X::then(m_, mine);
    __syncthreads();
  }

  /// For thread 0, in an order that n alone decides. Warps beyond the last entry have nothing to add.
  template <class S>
  __device__ S sum_of_block(S mine) const {
    __shared__ alignas(16) unsigned char bytes[Policy::warps * sizeof(S)];
    S* const by_warp = reinterpret_cast<S*>(bytes);
    const int warps = static_cast<int>(min(index_t{Policy::warps}, (m_.n + 31) / 32));
    if (warp() < warps) {
      for (unsigned offset = 16; offset > 0; offset /= 2) {
        mine += loops::shuffle_down(mine, offset);
      }
    }
    if (warps == 1) return mine;
    if (lane() == 0) by_warp[warp()] = mine;
    __syncthreads();
    if (warp() > 0) return mine;
    mine = lane() < warps ? by_warp[lane()] : S{};
    static_assert(Policy::warps <= 16);
    for (unsigned offset = 8; offset > 0; offset /= 2) {
      mine += loops::shuffle_down(mine, offset);
    }
    return mine;
  }

  template <class X>
  __device__ void step(Each<X>) {
    const index_t count = X::count(m_);
    for (index_t i = threadIdx.x; i < count; i += Policy::threads) X::run(m_, i);
    __syncthreads();
  }

  template <class X>
  __device__ void step(Product<X>) {
    if constexpr (requires { X::wanted(m_); }) {
      if (!X::wanted(m_)) return;
    }
    T* const y = X::y(m_);
    T* const out = outgoing(y);
    const T* const x = X::x(m_);
    constexpr int at_once = Policy::rows_at_once;
    for (index_t row = first_ + warp(); row < last_; row += at_once * Policy::warps) {
      T sum[at_once] = {};
      const T* const from = rows_ + (row - first_) * ld_;
      const index_t here = min(index_t{at_once}, (last_ - row + Policy::warps - 1) / Policy::warps);
      for (index_t i = lane(); i < m_.n; i += 32) {
        const T xi = x[i];
#pragma unroll
        for (int r = 0; r < at_once; ++r) {
          if (r < here) sum[r] = fma(from[r * Policy::warps * ld_ + i], xi, sum[r]);
        }
      }
#pragma unroll
      for (int r = 0; r < at_once; ++r) {
        const T total = warp_sum(sum[r]);
        if (lane() == 0 && r < here) out[row + r * Policy::warps] = total;
      }
    }
    arrive(y, out, m_.n);
  }

  template <class X>
  __device__ void step(ProjectTwice<X>) {
    project(X::basis(m_), X::columns(m_), X::w(m_), X::h(m_));
    project(X::basis(m_), X::columns(m_), X::w(m_), X::again(m_));
    step(Sum<X>{});
  }

  /// h = Q'w, w -= Q h
  __device__ void project(const T* Q, int columns, T* w, T* h) {
    T* out = outgoing(h);
    for (int c = static_cast<int>(blockIdx.x) + warp() * static_cast<int>(gridDim.x); c < columns;
         c += Policy::warps * static_cast<int>(gridDim.x)) {
      T sum = 0;
      for (index_t i = lane(); i < m_.n; i += 32) sum = fma(Q[i + c * m_.n], w[i], sum);
      sum = warp_sum(sum);
      if (lane() == 0) out[c] = sum;
    }
    arrive(h, out, columns);
    out = outgoing(w);
    for (index_t i = first_ + warp(); i < last_; i += Policy::warps) {
      const T sum = row_times(Q + i, columns, h);
      if (lane() == 0) out[i] = w[i] - sum;
    }
    arrive(w, out, m_.n);
  }

  template <class X>
  __device__ void step(Combine<X>) {
    T* const y = X::out(m_);
    T* const out = outgoing(y);
    for (index_t i = first_ + warp(); i < last_; i += Policy::warps) {
      const T sum = row_times(X::basis(m_) + i, X::columns(m_), X::u(m_));
      if (lane() == 0) out[i] = sum;
    }
    arrive(y, out, m_.n);
  }

  /// A row of the basis times u, by a warp.
  __device__ T row_times(const T* row, int columns, const T* u) const {
    T sum = 0;
    for (index_t c = lane(); c < columns; c += 32) sum = fma(row[c * m_.n], u[c], sum);
    return warp_sum(sum);
  }

  /// Where a result that the blocks make together is written.
  __device__ T* outgoing(T* to) {
    if (gridDim.x == 1) return to;
    other_half_ = !other_half_;
    return exchange_ + (other_half_ ? m_.n : 0);
  }

  /// After it all blocks have all of the result at `to`.
  __device__ void arrive(T* to, const T* out, index_t count) const {
    if (gridDim.x > 1) {
      cooperative_groups::this_grid().sync();
      for (index_t i = threadIdx.x; i < count; i += Policy::threads) to[i] = __ldcg(out + i);
    }
    __syncthreads();
  }

  __device__ static int lane() { return static_cast<int>(threadIdx.x % 32); }
  __device__ static int warp() { return static_cast<int>(threadIdx.x / 32); }

  const M& m_;
  const T* rows_;
  index_t ld_;
  T* exchange_;
  index_t first_, last_;
  bool other_half_ = false;
};

/// This block's rows of H, in shared memory where they are to stay there.
template <class T>
__device__ const T* rows_of_block(const Formed<T>& H, index_t n, Arena& arena) {
  const index_t first = min(n, blockIdx.x * H.rows_per_block);
  const T* const rows = H.entries + first * H.ld;
  if (!H.resident) return rows;
  T* const copy = arena.take<T>(H.rows_per_block * n);
  const index_t count = min(H.rows_per_block, n - first);
  for (index_t r = threadIdx.x / 32; r < count; r += OneLaunchPolicy::warps) {
    for (index_t i = threadIdx.x % 32; i < n; i += 32) copy[r * n + i] = rows[r * H.ld + i];
  }
  return copy;
}

template <class Plan, class T, class M>
__global__ __launch_bounds__(OneLaunchPolicy::threads, 1) void kernel(M outer, Formed<T> H,
                                                                      int limit) {
  extern __shared__ __align__(16) unsigned char shared[];
  Arena arena{shared};
  M m = outer;
  m.writes = blockIdx.x == 0;
  m.fields(PlaceFields<M>{m, arena, true});
  m.fields(LoadFields<M>{m, outer, threadIdx.x});
  const T* const rows = rows_of_block(H, m.n, arena);
  __syncthreads();
  Team<T, M> team(m, H, rows, H.resident ? m.n : H.ld);
  team.run(typename Plan::Start{});
  for (; m.k < limit && *m.stop_flag() == 0; ++m.k) team.run(typename Plan::Iteration{});
  team.run(typename Plan::End{});
  if (m.writes) m.fields(StoreFields<M>{m, outer, threadIdx.x});
}

template <class Plan, class T, class M>
void launch(Context<Cuda>& ctx, const Shape& shape, const MatrixView<const T, Cuda>& H, M m,
            int limit) {
  auto& workspace = ctx.workspace();
  workspace.activate();
  const auto exchange = 2 * static_cast<std::size_t>(m.n) * sizeof(T);
  Formed<T> formed{H.data, H.ld, shape.rows_per_block, shape.resident,
                   static_cast<T*>(workspace.scratch(exchange))};
  const auto function = kernel<Plan, T, M>;
  check(cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             static_cast<int>(shape.shared)));
  cudaLaunchAttribute together{};
  together.id = cudaLaunchAttributeCooperative;
  together.val.cooperative = shape.blocks > 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(shape.blocks);
  config.blockDim = dim3(OneLaunchPolicy::threads);
  config.dynamicSmemBytes = shape.shared;
  config.stream = ctx.stream();
  config.attrs = &together;
  config.numAttrs = 1;
  check(cudaLaunchKernelEx(&config, function, m, formed, limit));
  check_launch(ctx);
}

}  // namespace one_launch

template <class Plan, Scalar T, class M>
void run(Context<Cuda>& ctx, const OperatorRef<Cuda, T>& H, const M& m, int limit) {
  if (H.matrix() != nullptr) {
    const bool entries = H.matrix()->data != nullptr;
    const auto shape = one_launch::shape(ctx.workspace(), m.n,
                                         entries ? static_cast<std::size_t>(m.n) * sizeof(T) : 0,
                                         field_bytes(m, true));
    if (shape.blocks > 0) return one_launch::launch<Plan>(ctx, shape, *H.matrix(), m, limit);
  }
  Replay replay(ctx);
  const bool replays = Plan::same_iterations && H.replayable() && Replay::possible(ctx);
  run_in_loops<Plan>(ctx, H, m, limit, [&](const M& now) {
    const auto queue = [&] { run_steps(ctx, H, now, typename Plan::Iteration{}); };
    if (replays && now.k >= ReplayPolicy::queued_iterations) {
      replay(queue);
    } else {
      queue();
    }
  });
}

}  // namespace randnla
