// Sketches have the same bits on the CPU and on the GPU.
#include "support/problems.hpp"

#include <randnla/sketch/sketch.hpp>

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <type_traits>

#if defined(RANDNLA_TEST_CUDA)

namespace randnla {
namespace {

/// Values with all digits that a scalar has, so that the order of additions shows in the bits of their sums.
test::Problem matrix(index_t rows, index_t cols) {
  test::Problem p = test::random_problem(17, rows, cols, 0.4);
  for (double& value : p.values) value /= 3;
  return p;
}

template <Backend B, class T>
Rows<T, B> part(const Dataset<T, B>& A, index_t begin, index_t end) {
  const index_t rows = end - begin;
  if (A.offsets.size() == 0) return DenseRows<T, B>{A.values.data() + begin * A.cols, rows, A.cols};
  return CsrRows<T, B>{
      A.offsets.data() + begin, A.columns.data(), A.values.data(), rows, A.cols, A.nonzeros};
}

/// The bits of S A, A's rows coming in pieces that end at `cuts` and at its end.
template <Backend B, class T>
auto sketch_bits(Context<B>& ctx, const Sketch& S, const Dataset<T, B>& A,
                 std::vector<index_t> cuts) {
  Buffer<T, B> SA(ctx, S.rows * A.cols);
  SketchStream<B, T> stream(ctx, S, {SA.data(), S.rows, A.cols, S.rows});
  cuts.push_back(A.rows);
  for (index_t begin = 0; const index_t end : cuts) {
    stream.add(ctx, part(A, begin, end));
    begin = end;
  }
  stream.finish(ctx);
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  std::vector<Bits> bits;
  for (const T value : SA.download()) bits.push_back(std::bit_cast<Bits>(value));
  return bits;
}

struct Size {
  index_t rows, cols, sketch_rows, nonzeros;
};

// Segments have 1,024 rows and, from 65 sketch rows on, 16 times those. On the device 8,192 nonzeros of a stack are
// looked at at a time, in lines of 32 rows; blocks have 16 to 64 rows of the sketch, of one stack or of many;
// 130 columns are several pieces; 300 nonzeros are too many to be drawn in shared memory.
constexpr Size sizes[] = {
    {1, 1, 1, 1},       {1, 54, 9, 4},      {33, 7, 4, 4},       {33, 130, 700, 4},
    {33, 54, 301, 300}, {1025, 1, 16, 3},   {1025, 7, 5, 5},     {1025, 54, 700, 8},
    {1025, 130, 65, 2}, {1025, 7, 3300, 6}, {5000, 1, 8, 4},     {5000, 7, 33, 4},
    {5000, 54, 216, 4}, {5000, 130, 3, 3},  {5000, 130, 130, 4}, {9000, 5, 70, 1}};

template <class T>
class CudaSketches : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(CudaSketches, Scalars);

TYPED_TEST(CudaSketches, HaveTheBitsOfTheCpu) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "no CUDA device answers";
  Context<Cpu> cpu(1);
  Context<Cuda> cuda;
  for (const auto& [rows, cols, sketch_rows, nonzeros] : sizes) {
    const test::Problem p = matrix(rows, cols);
    for (const bool sparse : {false, true}) {
      const auto A = test::dataset<Cpu, TypeParam>(cpu, p, sparse);
      const auto copy = test::dataset<Cuda, TypeParam>(cuda, p, sparse);
      for (const auto kind :
           {SketchKind::sparse_stack, SketchKind::sparse_sign, SketchKind::count_sketch}) {
        SCOPED_TRACE(::testing::Message()
                     << rows << " x " << cols << (sparse ? " (sparse) to " : " to ") << sketch_rows
                     << ", " << nonzeros << " nonzeros, kind " << static_cast<int>(kind));
        const Sketch S{kind, sketch_rows, rows, nonzeros, Rng{5, 2}};
        const auto want = sketch_bits(cpu, S, A, {});
        EXPECT_EQ(sketch_bits(cuda, S, copy, {}), want);
        const std::vector<index_t> cuts = {1, rows / 3 + 1, rows / 3 + 1, rows - rows / 7};
        EXPECT_EQ(sketch_bits(cuda, S, copy, cuts), want);
      }
    }
  }
}

// A warp's sums of more than 3,072 columns (float: 6,144) are not in shared memory, and of more than half of that
// only those of one row.
TYPED_TEST(CudaSketches, OfWideSparseRowsHaveTheBitsOfTheCpu) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "no CUDA device answers";
  Context<Cpu> cpu(1);
  Context<Cuda> cuda;
  for (const auto& [rows, cols, sketch_rows, nonzeros] :
       {Size{40, 6500, 9, 4}, Size{60, 2100, 530, 4}}) {
    const test::Problem p = matrix(rows, cols);
    const auto A = test::dataset<Cpu, TypeParam>(cpu, p, true);
    const auto copy = test::dataset<Cuda, TypeParam>(cuda, p, true);
    const Sketch S{SketchKind::sparse_stack, sketch_rows, rows, nonzeros, Rng{5, 2}};
    EXPECT_EQ(sketch_bits(cuda, S, copy, {rows / 3}), sketch_bits(cpu, S, A, {})) << cols;
  }
}

// Blocks of an srht have 256 to 2,048 rows, units of the others 64. The Gaussian product, too: both backends take
// the same chains of fused multiply-adds.
constexpr Size full_sizes[] = {{1, 1, 1, 0},      {3, 7, 2, 0},      {33, 54, 9, 0},
                               {300, 130, 65, 0}, {1025, 7, 200, 0}, {2500, 20, 33, 0},
                               {2500, 3, 600, 0}};

TYPED_TEST(CudaSketches, WithoutZerosHaveTheBitsOfTheCpu) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "no CUDA device answers";
  Context<Cpu> cpu(1);
  Context<Cuda> cuda;
  for (const auto& [rows, cols, sketch_rows, nonzeros] : full_sizes) {
    const test::Problem p = matrix(rows, cols);
    for (const bool sparse : {false, true}) {
      const auto A = test::dataset<Cpu, TypeParam>(cpu, p, sparse);
      const auto copy = test::dataset<Cuda, TypeParam>(cuda, p, sparse);
      for (const auto kind : {SketchKind::gaussian, SketchKind::rademacher, SketchKind::srht}) {
        SCOPED_TRACE(::testing::Message()
                     << rows << " x " << cols << (sparse ? " (sparse) to " : " to ") << sketch_rows
                     << ", kind " << static_cast<int>(kind));
        const Sketch S{kind, sketch_rows, rows, 4, Rng{5, 2}};
        const auto want = sketch_bits(cpu, S, A, {});
        EXPECT_EQ(sketch_bits(cuda, S, copy, {}), want);
        const std::vector<index_t> cuts = {1, rows / 3 + 1, rows / 3 + 1, rows - rows / 7};
        EXPECT_EQ(sketch_bits(cuda, S, copy, cuts), want);
      }
    }
  }
}

}  // namespace
}  // namespace randnla

#endif
