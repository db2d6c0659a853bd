// Sketches of streamed rows have the bits of the rows in one piece.
#include "support/streamed.hpp"

#include <randnla/sketch/sketch.hpp>

#include <gtest/gtest.h>

#include <cstring>

namespace randnla {
namespace {

using test::ThreeWays;

template <class Instance>
class StreamedSketch : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(StreamedSketch, test::Instances, test::InstanceName);

constexpr SketchKind kinds[] = {SketchKind::sparse_stack, SketchKind::sparse_sign,
                                SketchKind::count_sketch, SketchKind::gaussian,
                                SketchKind::rademacher,   SketchKind::srht};

template <Backend B, class T, class Matrix>
std::vector<T> sketched(Context<B>& ctx, const Sketch& S, const Matrix& A, index_t cols) {
  Buffer<T, B> SA(ctx, S.rows * cols);
  apply(ctx, S, A, MatrixView<T, B>{SA.data(), S.rows, cols, S.rows});
  return SA.download();
}

TYPED_TEST(StreamedSketch, HasTheBitsOfOnePiece) {
  using T = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  constexpr index_t rows = 1100, cols = 6;  // more than a segment, and than a block of a transform
  test::Problem p = test::random_problem(5, rows, cols, 0.4);
  for (double& value : p.values) value /= 3;  // all digits that a scalar has
  for (const bool sparse : {false, true}) {
    for (const index_t length : {index_t{97}, index_t{1024}, rows + 5}) {
      const ThreeWays<B, T> data(this->ctx(), p, sparse, length);
      for (const SketchKind kind : kinds) {
        const Sketch S{kind, 20, rows, 3, Rng{6}};
        const auto want = sketched<B, T>(this->ctx(), S, data.resident.view(), cols);
        const auto got = sketched<B, T>(this->ctx(), S, data.streamed, cols);
        EXPECT_EQ(std::memcmp(got.data(), want.data(), want.size() * sizeof(T)), 0)
            << "kind " << static_cast<int>(kind) << ", sparse " << sparse << ", chunks of "
            << length;
      }
    }
  }
}

TYPED_TEST(StreamedSketch, OfAnotherNumberOfRowsIsRefused) {
  using T = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  const ThreeWays<B, T> data(this->ctx(), test::random_problem(7, 30, 4), false, 7);
  const Sketch S{SketchKind::count_sketch, 9, 31, 1, Rng{6}};
  EXPECT_THROW((sketched<B, T>(this->ctx(), S, data.streamed, 4)), InvalidArgument);
}

}  // namespace
}  // namespace randnla
