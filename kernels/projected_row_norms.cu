// |P D a_i|^2 for all rows a_i, P (r x d), D diagonal, without the product.
//
// Mapping   Dense: a block takes 64 rows and walks over P in tiles of 64 rows; 256 bytes of columns of
//           both at a time go to shared memory, 8 bytes a load where rows begin at multiples of
//           that; each of 256 threads holds 4 x 4 results in registers and squares them when the
//           columns are through. Sparse: a warp a row, lane l with rows
//           l, l + 32, ... of P, four at a time, over the row's entries.
// Order     A row's sum depends on the row and P alone. No atomics.
// Traffic   A is read once for every 64 rows of P, from the L2 cache after the first; P once for
//           every 64 rows of A (sparse: its columns at the entries of every row), from the L2 cache
//           as long as it fits.
// Bound     arithmetic, 2 n d r flops; sparse: the L2 cache
// Twin      cpu/projected_row_norms.cpp        Test  tests/seam/
// Lost      float a number a load and 16 columns a panel: 1.28 times the least sectors at 54 columns, now 1.12
// Open      fp64 tensor cores; rows of A in flight while the last panel is multiplied (cp.async)
#include "loops.cuh"
#include "projected_row_norms.cuh"

#include <cstdint>
#include <variant>

namespace randnla {
namespace {

struct ProjectPolicy {
  static constexpr int tile = 64, side = 16, per_thread = tile / side;
  static constexpr int threads = side * side;
  static constexpr int panel_bytes = 256;  // of columns in shared memory at a time
  static constexpr int unrolled = 16;      // columns
  static constexpr int blocks_per_sm = 2;  // aimed at; 33 KB of shared memory each
  static constexpr int sparse_threads = 256, sparse_each = 4;
};

constexpr int tile = ProjectPolicy::tile, side = ProjectPolicy::side,
              each = ProjectPolicy::per_thread;
template <class T>
constexpr int panel = ProjectPolicy::panel_bytes / sizeof(T);

template <class T>
using Panel =
    T[panel<T>][tile + 1];  // the column of padding spares writes along a row bank conflicts

template <class T>
__device__ T scaled(T value, const T* scale, index_t column) {
  return scale != nullptr ? value * scale[column] : value;
}

/// Columns from `left` on of rows [first, first + 64), scaled, zero beyond the matrix; `Size` columns a load.
template <int Size, class T>
__device__ void load_rows(const DenseRows<T, Cuda>& A, const T* scale, index_t first, index_t left,
                          Panel<T>& to) {
  struct alignas(Size * sizeof(T)) Pack {
    T x[Size];
  };
  constexpr int packs = panel<T> / Size;
  for (int e = static_cast<int>(threadIdx.x); e < packs * tile; e += ProjectPolicy::threads) {
    const int r = e / packs, c = e % packs * Size;
    const bool there = first + r < A.rows && left + c < A.cols;
    const T* const from = A.values + (first + r) * A.cols + left + c;
    const Pack pack = there ? *reinterpret_cast<const Pack*>(from) : Pack{};
#pragma unroll
    for (int i = 0; i < Size; ++i) {
      to[c + i][r] = there ? scaled(pack.x[i], scale, left + c + i) : T(0);
    }
  }
}

/// The same columns of rows [first, first + 64) of P, which is stored by columns.
template <class T>
__device__ void load_projection(const MatrixView<const T, Cuda>& P, index_t first, index_t left,
                                Panel<T>& to) {
  for (int e = static_cast<int>(threadIdx.x); e < panel<T> * tile; e += ProjectPolicy::threads) {
    const int r = e % tile, c = e / tile;
    const bool there = first + r < P.rows && left + c < P.cols;
    to[c][r] = there ? P.data[first + r + (left + c) * P.ld] : T(0);
  }
}

/// The products of some columns, those beyond the matrix, which are zero, among them.
template <class T>
__device__ void add_products(const Panel<T>& rows, const Panel<T>& projection, int begin, int y,
                             int x, T (&sum)[each][each]) {
#pragma unroll
  for (int c = begin; c < begin + ProjectPolicy::unrolled; ++c) {
#pragma unroll
    for (int i = 0; i < each; ++i) {
#pragma unroll
      for (int j = 0; j < each; ++j) {
        sum[i][j] += rows[c][y + i * side] * projection[c][x + j * side];
      }
    }
  }
}

template <int Size, class T>
__global__ __launch_bounds__(
    ProjectPolicy::threads,
    ProjectPolicy::blocks_per_sm) void dense_kernel(DenseRows<T, Cuda> A, const T* scale,
                                                    MatrixView<const T, Cuda> P, T* out) {
  __shared__ Panel<T> rows, projection;
  const int x = static_cast<int>(threadIdx.x) % side, y = static_cast<int>(threadIdx.x) / side;
  const index_t first = static_cast<index_t>(blockIdx.x) * tile;
  T norm[each] = {};
  for (index_t top = 0; top < P.rows; top += tile) {
    T sum[each][each] = {};
    for (index_t left = 0; left < A.cols; left += panel<T>) {
      load_rows<Size>(A, scale, first, left, rows);
      load_projection(P, top, left, projection);
      __syncthreads();
      const int count = static_cast<int>(min(A.cols - left, index_t{panel<T>}));
      for (int begin = 0; begin < count; begin += ProjectPolicy::unrolled) {
        add_products(rows, projection, begin, y, x, sum);
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
    CsrRows<T, Cuda> A, const T* scale, MatrixView<const T, Cuda> P, T* out) {
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
      const T value = scaled(A.values[e], scale, A.columns[e]);
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
void launch(Context<Cuda>& ctx, const DenseRows<T, Cuda>& A, const T* scale,
            MatrixView<const T, Cuda> P, T* out) {
  const auto blocks = static_cast<unsigned>((A.rows + tile - 1) / tile);
  constexpr int wide = 8 / sizeof(T);
  const bool aligned = A.cols % wide == 0 && reinterpret_cast<std::uintptr_t>(A.values) % 8 == 0;
  const auto kernel = aligned ? &dense_kernel<wide, T> : &dense_kernel<1, T>;
  kernel<<<blocks, ProjectPolicy::threads, 0, ctx.stream()>>>(A, scale, P, out);
}

template <class T>
void launch(Context<Cuda>& ctx, const CsrRows<T, Cuda>& A, const T* scale,
            MatrixView<const T, Cuda> P, T* out) {
  constexpr index_t rows = ProjectPolicy::sparse_threads / 32;
  const auto blocks = static_cast<unsigned>((A.rows + rows - 1) / rows);
  sparse_kernel<<<blocks, ProjectPolicy::sparse_threads, 0, ctx.stream()>>>(A, scale, P, out);
}

}  // namespace

template <class T>
void projected_row_norms(Context<Cuda>& ctx, const Rows<T, Cuda>& A, const T* scale,
                         MatrixView<const T, Cuda> P, T* out) {
  std::visit(
      [&](const auto& matrix) {
        if (matrix.rows <= 0) return;
        ctx.workspace().activate();
        launch(ctx, matrix, scale, P, out);
        check_launch(ctx);
      },
      A);
}

template void projected_row_norms(Context<Cuda>&, const Rows<float, Cuda>&, const float*,
                                  MatrixView<const float, Cuda>, float*);
template void projected_row_norms(Context<Cuda>&, const Rows<double, Cuda>&, const double*,
                                  MatrixView<const double, Cuda>, double*);

}  // namespace randnla
