#include "sketch/sketches.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace randnla {
namespace {

using test::all_kinds;
using test::column_of;
using test::expect_product;
using test::HostRows;
using test::place_of;
using test::random_integers;
using test::random_rows;
using test::same_bits;
using test::sketched;

template <class Instance>
class SketchApply : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(SketchApply, test::CpuInstances, test::InstanceName);

/// Nonzeros that divide the rows, or do not, or are as many.
index_t some_nonzeros(SketchKind kind, index_t rows) {
  return std::min<index_t>(rows, kind == SketchKind::sparse_sign ? 3 : 8);
}

TYPED_TEST(SketchApply, IsTheProductWithItsColumns) {
  using T = typename TypeParam::Real;
  for (const index_t rows : {0, 1, 31, 33, 1023, 1025, 5000}) {
    for (const index_t cols : {1, 7, 8, 9, 54, 130}) {
      const auto full = random_integers<T>(1, rows, cols, 1);
      const auto thin = random_integers<T>(2, rows, cols, 3);
      for (const index_t sketch_rows : {1, 2, 5, 64, 333, 700}) {
        for (const SketchKind kind : all_kinds) {
          const Sketch S{kind, sketch_rows, rows, some_nonzeros(kind, sketch_rows), Rng{9, 4}};
          expect_product(S, full, sketched(this->ctx(), S, full, false));
          expect_product(S, thin, sketched(this->ctx(), S, thin, false));
          expect_product(S, thin, sketched(this->ctx(), S, thin, true));
          if (this->HasFatalFailure()) return;
        }
      }
    }
  }
}

TYPED_TEST(SketchApply, AMatrixWithoutColumnsHasAnEmptySketch) {
  using T = typename TypeParam::Real;
  const auto A = random_rows<T>(1, 40, 0, 1);
  const Sketch S{SketchKind::sparse_stack, 10, 40, 4, {}};
  EXPECT_TRUE(sketched(this->ctx(), S, A, false).empty());
  EXPECT_TRUE(sketched(this->ctx(), S, A, true).empty());
}

TYPED_TEST(SketchApply, DenseAndSparseRowsHaveTheSameSketchInBits) {
  using T = typename TypeParam::Real;
  const auto A = random_rows<T>(3, 2500, 21, 3);
  for (const SketchKind kind : all_kinds) {
    const Sketch S{kind, 50, 2500, 4, Rng{2}};
    EXPECT_TRUE(same_bits(sketched(this->ctx(), S, A, false), sketched(this->ctx(), S, A, true)));
  }
}

TYPED_TEST(SketchApply, WritesNothingBetweenTheColumns) {
  using T = typename TypeParam::Real;
  constexpr index_t cols = 21;
  const auto A = random_rows<T>(4, 3000, cols, 1);
  const std::vector<T> values = A.dense(0, A.rows);
  const T untouched = T(-77.5);
  for (const index_t ld : {50, 51, 64, 131}) {
    const Sketch S{SketchKind::sparse_stack, 50, 3000, 3, Rng{2}};
    const auto want = sketched(this->ctx(), S, A, false);
    // Ends with the last column: what lies beyond is not the sketch's.
    std::vector<T> SA(place_of(ld * (cols - 1) + S.rows), untouched);
    apply<Cpu, T>(this->ctx(), S, DenseRows<T, Cpu>{values.data(), A.rows, cols},
                  MatrixView<T, Cpu>{SA.data(), S.rows, cols, ld});
    std::vector<T> got;
    for (std::size_t e = 0; e < SA.size(); ++e) {
      if (e % place_of(ld) < place_of(S.rows)) {
        got.push_back(SA[e]);
      } else {
        ASSERT_EQ(SA[e], untouched) << "place " << e << ", leading dimension " << ld;
      }
    }
    EXPECT_TRUE(same_bits(got, want)) << ld;
  }
}

TYPED_TEST(SketchApply, ANanOrInfinityStaysInItsColumnAndRows) {
  // Vectors read beyond the end of a row: what is in the next one must stay there. 700 rows of a sketch
  // make tiles narrower than 130 columns.
  using T = typename TypeParam::Real;
  constexpr index_t rows = 37;
  for (const index_t cols : {1, 7, 8, 9, 54, 130}) {
    const auto A = random_integers<T>(5, rows, cols, 1);
    const Sketch S{SketchKind::sparse_stack, 700, rows, 4, Rng{6}};
    const auto clean = sketched(this->ctx(), S, A, false);
    for (const T bad : {std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::infinity()}) {
      for (const index_t i : {index_t{0}, index_t{1}, index_t{20}, rows - 1}) {
        for (const index_t j : {index_t{0}, cols / 2, cols - 1}) {
          HostRows<T> spoilt = A;
          spoilt.values[place_of(i * cols + j)] = bad;
          auto want = clean;
          for (const std::uint32_t nonzero : column_of(S, i)) {
            want[place_of(j * S.rows + nonzero / 2)] = bad;
          }
          for (const bool sparse : {false, true}) {
            const auto got = sketched(this->ctx(), S, spoilt, sparse);
            for (std::size_t e = 0; e < want.size(); ++e) {
              ASSERT_TRUE(want[e] == got[e] || (!std::isfinite(want[e]) && !std::isfinite(got[e])))
                  << "place " << e << " is " << got[e] << ", want " << want[e] << "; row " << i
                  << ", column " << j << " of " << cols << " is " << bad;
            }
          }
        }
      }
    }
  }
}

/// What InvalidArgument says; empty where none was thrown.
template <class Call>
std::string refusal(Call call) {
  try {
    call();
  } catch (const InvalidArgument& error) {
    return error.what();
  }
  return {};
}

TYPED_TEST(SketchApply, SketchesThatCannotBeAreRefused) {
  using T = typename TypeParam::Real;
  std::vector<T> values(1, T(1));
  const auto made = [&](SketchKind kind, index_t rows, index_t cols, index_t nonzeros) {
    return refusal([&] {
      SketchStream<Cpu, T>(this->ctx(), Sketch{kind, rows, cols, nonzeros, {}},
                           MatrixView<T, Cpu>{values.data(), rows, 0, rows});
    });
  };
  constexpr index_t most = index_t{1} << 48, too_many = (index_t{1} << 31) + 1;
  for (const SketchKind kind : {SketchKind::sparse_stack, SketchKind::sparse_sign}) {
    EXPECT_EQ(made(kind, 3, 10, 4), "Sketch: 3 rows, want 4 (the nonzeros a column) to 2^31");
    EXPECT_EQ(made(kind, 4, 10, 4), "");
    EXPECT_EQ(made(kind, 4, 10, 0), "Sketch: 0 nonzeros a column, want 1 to 2^16");
    EXPECT_EQ(made(kind, 4, 10, -1), "Sketch: -1 nonzeros a column, want 1 to 2^16");
    EXPECT_EQ(made(kind, 1 << 17, 10, 1 << 16), "");
    EXPECT_EQ(made(kind, 1 << 17, 10, (1 << 16) + 1),
              "Sketch: 65537 nonzeros a column, want 1 to 2^16");
  }
  EXPECT_EQ(made(SketchKind::count_sketch, 0, 10, 4),
            "Sketch: 0 rows, want 1 (the nonzeros a column) to 2^31");
  EXPECT_EQ(made(SketchKind::count_sketch, 1, 10, 0), "");  // its nonzeros are not read
  EXPECT_EQ(made(SketchKind::count_sketch, too_many, 10, 1),
            "Sketch: 2147483649 rows, want 1 (the nonzeros a column) to 2^31");
  EXPECT_EQ(made(SketchKind::count_sketch, 5, -1, 1), "Sketch: -1 columns, want 0 to 2^48");
  EXPECT_EQ(made(SketchKind::count_sketch, 5, most + 1, 1),
            "Sketch: 281474976710657 columns, want 0 to 2^48");
  EXPECT_EQ(made(SketchKind::count_sketch, 5, most, 1), "");
}

TYPED_TEST(SketchApply, AResultOfAnotherShapeIsRefused) {
  using T = typename TypeParam::Real;
  const Sketch S{SketchKind::sparse_stack, 10, 5, 4, {}};
  std::vector<T> values(40, T(-1));
  const auto into = [&](index_t rows, index_t cols, index_t ld) {
    return refusal([&] {
      SketchStream<Cpu, T>(this->ctx(), S, MatrixView<T, Cpu>{values.data(), rows, cols, ld});
    });
  };
  const std::string wants = ", the sketch has 10 rows";
  EXPECT_EQ(into(9, 3, 12), "SketchStream: the result is 9 x 3 with leading dimension 12" + wants);
  EXPECT_EQ(into(11, 3, 12),
            "SketchStream: the result is 11 x 3 with leading dimension 12" + wants);
  EXPECT_EQ(into(10, 3, 9), "SketchStream: the result is 10 x 3 with leading dimension 9" + wants);
  EXPECT_EQ(into(10, -1, 10),
            "SketchStream: the result is 10 x -1 with leading dimension 10" + wants);
  EXPECT_EQ(values, std::vector<T>(40, T(-1)));
}

TYPED_TEST(SketchApply, AMatrixOfAnotherShapeIsRefusedBeforeAnyWork) {
  using T = typename TypeParam::Real;
  const Sketch S{SketchKind::sparse_stack, 10, 20, 4, {}};
  const auto A = random_rows<T>(7, 21, 3, 1), wide = random_rows<T>(7, 20, 4, 1);
  std::vector<T> SA(30, T(-1));
  const auto applied = [&](const CsrRows<T, Cpu>& rows) {
    return refusal([&] {
      apply<Cpu, T>(this->ctx(), S, rows, MatrixView<T, Cpu>{SA.data(), 10, 3, 10});
    });
  };
  EXPECT_EQ(applied(A.sparse(0, 19)), "apply: a matrix of 19 x 3, want 20 x 3");
  EXPECT_EQ(applied(A.sparse(0, 21)), "apply: a matrix of 21 x 3, want 20 x 3");
  EXPECT_EQ(applied(wide.sparse(0, 20)), "apply: a matrix of 20 x 4, want 20 x 3");
  EXPECT_EQ(SA, std::vector<T>(30, T(-1)));
  EXPECT_EQ(applied(A.sparse(0, 20)), "");
}

TYPED_TEST(SketchApply, RowsThatDoNotFitAreRefusedAndTheStreamGoesOn) {
  using T = typename TypeParam::Real;
  const Sketch S{SketchKind::sparse_stack, 10, 20, 4, {}};
  const auto A = random_rows<T>(7, 20, 3, 1), wide = random_rows<T>(7, 20, 4, 1);
  for (const bool sparse : {false, true}) {
    std::vector<T> SA(30);
    SketchStream<Cpu, T> stream(this->ctx(), S, MatrixView<T, Cpu>{SA.data(), 10, 3, 10});
    const auto add = [&](const HostRows<T>& from, index_t first, index_t last) {
      return refusal([&] {
        const std::vector<T> values = from.dense(first, last);
        if (sparse) {
          stream.add(this->ctx(), from.sparse(first, last));
        } else {
          stream.add(this->ctx(), DenseRows<T, Cpu>{values.data(), last - first, from.cols});
        }
      });
    };
    EXPECT_EQ(add(A, 0, 8), "");
    EXPECT_EQ(add(wide, 8, 9), "SketchStream::add: rows of 4 columns, the result has 3");
    EXPECT_EQ(add(A, 0, 13), "SketchStream::add: 13 rows after 8, the sketch has 20 columns");
    EXPECT_EQ(refusal([&] { stream.finish(this->ctx()); }),
              "SketchStream::finish: 8 rows have come of 20");
    EXPECT_EQ(stream.rows_seen(), 8);
    EXPECT_EQ(add(A, 8, 20), "");
    EXPECT_EQ(add(A, 0, 1), "SketchStream::add: 1 rows after 20, the sketch has 20 columns");
    EXPECT_EQ(refusal([&] { stream.finish(this->ctx()); }), "");
    EXPECT_TRUE(same_bits(SA, sketched(this->ctx(), S, A, sparse)));
  }
}

}  // namespace
}  // namespace randnla
