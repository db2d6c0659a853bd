// The weighted Gram matrix by tiles of its upper triangle.
//
// Mapping   a block takes a 64 x 64 tile of H and a part of the rows. 16 rows at a time, their 64
//           columns on either side go to shared memory, dense (8 bytes a load where rows begin at
//           multiples of that) and sparse alike; each of 256 threads updates 4 x 4 entries in registers. A second kernel adds the parts in a fixed order and
//           writes both triangles.
// Traffic   every tile reads its columns of the rows again: (cols / 64 + 1) times the least
//           possible, from the L2 cache when the blocks of a part run together. A part has at least
//           64 rows, so its tiles take no more than what the rows do from 64 columns on.
// Bound     latency at the sizes below: loads wait for the arithmetic and the reverse
// Twin      cpu/gram.cpp        Test  tests/seam/
// Model     (simulator's H100, no GPU measured it) fp64, pass + join: 20,000 x 54: 29 + 5 us;
//           1,000 x 500: 48 + 8 us
// Lost      32 warps a block of the join whatever the parts: 22 us at 1,000 x 500 (8 parts);
//           8 warps: 8 us at 20,000 x 54 (264 parts)
// Open      the next panel loaded during the arithmetic (cp.async), fp64 tensor cores
#include "gram.cuh"
#include "loops.cuh"

#include <algorithm>
#include <cstdint>
#include <variant>

namespace randnla {
namespace {

struct GramPolicy {
  static constexpr int tile = 64, side = 16, per_thread = tile / side;
  static constexpr int threads = side * side;
  static constexpr int panel = 16;         // rows in shared memory at a time
  static constexpr int blocks_per_sm = 2;  // aimed at; 16 KB of shared memory each in double
  static constexpr index_t part_rows = 64;
  static constexpr index_t join_warps = 32;
};

constexpr int tile = GramPolicy::tile, tile_size = tile * tile;

/// Tile (i, j), i <= j, of the upper triangle of a matrix of `tiles` x `tiles`.
struct TilePair {
  index_t i = 0, j;
  __device__ TilePair(index_t pair, index_t tiles) {
    while (pair >= tiles - i) pair -= tiles - i++;
    j = i + pair;
  }
};

template <class T>
using Panel = T[GramPolicy::panel][tile];

/// The rows of a panel that this launch's selection has: number, weight.
template <class T>
struct PanelRows {
  index_t row[GramPolicy::panel];
  T weight[GramPolicy::panel];  // 0: not there
};

/// `Size` columns a load.
template <int Size, class T>
__device__ void load(const DenseRows<T, Cuda>& A, const PanelRows<T>& rows, index_t left,
                     Panel<T>& to) {
  struct alignas(Size * sizeof(T)) Pack {
    T x[Size];
  };
  constexpr int packs = tile / Size;
  for (int e = static_cast<int>(threadIdx.x); e < GramPolicy::panel * packs;
       e += GramPolicy::threads) {
    const int r = e / packs, c = e % packs * Size;
    const bool there = rows.weight[r] != 0 && left + c < A.cols;
    const T* const from = A.values + rows.row[r] * A.cols + left + c;
    *reinterpret_cast<Pack*>(&to[r][c]) = there ? *reinterpret_cast<const Pack*>(from) : Pack{};
  }
}

template <int, class T>
__device__ void load(const CsrRows<T, Cuda>& A, const PanelRows<T>& rows, index_t left,
                     Panel<T>& to) {
  constexpr int lanes = GramPolicy::threads / GramPolicy::panel;
  const int r = static_cast<int>(threadIdx.x) / lanes, lane = static_cast<int>(threadIdx.x) % lanes;
  for (int c = lane; c < tile; c += lanes) to[r][c] = 0;
  __syncwarp();  // a row's lanes are in one warp
  if (rows.weight[r] == 0) return;
  index_t begin = A.offsets[rows.row[r]], end = A.offsets[rows.row[r] + 1];
  const index_t row_end = end;
  while (begin < end) {  // the first entry at or right of `left`
    const index_t middle = begin + (end - begin) / 2;
    if (A.columns[middle] < left) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  for (index_t e = begin + lane; e < row_end && A.columns[e] < left + tile; e += lanes) {
    to[r][A.columns[e] - left] = A.values[e];
  }
}

template <int Size, class T, class Matrix>
__global__ __launch_bounds__(GramPolicy::threads, GramPolicy::blocks_per_sm) void gram_kernel(
    Matrix A, RowSelection<Cuda> selection, const T* d, T* partial) {
  constexpr int side = GramPolicy::side, each = GramPolicy::per_thread, panel = GramPolicy::panel;
  __shared__ PanelRows<T> rows;
  __shared__ alignas(16) Panel<T> left, right;
  const TilePair at(blockIdx.x, (A.cols + tile - 1) / tile);
  const index_t count = selection.count != nullptr ? *selection.count : selection.bound;
  const int thread = static_cast<int>(threadIdx.x), x = thread % side, y = thread / side;
  T sum[each][each] = {};
  const index_t step = static_cast<index_t>(gridDim.y) * panel;
  for (index_t first = blockIdx.y * static_cast<index_t>(panel); first < count; first += step) {
    if (thread < panel) {
      const index_t k = first + thread;
      rows.weight[thread] = k < count ? d[k] : T(0);
      rows.row[thread] = k < count && selection.rows != nullptr ? selection.rows[k] : k;
    }
    __syncthreads();
    load<Size>(A, rows, at.i * tile, left);
    load<Size>(A, rows, at.j * tile, right);
    __syncthreads();
#pragma unroll
    for (int r = 0; r < panel; ++r) {
      const T weight = rows.weight[r];
      T a[each], b[each];
#pragma unroll
      for (int i = 0; i < each; ++i) {
        a[i] = weight * left[r][y + i * side];
        b[i] = right[r][x + i * side];
      }
#pragma unroll
      for (int i = 0; i < each; ++i) {
#pragma unroll
        for (int j = 0; j < each; ++j) sum[i][j] += a[i] * b[j];
      }
    }
    __syncthreads();
  }
  T* const out = partial + (static_cast<index_t>(blockIdx.y) * gridDim.x + blockIdx.x) * tile_size;
#pragma unroll
  for (int i = 0; i < each; ++i) {
#pragma unroll
    for (int j = 0; j < each; ++j) out[(y + i * side) * tile + x + j * side] = sum[i][j];
  }
}

/// A block joins 32 neighbours in a row of a tile: each warp reads its share of the parts, then
/// the first warp adds up the warps' sums. As many warps as parts, up to 32.
template <class T>
__global__ __launch_bounds__(GramPolicy::join_warps *
                             32) void join_kernel(const T* partial, index_t pairs, index_t parts,
                                                  T ridge, MatrixView<T, Cuda> H) {
  __shared__ T by_warp[GramPolicy::join_warps][32];
  const int warps = static_cast<int>(blockDim.x) / 32;
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  constexpr index_t per_pair = tile_size / 32;
  const index_t pair = blockIdx.x / per_pair, offset = blockIdx.x % per_pair * 32;
  T sum = 0;
#pragma unroll 4
  for (index_t p = warp; p < parts; p += warps) {
    sum += partial[(p * pairs + pair) * tile_size + offset + lane];
  }
  by_warp[warp][lane] = sum;
  __syncthreads();
  if (warp != 0) return;
  const TilePair at(pair, (H.cols + tile - 1) / tile);
  const index_t i = at.i * tile + offset / tile, j = at.j * tile + offset % tile + lane;
  if (j < i || j >= H.cols) return;
#pragma unroll 8
  for (int w = 1; w < warps; ++w) sum += by_warp[w][lane];
  if (i == j) sum += ridge;
  H.data[j + i * H.ld] = sum;
  H.data[i + j * H.ld] = sum;
}

template <class T>
void launch(Context<Cuda>& ctx, const DenseRows<T, Cuda>& A, RowSelection<Cuda> rows, const T* d,
            dim3 grid, T* partial) {
  constexpr int wide = 8 / sizeof(T);
  const bool aligned = A.cols % wide == 0 && reinterpret_cast<std::uintptr_t>(A.values) % 8 == 0;
  const auto kernel =
      aligned ? &gram_kernel<wide, T, DenseRows<T, Cuda>> : &gram_kernel<1, T, DenseRows<T, Cuda>>;
  kernel<<<grid, GramPolicy::threads, 0, ctx.stream()>>>(A, rows, d, partial);
}

template <class T>
void launch(Context<Cuda>& ctx, const CsrRows<T, Cuda>& A, RowSelection<Cuda> rows, const T* d,
            dim3 grid, T* partial) {
  gram_kernel<1, T><<<grid, GramPolicy::threads, 0, ctx.stream()>>>(A, rows, d, partial);
}

}  // namespace

template <class T>
void gram(Context<Cuda>& ctx, const Rows<T, Cuda>& A, RowSelection<Cuda> rows, const T* d, T ridge,
          MatrixView<T, Cuda> H) {
  std::visit(
      [&](const auto& matrix) {
        if (matrix.cols <= 0) return;
        auto& workspace = ctx.workspace();
        workspace.activate();
        const index_t tiles = (matrix.cols + tile - 1) / tile, pairs = tiles * (tiles + 1) / 2;
        const index_t fill = workspace.multiprocessors * GramPolicy::blocks_per_sm;
        const index_t parts = std::clamp<index_t>(rows.bound / GramPolicy::part_rows, 1,
                                                  std::max<index_t>(1, (fill + pairs - 1) / pairs));
        T* const partial = static_cast<T*>(
            workspace.scratch(static_cast<std::size_t>(parts * pairs * tile_size) * sizeof(T)));
        const dim3 grid(static_cast<unsigned>(pairs), static_cast<unsigned>(parts));
        launch(ctx, matrix, rows, d, grid, partial);
        check_launch(ctx);
        const auto join_threads =
            static_cast<unsigned>(32 * std::min(parts, GramPolicy::join_warps));
        join_kernel<<<static_cast<unsigned>(pairs * (tile_size / 32)), join_threads, 0,
                      ctx.stream()>>>(partial, pairs, parts, ridge, H);
        check_launch(ctx);
      },
      A);
}

template void gram(Context<Cuda>&, const Rows<float, Cuda>&, RowSelection<Cuda>, const float*,
                   float, MatrixView<float, Cuda>);
template void gram(Context<Cuda>&, const Rows<double, Cuda>&, RowSelection<Cuda>, const double*,
                   double, MatrixView<double, Cuda>);

}  // namespace randnla
