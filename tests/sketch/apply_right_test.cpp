// Sketches from the right, of matrices by columns, one after the other, and what they do to a column space.
#include "sketch/full_sketches.hpp"
#include "support/problems.hpp"

#include <randnla/sketch/distortion.hpp>

#include <gtest/gtest.h>
#include <lapacke.h>

#include <cmath>
#include <string>
#include <utility>

namespace randnla {
namespace {

using test::place_of;

constexpr SketchKind every_kind[] = {SketchKind::sparse_stack, SketchKind::sparse_sign,
                                     SketchKind::count_sketch, SketchKind::gaussian,
                                     SketchKind::rademacher,   SketchKind::srht};

/// S (rows x cols) by columns.
std::vector<double> matrix_of(const Sketch& S) {
  const double scale = 1 / std::sqrt(static_cast<double>(nonzeros_per_column(S)));
  std::vector<double> out;
  if (is_sparse(S.kind)) {
    out.assign(place_of(S.rows * S.cols), 0.0);
    for (index_t i = 0; i < S.cols; ++i) {
      for (const std::uint32_t nonzero : test::column_of(S, i)) {
        out[place_of(i * S.rows + nonzero / 2)] += nonzero % 2 == 1 ? -scale : scale;
      }
    }
  } else {
    for (const long double v : test::unscaled_columns(S)) {
      out.push_back(static_cast<double>(v) * scale);
    }
  }
  return out;
}

template <class Instance>
class SketchSides : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(SketchSides, test::Instances, test::InstanceName);

TYPED_TEST(SketchSides, FromTheRightIsTheProductWithTheTranspose) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  for (const auto& [rows, cols] : {std::pair<index_t, index_t>{1, 1}, {5, 70}, {90, 33}}) {
    const test::Problem p = test::random_problem(3, rows, cols, 0.4);
    for (const bool sparse : {false, true}) {
      const auto A = test::dataset<B, T>(this->ctx(), p, sparse);
      for (const SketchKind kind : every_kind) {
        const index_t k = std::min<index_t>(cols, 13), ld = rows + 3;
        const Sketch S{kind, k, cols, std::min<index_t>(k, 3), Rng{9, 4}};
        auto out = test::place<T>(this->ctx(), std::vector<double>(place_of(ld * k), -7.5));
        apply_right(this->ctx(), A.view(), S, MatrixView<T, B>{out.data() + 1, rows, k, ld});
        const std::vector<T> got = out.download();
        const std::vector<double> columns = matrix_of(S);
        for (index_t t = 0; t < k; ++t) {
          for (index_t i = 0; i < ld; ++i) {
            if (i < 1 || i > rows) {
              ASSERT_EQ(got[place_of(i + t * ld)], T(-7.5)) << i << ", " << t;
              continue;
            }
            double want = 0, size = 0;
            for (index_t j = 0; j < cols; ++j) {
              const double term =
                  static_cast<double>(static_cast<T>(p.values[place_of((i - 1) * cols + j)])) *
                  columns[place_of(j * k + t)];
              want += term, size += std::abs(term);
            }
            ASSERT_NEAR(static_cast<double>(got[place_of(i + t * ld)]), want,
                        20 * std::numeric_limits<T>::epsilon() * size)
                << i - 1 << ", " << t << " of " << rows << " x " << cols << ", kind "
                << static_cast<int>(kind) << (sparse ? ", sparse" : "");
          }
        }
      }
    }
  }
}

TYPED_TEST(SketchSides, AMatrixByColumnsHasTheBitsOfTheSameByRows) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  constexpr index_t rows = 1500, cols = 7, ld = 1503;
  const test::Problem p = test::random_problem(4, rows, cols);
  std::vector<double> turned(place_of(ld * cols), std::nan(""));
  for (index_t i = 0; i < rows; ++i) {
    for (index_t j = 0; j < cols; ++j) {
      turned[place_of(i + 2 + j * ld)] = p.values[place_of(i * cols + j)];
    }
  }
  const auto A = test::dataset<B, T>(this->ctx(), p, false);
  const auto by_columns = test::place<T>(this->ctx(), turned);
  for (const SketchKind kind : every_kind) {
    const Sketch S{kind, 20, rows, 3, Rng{9, 4}};
    Buffer<T, B> want(this->ctx(), 20 * cols), got(this->ctx(), 20 * cols);
    apply(this->ctx(), S, A.view(), MatrixView<T, B>{want.data(), 20, cols, 20});
    apply(this->ctx(), S, MatrixView<const T, B>{by_columns.data() + 2, rows, cols, ld},
          MatrixView<T, B>{got.data(), 20, cols, 20});
    EXPECT_TRUE(test::same_bits(got.download(), want.download())) << static_cast<int>(kind);
  }
}

TYPED_TEST(SketchSides, AComposedSketchIsTheSecondOfTheFirst) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  constexpr index_t rows = 400, cols = 5;
  const test::Problem p = test::random_problem(5, rows, cols, 0.5);
  const auto A = test::dataset<B, T>(this->ctx(), p, true);
  ComposedSketch S{{SketchKind::count_sketch, 60, rows, 1, Rng{1, 0}},
                   {SketchKind::gaussian, 11, 60, 1, Rng{1, 1}}};
  Buffer<T, B> out(this->ctx(), 11 * cols);
  const MatrixView<T, B> SA{out.data(), 11, cols, 11};
  apply(this->ctx(), S, A.view(), SA);
  const std::vector<T> got = out.download();
  const std::vector<double> first = matrix_of(S.first), second = matrix_of(S.second);
  for (index_t j = 0; j < cols; ++j) {
    for (index_t t = 0; t < 11; ++t) {
      double want = 0, size = 0;
      for (index_t u = 0; u < 60; ++u) {
        for (index_t i = 0; i < rows; ++i) {
          const double term = second[place_of(t + u * 11)] * first[place_of(u + i * 60)] *
                              p.values[place_of(i * cols + j)];
          want += term, size += std::abs(term);
        }
      }
      EXPECT_NEAR(static_cast<double>(got[place_of(t + j * 11)]), want,
                  40 * std::numeric_limits<T>::epsilon() * size);
    }
  }
  S.second.cols = 61;
  EXPECT_THROW(apply(this->ctx(), S, A.view(), SA), InvalidArgument);
  S.second.cols = 60, S.second.rng = S.first.rng;
  EXPECT_THROW(apply(this->ctx(), S, A.view(), SA), InvalidArgument);
}

TYPED_TEST(SketchSides, OtherShapesAreRefused) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const test::Problem p = test::random_problem(6, 4, 5);
  const auto A = test::dataset<B, T>(this->ctx(), p, false);
  Buffer<T, B> out(this->ctx(), 100);
  const auto refused = [&](index_t sketch_cols, index_t rows, index_t cols, index_t ld) {
    const Sketch S{SketchKind::gaussian, 3, sketch_cols, 1, {}};
    EXPECT_THROW(
        apply_right(this->ctx(), A.view(), S, MatrixView<T, B>{out.data(), rows, cols, ld}),
        InvalidArgument);
  };
  refused(4, 4, 3, 4), refused(5, 5, 3, 5), refused(5, 4, 4, 4), refused(5, 4, 3, 3);
}

/// Singular values of S on the columns of A by a QR and an SVD of explicit matrices.
std::pair<double, double> direct(const Sketch& S, std::vector<double> A, index_t rank) {
  std::vector<double> tau(place_of(rank));
  const auto m = static_cast<lapack_int>(S.cols), r = static_cast<lapack_int>(rank),
             k = static_cast<lapack_int>(S.rows);
  EXPECT_EQ(LAPACKE_dgeqrf(LAPACK_COL_MAJOR, m, r, A.data(), m, tau.data()), 0);
  EXPECT_EQ(LAPACKE_dorgqr(LAPACK_COL_MAJOR, m, r, r, A.data(), m, tau.data()), 0);
  const std::vector<double> columns = matrix_of(S);
  std::vector<double> SQ(place_of(S.rows * rank), 0.0);
  for (index_t c = 0; c < rank; ++c) {
    for (index_t i = 0; i < S.cols; ++i) {
      for (index_t t = 0; t < S.rows; ++t) {
        SQ[place_of(t + c * S.rows)] +=
            columns[place_of(t + i * S.rows)] * A[place_of(i + c * S.cols)];
      }
    }
  }
  std::vector<double> sigma(place_of(std::min(rank, S.rows))), work(place_of(rank));
  double none = 0;
  EXPECT_EQ(LAPACKE_dgesvd(LAPACK_COL_MAJOR, 'N', 'N', k, r, SQ.data(), k, sigma.data(), &none, 1,
                           &none, 1, work.data()),
            0);
  return {S.rows < rank ? 0 : sigma.back(), sigma.front()};
}

TYPED_TEST(SketchSides, DistortionIsThatOfADirectDecomposition) {
  // Columns of lengths far apart; the last two depend on the others.
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  constexpr index_t rows = 300, rank = 6, cols = rank + 2;
  test::Problem p = test::random_problem(7, rows, cols);
  std::vector<double> basis(place_of(rows * rank));
  for (index_t i = 0; i < rows; ++i) {
    double* const row = p.values.data() + i * cols;
    for (index_t j = 0; j < rank; ++j) {
      row[j] = static_cast<float>(row[j] * std::pow(8.0, static_cast<double>(j - 3)));
      basis[place_of(i + j * rows)] = row[j];
    }
    row[rank] = 0, row[rank + 1] = row[0] + row[2];
  }
  const auto A = test::dataset<B, T>(this->ctx(), p, false);
  const auto sparse = test::dataset<B, T>(this->ctx(), p, true);
  for (const SketchKind kind : every_kind) {
    for (const index_t k : {4, 6, 40}) {
      const Sketch S{kind, k, rows, 2, Rng{11, 3}};
      const auto [least, largest] = direct(S, basis, rank);
      const double tolerance = 300 * static_cast<double>(std::numeric_limits<T>::epsilon());
      for (const auto* data : {&A, &sparse}) {
        const EmbeddingDistortion got = embedding_distortion(this->ctx(), S, data->view());
        ASSERT_EQ(got.rank, rank);
        EXPECT_NEAR(got.least, least, tolerance) << static_cast<int>(kind) << ", " << k;
        EXPECT_NEAR(got.largest, largest, tolerance) << static_cast<int>(kind) << ", " << k;
        EXPECT_EQ(got.distortion(), std::max(got.largest - 1, 1 - got.least));
      }
    }
  }
}

TEST(EmbeddingDistortion, SeesADimensionThatIsLostAndAnIllConditionedSpace) {
  // Columns nearly dependent, condition 1e9: a Gram matrix of A would have rank 1. Two rows of the identity in the
  // same row of a count sketch of one row: nothing of their difference is left.
  Context<Cpu> ctx(1);
  constexpr index_t rows = 500;
  std::vector<double> values, basis(place_of(2 * rows));
  for (index_t i = 0; i < rows; ++i) {
    const auto at = static_cast<double>(i);
    const double x = std::cos(at), y = std::sin(3 * at * at);
    values.push_back(x), values.push_back(x + 1e-9 * y);
    basis[place_of(i)] = values[place_of(2 * i)];
    basis[place_of(i + rows)] = values[place_of(2 * i + 1)] - values[place_of(2 * i)];
  }
  const Rows<double, Cpu> A = DenseRows<double, Cpu>{values.data(), rows, 2};
  const Sketch S{SketchKind::sparse_stack, 40, rows, 4, Rng{2}};
  const EmbeddingDistortion got = embedding_distortion(ctx, S, A);
  const auto [least, largest] = direct(S, basis, 2);
  EXPECT_EQ(got.rank, 2);
  EXPECT_NEAR(got.least, least, 1e-5);
  EXPECT_NEAR(got.largest, largest, 1e-5);
  const Sketch flat{SketchKind::count_sketch, 1, rows, 1, Rng{2}};
  EXPECT_EQ(embedding_distortion(ctx, flat, A).least, 0);
  EXPECT_EQ(embedding_distortion(ctx, flat, A).rank, 2);
}

TEST(EmbeddingDistortion, OfNothingAndOfWhatIsNotFinite) {
  Context<Cpu> ctx(1);
  std::vector<double> values(40, 0.0);
  const Rows<double, Cpu> A = DenseRows<double, Cpu>{values.data(), 20, 2};
  const Sketch S{SketchKind::gaussian, 10, 20, 4, Rng{2}};
  EXPECT_EQ(embedding_distortion(ctx, S, A).rank, 0);
  EXPECT_EQ(embedding_distortion(ctx, S, A).distortion(), 0);
  values[7] = std::nan("");
  EXPECT_THROW(embedding_distortion(ctx, S, A), InvalidArgument);
  EXPECT_THROW(embedding_distortion(ctx, Sketch{SketchKind::gaussian, 10, 21, 4, {}}, A),
               InvalidArgument);
}

}  // namespace
}  // namespace randnla
