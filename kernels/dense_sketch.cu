// S A for S of normals or signs, which are made where they are used.
//
// Mapping   Dense: a block takes 64 rows of a segment's sketch and 64 columns, a thread 4 x 4 of them; 16 rows of A
//           and 64 x 16 entries of S at a time go to shared memory, four of these entries from each thread.
//           Sparse: a thread takes the four rows of the sketch that one block of random bits is for, of all
//           columns, and goes over the segment's rows.
// Order     An entry has one owner, who adds by fused multiply-adds in the order of the rows, from where it was:
//           the bits are the CPU's. No atomics.
// Traffic   Dense: A once for every 64 rows of S, from the L2 cache after the first. Sparse: A likewise for every
//           128 rows of S; the sketch's entries in and out for every nonzero, from the L2 cache.
// Bound     arithmetic, for few columns that of making S: it is made again for every 64 columns
// Twin      cpu/dense_sketch.cpp        Test  tests/sketch/sketch_backends_test.cpp
// Open      fp64 tensor cores; rows of A in flight while the last ones are multiplied; sparse: few threads
#include "dense_sketch.cuh"
#include "loops.cuh"
#include "sketch/dense_columns.hpp"

#include <cstdint>
#include <variant>

namespace randnla {
namespace {

struct DenseSketchPolicy {
  static constexpr int tile = 64, side = 16, per_thread = tile / side;
  static constexpr int threads = side * side;
  static constexpr int depth = 16;         // rows of A in shared memory at a time
  static constexpr int blocks_per_sm = 2;  // aimed at; 17 KB of shared memory each in double
  static constexpr int sparse_threads = 32;
};

constexpr int tile = DenseSketchPolicy::tile, depth = DenseSketchPolicy::depth,
              side = DenseSketchPolicy::side;
static_assert(tile == dense_unit && side == dense_lanes, "a thread makes a block's four normals");

template <class T>
using Panel = T[depth][tile + 1];  // the column of padding spares writes bank conflicts

/// Entries 16 r + b of unit `unit` of column i, r = 0, ..., 3.
template <class T>
__device__ void four_entries(const DenseSketch& sketch, index_t i, index_t unit, int b,
                             T (&out)[4]) {
  if (sketch.gaussian) {
    const FourNormals normals =
        four_normals(sketch.rng, i, static_cast<std::uint32_t>(unit * dense_lanes + b));
    for (int r = 0; r < 4; ++r) out[r] = normals.x[r];
  } else {
    const std::uint64_t signs = dense_signs(sketch.rng, i, unit);
    for (int r = 0; r < 4; ++r) out[r] = (signs >> (side * r + b) & 1U) != 0 ? T(-1) : T(1);
  }
}

/// 64 columns of `count` rows, `Size` of them a load.
template <int Size, class T>
__device__ void load_rows(const DenseRows<T, Cuda>& A, index_t first, int count, index_t left,
                          Panel<T>& to) {
  struct alignas(Size * sizeof(T)) Pack {
    T x[Size];
  };
  constexpr int packs = tile / Size;
  for (int e = static_cast<int>(threadIdx.x); e < depth * packs; e += DenseSketchPolicy::threads) {
    const int k = e / packs, j = e % packs * Size;
    if (k >= count || left + j >= A.cols) continue;
    const Pack pack = *reinterpret_cast<const Pack*>(A.values + (first + k) * A.cols + left + j);
#pragma unroll
    for (int i = 0; i < Size; ++i) to[k][j + i] = pack.x[i];
  }
}

template <int Size, class T>
__global__ __launch_bounds__(
    DenseSketchPolicy::threads,
    DenseSketchPolicy::blocks_per_sm) void dense_kernel(DenseRows<T, Cuda> A, RowSegments segments,
                                                        DenseSketch sketch, SketchLayout layout,
                                                        unsigned units, unsigned columns,
                                                        T* partial) {
  constexpr int each = DenseSketchPolicy::per_thread;
  __shared__ Panel<T> S, rows;
  const int x = static_cast<int>(threadIdx.x) % side, y = static_cast<int>(threadIdx.x) / side;
  const index_t unit = blockIdx.x % units, left = blockIdx.x / units % columns * tile;
  const index_t g = blockIdx.x / units / columns, ld = layout.rows, top = unit * tile;
  T* const out = partial + g * layout.size();
  T sum[each][each];  // rows x + 16 r, columns y + 16 c
  for (int c = 0; c < each; ++c) {
    for (int r = 0; r < each; ++r) {
      const index_t t = top + x + r * side, j = left + y + c * side;
      sum[c][r] = t < ld && j < A.cols ? out[t + j * ld] : T(0);
    }
  }
  const index_t last = segments.last(g);
  for (index_t begin = segments.first(g); begin < last; begin += depth) {
    const int count = static_cast<int>(min(static_cast<index_t>(depth), last - begin));
    T mine[4];
    four_entries(sketch, sketch.first + begin - segments.begin + y, unit, x, mine);
    for (int r = 0; r < 4; ++r) S[y][x + r * side] = mine[r];
    load_rows<Size>(A, begin, count, left, rows);
    __syncthreads();
    for (int k = 0; k < count; ++k) {
#pragma unroll
      for (int c = 0; c < each; ++c) {
#pragma unroll
        for (int r = 0; r < each; ++r) {
          sum[c][r] = math::fma(S[k][x + r * side], rows[k][y + c * side], sum[c][r]);
        }
      }
    }
    __syncthreads();
  }
  for (int c = 0; c < each; ++c) {
    for (int r = 0; r < each; ++r) {
      const index_t t = top + x + r * side, j = left + y + c * side;
      if (t < ld && j < A.cols) out[t + j * ld] = sum[c][r];
    }
  }
}

template <class T>
__global__ __launch_bounds__(DenseSketchPolicy::sparse_threads) void sparse_kernel(
    CsrRows<T, Cuda> A, RowSegments segments, DenseSketch sketch, SketchLayout layout,
    unsigned pairs, T* partial) {
  const index_t g = blockIdx.x / pairs, ld = layout.rows;
  const index_t unit = 2 * (blockIdx.x % pairs) + threadIdx.x / side;
  const int b = static_cast<int>(threadIdx.x) % side;
  const index_t top = unit * tile + b;
  if (top >= ld) return;
  T* const out = partial + g * layout.size() + top;
  for (index_t i = segments.first(g); i < segments.last(g); ++i) {
    const index_t end = A.offsets[i + 1];
    index_t e = A.offsets[i];
    if (e == end) continue;
    T s[4];
    four_entries(sketch, sketch.first + i - segments.begin, unit, b, s);
    for (; e < end; ++e) {
      T* const column = out + A.columns[e] * ld;
      const T value = A.values[e];
      for (int r = 0; r < 4; ++r) {
        if (top + r * side < ld) column[r * side] = math::fma(s[r], value, column[r * side]);
      }
    }
  }
}

template <class T>
void launch(Context<Cuda>& ctx, const DenseRows<T, Cuda>& A, RowSegments segments,
            const DenseSketch& sketch, SketchLayout layout, T* partial) {
  const index_t units = (layout.rows + tile - 1) / tile, columns = (A.cols + tile - 1) / tile;
  constexpr int wide = 8 / sizeof(T);
  const bool aligned = A.cols % wide == 0 && reinterpret_cast<std::uintptr_t>(A.values) % 8 == 0;
  const auto kernel = aligned ? &dense_kernel<wide, T> : &dense_kernel<1, T>;
  kernel<<<static_cast<unsigned>(segments.count() * units * columns), DenseSketchPolicy::threads, 0,
           ctx.stream()>>>(A, segments, sketch, layout, static_cast<unsigned>(units),
                           static_cast<unsigned>(columns), partial);
}

template <class T>
void launch(Context<Cuda>& ctx, const CsrRows<T, Cuda>& A, RowSegments segments,
            const DenseSketch& sketch, SketchLayout layout, T* partial) {
  const index_t pairs = (layout.rows + 2 * tile - 1) / (2 * tile);
  sparse_kernel<<<static_cast<unsigned>(segments.count() * pairs),
                  DenseSketchPolicy::sparse_threads, 0, ctx.stream()>>>(
      A, segments, sketch, layout, static_cast<unsigned>(pairs), partial);
}

}  // namespace

template <class T>
void dense_sketch_rows(Context<Cuda>& ctx, const Rows<T, Cuda>& A, RowSegments segments,
                       const DenseSketch& sketch, SketchLayout layout, T* partial) {
  std::visit(
      [&](const auto& matrix) {
        if (segments.begin >= segments.end || layout.size() == 0) return;
        ctx.workspace().activate();
        launch(ctx, matrix, segments, sketch, layout, partial);
        check_launch(ctx);
      },
      A);
}

template void dense_sketch_rows(Context<Cuda>&, const Rows<float, Cuda>&, RowSegments,
                                const DenseSketch&, SketchLayout, float*);
template void dense_sketch_rows(Context<Cuda>&, const Rows<double, Cuda>&, RowSegments,
                                const DenseSketch&, SketchLayout, double*);

}  // namespace randnla
