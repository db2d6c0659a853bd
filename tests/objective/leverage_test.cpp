// LinearModel::leverage_ratio against a Householder QR with column pivoting (LAPACK) of |D|^(1/2) A
// with its columns scaled to length one, in double.
#include "support/backends.hpp"
#include "support/near.hpp"
#include "support/problems.hpp"

#include <randnla/objective/linear_model.hpp>

#include <gtest/gtest.h>
#include <lapacke.h>

#include <cmath>
#include <limits>
#include <string>

namespace randnla {
namespace {

using test::dataset;
using test::fetch;
using test::near;
using test::place;
using test::Problem;

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

double norm2(const Problem& p, index_t row) {
  double sum = 0;
  for (index_t j = 0; j < p.cols; ++j) sum += p.at(row, j) * p.at(row, j);
  return sum;
}

struct Scores {
  std::vector<double> of_row;
  index_t rank = 0;
  double condition = 1;  // of the scaled Gram matrix, by the diagonal of R
};

/// |D|^(1/2) A by columns, each of length one or zero.
std::vector<double> scaled_columns(const Problem& p, const std::vector<double>& D) {
  std::vector<double> columns;
  for (index_t j = 0; j < p.cols; ++j) {
    double sum = 0;
    for (index_t i = 0; i < p.rows; ++i) sum += std::abs(D[at(i)]) * p.at(i, j) * p.at(i, j);
    for (index_t i = 0; i < p.rows; ++i) {
      columns.push_back(sum > 0 ? std::sqrt(std::abs(D[at(i)])) * p.at(i, j) / std::sqrt(sum) : 0);
    }
  }
  return columns;
}

Scores reference(const Problem& p, const std::vector<double>& D) {
  auto Q = scaled_columns(p, D);
  const index_t most = std::min(p.rows, p.cols);
  const auto n = static_cast<lapack_int>(p.rows), d = static_cast<lapack_int>(p.cols);
  std::vector<double> tau(at(most));
  std::vector<lapack_int> pivots(at(p.cols), 0);
  EXPECT_EQ(LAPACKE_dgeqp3(LAPACK_COL_MAJOR, n, d, Q.data(), n, pivots.data(), tau.data()), 0);
  Scores out{std::vector<double>(at(p.rows), 0), 0, 1};
  const double largest = std::abs(Q[0]);
  while (out.rank < most && std::abs(Q[at(out.rank * (p.rows + 1))]) > 1e-6 * largest) ++out.rank;
  if (out.rank == 0) return out;
  const double ratio = largest / Q[at((out.rank - 1) * (p.rows + 1))];
  out.condition = ratio * ratio;
  const auto rank = static_cast<lapack_int>(out.rank);
  EXPECT_EQ(LAPACKE_dorgqr(LAPACK_COL_MAJOR, n, rank, rank, Q.data(), n, tau.data()), 0);
  for (index_t i = 0; i < p.rows; ++i) {
    for (index_t c = 0; c < out.rank; ++c) {
      const double q = Q[at(i + c * p.rows)];
      out.of_row[at(i)] += q * q;
    }
  }
  return out;
}

/// The error of a score is |H^+| |E| relative, E the rounding of the Gram matrix: n eps. Another d
/// for its eigenvectors, for the condition, and d to spare as R's diagonal shows it.
template <class T>
double allowed(const Problem& p, const Scores& want) {
  return static_cast<double>(p.rows + p.cols) * static_cast<double>(p.cols) * want.condition *
         static_cast<double>(std::numeric_limits<T>::epsilon());
}

template <class Instance>
class Leverage : public test::OnBackend<Instance> {
 protected:
  using B = typename Instance::Space;
  using T = typename Instance::Real;

  std::vector<double> ratios(const Problem& p, const std::vector<double>& D, bool sparse) {
    auto& ctx = this->ctx();
    const auto data = dataset<B, T>(ctx, p, sparse);
    const LogisticRegression<B, T> f(ctx, data, {.l2 = 3});  // the regulariser does not count
    const auto curvature = place<T>(ctx, D);
    Buffer<T, B> out(ctx, p.rows);
    const index_t before = ctx.counters.host_waits;
    FiniteSumRef<B, T>(f).leverage_ratio(ctx, curvature.view(), out.view());
    EXPECT_EQ(ctx.counters.host_waits - before, 1);
    return test::cast<double>(out.download());
  }

  void compare(const Problem& p, const std::vector<double>& D, index_t rank) {
    const Scores want = reference(p, D);
    ASSERT_EQ(want.rank, rank);
    const double tolerance = allowed<T>(p, want);
    ASSERT_LT(tolerance, 0.5);
    for (const bool sparse : {false, true}) {
      SCOPED_TRACE(sparse ? "sparse" : "dense");
      const auto got = ratios(p, D, sparse);
      double sum = 0;
      for (index_t i = 0; i < p.rows; ++i) {
        const double score = got[at(i)] * std::abs(D[at(i)]) * norm2(p, i);
        sum += score;
        EXPECT_GE(got[at(i)], 0) << i;
        EXPECT_LE(score, 1 + tolerance) << i;
        // Entries of the reference's Q err by 1e-15 absolute: those of a row of zeros, too.
        const double exact = want.of_row[at(i)];
        EXPECT_TRUE(near(score, exact, tolerance * exact + 2e-14 * std::sqrt(exact) + 1e-28)) << i;
        if (norm2(p, i) == 0) {
          EXPECT_EQ(got[at(i)], 0) << i;
        }
      }
      EXPECT_TRUE(near(sum, static_cast<double>(rank), tolerance * static_cast<double>(rank)));
    }
  }
};
TYPED_TEST_SUITE(Leverage, test::Instances, test::InstanceName);

/// Positive and negative numbers, a third of them zero.
std::vector<double> some_weights(index_t n) {
  auto D = test::normals(77, n);
  for (index_t i = 0; i < n; i += 3) D[at(i)] = 0;
  return D;
}

TYPED_TEST(Leverage, FullRank) {
  for (const auto& [n, d] : {std::pair<index_t, index_t>{1, 1}, {30, 1}, {60, 7}, {150, 33}}) {
    SCOPED_TRACE(std::to_string(n) + " x " + std::to_string(d));
    const Problem p = test::random_problem(5, n, d, n > 1 ? 0.3 : 0);
    this->compare(p, std::vector<double>(at(n), 0.25), d);
    if (n > 1) this->compare(p, some_weights(n), d);
  }
}

TYPED_TEST(Leverage, FewerRowsThanColumns) {
  const Problem p = test::random_problem(6, 5, 12);
  this->compare(p, test::normals(8, 5), 5);
}

TYPED_TEST(Leverage, ColumnsThatRepeatOrAreZero) {
  Problem p = test::random_problem(7, 60, 9);
  for (index_t i = 0; i < p.rows; ++i) {
    auto* const row = p.values.data() + i * p.cols;
    row[4] = row[1], row[5] = -2 * row[2], row[7] = 0;
  }
  this->compare(p, some_weights(60), 6);
}

TYPED_TEST(Leverage, RowsOfLowRank) {
  const auto left = test::normals(11, 70 * 3), right = test::normals(12, 3 * 10);
  Problem p{70, 10, {}, std::vector<double>(70, 0)};
  for (index_t i = 0; i < 70; ++i) {
    for (index_t j = 0; j < 10; ++j) {
      double sum = 0;
      for (index_t k = 0; k < 3; ++k) sum += left[at(i * 3 + k)] * right[at(k * 10 + j)];
      p.values.push_back(sum);
    }
  }
  this->compare(p, some_weights(70), 3);
}

TYPED_TEST(Leverage, ColumnsInUnitsFarApart) {
  Problem p = test::random_problem(13, 60, 9);
  for (index_t i = 0; i < p.rows; ++i) {
    for (index_t j = 0; j < p.cols; ++j) {
      p.values[at(i * p.cols + j)] *= std::pow(10.0, 2.0 * static_cast<double>(j) - 8);
      p.values[at(i * p.cols + j)] = static_cast<float>(p.values[at(i * p.cols + j)]);
    }
  }
  this->compare(p, some_weights(60), 9);
}

/// a'H^+ a with H^+ the inverse in the span of the weighted rows, columns scaled: by the singular
/// values of |D|^(1/2) A.
double form_by_svd(const Problem& p, const std::vector<double>& D, index_t row) {
  auto A = scaled_columns(p, D);
  const auto n = static_cast<lapack_int>(p.rows), d = static_cast<lapack_int>(p.cols);
  std::vector<double> sigma(at(d)), Vt(at(d * d)), U(1);
  EXPECT_EQ(LAPACKE_dgesvd(LAPACK_COL_MAJOR, 'N', 'A', n, d, A.data(), n, sigma.data(), U.data(), 1,
                           Vt.data(), d, std::vector<double>(at(d)).data()),
            0);
  double q = 0;
  for (index_t c = 0; c < d && sigma[at(c)] > 1e-6 * sigma[0]; ++c) {
    double z = 0;
    for (index_t j = 0; j < d; ++j) {
      double norm2 = 0;  // of the column
      for (index_t i = 0; i < n; ++i) norm2 += std::abs(D[at(i)]) * p.at(i, j) * p.at(i, j);
      z += Vt[at(c + j * d)] * p.at(row, j) / std::sqrt(norm2);
    }
    q += z / sigma[at(c)] * (z / sigma[at(c)]);
  }
  return q;
}

/// A row without weight need not lie in the others' span: what sticks out does not count.
TYPED_TEST(Leverage, RowsWithoutWeightHaveARatio) {
  Problem p = test::random_problem(14, 40, 6);
  auto D = test::normals(15, 40);
  D[17] = 0;
  for (const bool deficient : {false, true}) {
    for (index_t i = 0; i < p.rows && deficient; ++i) {
      auto* const row = p.values.data() + i * p.cols;
      if (i != 17) row[5] = row[0] + 0.25 * row[3];
    }
    const double want = form_by_svd(p, D, 17);
    const double tolerance = allowed<typename TypeParam::Real>(p, reference(p, D));
    for (const bool sparse : {false, true}) {
      EXPECT_TRUE(near(this->ratios(p, D, sparse)[17] * norm2(p, 17), want, tolerance * want));
    }
  }
}

TYPED_TEST(Leverage, NothingThatCountsAndNothingFinite) {
  const Problem p = test::random_problem(16, 20, 4);
  for (const bool sparse : {false, true}) {
    EXPECT_EQ(this->ratios(p, std::vector<double>(20, 0), sparse), std::vector<double>(20, 0));
    auto D = test::normals(17, 20);
    D[3] = std::numeric_limits<double>::quiet_NaN();
    for (const double r : this->ratios(p, D, sparse)) EXPECT_TRUE(std::isnan(r));
  }
}

TYPED_TEST(Leverage, MisuseThrows) {
  auto& ctx = this->ctx();
  const auto data = dataset<typename TypeParam::Space, typename TypeParam::Real>(
      ctx, test::random_problem(1, 6, 3));
  const LeastSquares<typename TypeParam::Space, typename TypeParam::Real> f(ctx, data);
  Buffer<typename TypeParam::Real, typename TypeParam::Space> three(ctx, 3), six(ctx, 6);
  EXPECT_THROW(f.leverage_ratio(ctx, three.view(), six.view()), InvalidArgument);
  EXPECT_THROW(f.leverage_ratio(ctx, six.view(), three.view()), InvalidArgument);
}

}  // namespace
}  // namespace randnla
