// A sketch's bits depend neither on the pieces that its rows come in nor on the threads.
#include "sketch/sketches.hpp"

#include <gtest/gtest.h>

namespace randnla {
namespace {

using test::all_kinds;
using test::expect_product;
using test::HostRows;
using test::place_of;
using test::random_integers;
using test::random_rows;
using test::same_bits;
using test::sketched;

enum class Pieces { dense, sparse, in_turn };
constexpr Pieces every_mixture[] = {Pieces::dense, Pieces::sparse, Pieces::in_turn};

/// S A with rows from 0 to the first cut, from there to the next, ..., and the rest.
template <class T>
std::vector<T> streamed(Context<Cpu>& ctx, const Sketch& S, const HostRows<T>& A,
                        std::vector<index_t> cuts, Pieces pieces) {
  std::vector<T> SA(place_of(S.rows * A.cols), std::numeric_limits<T>::quiet_NaN());
  SketchStream<Cpu, T> stream(ctx, S, MatrixView<T, Cpu>{SA.data(), S.rows, A.cols, S.rows});
  cuts.push_back(A.rows);
  index_t begin = 0;
  for (std::size_t k = 0; k < cuts.size(); ++k) {
    if (pieces == Pieces::sparse || (pieces == Pieces::in_turn && k % 2 == 1)) {
      stream.add(ctx, A.sparse(begin, cuts[k]));
    } else {
      const std::vector<T> values = A.dense(begin, cuts[k]);
      stream.add(ctx, DenseRows<T, Cpu>{values.data(), cuts[k] - begin, A.cols});
    }
    begin = cuts[k];
    EXPECT_EQ(stream.rows_seen(), begin);
  }
  stream.finish(ctx);
  return SA;
}

/// Cuts after every `step` rows.
std::vector<index_t> every(index_t step, index_t rows) {
  std::vector<index_t> cuts;
  for (index_t cut = step; cut < rows; cut += step) cuts.push_back(cut);
  return cuts;
}

std::vector<std::vector<index_t>> ways_to_cut(index_t segment, index_t rows) {
  const index_t s = segment;
  return {{},
          {s},
          {s, 2 * s},
          {s - 1, s, s + 1, 2 * s - 1, 2 * s + 1},
          {0, 0, 5, 5, s, s, s, 2 * s, 2 * s, rows, rows},
          {1, s + 7, 2 * s + 100},  // pieces with borders inside
          {s / 2, 2 * s + s / 2},
          every(1, rows),
          every(37, rows),
          every(s - 1, rows)};
}

template <class Instance>
class SketchPieces : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(SketchPieces, test::CpuInstances, test::InstanceName);

TYPED_TEST(SketchPieces, AnyCutsGiveTheSameBits) {
  using T = typename TypeParam::Real;
  for (const index_t sketch_rows : {40, 70}) {  // segments of 1024 and of 1120
    const index_t segment = std::max<index_t>(1024, 16 * sketch_rows);
    for (const index_t rows : {3 * segment, 3 * segment - 300}) {
      const auto A = random_rows<T>(11, rows, 13, 2);
      for (const SketchKind kind : all_kinds) {
        const Sketch S{kind, sketch_rows, rows, 3, Rng{12}};
        const auto want = sketched(this->ctx(), S, A, false);
        for (const auto& cuts : ways_to_cut(segment, rows)) {
          for (const Pieces pieces : every_mixture) {
            EXPECT_TRUE(same_bits(streamed(this->ctx(), S, A, cuts, pieces), want))
                << rows << " rows, " << cuts.size() << " cuts, the first at "
                << (cuts.empty() ? rows : cuts[0]) << ", mixture " << static_cast<int>(pieces);
          }
        }
      }
    }
  }
}

TYPED_TEST(SketchPieces, AnyNumberOfThreadsGivesTheSameBits) {
  using T = typename TypeParam::Real;
  constexpr index_t rows = 9000;
  const auto A = random_rows<T>(13, rows, 130, 3);
  for (const int threads : {2, 7}) {
    Context<Cpu> many(threads);
    for (const SketchKind kind : all_kinds) {
      for (const index_t sketch_rows : {40, 700}) {
        const Sketch S{kind, sketch_rows, rows, 5, Rng{14}};
        const auto want = sketched(this->ctx(), S, A, false);
        for (const Pieces pieces : every_mixture) {
          const auto cuts = std::vector<index_t>{100, 5000, 5001};
          EXPECT_TRUE(same_bits(streamed(many, S, A, cuts, pieces), want))
              << threads << " threads, " << sketch_rows << " rows of the sketch, mixture "
              << static_cast<int>(pieces);
        }
      }
    }
  }
}

TYPED_TEST(SketchPieces, MoreSegmentsThanTheWorkspaceHoldsAreTakenInTurn) {
  // A sketch of 64 x 30,000 is 15.7 MB in double: at most 4 of them are in the workspace of 64 MiB, 8 in
  // float, and the rows make 9 segments.
  using T = typename TypeParam::Real;
  constexpr index_t rows = 8 * 1024 + 300, cols = 30'000;
  const auto A = random_integers<T>(15, rows, cols, 5000);
  const Sketch S{SketchKind::sparse_stack, 64, rows, 4, Rng{16}};
  const auto want = sketched(this->ctx(), S, A, true);
  expect_product(S, A, want);
  Context<Cpu> many(7);
  const auto shared = sketched(many, S, A, true);
  EXPECT_TRUE(same_bits(shared, want));
  // The second, fourth and last piece are sparse.
  const std::vector<index_t> cuts{30, 4000, 4100, 8 * 1024, 8 * 1024};
  EXPECT_TRUE(same_bits(streamed(this->ctx(), S, A, cuts, Pieces::in_turn), want));
  // More than the workspace holds, from the middle of a segment on.
  EXPECT_TRUE(same_bits(streamed(this->ctx(), S, A, {30}, Pieces::sparse), want));
}

}  // namespace
}  // namespace randnla
