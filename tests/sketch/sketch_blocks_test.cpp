// Sketches of dense matrices whose sizes lie around the borders of the CPU's blocks of rows and tiles of columns.
#include "sketch/sketches.hpp"

#include <gtest/gtest.h>

namespace randnla {
namespace {

using test::all_kinds;
using test::expect_product;
using test::place_of;
using test::random_integers;
using test::random_rows;
using test::same_bits;
using test::sketched;

template <class Instance>
class SketchBlocks : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(SketchBlocks, test::CpuInstances, test::InstanceName);

TYPED_TEST(SketchBlocks, RowsAroundTheBordersOfABlockAndOfASegment) {
  // Tiles of 512 bytes a row have blocks of 1,024 rows; 100 rows of a sketch have segments of 1,600.
  using T = typename TypeParam::Real;
  for (const index_t rows : {1, 5, 99, 100, 1023, 1024, 1025, 1599, 1600, 1601, 2624, 2625}) {
    const auto A = random_integers<T>(21, rows, 150, 3);
    for (const SketchKind kind : all_kinds) {
      const Sketch S{kind, 100, rows, 5, Rng{22}};
      expect_product(S, A, sketched(this->ctx(), S, A, false));
    }
  }
}

TYPED_TEST(SketchBlocks, ColumnsAroundTheBordersOfVectorsAndTiles) {
  using T = typename TypeParam::Real;
  constexpr index_t rows = 1100;
  for (const index_t cols : {1, 2, 3, 7, 8, 9, 15, 16, 17, 63, 64, 65, 127, 128, 129, 600}) {
    const auto A = random_integers<T>(23, rows, cols, 2);
    for (const SketchKind kind : all_kinds) {
      for (const index_t sketch_rows : {3, 8, 9, 1009}) {
        const Sketch S{kind, sketch_rows, rows, 3, Rng{24}};
        expect_product(S, A, sketched(this->ctx(), S, A, false));
      }
    }
  }
}

TYPED_TEST(SketchBlocks, SketchesOfManyMoreRowsThanTheMatrix) {
  using T = typename TypeParam::Real;
  for (const index_t rows : {1, 10, 400}) {
    const auto A = random_integers<T>(25, rows, 20, 2);
    for (const SketchKind kind : all_kinds) {
      const Sketch S{kind, 20'000, rows, 4, Rng{26}};
      expect_product(S, A, sketched(this->ctx(), S, A, false));
    }
  }
}

TYPED_TEST(SketchBlocks, TilesOrSegmentsAtATimeGiveTheSameBits) {
  // One thread takes the ten or more tiles one by one, seven threads share them by segments; sparse rows go another way.
  using T = typename TypeParam::Real;
  const auto A = random_rows<T>(27, 4000, 1300, 4);
  Context<Cpu> one(1), many(7);
  for (const SketchKind kind : all_kinds) {
    const Sketch S{kind, 50, A.rows, 4, Rng{28}};
    const auto want = sketched(one, S, A, true);
    EXPECT_TRUE(same_bits(sketched(one, S, A, false), want));
    EXPECT_TRUE(same_bits(sketched(many, S, A, false), want));
  }
}

}  // namespace
}  // namespace randnla
