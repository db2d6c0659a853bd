// Dense rows added into partial sketches; see scatter_rows.cu.
#pragma once

#include "fused_common.cuh"

#include <cuda_pipeline_primitives.h>

#include <algorithm>
#include <bit>
#include <type_traits>

namespace randnla {

struct ScatterPolicy {
  static constexpr int threads = 512, warps = threads / 32;
  static constexpr int blocks_per_sm = 2;  // aimed at, with tiles of up to 55 KB
  static constexpr int width_bytes = 256;  // of a row in a tile, at most: 8 a lane
  static constexpr int chunk_rows = 64,
                       chunk_nonzeros = 256;  // on the way to shared memory at a time
  static constexpr int queue = 128;  // nonzeros that a warp looks at before it adds its own
  static constexpr int tile_bytes = 96 << 10;  // in shared memory, at most
  static constexpr index_t most_parts = 8;     // of a tile: each reads the rows, from the L2 cache
  static constexpr int shared_flight = 1, global_flight = 4;  // additions whose loads go together
};

namespace scatter {

constexpr int warps = ScatterPolicy::warps, chunk_rows = ScatterPolicy::chunk_rows,
              chunk_nonzeros = ScatterPolicy::chunk_nonzeros;
static_assert(chunk_nonzeros <= ScatterPolicy::threads && chunk_nonzeros == 4 * chunk_rows,
              "a nonzero a thread; with 5 and more a row the rows are fewer than the chunk's");

/// What a lane has of a row.
template <class T>
struct alignas(8) Lane {
  static constexpr int size = 8 / sizeof(T);
  T x[size];
};

/// A nonzero of the pattern, and where the chunk has its row.
struct Nonzero {
  std::uint32_t word, row;

  __device__ std::uint32_t target() const { return word >> 1; }
};

/// A place in the pattern: number `l` of the nonzeros of row `row`.
struct Place {
  index_t row;
  std::uint32_t l;

  __device__ void advance(std::uint32_t by, std::uint32_t nonzeros) {
    l += by;
    row += l / nonzeros;
    l %= nonzeros;
  }
};

/// What a block has in shared memory before the tile: two chunks, and the warps' queues.
template <class T>
struct Chunks {
  alignas(16) T rows[2 * chunk_rows * ScatterPolicy::width_bytes / sizeof(T)];
  Nonzero nonzeros[2][chunk_nonzeros];
  Nonzero queue[warps][ScatterPolicy::queue];
};

/// Queues the copies of `used` columns of rows, `Size` values each.
template <int Size, class T>
__device__ void request_rows(const T* from, int rows, index_t cols, int used, int shift, T* to) {
  constexpr int size_shift = std::countr_zero(static_cast<unsigned>(Size));
  const int pieces = shift - size_shift;
  for (int p = static_cast<int>(threadIdx.x); p < rows << pieces; p += ScatterPolicy::threads) {
    const int r = p >> pieces, j = (p & ((1 << pieces) - 1)) * Size;
    if (j < used) {
      __pipeline_memcpy_async(to + (r << shift) + j, from + r * cols + j, Size * sizeof(T));
    }
  }
}

/// Additions to a tile whose loads do not wait for each other; what one leaves to a later one of the same row
/// goes on in registers. `rows` and `tile` start at the lane's columns.
template <int Flight, class Offset, class T>
__device__ void add_flight(const Nonzero* nonzero, const T* rows, int shift, T* tile) {
  Nonzero mine[Flight];
  Lane<T> row[Flight], sum[Flight];
  Lane<T>* to[Flight];
#pragma unroll
  for (int f = 0; f < Flight; ++f) {
    mine[f] = nonzero[f];
    row[f] = *reinterpret_cast<const Lane<T>*>(rows + mine[f].row);
    to[f] = reinterpret_cast<Lane<T>*>(tile + (static_cast<Offset>(mine[f].target()) << shift));
    sum[f] = *to[f];
  }
#pragma unroll
  for (int f = 0; f < Flight; ++f) {
    const T sign = (mine[f].word & 1) != 0 ? T(-1) : T(1);
#pragma unroll
    for (int e = 0; e < f; ++e) {
      if (mine[e].target() == mine[f].target()) sum[f] = sum[e];
    }
#pragma unroll
    for (int k = 0; k < Lane<T>::size; ++k) sum[f].x[k] += sign * row[f].x[k];
  }
#pragma unroll
  for (int f = 0; f < Flight; ++f) *to[f] = sum[f];
}

/// The warp's own nonzeros of a chunk, added in their order; targets count from the tile's first row.
template <bool InShared, class T>
__device__ void add_chunk(const Nonzero* nonzeros, int count, const T* rows, Nonzero* queue,
                          bool has_columns, std::uint32_t height, int shift, T* tile) {
  using Offset = std::conditional_t<InShared, std::uint32_t, index_t>;
  constexpr int flight = InShared ? ScatterPolicy::shared_flight : ScatterPolicy::global_flight;
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, below = (1U << lane) - 1;
  constexpr int steps = ScatterPolicy::queue / 32;
  for (int first = 0; first < count; first += ScatterPolicy::queue) {
    Nonzero nonzero[steps];
#pragma unroll
    for (int s = 0; s < steps; ++s) {
      const int n = first + 32 * s + static_cast<int>(lane);
      nonzero[s] = n < count ? nonzeros[n] : Nonzero{};
    }
    int found = 0;
#pragma unroll
    for (int s = 0; s < steps; ++s) {
      const std::uint32_t target = nonzero[s].target();
      const bool mine = first + 32 * s + static_cast<int>(lane) < count && target < height &&
                        target % warps == warp;
      const unsigned votes = __ballot_sync(loops::full_warp, mine);
      if (mine) queue[found + __popc(votes & below)] = nonzero[s];
      found += __popc(votes);
    }
    __syncwarp();
    int k = 0;
    if (has_columns) {
      for (; k + flight <= found; k += flight) {
        add_flight<flight, Offset>(queue + k, rows, shift, tile);
      }
      for (; k < found; ++k) add_flight<1, Offset>(queue + k, rows, shift, tile);
    }
    __syncwarp();
  }
}

/// Copies a tile; its size is a multiple of 16 bytes.
template <class T>
__device__ void copy_tile(const T* from, index_t size, T* to) {
  const int4* const source = reinterpret_cast<const int4*>(from);
  int4* const target = reinterpret_cast<int4*>(to);
  const index_t count = size * static_cast<index_t>(sizeof(T)) / 16;
#pragma unroll 4
  for (index_t e = threadIdx.x; e < count; e += ScatterPolicy::threads) target[e] = source[e];
}

template <bool InShared, int Size, class T>
__global__ __launch_bounds__(
    ScatterPolicy::threads,
    ScatterPolicy::blocks_per_sm) void dense_kernel(DenseRows<T, Cuda> A, RowSegments segments,
                                                    const std::uint32_t* __restrict__ pattern,
                                                    std::uint32_t nonzeros, SketchLayout layout,
                                                    unsigned parts, T* partial) {
  extern __shared__ __align__(16) unsigned char bytes[];
  auto& chunks = *reinterpret_cast<Chunks<T>*>(bytes);
  const int thread = static_cast<int>(threadIdx.x), warp = thread / 32;
  const int column = thread % 32 * Lane<T>::size, shift = layout.shift;
  const index_t part = blockIdx.x % parts, tiles = layout.tiles;
  const index_t g = blockIdx.x / parts / tiles, left = blockIdx.x / parts % tiles << shift;
  const index_t top = layout.rows * part / parts;
  const index_t height = layout.rows * (part + 1) / parts - top;
  const int used = static_cast<int>(min(layout.width(), A.cols - left));

  T* const out = partial + g * layout.size() + left * layout.rows + (top << shift);
  T* const tile = InShared ? reinterpret_cast<T*>(&chunks + 1) : out;
  if (InShared) copy_tile(out, height << shift, tile);
  if (used % Lane<T>::size != 0) {  // the last lane's second value
    for (int r = thread; r < 2 * chunk_rows; r += ScatterPolicy::threads) {
      chunks.rows[(r << shift) + used] = 0;
    }
  }
  Place place{segments.first(g), 0};
  const std::uint32_t* word = pattern + (place.row - segments.begin) * nonzeros;
  index_t left_over = (segments.last(g) - place.row) * nonzeros;  // words that are not requested
  const auto chunk = static_cast<int>(min(chunk_rows * index_t{nonzeros}, index_t{chunk_nonzeros}));
  int count = 0;  // words that are requested
  Nonzero next{};
  const auto request = [&](int buffer) {
    count = static_cast<int>(min(left_over, index_t{chunk}));
    if (count > 0) {
      Place mine{0, place.l}, last = mine;
      mine.advance(thread, nonzeros), last.advance(count - 1, nonzeros);
      if (thread < count) {  // targets above the tile become large
        next = {word[thread] - 2 * static_cast<std::uint32_t>(top),
                static_cast<std::uint32_t>(mine.row) << shift};
      }
      request_rows<Size>(A.values + place.row * A.cols + left, static_cast<int>(last.row) + 1,
                         A.cols, used, shift, chunks.rows + (buffer * chunk_rows << shift));
      place.advance(count, nonzeros), word += count, left_over -= count;
    }
    __pipeline_commit();
  };
  request(0);
  for (int buffer = 0; count > 0; buffer ^= 1) {
    const int here = count;
    if (thread < here) chunks.nonzeros[buffer][thread] = next;
    __pipeline_wait_prior(0);
    __syncthreads();  // this chunk is there, and the other one's place is free
    request(buffer ^ 1);
    add_chunk<InShared>(chunks.nonzeros[buffer], here,
                        chunks.rows + (buffer * chunk_rows << shift) + column, chunks.queue[warp],
                        column < used, static_cast<std::uint32_t>(height), shift, tile + column);
  }
  if (!InShared) return;
  __syncthreads();
  copy_tile(tile, height << shift, out);
}

template <bool InShared, int Size, class T>
void launch_dense(Context<Cuda>& ctx, const DenseRows<T, Cuda>& A, RowSegments segments,
                  const std::uint32_t* pattern, std::uint32_t nonzeros, SketchLayout layout,
                  index_t parts, std::size_t shared, T* partial) {
  const auto kernel = &dense_kernel<InShared, Size, T>;
  fused::allow_shared(kernel, shared);
  kernel<<<static_cast<unsigned>(segments.count() * layout.tiles * parts), ScatterPolicy::threads,
           shared, ctx.stream()>>>(A, segments, pattern, nonzeros, layout,
                                   static_cast<unsigned>(parts), partial);
}

/// Tiles in as many parts as give every multiprocessor a block, each of as many rows as the block has warps.
template <class T>
void launch(Context<Cuda>& ctx, const DenseRows<T, Cuda>& A, RowSegments segments,
            const std::uint32_t* pattern, std::uint32_t nonzeros, SketchLayout layout, T* partial) {
  const auto& workspace = ctx.workspace();
  const index_t blocks = segments.count() * layout.tiles;
  const index_t most =
      std::clamp<index_t>(layout.rows / ScatterPolicy::warps, 1, ScatterPolicy::most_parts);
  const index_t parts = std::clamp<index_t>(workspace.multiprocessors / blocks, 1, most);
  const index_t height = (layout.rows + parts - 1) / parts;
  const index_t tile = (height << layout.shift) * static_cast<index_t>(sizeof(T));
  const auto with_tile = static_cast<index_t>(sizeof(Chunks<T>)) + tile;
  const bool in_shared = tile <= ScatterPolicy::tile_bytes && with_tile <= workspace.shared_bytes;
  const auto shared = in_shared ? static_cast<std::size_t>(with_tile) : sizeof(Chunks<T>);
  constexpr int widest = 16 / sizeof(T), wide = 8 / sizeof(T);
  const auto whole = [&](index_t size) {  // packs of so many values
    const index_t bytes = size * static_cast<index_t>(sizeof(T));
    return A.cols % size == 0 && reinterpret_cast<std::uintptr_t>(A.values) % bytes == 0;
  };
  const auto run = in_shared ? (whole(widest) ? &launch_dense<true, widest, T>
                                : whole(wide) ? &launch_dense<true, wide, T>
                                              : &launch_dense<true, 1, T>)
                             : (whole(widest) ? &launch_dense<false, widest, T>
                                : whole(wide) ? &launch_dense<false, wide, T>
                                              : &launch_dense<false, 1, T>);
  run(ctx, A, segments, pattern, nonzeros, layout, parts, shared, partial);
}

}  // namespace scatter
}  // namespace randnla
