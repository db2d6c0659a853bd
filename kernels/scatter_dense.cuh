// Dense rows added into partial sketches; see scatter_rows.cu.
#pragma once

#include "fused_common.cuh"
#include "seam/types.hpp"

#include <algorithm>
#include <bit>

namespace randnla {

struct ScatterPolicy {
  static constexpr int threads = 512, warps = threads / 32;
  static constexpr int blocks_per_sm = 2;
  static constexpr int tile_bytes = 256;  // of a row in a partial sketch's tile, at most
  static constexpr int lines = 8;         // of 32 nonzeros that a warp looks at at a time
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
class Lines {
 public:
  __device__ Lines(const RowPattern& pattern, RowSegments segments, index_t g, index_t rows,
                   index_t top, index_t bottom)
      : nonzero_(pattern.nonzero),
        first_(segments.first(g) - segments.begin),
        last_(segments.last(g) - segments.begin),
        per_row_(static_cast<unsigned>(pattern.per_row)),
        by_stacks_(pattern.by_stacks) {
    if (by_stacks_) {
      stack_ = static_cast<unsigned>(stack_of(top, rows));
      stacks_ = static_cast<unsigned>(stack_of(bottom - 1, rows)) - stack_ + 1;
      begin_ = first_ / 32;
      count = static_cast<unsigned>((last_ + 31) / 32 - begin_) * stacks_;
    } else {
      begin_ = first_ * per_row_ / 32;
      count = static_cast<unsigned>((last_ * per_row_ + 31) / 32 - begin_);
    }
  }
  /// The row that the line's nonzero of a lane belongs to, from the pattern's first.
  __device__ index_t row(unsigned line, unsigned lane) const {
    return by_stacks_ ? (begin_ + line / stacks_) * 32 + lane
                      : ((begin_ + line) * 32 + lane) / per_row_;
  }
  /// False where the segment has no such nonzero.
  __device__ bool load(unsigned line, unsigned lane, std::uint32_t& word) const {
    const index_t mine = line < count ? row(line, lane) : last_;
    if (mine < first_ || mine >= last_) return false;
    const index_t begin =
        by_stacks_ ? (begin_ + line / stacks_) * per_row_ + stack_ + line % stacks_ : begin_ + line;
    word = nonzero_[begin * 32 + lane];
    return true;
  }

  unsigned count;

 private:
  /// Of equal parts of `rows`, in whole numbers as draw_column has them, the one with row t.
  __device__ index_t stack_of(index_t t, index_t rows) const {
    return ((t + 1) * per_row_ - 1) / rows;
  }

  const std::uint32_t* nonzero_;
  index_t first_, last_, begin_;
  unsigned per_row_, stack_ = 0, stacks_ = 1;
  bool by_stacks_;
};

/// A nonzero that the block has found: rows from the first of the lines it is among, the sketch's row from the
/// block's first.
struct Nonzero {
  static constexpr int target_bits = 6;
  static_assert(ScatterPolicy::warps * 4 <= 1 << target_bits);

  __device__ static std::uint32_t pack(std::uint32_t row, std::uint32_t target,
                                       std::uint32_t negative) {
    return (row << target_bits | target) << 1 | negative;
  }
  __device__ explicit Nonzero(std::uint32_t bits) : bits_(bits) {}
  __device__ std::uint32_t target() const { return bits_ >> 1 & ((1U << target_bits) - 1); }
  __device__ std::uint32_t row() const { return bits_ >> (target_bits + 1); }
  __device__ bool negative() const { return (bits_ & 1) != 0; }

 private:
  std::uint32_t bits_;
};

/// A group of lanes' part of its warp's queue; `most` is the warp's longest.
struct Queued {
  int begin = 0, count = 0, most = 0;
};

/// Sorts what a warp's groups have in a piece of the list by group, in the list's order.
__device__ inline Queued queue_own(const std::uint32_t* list, int count, int log_lanes,
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
  for (int group = 0; group < groups; ++group) {
    const int begin = filled;
    const std::uint32_t target = warp * groups + group;
#pragma unroll
    for (int s = 0; s < steps; ++s) {
      const bool own = found[s] != ~0U && Nonzero(found[s]).target() == target;
      const unsigned votes = __ballot_sync(loops::full_warp, own);
      if (own) queue[filled + __popc(votes & below)] = found[s];
      filled += __popc(votes);
    }
    if (group == static_cast<int>(lane >> log_lanes))
      mine.begin = begin, mine.count = filled - begin;
    mine.most = max(mine.most, filled - begin);
  }
  __syncwarp();
  return mine;
}

/// sum += what is queued, in its order; `rows` is the first row's first column that the lane has, of `cols`.
template <int Size, class T>
__device__ void add_queued(const std::uint32_t* queue, Queued queued, const T* rows, index_t cols,
                           bool has_columns, Pack<Size, T>& sum) {
  constexpr int flight = ScatterPolicy::flight;
  const int count = has_columns ? queued.count : 0;
  for (int k = 0; k < queued.most; k += flight) {
    Pack<Size, T> row[flight];
    bool negative[flight];
#pragma unroll
    for (int f = 0; f < flight; ++f) {
      if (k + f >= count) continue;
      const Nonzero found(queue[queued.begin + k + f]);
      row[f] = *reinterpret_cast<const Pack<Size, T>*>(rows + index_t{found.row()} * cols);
      negative[f] = found.negative();
    }
#pragma unroll
    for (int f = 0; f < flight; ++f) {
      if (k + f >= count) continue;
#pragma unroll
      for (int e = 0; e < Size; ++e) sum.x[e] += negative[f] ? -row[f].x[e] : row[f].x[e];
    }
  }
}

template <int Size, class T>
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
  const index_t inside = (lane & ((1U << split.log_lanes) - 1)) * Size,
                column = piece * split.columns + inside;
  const bool has_columns = inside < split.columns && column < A.cols && t < bottom;
  auto* const out =
      reinterpret_cast<Pack<Size, T>*>(partial + g * layout.size() + layout.index(t, column));
  Pack<Size, T> sum{};
  if (has_columns && g == 0 && segments.before > 0) sum = *out;

  const Lines lines(pattern, segments, g, layout.rows, top, bottom);
  std::uint32_t word[mine];
  unsigned valid = 0;  // bit u: there is a word[u]
  const auto request = [&](unsigned first) {
    valid = 0;
#pragma unroll
    for (int u = 0; u < mine; ++u) {
      if (lines.load(first + warp * mine + u, lane, word[u])) valid |= 1U << u;
    }
  };
  request(0);
  for (unsigned first = 0; first < lines.count; first += warps * mine) {
    unsigned votes[mine];
    int total = 0;
#pragma unroll
    for (int u = 0; u < mine; ++u) {
      const bool own = (valid >> u & 1) != 0 && (word[u] >> 1) - first_target < targets;
      votes[u] = __ballot_sync(loops::full_warp, own);
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
    const index_t begin = lines.row(first, 0);
#pragma unroll
    for (int u = 0; u < mine; ++u) {
      if ((votes[u] >> lane & 1) != 0) {
        const auto row =
            static_cast<std::uint32_t>(lines.row(first + warp * mine + u, lane) - begin);
        list[place + __popc(votes[u] & below)] =
            Nonzero::pack(row, (word[u] >> 1) - first_target, word[u] & 1);
      }
      place += __popc(votes[u]);
    }
    request(first + warps * mine);
    __syncthreads();
    const T* const rows = A.values + (segments.begin + begin) * A.cols + column;
    for (int n = 0; n < count; n += ScatterPolicy::queue) {
      const Queued queued =
          queue_own(list + n, min(count - n, ScatterPolicy::queue), split.log_lanes, queues[warp]);
      add_queued<Size>(queues[warp], queued, rows, A.cols, has_columns, sum);
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
  dense_kernel<Size>
      <<<static_cast<unsigned>(segments.count()) * split.pieces * split.groups, Policy::threads, 0,
         ctx.stream()>>>(A, segments, pattern, layout, split, partial);
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
