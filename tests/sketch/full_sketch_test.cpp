#include "sketch/full_sketches.hpp"

#include <gtest/gtest.h>

#include <string>

namespace randnla {
namespace {

using test::expect_full_product;
using test::full_kinds;
using test::HostRows;
using test::place_of;
using test::random_integers;
using test::random_rows;
using test::same_bits;
using test::sketched;

template <class Instance>
class FullSketch : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(FullSketch, test::CpuInstances, test::InstanceName);

bool can_be(const Sketch& S) { return S.kind != SketchKind::srht || S.rows <= padded_rows(S); }

TYPED_TEST(FullSketch, IsTheProductWithItsEntries) {
  using T = typename TypeParam::Real;
  for (const index_t rows : {0, 1, 3, 31, 300, 1025, 3000}) {
    for (const index_t cols : {1, 7, 16, 54, 130}) {
      const auto full = random_integers<T>(1, rows, cols, 1);
      const auto thin = random_integers<T>(2, rows, cols, 3);
      for (const index_t sketch_rows : {1, 3, 33, 64, 300}) {
        if (rows * cols * sketch_rows > 20'000'000) continue;  // the reference is slow
        for (const SketchKind kind : full_kinds) {
          const Sketch S{kind, sketch_rows, rows, 4, Rng{9, 4}};
          if (!can_be(S)) continue;
          expect_full_product(S, full, sketched(this->ctx(), S, full, false));
          expect_full_product(S, thin, sketched(this->ctx(), S, thin, true));
          if (this->HasFatalFailure()) return;
        }
      }
    }
  }
}

TYPED_TEST(FullSketch, OfManyRowsAndOfWideMatrices) {
  using T = typename TypeParam::Real;
  const auto tall = random_integers<T>(3, 40'000, 1, 1), wide = random_integers<T>(4, 200, 1100, 1);
  for (const SketchKind kind : full_kinds) {
    const Sketch S{kind, 20, 40'000, 4, Rng{9, 4}}, R{kind, 40, 200, 4, Rng{9, 5}};
    expect_full_product(S, tall, sketched(this->ctx(), S, tall, false));
    expect_full_product(R, wide, sketched(this->ctx(), R, wide, false));
  }
  // Blocks of 2,048 rows, and more rows of a sketch than one thread takes.
  const auto one = random_integers<T>(5, 5000, 1, 1);
  for (const SketchKind kind : full_kinds) {
    const Sketch S{kind, 1500, 5000, 4, Rng{9, 6}};
    expect_full_product(S, one, sketched(this->ctx(), S, one, false));
  }
}

TYPED_TEST(FullSketch, AnSrhtOfAllRowsKeepsLengths) {
  using T = typename TypeParam::Real;
  const auto A = random_integers<T>(6, 512, 3, 1);
  const Sketch S{SketchKind::srht, 512, 512, 4, Rng{3}};
  const auto SA = sketched(this->ctx(), S, A, false);
  for (index_t j = 0; j < 3; ++j) {
    long double before = 0, after = 0;
    for (index_t i = 0; i < 512; ++i) {
      before += std::pow(static_cast<long double>(A.values[place_of(i * 3 + j)]), 2);
      after += std::pow(static_cast<long double>(SA[place_of(i + j * 512)]), 2);
    }
    EXPECT_NEAR(static_cast<double>(after / before), 1,
                20 * static_cast<double>(std::numeric_limits<T>::epsilon()));
  }
}

/// S A with rows from 0 to the first cut, from there to the next, ..., and the rest.
template <class T>
std::vector<T> streamed(Context<Cpu>& ctx, const Sketch& S, const HostRows<T>& A,
                        std::vector<index_t> cuts, bool sparse) {
  std::vector<T> SA(place_of(S.rows * A.cols), std::numeric_limits<T>::quiet_NaN());
  SketchStream<Cpu, T> stream(ctx, S, MatrixView<T, Cpu>{SA.data(), S.rows, A.cols, S.rows});
  cuts.push_back(A.rows);
  for (index_t begin = 0; const index_t end : cuts) {
    const std::vector<T> values = A.dense(begin, end);
    if (sparse) {
      stream.add(ctx, A.sparse(begin, end));
    } else {
      stream.add(ctx, DenseRows<T, Cpu>{values.data(), end - begin, A.cols});
    }
    begin = end;
    EXPECT_EQ(stream.rows_seen(), begin);
  }
  stream.finish(ctx);
  return SA;
}

std::vector<index_t> every(index_t step, index_t rows) {
  std::vector<index_t> cuts;
  for (index_t cut = step; cut < rows; cut += step) cuts.push_back(cut);
  return cuts;
}

TYPED_TEST(FullSketch, AnyCutsAndAnyThreadsGiveTheSameBits) {
  using T = typename TypeParam::Real;
  constexpr index_t rows = 5000;
  const auto A = random_rows<T>(11, rows, 21, 2);
  Context<Cpu> many(7);
  for (const SketchKind kind : full_kinds) {
    for (const index_t sketch_rows : {10, 300}) {
      const Sketch S{kind, sketch_rows, rows, 4, Rng{12}};
      for (const bool sparse : {false, true}) {
        const auto want = sketched(this->ctx(), S, A, sparse);
        EXPECT_TRUE(same_bits(sketched(many, S, A, sparse), want));
        for (const auto& cuts : {std::vector<index_t>{1024},
                                 {0, 5, 5, 1023, 1025, 4096, rows, rows},
                                 {256, 300, 512},
                                 every(1, rows),
                                 every(37, rows),
                                 every(257, rows),
                                 every(512, rows)}) {
          EXPECT_TRUE(same_bits(streamed(many, S, A, cuts, sparse), want))
              << "kind " << static_cast<int>(kind) << (sparse ? ", sparse, " : ", dense, ")
              << sketch_rows << " rows, first cut " << cuts[0];
        }
      }
    }
  }
}

TYPED_TEST(FullSketch, DenseAndSparseRowsInTurnAreTheProduct) {
  using T = typename TypeParam::Real;
  const auto A = random_integers<T>(13, 3000, 9, 2);
  for (const SketchKind kind : full_kinds) {
    const Sketch S{kind, 50, 3000, 4, Rng{12}};
    std::vector<T> SA(place_of(S.rows * A.cols));
    SketchStream<Cpu, T> stream(this->ctx(), S, MatrixView<T, Cpu>{SA.data(), 50, 9, 50});
    bool sparse = false;
    for (index_t begin = 0; begin < 3000; begin += 100, sparse = !sparse) {
      const std::vector<T> values = A.dense(begin, begin + 100);
      if (sparse) {
        stream.add(this->ctx(), A.sparse(begin, begin + 100));
      } else {
        stream.add(this->ctx(), DenseRows<T, Cpu>{values.data(), 100, 9});
      }
    }
    stream.finish(this->ctx());
    expect_full_product(S, A, SA);
  }
}

TYPED_TEST(FullSketch, WritesASubBlockAndNothingBesideIt) {
  using T = typename TypeParam::Real;
  constexpr index_t cols = 13, ld = 55;
  const auto A = random_rows<T>(4, 700, cols, 1);
  const std::vector<T> values = A.dense(0, A.rows);
  for (const SketchKind kind : full_kinds) {
    const Sketch S{kind, 50, 700, 4, Rng{2}};
    const auto want = sketched(this->ctx(), S, A, false);
    std::vector<T> SA(place_of(ld * cols), T(-77.5));
    apply<Cpu, T>(this->ctx(), S, DenseRows<T, Cpu>{values.data(), 700, cols},
                  MatrixView<T, Cpu>{SA.data() + 3, S.rows, cols, ld});
    for (std::size_t e = 0; e < SA.size(); ++e) {
      const std::size_t row = e % place_of(ld), j = e / place_of(ld);
      const bool inside = row >= 3 && row < 53;
      ASSERT_EQ(SA[e], inside ? want[row - 3 + j * 50] : T(-77.5)) << "place " << e;
    }
  }
}

TYPED_TEST(FullSketch, ANanStaysInItsColumn) {
  using T = typename TypeParam::Real;
  for (const index_t cols : {1, 7, 9, 54}) {
    auto A = random_integers<T>(5, 40, cols, 1);
    A.values[place_of(17 * cols + cols / 2)] = std::numeric_limits<T>::quiet_NaN();
    for (const SketchKind kind : full_kinds) {
      const Sketch S{kind, 20, 40, 4, Rng{6}};
      for (const bool sparse : {false, true}) {
        const auto SA = sketched(this->ctx(), S, A, sparse);
        for (std::size_t e = 0; e < SA.size(); ++e) {
          ASSERT_EQ(std::isnan(SA[e]), e / 20 == place_of(cols / 2)) << e << " of " << cols;
        }
      }
    }
  }
}

TYPED_TEST(FullSketch, SketchesThatCannotBeAreRefused) {
  using T = typename TypeParam::Real;
  std::vector<T> values(1);
  const auto made = [&](SketchKind kind, index_t rows, index_t cols) -> std::string {
    try {
      SketchStream<Cpu, T>(this->ctx(), Sketch{kind, rows, cols, 4, {}},
                           MatrixView<T, Cpu>{values.data(), rows, 0, rows});
    } catch (const InvalidArgument& error) {
      return error.what();
    }
    return {};
  };
  EXPECT_EQ(made(SketchKind::srht, 5, 4), "Sketch: 5 rows, want 1 to 4");
  EXPECT_EQ(made(SketchKind::srht, 0, 4), "Sketch: 0 rows, want 1 to 4");
  EXPECT_EQ(made(SketchKind::srht, 8, 5), "");
  EXPECT_EQ(made(SketchKind::gaussian, (1 << 18) + 1, 4), "Sketch: 262145 rows, want 1 to 262144");
  EXPECT_EQ(made(SketchKind::rademacher, 0, 4), "Sketch: 0 rows, want 1 to 262144");
  EXPECT_EQ(made(SketchKind::gaussian, 1 << 18, 4), "");
}

}  // namespace
}  // namespace randnla
