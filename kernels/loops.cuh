// The device's side of the seam: loops, reductions, the late stop flag and BLAS (see seam/seam.hpp
// for what each computes; the CPU twin is cpu/loops.hpp).
#pragma once

#include "context.cuh"
#include "seam/types.hpp"

#include <randnla/core/view.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace randnla {

/// One element a thread and step. The number of blocks depends on the size alone, never on the
/// device, so sums have the same bits on every GPU. 1,024 blocks of 256 are two waves of what an
/// H100 holds at once.
struct LoopPolicy {
  static constexpr int threads = 256;
  /// At least; unsaid, ptxas spills in order to fit more (of the loops that solve a tridiagonal
  /// model in one thread 32 bytes).
  static constexpr int blocks_per_sm = 1;
  static constexpr index_t max_blocks = 1024;
  /// Elements a thread of a reduction takes before there are more blocks: up to 1,024 elements one
  /// block does it alone, without the hand-over to a last block.
  static constexpr index_t per_thread = 4;
};

namespace loops {

constexpr unsigned full_warp = 0xffffffffU;

inline unsigned blocks_for(index_t n, index_t per_block) {
  return static_cast<unsigned>(
      std::clamp<index_t>((n + per_block - 1) / per_block, 1, LoopPolicy::max_blocks));
}

template <class F>
__global__ __launch_bounds__(LoopPolicy::threads,
                             LoopPolicy::blocks_per_sm) void for_each_kernel(index_t n, F f) {
  const index_t step = static_cast<index_t>(gridDim.x) * LoopPolicy::threads;
  for (index_t i = static_cast<index_t>(blockIdx.x) * LoopPolicy::threads + threadIdx.x; i < n;
       i += step) {
    f(i);
  }
}

/// The value that lane `lane + offset` holds.
template <class S>
__device__ S shuffle_down(const S& value, unsigned offset) {
  static_assert(sizeof(S) % sizeof(unsigned) == 0 && sizeof(S) <= 64);
  constexpr int words = sizeof(S) / sizeof(unsigned);
  unsigned word[words];
  memcpy(word, &value, sizeof(S));
  for (unsigned& w : word) w = __shfl_down_sync(full_warp, w, offset);
  S moved;
  memcpy(&moved, word, sizeof(S));
  return moved;
}

/// join(sum, value) over the block, in a fixed order; the result is thread 0's.
template <class S, class Join>
__device__ S block_join(S mine, Join join) {
  constexpr int warps = LoopPolicy::threads / 32;
  __shared__ alignas(16) unsigned char bytes[warps * sizeof(S)];
  S* const by_warp = reinterpret_cast<S*>(bytes);
  for (unsigned offset = 16; offset > 0; offset /= 2) join(mine, shuffle_down(mine, offset));
  if (threadIdx.x % 32 == 0) by_warp[threadIdx.x / 32] = mine;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int w = 1; w < warps; ++w) join(mine, by_warp[w]);
  }
  __syncthreads();
  return mine;
}

/// What blocks leave for the last of them goes past the caches of the multiprocessors, none of which sees
/// what another one stores.
template <class S>
__device__ void hand_over(S* to, const S& value) {
  static_assert(sizeof(S) % sizeof(unsigned) == 0);
  constexpr int words = sizeof(S) / sizeof(unsigned);
  unsigned word[words];
  memcpy(word, &value, sizeof(S));
  for (int w = 0; w < words; ++w) reinterpret_cast<volatile unsigned*>(to)[w] = word[w];
}

template <class S>
__device__ S handed_over(const S* from) {
  constexpr int words = sizeof(S) / sizeof(unsigned);
  unsigned word[words];
  for (int w = 0; w < words; ++w) word[w] = reinterpret_cast<const volatile unsigned*>(from)[w];
  S value;
  memcpy(&value, word, sizeof(S));
  return value;
}

/// Partial results of the blocks; the last one to finish joins them in the order of their numbers
/// and runs `then` in one thread.
template <class S, class Map, class Join, class Then>
__global__ __launch_bounds__(LoopPolicy::threads, LoopPolicy::blocks_per_sm) void reduce_kernel(
    index_t n, Map map, Join join, Then then, S* partial, unsigned* ticket) {
  S mine{};
  const index_t step = static_cast<index_t>(gridDim.x) * LoopPolicy::threads;
  for (index_t i = static_cast<index_t>(blockIdx.x) * LoopPolicy::threads + threadIdx.x; i < n;
       i += step) {
    join(mine, map(i));
  }
  S joined = block_join(mine, join);
  if (gridDim.x > 1) {
    __shared__ bool last;
    if (threadIdx.x == 0) {
      hand_over(partial + blockIdx.x, joined);
      __threadfence();  // the partial result before the ticket
      last = atomicInc(ticket, gridDim.x - 1) == gridDim.x - 1;  // wraps to zero for the next user
      __threadfence();  // and the ticket before the others' partial results
    }
    __syncthreads();
    if (!last) return;
    mine = S{};
    for (unsigned b = threadIdx.x; b < gridDim.x; b += LoopPolicy::threads) {
      join(mine, handed_over(partial + b));
    }
    joined = block_join(mine, join);
  }
  if (threadIdx.x == 0) then(joined);
}

template <class S, class Map, class Join, class Then>
void reduce_then(Context<Cuda>& ctx, index_t n, Map map, Join join, Then then,
                 index_t per_thread = LoopPolicy::per_thread) {
  static_assert(std::is_trivially_copyable_v<S>);
  auto& workspace = ctx.workspace();
  workspace.activate();
  const unsigned blocks = blocks_for(n, LoopPolicy::threads * per_thread);
  S* const partial = static_cast<S*>(workspace.scratch(blocks * sizeof(S)));
  reduce_kernel<S><<<blocks, LoopPolicy::threads, 0, ctx.stream()>>>(n, map, join, then, partial,
                                                                     workspace.ticket);
  check_launch(ctx);
}

struct Add {
  template <class S>
  __device__ void operator()(S& sum, const S& term) const {
    sum += term;
  }
};

struct Max {
  template <class S>
  __device__ void operator()(S& largest, const S& term) const {
    if (largest < term) largest = term;
  }
};

}  // namespace loops

template <class F>
void for_each(Context<Cuda>& ctx, index_t n, F f, [[maybe_unused]] index_t work = 1) {
  if (n <= 0) return;
  ctx.workspace().activate();
  loops::for_each_kernel<<<loops::blocks_for(n, LoopPolicy::threads), LoopPolicy::threads, 0,
                           ctx.stream()>>>(n, f);
  check_launch(ctx);
}

template <class S, class Map, class Then>
void sum_then(Context<Cuda>& ctx, index_t n, Map map, Then then) {
  loops::reduce_then<S>(ctx, n, map, loops::Add{}, then);
}

template <class S, class Map, class Then>
void max_then(Context<Cuda>& ctx, index_t n, Map map, Then then) {
  loops::reduce_then<S>(ctx, n, map, loops::Max{}, then);
}

/// piece: values that are scanned at a time, below 2^31.
void inclusive_scan(Context<Cuda>& ctx, std::uint64_t* values, index_t n,
                    index_t piece = index_t{1} << 30);

/// Copies the flag to the host on every call and returns the value that arrived `poll_lag` calls
/// ago, so that the queue never drains; `poll_lag` is read once, here.
class LaggedFlag {
 public:
  LaggedFlag(Context<Cuda>& ctx, const int* done)
      : ctx_(ctx), done_(done), lag_(ctx.poll_lag), slots_(ctx.workspace().take_slots(lag_ + 1)) {}
  LaggedFlag(const LaggedFlag&) = delete;
  LaggedFlag& operator=(const LaggedFlag&) = delete;
  ~LaggedFlag() { ctx_.workspace().give_back(std::move(slots_)); }

  bool operator()() {
    ++ctx_.counters.flag_polls;
    ctx_.workspace().activate();
    slots_->request(static_cast<int>(calls_ % (lag_ + 1)), done_, ctx_.stream());
    if (calls_++ < lag_) return false;
    return slots_->wait(static_cast<int>(calls_ % (lag_ + 1))) != 0;
  }

 private:
  Context<Cuda>& ctx_;
  const int* done_;
  int lag_;
  std::unique_ptr<FlagSlots> slots_;
  index_t calls_ = 0;
};

inline LaggedFlag lagged_flag(Context<Cuda>& ctx, const int* done) { return {ctx, done}; }

/// cuBLAS. Throws InvalidArgument where a size is beyond its 32 bits.
template <class T>
void gemv(Context<Cuda>& ctx, Transpose trans, T alpha, MatrixView<const T, Cuda> A, const T* x,
          T beta, T* y);

/// H = M'M (M.cols x M.cols), both triangles. Likewise.
template <class T>
void column_gram(Context<Cuda>& ctx, MatrixView<const T, Cuda> M, MatrixView<T, Cuda> H);

template <class T>
void row_norms(Context<Cuda>& ctx, const Rows<T, Cuda>& A, T* out);

}  // namespace randnla
