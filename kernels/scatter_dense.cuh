// Dense rows added into partial sketches; see scatter_rows.cu.
#pragma once

#include "fused_common.cuh"
#include "seam/types.hpp"

#include <randnla/core/error.hpp>

#include <algorithm>
#include <bit>
#include <string>

namespace randnla {

struct ScatterPolicy {
  static constexpr int threads = 512, warps = threads / 32;
  static constexpr int blocks_per_sm = 1;
  static constexpr int tile_bytes = 256;  // of a row in a partial sketch's tile, at most
  static constexpr int lines = 16;        // of 32 nonzeros that a warp looks at at a time
  static constexpr int queue = 128;       // nonzeros that it looks through for its own
  static constexpr int flight = 8;        // rows that a lane asks for together
  static constexpr index_t cached_bytes =
      16 << 20;  // of rows that blocks work on together, in the L2 cache
};

namespace scatter {

/// How the blocks share a segment: 2^log_lanes lanes take `columns` of the matrix and one row of the sketch, a
/// block as many rows as it has such groups of lanes, from `group` on.
struct Split {
  int log_lanes;
  index_t columns;
  unsigned pieces, groups;  // of the matrix's columns, of the sketch's rows
};

template <int Size, class T>
struct alignas(Size * sizeof(T)) Pack {
  T x[Size];
};

/// The lines of 32 nonzeros that may have some of a segment's for certain rows of the sketch, in their order.
template <bool ByStacks>
class Lines {
 public:
  __device__ Lines(const RowPattern& pattern, RowSegments segments, index_t g, index_t rows,
                   index_t top, index_t bottom)
      : per_row_(static_cast<unsigned>(pattern.per_row)),
        length_(static_cast<unsigned>(segments.last(g) - segments.first(g))) {
    const index_t first = segments.first(g) - segments.begin;
    if (ByStacks) {
      const index_t stack = stack_of(top, rows);
      stacks_ = static_cast<unsigned>(stack_of(bottom - 1, rows) - stack) + 1;
      skip_ = static_cast<unsigned>(first % 32);
      nonzero_ = pattern.nonzero + first / 32 * 32 * per_row_ + stack * 32;
      count = (skip_ + length_ + 31) / 32 * stacks_;
    } else {
      skip_ = static_cast<unsigned>(first * per_row_ % 32);
      nonzero_ = pattern.nonzero + first * per_row_ / 32 * 32;
      count = (skip_ + length_ * per_row_ + 31) / 32;
    }
  }
  /// Where a line lies: its block of 32 rows and its stack, or its number and 0.
  struct Place {
    unsigned block, stack;
  };
  __device__ Place place(unsigned line) const {
    const unsigned block = !ByStacks || stacks_ == 1 ? line : line / stacks_;
    return {block, ByStacks ? line - block * stacks_ : 0};
  }
  __device__ void advance(Place& place) const {
    if (ByStacks && ++place.stack < stacks_) return;
    place.stack = 0, ++place.block;
  }
  /// A row beyond all where the segment has no such nonzero.
  __device__ std::uint32_t word(Place place, unsigned lane) const {
    const unsigned n = place.block * 32 + lane - skip_;  // before the segment's first: very large
    if (n >= (ByStacks ? length_ : length_ * per_row_)) return ~0U;
    return nonzero_[(ByStacks ? place.block * per_row_ + place.stack : place.block) * 32 + lane];
  }
  /// The row of the segment that a nonzero of it belongs to; 0 for those before.
  __device__ unsigned row(Place place, unsigned lane) const {
    const unsigned n = max(place.block * 32 + lane, skip_) - skip_;
    return ByStacks ? n : n / per_row_;
  }

  unsigned count;

 private:
  /// Of equal parts of `rows`, in whole numbers as draw_column has them, the one with row t.
  __device__ index_t stack_of(index_t t, index_t rows) const {
    return ((t + 1) * per_row_ - 1) / rows;
  }
  const std::uint32_t* nonzero_;
  unsigned per_row_, length_, skip_, stacks_ = 1;
};

/// A nonzero that the block has found: the sketch's row from the block's first, and where it is among the lines at
/// hand, later the row of A from that of the first line.
struct Nonzero {
  static constexpr int target_bits = 6;
  static_assert(ScatterPolicy::warps * 4 <= 1 << target_bits);

  __device__ static std::uint32_t pack(std::uint32_t place, std::uint32_t word) {
    return place << (target_bits + 1) | word;
  }
  __device__ explicit Nonzero(std::uint32_t bits) : bits_(bits) {}
  __device__ std::uint32_t place() const { return bits_ >> (target_bits + 1); }
  __device__ std::uint32_t word() const { return bits_ & ((2U << target_bits) - 1); }
  __device__ std::uint32_t target() const { return word() >> 1; }
  __device__ bool negative() const { return (bits_ & 1) != 0; }

 private:
  std::uint32_t bits_;
};

/// A group of lanes' part of its warp's queue; `most` is the warp's longest.
struct Queued {
  int begin = 0, count = 0, most = 0;
};

/// Sorts what a warp's groups have in a piece of the list by group, in the list's order; row_of(place) is the row.
template <class F>
__device__ Queued queue_own(const std::uint32_t* list, int count, int log_lanes, F row_of,
                            std::uint32_t* queue) {
  constexpr int steps = ScatterPolicy::queue / 32;
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, below = (1U << lane) - 1;
  const int groups = 32 >> log_lanes;
  std::uint32_t found[steps];
#pragma unroll
  for (int s = 0; s < steps; ++s) {
    const int n = 32 * s + static_cast<int>(lane);
    found[s] = n < count ? list[n] : ~0U;
  }
  Queued mine;
  int filled = 0;
#pragma unroll 1
  for (int group = 0; group < groups; ++group) {
    const int begin = filled;
    const std::uint32_t target = warp * groups + group;
#pragma unroll
    for (int s = 0; s < steps; ++s) {
      const bool own = found[s] != ~0U && Nonzero(found[s]).target() == target;
      const unsigned votes = __ballot_sync(loops::full_warp, own);
      if (own) {
        const Nonzero nonzero(found[s]);
        queue[filled + __popc(votes & below)] =
            Nonzero::pack(row_of(nonzero.place()), nonzero.word());
      }
      filled += __popc(votes);
    }
    if (group == static_cast<int>(lane >> log_lanes))
      mine.begin = begin, mine.count = filled - begin;
    mine.most = max(mine.most, filled - begin);
  }
  __syncwarp();
  return mine;
}

/// sum += what is queued, in its order; `rows` is the lane's first column of the row that the queue counts from.
template <int Size, class T>
__device__ void add_queued(const std::uint32_t* queue, Queued queued, const T* rows,
                           std::uint32_t cols, bool has_columns, Pack<Size, T>& sum) {
  constexpr int flight = ScatterPolicy::flight;
  const int count = has_columns ? queued.count : 0;
#pragma unroll 1
  for (int k = 0; k < queued.most; k += flight) {
    Pack<Size, T> row[flight];
    unsigned negative = 0;  // bit f
#pragma unroll
    for (int f = 0; f < flight; ++f) {
      if (k + f >= count) continue;
      const Nonzero nonzero(queue[queued.begin + k + f]);
      row[f] =
          *reinterpret_cast<const Pack<Size, T>*>(rows + std::uint64_t{nonzero.place()} * cols);
      if (nonzero.negative()) negative |= 1U << f;
    }
#pragma unroll
    for (int f = 0; f < flight; ++f) {
      if (k + f >= count) continue;
      const T sign = (negative >> f & 1) != 0 ? T(-1) : T(1);
#pragma unroll
      for (int e = 0; e < Size; ++e) sum.x[e] += sign * row[f].x[e];
    }
  }
}

template <int Size, bool ByStacks, class T>
__global__ __launch_bounds__(ScatterPolicy::threads,
                             ScatterPolicy::blocks_per_sm) void dense_kernel(DenseRows<T, Cuda> A,
                                                                             RowSegments segments,
                                                                             RowPattern pattern,
                                                                             SketchLayout layout,
                                                                             Split split,
                                                                             T* partial) {
  constexpr int warps = ScatterPolicy::warps, mine = ScatterPolicy::lines;
  __shared__ std::uint32_t list[warps * mine * 32], queues[warps][ScatterPolicy::queue];
  __shared__ int totals[warps];
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, below = (1U << lane) - 1;
  const unsigned height = ScatterPolicy::threads >> split.log_lanes;
  const index_t g = blockIdx.x / split.groups / split.pieces;
  const index_t piece = blockIdx.x / split.groups % split.pieces;
  const index_t top = index_t{blockIdx.x % split.groups} * height;
  const index_t bottom = min(top + height, layout.rows);
  const auto first_target = static_cast<std::uint32_t>(top);
  const auto targets = static_cast<std::uint32_t>(bottom - top);

  const index_t t = top + (threadIdx.x >> split.log_lanes);
  const index_t inside = (lane & ((1U << split.log_lanes) - 1)) * Size;
  const index_t column = piece * split.columns + inside;
  const bool has_columns = inside < split.columns && column < A.cols && t < bottom;
  auto* const out =
      reinterpret_cast<Pack<Size, T>*>(partial + g * layout.size() + layout.index(t, column));
  Pack<Size, T> sum{};
  if (has_columns && g == 0 && segments.before > 0) sum = *out;

  const Lines<ByStacks> lines(pattern, segments, g, layout.rows, top, bottom);
  const T* const rows = A.values + segments.first(g) * A.cols + column;
#pragma unroll 1
  for (unsigned first = 0; first < lines.count; first += warps * mine) {
    std::uint32_t word[mine], votes[mine];
    auto place_of_line = lines.place(first + warp * mine);
#pragma unroll
    for (int u = 0; u < mine; ++u) {
      word[u] = lines.word(place_of_line, lane);
      lines.advance(place_of_line);
    }
    int total = 0;
#pragma unroll
    for (int u = 0; u < mine; ++u) {
      votes[u] = __ballot_sync(loops::full_warp, (word[u] >> 1) - first_target < targets);
      total += __popc(votes[u]);
    }
    if (lane == 0) totals[warp] = total;
    __syncthreads();  // and the list is free again
    int before = lane < warps ? totals[lane] : 0;
#pragma unroll
    for (int offset = 1; offset < warps; offset *= 2) {
      const int other = __shfl_up_sync(loops::full_warp, before, offset);
      if (lane >= offset) before += other;
    }
    const int count = __shfl_sync(loops::full_warp, before, warps - 1);
    int place = __shfl_sync(loops::full_warp, before, warp) - total;
#pragma unroll
    for (int u = 0; u < mine; ++u) {
      if ((votes[u] >> lane & 1) != 0) {
        list[place + __popc(votes[u] & below)] =
            Nonzero::pack((warp * mine + u) * 32 + lane, word[u] - 2 * first_target);
      }
      place += __popc(votes[u]);
    }
    __syncthreads();
    const unsigned begin = lines.row(lines.place(first), 0);
    const auto row_of = [&](std::uint32_t n) {
      return lines.row(lines.place(first + n / 32), n % 32) - begin;
    };
#pragma unroll 1
    for (int n = 0; n < count; n += ScatterPolicy::queue) {
      const Queued queued = queue_own(list + n, min(count - n, ScatterPolicy::queue),
                                      split.log_lanes, row_of, queues[warp]);
      add_queued<Size>(queues[warp], queued, rows + index_t{begin} * A.cols,
                       static_cast<std::uint32_t>(A.cols), has_columns, sum);
      __syncwarp();
    }
  }
  if (has_columns) *out = sum;
}

template <int Size, class T>
void launch_dense(Context<Cuda>& ctx, const DenseRows<T, Cuda>& A, RowSegments segments,
                  const RowPattern& pattern, SketchLayout layout, T* partial) {
  using Policy = ScatterPolicy;
  constexpr index_t pack = Size * sizeof(T), sector = std::max<index_t>(1, 32 / pack);  // packs
  const index_t packs = A.cols / Size;
  const index_t rows = std::min(segments.length, segments.end - segments.begin);
  require(rows * pattern.per_row < index_t{1} << 31,
          "a segment of " + std::to_string(rows) + " rows with " + std::to_string(pattern.per_row) +
              " nonzeros each is too long for the device");
  int log_lanes = 5;
  while (log_lanes > 3 && (packs <= index_t{1} << (log_lanes - 1) ||
                           rows * pack << log_lanes > Policy::cached_bytes)) {
    --log_lanes;
  }
  const index_t lanes = index_t{1} << log_lanes, pieces = (packs + lanes - 1) / lanes;
  const index_t even = ((packs + pieces - 1) / pieces + sector - 1) / sector * sector;
  const index_t height = Policy::threads >> log_lanes;
  const Split split{log_lanes, std::min(lanes, even) * Size, static_cast<unsigned>(pieces),
                    static_cast<unsigned>((layout.rows + height - 1) / height)};
  const auto kernel =
      pattern.by_stacks ? &dense_kernel<Size, true, T> : &dense_kernel<Size, false, T>;
  kernel<<<static_cast<unsigned>(segments.count()) * split.pieces * split.groups, Policy::threads,
           0, ctx.stream()>>>(A, segments, pattern, layout, split, partial);
}

/// The widest loads that the rows' places allow.
template <class T>
void launch(Context<Cuda>& ctx, const DenseRows<T, Cuda>& A, RowSegments segments,
            const RowPattern& pattern, SketchLayout layout, T* partial) {
  constexpr int widest = 16 / sizeof(T), wide = 8 / sizeof(T);
  const auto whole = [&](index_t size) {
    const index_t bytes = size * static_cast<index_t>(sizeof(T));
    return A.cols % size == 0 && reinterpret_cast<std::uintptr_t>(A.values) % bytes == 0;
  };
  const auto run = whole(widest) ? &launch_dense<widest, T>
                   : whole(wide) ? &launch_dense<wide, T>
                                 : &launch_dense<1, T>;
  run(ctx, A, segments, pattern, layout, partial);
}

}  // namespace scatter
}  // namespace randnla
