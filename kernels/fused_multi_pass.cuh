// The fused pass with several vectors (see seam/seam.hpp for what it computes).
//
// Mapping   A block takes up to 64 rows at a time: their margins in shared memory, the row function
//           by a thread a row, then the sums.
//           Dense rows: margins and sums are both small matrix products of 64 x 16 results over
//           panels of 64 columns in shared memory, 4 x 4 results a thread, the inner index shared
//           by four lanes. Panels are walked there and back, so that the last one is loaded once;
//           rows of up to 64 columns are loaded once at all. More than 16 classes take turns.
//           Sparse rows: a team of up to 32 lanes a row for the margins, four classes at a time;
//           for the sums a warp has the classes w, w + 8, .. to itself and takes the rows in turn,
//           its lanes over the entries: no two threads meet.
//           Sums lie in shared memory where they leave room for other blocks, else in the block's
//           partial vector. fused_pass.cu joins them, as those of one vector of K d entries.
// Order     Rows are dealt out by number, sums joined in the order of lanes and blocks: bits repeat
//           from run to run on one kind of device. No atomics.
// Traffic   The least is one read of the selected rows from memory; dense rows of more than 64
//           columns and sparse ones come a second time (and again for every 16 or 4 classes) from
//           the caches. Partial vectors take 2 K d / 64 of the rows' traffic in the L2 cache where
//           they are not in shared memory, and 2 K d a block for the join.
// Bound     latency at the sizes below; by count of operations memory up to 16 classes for many
//           rows, arithmetic beyond
// Twin      cpu/fused_multi_pass.hpp        Test  tests/seam/
// Model     (simulator's H100, no GPU measured it) fp64, the Hessian product of softmax, pass +
//           join, beside the least time to read the rows at 3.35 TB/s; from before the products'
//           loop was unrolled by two in double, not four:
//             20,000 x 54 x 7     20.4 + 5.0 us    2.6 us
//             4,000 x 784 x 10     139 + 6.3 us    7.5 us    one block of 32 rows a multiprocessor
// Open      Loads of the next panel during the arithmetic (cp.async): at these sizes every panel
//           waits for memory on its own.
#pragma once

#include "fused_multi_halves.cuh"

#include <bit>
#include <limits>
#include <variant>

namespace randnla {

namespace fused {

template <class T, class Matrix>
using MultiHalf =
    std::conditional_t<std::is_same_v<Matrix, DenseRows<T, Cuda>>, MultiDense<T>, MultiCsr<T>>;

template <class T, class Matrix, class F>
__global__ __launch_bounds__(MultiPassPolicy::threads,
                             MultiPassPolicy::blocks_per_sm) void multi_kernel(Matrix A,
                                                                               Pass<T> pass,
                                                                               MultiShape shape,
                                                                               F f) {
  constexpr int threads = MultiPassPolicy::threads;
  extern __shared__ __align__(16) unsigned char bytes[];
  __shared__ index_t row[MultiPassPolicy::rows];  // -1: none
  const index_t count = pass.count();
  const unsigned active = pass.active_blocks(count);
  if (blockIdx.x >= active) return;
  T* const z = reinterpret_cast<T*>(bytes);
  T* const out = pass.partial != nullptr ? pass.partial + blockIdx.x * pass.stride : nullptr;
  T* const sums = shape.in_shared ? z + shape.z_size() + shape.tile_size() + shape.v_size() : out;
  if (out != nullptr) {
    for (index_t i = threadIdx.x; i < pass.cols; i += threads) sums[i] = 0;
  }
  MultiHalf<T, Matrix> rows(A, shape, pass.v, z, row);
  const index_t mine = threadIdx.x;
  double value = 0;
  for (index_t first = blockIdx.x * pass.step; first < count; first += active * pass.step) {
    __syncthreads();  // the sums are set up, the last rows done with
    if (mine < MultiPassPolicy::rows) {
      row[mine] = mine < pass.step && first + mine < count ? pass.row(first + mine) : -1;
    }
    __syncthreads();
    rows.margins();
    __syncthreads();
    if (mine < MultiPassPolicy::rows && row[mine] >= 0) {
      value += static_cast<double>(f(first + mine, row[mine], z + mine * shape.z_stride()));
    }
    if (out == nullptr) continue;
    __syncthreads();
    rows.add(sums);
  }
  finish_value(pass, active, value);
  if (out == nullptr || !shape.in_shared) return;
  __syncthreads();
  for (index_t i = threadIdx.x; i < pass.cols; i += threads) out[i] = sums[i];
}

/// Columns of a panel: few for short rows, and fewer where the margins need the shared memory.
inline void choose_panel(MultiShape& shape, std::size_t value_bytes, std::size_t available) {
  shape.panel = static_cast<int>(std::clamp<std::uint64_t>(
      std::bit_ceil(static_cast<std::uint64_t>(shape.d)), 16, MultiPassPolicy::panel));
  while (shape.panel > 8 && shape.shared_values() * value_bytes > available) shape.panel /= 2;
}

template <class T, class Matrix, class F>
void launch_multi(Context<Cuda>& ctx, const Matrix& A, Pass<T>& pass, int classes, const F& f,
                  bool vector, bool value) {
  const auto& workspace = ctx.workspace();
  MultiShape shape{A.cols, classes, 0, 0, false};
  index_t most_blocks = std::numeric_limits<index_t>::max();
  if constexpr (std::is_same_v<Matrix, DenseRows<T, Cuda>>) {
    choose_panel(shape, sizeof(T), static_cast<std::size_t>(workspace.shared_bytes - 1024));
  } else {
    const index_t per_row = std::max<index_t>(1, A.nonzeros / std::max<index_t>(1, A.rows));
    shape.lanes = static_cast<int>(
        std::bit_ceil(static_cast<std::uint64_t>(std::min<index_t>((per_row + 1) / 2, 32))));
    // Partial vectors beyond the size of the entries would cost more than the pass.
    most_blocks = std::max<index_t>(pass.rows.bound * per_row / std::max<index_t>(1, A.cols),
                                    workspace.multiprocessors / 4);
  }
  const index_t sum_bytes = pass.cols * static_cast<index_t>(sizeof(T));
  const auto left =
      MultiPassPolicy::shared_bytes - static_cast<index_t>(shape.shared_values() * sizeof(T));
  shape.in_shared = vector && sum_bytes <= left;
  // As many rows at a time as leave every multiprocessor some.
  pass.step = static_cast<index_t>(std::bit_floor(static_cast<std::uint64_t>(
      std::clamp<index_t>(pass.rows.bound / workspace.multiprocessors, 8, MultiPassPolicy::rows))));
  pass.blocks = static_cast<unsigned>(std::min<index_t>(
      most_blocks, blocks_for(pass.rows.bound, pass.step, workspace.multiprocessors,
                              MultiPassPolicy::blocks_per_sm, sum_bytes)));
  place_partials(ctx, pass, vector, value);
  const std::size_t shared = shape.shared_values() * sizeof(T);
  allow_shared(&multi_kernel<T, Matrix, F>, shared);
  multi_kernel<<<pass.blocks, MultiPassPolicy::threads, shared, ctx.stream()>>>(A, pass, shape, f);
}

}  // namespace fused

template <class T, class F>
void fused_multi_pass(Context<Cuda>& ctx, const Rows<T, Cuda>& A, RowSelection<Cuda> rows,
                      const T* V, index_t classes, F f, T ridge, T* out, double* value) {
  static_assert(std::is_trivially_copyable_v<F>);
  ctx.workspace().activate();
  std::visit(
      [&](const auto& matrix) {
        fused::Pass<T> pass{};
        pass.rows = rows, pass.v = V, pass.ridge = ridge, pass.cols = matrix.cols * classes;
        pass.stride = (pass.cols + 7) / 8 * 8;  // each partial vector in whole sectors
        fused::launch_multi(ctx, matrix, pass, static_cast<int>(classes), f, out != nullptr,
                            value != nullptr);
        check_launch(ctx);
        if (out != nullptr || value != nullptr) fused::join(ctx, pass, out, value);
      },
      A);
}

}  // namespace randnla
