// The join behind a fused pass, the same for every row function.
//
// Mapping   a block of 32 x 32 threads takes 32 columns: a warp reads 32 neighbouring columns of
//           every 32nd partial vector, then each warp adds up one column over its lanes.
// Traffic   one read of the partial vectors, which lie in the L2 cache, and one write of the result
// Twin      the last loop of fused_pass in cpu/fused_pass.hpp
#include "fused_common.cuh"

namespace randnla::fused {
namespace {

struct JoinPolicy {
  static constexpr int side = 32;
  static constexpr int threads = side * side;
};

template <class T>
__global__ __launch_bounds__(JoinPolicy::threads) void join_kernel(Pass<T> pass, T* out,
                                                                   double* value) {
  constexpr int side = JoinPolicy::side;
  __shared__ T tile[side][side + 1];
  const int lane = static_cast<int>(threadIdx.x) % side;
  const int warp = static_cast<int>(threadIdx.x) / side;
  const unsigned active = pass.active_blocks(pass.count());
  if (out != nullptr) {
    const index_t j = static_cast<index_t>(blockIdx.x) * side + lane;
    T sum = 0;
    if (j < pass.cols) {
#pragma unroll 4
      for (unsigned b = static_cast<unsigned>(warp); b < active; b += side) {
        sum += pass.partial[b * pass.stride + j];
      }
    }
    tile[warp][lane] = sum;
    __syncthreads();
    sum = team_sum(tile[lane][warp], side);
    const index_t column = static_cast<index_t>(blockIdx.x) * side + warp;
    if (lane == 0 && column < pass.cols) {
      out[column] = pass.ridge != 0 ? sum + pass.ridge * pass.v[column] : sum;
    }
  }
  if (value != nullptr && blockIdx.x == 0 && warp == 0) {
    double sum = 0;
    for (unsigned b = static_cast<unsigned>(lane); b < active; b += side) sum += pass.values[b];
    sum = team_sum(sum, side);
    if (lane == 0) *value = sum;
  }
}

}  // namespace

template <class T>
void join(Context<Cuda>& ctx, const Pass<T>& pass, T* out, double* value) {
  const index_t columns = out != nullptr ? pass.cols : 1;
  const auto blocks = static_cast<unsigned>((columns + JoinPolicy::side - 1) / JoinPolicy::side);
  join_kernel<<<std::max(blocks, 1U), JoinPolicy::threads, 0, ctx.stream()>>>(pass, out, value);
  check_launch(ctx);
}

template void join(Context<Cuda>&, const Pass<float>&, float*, double*);
template void join(Context<Cuda>&, const Pass<double>&, double*, double*);

}  // namespace randnla::fused
