// A block's rows are read where they are, vector of columns by vector of columns, and transformed on their way to
// the sketch (see cpu/hadamard.hpp): what memory has to bring is asked for a block before.
#include "cpu/srht.hpp"

#include "cpu/aligned_array.hpp"
#include "cpu/hadamard.hpp"
#include "cpu/scatter_sums.hpp"
#include "cpu/simd.hpp"
#include "sketch/srht.hpp"

#include <randnla/core/math.hpp>

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>
#include <variant>
#include <vector>

namespace randnla {
namespace {

using hadamard::Ahead, hadamard::Passes;

/// The widest pieces of rows that are taken, and what those of a block have of the second-level cache, where those
/// of the next one come, too.
constexpr index_t group_bytes = 1024, strip_bytes = index_t{256} << 10;

/// Rows that leave the last pass, and are picked from, together: all of a small block, else those of a small part of
/// the first-level cache.
constexpr index_t all_rows = 256, picked_rows = 64;

/// The rows that S has, in the order that they come from the last pass in; the sums have this order, too.
struct Picks {
  Picks(const HadamardRows& sketch, const Passes& passes)
      : batch(passes.block() <= all_rows ? passes.part()
                                         : std::max<index_t>(1, picked_rows >> passes.last())),
        ends(static_cast<std::size_t>(passes.part() / batch)),
        selected(sketch.selected, sketch.selected + sketch.count),
        places(selected.size()) {
    const auto mask = static_cast<std::uint64_t>(passes.block() - 1);
    const auto near = static_cast<std::uint64_t>(passes.part() - 1);
    const auto rows = static_cast<std::uint64_t>(batch);
    std::vector<std::uint32_t> order(selected.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(), [&](std::uint32_t s, std::uint32_t t) {
      const std::uint64_t a = sketch.selected[s], b = sketch.selected[t];
      return std::pair((a & near) / rows, a) < std::pair((b & near) / rows, b);
    });
    for (std::size_t k = 0; k < order.size(); ++k) {
      const std::uint64_t row = sketch.selected[order[k]];
      selected[k] = row;
      places[order[k]] = static_cast<std::uint32_t>(k);
      from.push_back(static_cast<std::uint32_t>((row & mask) >> passes.near) *
                         static_cast<std::uint32_t>(rows) +
                     static_cast<std::uint32_t>(row % rows));
      outer.push_back(row >> sketch.log_block);
      ++ends[(row & near) / rows];
    }
    std::partial_sum(ends.begin(), ends.end(), ends.begin());
  }

  index_t batch;                        // rows of a part that leave the last pass together
  std::vector<std::size_t> ends;        // of each batch's picks
  std::vector<std::uint64_t> selected;  // the row of the whole transform,
  std::vector<std::uint64_t> outer;     // its bits beyond those of a block,
  std::vector<std::uint32_t> from;      // and its place in its batch
  std::vector<std::uint32_t> places;    // of the sketch's rows among the picks
};

/// The signs that picks from block q have.
template <class T>
void pick_signs(const Picks& picks, std::uint64_t q, std::vector<T>& signs) {
  for (std::size_t k = 0; k < signs.size(); ++k) {
    signs[k] = static_cast<T>(1 - 2 * (std::popcount(picks.outer[k] & q) & 1));
  }
}

/// The signs of rows that begin at a multiple of 64, or are the first ones of all.
template <class T>
void draw_signs(Rng rng, index_t first, std::vector<T>& signs) {
  for (std::size_t begin = 0; begin < signs.size(); begin += 64) {
    const std::uint64_t bits = srht_signs(rng, first / 64 + static_cast<index_t>(begin / 64));
    for (std::size_t k = 0; k < 64; ++k) {
      signs[begin + k] = static_cast<T>(1 - 2 * static_cast<int>(bits >> k & 1));
    }
  }
}

/// What one thread works in.
template <class T>
struct Bench {
  Bench(const HadamardRows& sketch, const Passes& passes, const Picks& picks)
      : strip(passes.block() * simd::lanes<T>),
        tile(passes.block() * simd::lanes<T>),
        picked(picks.ends.size() > 1 ? (picks.batch << passes.last()) * simd::lanes<T> : 0),
        row_signs(static_cast<std::size_t>((passes.block() + 63) / 64 * 64)),
        pick_signs(static_cast<std::size_t>(sketch.count)) {}

  AlignedArray<T> strip, tile, picked;
  std::vector<T> row_signs, pick_signs;
};

/// A tile's columns of rows [begin, end) of a block, whose row 0 is number `first` of A, to the strip; zeros for the
/// others.
template <class T>
void copy_strip(const DenseRows<T, Cpu>& A, index_t first, Chunk rows, index_t block, index_t left,
                T* strip) {
  constexpr index_t lanes = simd::lanes<T>;
  std::fill_n(strip, block * lanes, T(0));
  const index_t filled = std::min(lanes, A.cols - left);
  for (index_t i = rows.begin; i < rows.end; ++i) {
    std::copy_n(A.values + (first + i) * A.cols + left, filled, strip + i * lanes);
  }
}

/// The last pass over a tile, and what S picks of it.
template <class T>
void add_picked(const Passes& passes, const Picks& picks, Bench<T>& bench, Ahead<T>& ahead, T* to) {
  constexpr index_t lanes = simd::lanes<T>;
  T* const picked = picks.ends.size() > 1 ? bench.picked.data : bench.tile.data;
  std::size_t k = 0;
  for (std::size_t b = 0; b < picks.ends.size(); ++b) {
    const index_t begin = static_cast<index_t>(b) * picks.batch;
    hadamard::with_bits(passes.last(), [&]<int bits>() {
      hadamard::last_pass<bits>(bench.tile.data, passes.part(), begin, begin + picks.batch, picked,
                                ahead, passes.asked(bits));
    });
    for (; k < picks.ends[b]; ++k, to += lanes) {
      const T* const row = picked + static_cast<index_t>(picks.from[k]) * lanes;
      simd::store(to, simd::load(to) + bench.pick_signs[k] * simd::load(row));
    }
  }
}

/// Some tiles of one segment.
template <class T>
void add_segment(const DenseRows<T, Cpu>& A, RowSegments segments, index_t g, Chunk tiles,
                 const HadamardRows& sketch, const Passes& passes, const Picks& picks,
                 SketchLayout layout, T* to) {
  constexpr index_t lanes = simd::lanes<T>;
  Bench<T> bench(sketch, passes, picks);
  const index_t block = passes.block(), last = segments.last(g);
  for (index_t begin = segments.first(g); begin < last;) {
    const index_t at = sketch.first + begin - segments.begin;  // in the whole matrix
    const index_t above = at % block, end = std::min(last, begin + block - above);
    draw_signs(sketch.rng, at - above, bench.row_signs);
    pick_signs(picks, static_cast<std::uint64_t>(at / block), bench.pick_signs);
    for (index_t tile = tiles.begin; tile < tiles.end; ++tile) {
      const T* from = A.values + begin * A.cols + tile * lanes;
      index_t apart = A.cols;
      // What lies beyond a row may be anything, but what lies beyond A is not there.
      if (end - begin < block || (end - 1) * A.cols + (tile + 1) * lanes > A.rows * A.cols) {
        copy_strip(A, begin - above, {above, above + end - begin}, block, tile * lanes,
                   bench.strip.data);
        from = bench.strip.data, apart = lanes;
      }
      Ahead<T> ahead{A.values + end * A.cols + tile * lanes, A.cols, std::min(block, last - end)};
      hadamard::transform_parts(passes, from, apart, bench.row_signs.data(), bench.tile.data,
                                ahead);
      add_picked(passes, picks, bench, ahead, to + tile * layout.tile_size());
    }
    begin = end;
  }
}

/// All tiles of one segment; a row's entries are added one by one to every row of the sketch.
template <class T>
void add_segment(const CsrRows<T, Cpu>& A, RowSegments segments, index_t g,
                 const HadamardRows& sketch, const Picks& picks, SketchLayout layout, T* to) {
  std::vector<T> signs(picks.selected.size());
  for (index_t i = segments.first(g); i < segments.last(g); ++i) {
    const auto at = static_cast<std::uint64_t>(sketch.first + i - segments.begin);
    const bool negative = srht_sign(sketch.rng, static_cast<index_t>(at));
    for (std::size_t k = 0; k < signs.size(); ++k) {
      signs[k] = odd_ones(picks.selected[k] & at) != negative ? T(-1) : T(1);
    }
    for (index_t e = A.offsets[i]; e < A.offsets[i + 1]; ++e) {
      T* const column = to + layout.index(0, A.columns[e]);
      for (std::size_t k = 0; k < signs.size(); ++k) {
        column[static_cast<index_t>(k) << layout.shift] += signs[k] * A.values[e];
      }
    }
  }
}

/// Sums of complete segments to SA, in order; those of the open one to the front.
template <class T>
void join_picked(Context<Cpu>& ctx, RowSegments segments, const Picks& picks,
                 const SketchSums<T>& to) {
  const SketchLayout layout = to.layout;
  const index_t complete = segments.complete();
  if (complete == 0) return;
  constexpr index_t together = 64;  // rows of a tile that are joined by one item
  const index_t pieces = (layout.rows + together - 1) / together;
  parallel_for(ctx, layout.tiles * pieces, [&](index_t item) {
    const index_t tile = item / pieces, top = item % pieces * together;
    const index_t filled = to.filled(tile);
    for (index_t t = top; t < std::min(top + together, layout.rows); ++t) {
      const auto place = static_cast<index_t>(picks.places[static_cast<std::size_t>(t)]);
      T* const sums = to.open + layout.index(place, tile * layout.width());
      T* const out = to.SA.data + tile * layout.width() * to.SA.ld + t;
      for (index_t g = 0; g < complete; ++g) {
        for (index_t j = 0; j < filled; ++j) {
          T& entry = out[j * to.SA.ld];
          entry =
              math::fma(to.scale, sums[g * layout.size() + j], segments.starts(g) ? T(0) : entry);
        }
      }
      if (complete < segments.count()) {
        std::copy_n(sums + complete * layout.size(), layout.width(), sums);
      }
    }
  });
}

/// Groups of tiles whose blocks of rows are worked on together.
index_t group_count(SketchLayout layout, int log_block) {
  const index_t fitting = strip_bytes / (simd::vector_bytes << log_block);
  const index_t together = std::clamp<index_t>(fitting, 1, group_bytes / simd::vector_bytes);
  return (layout.tiles + together - 1) / together;
}

}  // namespace

index_t srht_segments_at_once(const Context<Cpu>& ctx, SketchLayout layout, int log_block) {
  const index_t groups = std::max<index_t>(1, group_count(layout, log_block));
  return std::min(most_segments, 8 * ctx.threads() / groups + 1);
}

template <class T>
SketchLayout srht_layout(const Context<Cpu>&, index_t rows, int, index_t cols) {
  constexpr index_t lanes = simd::lanes<T>;
  return {rows, (cols + lanes - 1) / lanes, std::countr_zero(static_cast<unsigned>(lanes))};
}

template <class T>
void srht_rows(Context<Cpu>& ctx, const Rows<T, Cpu>& A, RowSegments segments,
               const HadamardRows& sketch, SketchLayout layout, T* partial, T scale,
               MatrixView<T, Cpu> SA) {
  const Passes passes(sketch.log_block);
  const Picks picks(sketch, passes);
  const auto* const sparse = std::get_if<CsrRows<T, Cpu>>(&A);
  const index_t groups = sparse != nullptr ? 1 : group_count(layout, sketch.log_block);
  parallel_for(ctx, segments.count() * groups, [&](index_t item) {
    const auto [first, last] = chunk_of(layout.tiles, groups, item % groups);
    const index_t g = item / groups;
    T* const sums = partial + g * layout.size();
    if (g > 0 || segments.before == 0) {
      std::fill(sums + first * layout.tile_size(), sums + last * layout.tile_size(), T(0));
    }
    if (sparse != nullptr) {
      add_segment(*sparse, segments, g, sketch, picks, layout, sums);
    } else {
      add_segment(std::get<DenseRows<T, Cpu>>(A), segments, g, {first, last}, sketch, passes, picks,
                  layout, sums);
    }
  });
  join_picked(ctx, segments, picks, SketchSums<T>{layout, partial, scale, SA});
}

template SketchLayout srht_layout<float>(const Context<Cpu>&, index_t, int, index_t);
template SketchLayout srht_layout<double>(const Context<Cpu>&, index_t, int, index_t);
template void srht_rows(Context<Cpu>&, const Rows<float, Cpu>&, RowSegments, const HadamardRows&,
                        SketchLayout, float*, float, MatrixView<float, Cpu>);
template void srht_rows(Context<Cpu>&, const Rows<double, Cpu>&, RowSegments, const HadamardRows&,
                        SketchLayout, double*, double, MatrixView<double, Cpu>);

}  // namespace randnla
