// Columns of a sketch.
//
// Mapping   A thread draws a column, into shared memory; then the block writes its columns as they lie one after
//           the other, or stack by stack. Columns of more than 32 nonzeros go to their place at once.
// Traffic   one write of the pattern, in whole sectors
// Bound     latency of the launch, for many columns integer arithmetic
// Twin      cpu/draw_columns.hpp        Test  tests/sketch/sketch_backends_test.cpp
// Lost      every column written by its thread: 8 sectors for one with 8 nonzeros
#include "draw_columns.cuh"
#include "loops.cuh"
#include "sketch/column_pattern.hpp"

namespace randnla {
namespace {

struct DrawPolicy {
  static constexpr int threads = 128;
  static constexpr index_t most_staged = 32;  // nonzeros of a column: 17 KB of shared memory
};
static_assert(DrawPolicy::threads % 32 == 0,
              "a block's columns are whole lines of RowPattern::by_stacks");

/// A column's place in shared memory; odd, so that threads that are at the same nonzero are in different banks.
RANDNLA_HD constexpr unsigned pitch_of(unsigned nonzeros) { return nonzeros | 1; }

template <bool ByStacks>
__global__ __launch_bounds__(DrawPolicy::threads) void draw_kernel(Sketch S, index_t first,
                                                                   index_t count, unsigned nonzeros,
                                                                   std::uint32_t* pattern) {
  extern __shared__ std::uint32_t columns[];
  const index_t begin = static_cast<index_t>(blockIdx.x) * DrawPolicy::threads;
  const auto here = static_cast<unsigned>(min(index_t{DrawPolicy::threads}, count - begin));
  const unsigned pitch = pitch_of(nonzeros);
  if (threadIdx.x < here) {
    draw_column(S, first + begin + threadIdx.x, columns + threadIdx.x * pitch);
  }
  __syncthreads();
  std::uint32_t* const out = pattern + begin * nonzeros;
  const unsigned stored = ByStacks ? (here + 31) / 32 * 32 : here;
  for (unsigned e = threadIdx.x; e < stored * nonzeros; e += DrawPolicy::threads) {
    const unsigned line = e / 32;
    const unsigned column = ByStacks ? line / nonzeros * 32 + e % 32 : e / nonzeros;
    const unsigned nonzero = ByStacks ? line % nonzeros : e % nonzeros;
    if (column < here) out[e] = columns[column * pitch + nonzero];
  }
}

template <bool ByStacks>
void draw_staged(Context<Cuda>& ctx, const Sketch& S, index_t first, index_t count,
                 std::uint32_t* pattern) {
  ctx.workspace().activate();
  const auto nonzeros = static_cast<unsigned>(nonzeros_per_column(S));
  const auto blocks =
      static_cast<unsigned>((count + DrawPolicy::threads - 1) / DrawPolicy::threads);
  const std::size_t shared = DrawPolicy::threads * pitch_of(nonzeros) * sizeof(std::uint32_t);
  draw_kernel<ByStacks>
      <<<blocks, DrawPolicy::threads, shared, ctx.stream()>>>(S, first, count, nonzeros, pattern);
  check(cudaGetLastError());
}

}  // namespace

void draw_columns(Context<Cuda>& ctx, const Sketch& S, index_t first, index_t count,
                  std::uint32_t* pattern) {
  if (count <= 0) return;
  const index_t nonzeros = nonzeros_per_column(S);
  if (nonzeros <= DrawPolicy::most_staged) return draw_staged<false>(ctx, S, first, count, pattern);
  const Sketch drawn = S;
  for_each(ctx, count,
           [=] __device__(index_t i) { draw_column(drawn, first + i, pattern + i * nonzeros); });
}

void draw_stacks(Context<Cuda>& ctx, const Sketch& S, index_t first, index_t count,
                 std::uint32_t* pattern) {
  if (count <= 0) return;
  const index_t nonzeros = nonzeros_per_column(S);
  if (nonzeros <= DrawPolicy::most_staged) return draw_staged<true>(ctx, S, first, count, pattern);
  const Sketch drawn = S;
  for_each(ctx, count, [=] __device__(index_t i) {
    std::uint32_t* const line = pattern + i / 32 * 32 * nonzeros + i % 32;
    draw_stacks_of(drawn, first + i, [=](index_t l, std::uint32_t word) { line[l * 32] = word; });
  });
}

}  // namespace randnla
