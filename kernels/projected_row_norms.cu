// |P a_i|^2 for all rows a_i, P (r x d), without the product A P'.
//
// Mapping   Dense: a block takes 64 rows and walks over P in tiles of 64 rows; 16 columns of both at
//           a time go to shared memory, each of 256 threads holds 4 x 4 results in registers and
//           squares them when the columns are through. Sparse: a warp a row, lane l with rows
//           l, l + 32, ... of P, four at a time, over the row's entries.
// Order     A row's sum depends on the row and P alone. No atomics.
// Traffic   A is read once for every 64 rows of P, from the L2 cache after the first; P once for
//           every 64 rows of A (sparse: its columns at the entries of every row), from the L2 cache
//           as long as it fits.
// Bound     arithmetic, 2 n d r flops; sparse: the L2 cache
// Twin      cpu/projected_row_norms.cpp        Test  tests/seam/
// Open      fp64 tensor cores; rows of A in flight while the last panel is multiplied (cp.async)
#include "loops.cuh"
#include "projected_row_norms.cuh"

#include <variant>

namespace randnla {
namespace {

struct ProjectPolicy {
  static constexpr int tile = 64, side = 16, per_thread = tile / side;
  static constexpr int threads = side * side;
  static constexpr int panel = 16;         // columns in shared memory at a time
  static constexpr int blocks_per_sm = 2;  // aimed at; 17 KB of shared memory each in double
  static constexpr int sparse_threads = 256, sparse_each = 4;
};

constexpr int tile = ProjectPolicy::tile, panel = ProjectPolicy::panel;

template <class T>
using Panel = T[panel][tile + 1];  // the column of padding spares writes along a row bank conflicts

/// Columns [left, left + 16) of rows [first, first + 64), zero beyond the matrix.
template <class T>
__device__ void load_rows(const DenseRows<T, Cuda>& A, index_t first, index_t left, Panel<T>& to) {
  for (int e = static_cast<int>(threadIdx.x); e < panel * tile; e += ProjectPolicy::threads) {
    const int r = e / panel, c = e % panel;
    const bool there = first + r < A.rows && left + c < A.cols;
    to[c][r] = there ? A.values[(first + r) * A.cols + left + c] : T(0);
  }
}

/// The same columns of rows [first, first + 64) of P, which is stored by columns.
template <class T>
__device__ void load_projection(const MatrixView<const T, Cuda>& P, index_t first, index_t left,
                                Panel<T>& to) {
  for (int e = static_cast<int>(threadIdx.x); e < panel * tile; e += ProjectPolicy::threads) {
    const int r = e % tile, c = e / tile;
    const bool there = first + r < P.rows && left + c < P.cols;
    to[c][r] = there ? P.data[first + r + (left + c) * P.ld] : T(0);
  }
}

template <class T>
__global__ __launch_bounds__(
    ProjectPolicy::threads,
    ProjectPolicy::blocks_per_sm) void dense_kernel(DenseRows<T, Cuda> A,
                                                    MatrixView<const T, Cuda> P, T* out) {
  constexpr int side = ProjectPolicy::side, each = ProjectPolicy::per_thread;
  __shared__ Panel<T> rows, projection;
  const int x = static_cast<int>(threadIdx.x) % side, y = static_cast<int>(threadIdx.x) / side;
  const index_t first = static_cast<index_t>(blockIdx.x) * tile;
  T norm[each] = {};
  for (index_t top = 0; top < P.rows; top += tile) {
    T sum[each][each] = {};
    for (index_t left = 0; left < A.cols; left += panel) {
      load_rows(A, first, left, rows);
      load_projection(P, top, left, projection);
      __syncthreads();
#pragma unroll
      for (int c = 0; c < panel; ++c) {
#pragma unroll
        for (int i = 0; i < each; ++i) {
#pragma unroll
          for (int j = 0; j < each; ++j) {
            sum[i][j] += rows[c][y + i * side] * projection[c][x + j * side];
          }
        }
      }
      __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < each; ++i) {
#pragma unroll
      for (int j = 0; j < each; ++j) norm[i] += sum[i][j] * sum[i][j];
    }
  }
#pragma unroll
  for (int i = 0; i < each; ++i) {
    for (int offset = side / 2; offset > 0; offset /= 2) {
      norm[i] += __shfl_xor_sync(loops::full_warp, norm[i], offset);
    }
    const index_t row = first + y + i * side;
    if (x == 0 && row < A.rows) out[row] = norm[i];
  }
}

template <class T>
__global__ __launch_bounds__(ProjectPolicy::sparse_threads) void sparse_kernel(
    CsrRows<T, Cuda> A, MatrixView<const T, Cuda> P, T* out) {
  constexpr int each = ProjectPolicy::sparse_each;
  const index_t thread =
      static_cast<index_t>(blockIdx.x) * ProjectPolicy::sparse_threads + threadIdx.x;
  const index_t row = thread / 32, lane = thread % 32;
  if (row >= A.rows) return;  // the whole warp
  const index_t begin = A.offsets[row], end = A.offsets[row + 1];
  T norm = 0;
  for (index_t top = lane; top - lane < P.rows; top += 32 * each) {
    T sum[each] = {};
    for (index_t e = begin; e < end; ++e) {
      const T value = A.values[e];
      const T* const column = P.data + A.columns[e] * P.ld;
#pragma unroll
      for (int i = 0; i < each; ++i) {
        if (top + i * 32 < P.rows) sum[i] += value * column[top + i * 32];
      }
    }
#pragma unroll
    for (int i = 0; i < each; ++i) norm += sum[i] * sum[i];
  }
  for (int offset = 16; offset > 0; offset /= 2) {
    norm += __shfl_xor_sync(loops::full_warp, norm, offset);
  }
  if (lane == 0) out[row] = norm;
}

template <class T>
void launch(Context<Cuda>& ctx, const DenseRows<T, Cuda>& A, MatrixView<const T, Cuda> P, T* out) {
  const auto blocks = static_cast<unsigned>((A.rows + tile - 1) / tile);
  dense_kernel<<<blocks, ProjectPolicy::threads, 0, ctx.stream()>>>(A, P, out);
}

template <class T>
void launch(Context<Cuda>& ctx, const CsrRows<T, Cuda>& A, MatrixView<const T, Cuda> P, T* out) {
  constexpr index_t rows = ProjectPolicy::sparse_threads / 32;
  const auto blocks = static_cast<unsigned>((A.rows + rows - 1) / rows);
  sparse_kernel<<<blocks, ProjectPolicy::sparse_threads, 0, ctx.stream()>>>(A, P, out);
}

}  // namespace

template <class T>
void projected_row_norms(Context<Cuda>& ctx, const Rows<T, Cuda>& A, MatrixView<const T, Cuda> P,
                         T* out) {
  std::visit(
      [&](const auto& matrix) {
        if (matrix.rows <= 0) return;
        ctx.workspace().activate();
        launch(ctx, matrix, P, out);
        check(cudaGetLastError());
      },
      A);
}

template void projected_row_norms(Context<Cuda>&, const Rows<float, Cuda>&,
                                  MatrixView<const float, Cuda>, float*);
template void projected_row_norms(Context<Cuda>&, const Rows<double, Cuda>&,
                                  MatrixView<const double, Cuda>, double*);

}  // namespace randnla
