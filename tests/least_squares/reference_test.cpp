// The reference of the tests of least_squares, against LAPACK and by hand.
#include "least_squares/battery.hpp"
#include "support/near.hpp"

#include <gtest/gtest.h>
#include <lapacke.h>

namespace randnla::test {
namespace {

Columns columns_of(const Problem& p) {
  Columns out(at(p.cols), Vector(at(p.rows)));
  for (index_t i = 0; i < p.rows; ++i) {
    for (index_t j = 0; j < p.cols; ++j) out[at(j)][at(i)] = p.at(i, j);
  }
  return out;
}

/// Descending.
std::vector<double> lapack_singular_values(std::vector<double> by_columns, index_t m, index_t n) {
  std::vector<double> sigma(at(std::min(m, n))), work(sigma.size());
  double none = 0;
  const auto rows = static_cast<lapack_int>(m);
  EXPECT_EQ(LAPACKE_dgesvd(LAPACK_COL_MAJOR, 'N', 'N', rows, static_cast<lapack_int>(n),
                           by_columns.data(), rows, sigma.data(), &none, 1, &none, 1, work.data()),
            0);
  return sigma;
}

TEST(LeastSquaresReference, HasTheSingularValuesOfLapack) {
  for (const auto& [m, n] : {std::pair<index_t, index_t>{1, 1}, {9, 5}, {5, 9}, {6, 6}}) {
    const Problem p = random_problem(3, m, n);
    const Svd got = svd(columns_of(p), at(m));
    std::vector<double> A;
    for (const Vector& a : columns_of(p)) A.insert(A.end(), a.begin(), a.end());
    const auto want = lapack_singular_values(A, m, n);
    ASSERT_EQ(got.sigma.size(), want.size());
    for (std::size_t k = 0; k < want.size(); ++k) EXPECT_TRUE(near(got.sigma[k], want[k], 1e-13));
    for (std::size_t i = 0; i < at(m); ++i) {
      for (std::size_t j = 0; j < at(n); ++j) {
        real sum = 0;
        for (std::size_t k = 0; k < want.size(); ++k)
          sum += got.U[k][i] * got.sigma[k] * got.V[k][j];
        EXPECT_TRUE(near(sum, columns_of(p)[j][i], 1e-17)) << m << " x " << n;
      }
    }
    for (std::size_t a = 0; a < want.size(); ++a) {
      for (std::size_t b = 0; b < want.size(); ++b) {
        EXPECT_TRUE(near(dot(got.U[a], got.U[b]), a == b ? 1 : 0, 1e-17));
        EXPECT_TRUE(near(dot(got.V[a], got.V[b]), a == b ? 1 : 0, 1e-17));
      }
    }
  }
}

/// A has the one column (1, 0), b = (1, 1): x = 1 + d has r = (-d, 1), theta^2 = 1/2 and phi^2 = 1/3 up to d.
TEST(LeastSquaresReference, BackwardErrorOfOneColumn) {
  const Exact exact(Problem{2, 1, {1, 0}, {1, 1}});
  for (const double d : {1e-3, 1e-6, 1e-12}) {
    const Worth worth = exact.worth(std::vector<double>{1 + d}, {1, 1}, 1);
    const real off = static_cast<real>(1 + d) - 1;
    EXPECT_TRUE(near(worth.distance, off, 1e-18));
    EXPECT_TRUE(near(worth.residual, std::sqrt(1 + off * off), 1e-18));
    // phi / |r| times |(A'A + phi^2)^(-1/2) A'r|, and to first order the least change.
    EXPECT_TRUE(near(worth.karlson_walden, off / 2, 2 * off * off));
    EXPECT_TRUE(near(worth.backward_error, off / 2, 2 * off * off));
  }
  EXPECT_EQ(exact.worth(std::vector<double>{1}, {1, 1}, 1).backward_error, 0);
  EXPECT_TRUE(near(exact.worth(std::vector<double>{0}, {1, 1}, 1).karlson_walden, 0.5, 1e-18));
}

/// The smallest singular value of [A, phi (I - r r^+)] by LAPACK, or phi, over |A|_F; columns of A as they are.
double backward_error_by_lapack(const Problem& p, const std::vector<double>& x) {
  const std::size_t m = at(p.rows), n = at(p.cols);
  std::vector<double> r = p.targets, matrix(m * (m + n));
  double frobenius = 0, b2 = 0, r2 = 0, x2 = 0;
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      const double a = p.values[i * n + j];
      matrix[i + j * m] = a, r[i] -= a * x[j], frobenius += a * a;
    }
    r2 += r[i] * r[i], b2 += p.targets[i] * p.targets[i];
  }
  for (const double v : x) x2 += v * v;
  const double phi = std::sqrt(r2 / (b2 / frobenius + x2));
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t k = 0; k < m; ++k) {
      matrix[i + (n + k) * m] = phi * ((i == k ? 1 : 0) - r[i] * r[k] / r2);
    }
  }
  const auto sigma = lapack_singular_values(matrix, p.rows, p.rows + p.cols);
  return std::min(phi, sigma.back()) / std::sqrt(frobenius);
}

TEST(LeastSquaresReference, BackwardErrorIsASmallestSingularValue) {
  for (const auto& [m, n] : {std::pair<index_t, index_t>{20, 5}, {6, 6}, {4, 7}, {9, 1}}) {
    for (const double noise : {0.01, 1.0, 30.0}) {
      const Problem p = with_right_hand_side(
          changed(matrix_of(9, m, n, 20), [](index_t, index_t, double v) { return 1.3 * v; }),
          noise);
      const Exact exact(p);
      for (const double off : {1e-5, 1e-2, 1.0, 100.0}) {
        auto x = cast<double>(exact.solution(p.targets, std::min(m, n)));
        const auto d = normals(5, n, off);
        for (std::size_t j = 0; j < x.size(); ++j) x[j] += d[j];
        // A in the reference has its columns scaled, each by a power of two: A = 1.3 U S V' undoes none.
        const Worth worth = exact.worth(x, p.targets, std::min(m, n));
        std::vector<double> scaled_x = x;
        Problem q = p;
        for (index_t j = 0; j < n; ++j) {
          real length = 0;
          for (index_t i = 0; i < m; ++i) length = std::hypot(length, p.at(i, j));
          const double s = std::ldexp(1.0, -std::ilogb(length));
          for (index_t i = 0; i < m; ++i) q.values[at(i * n + j)] *= s;
          scaled_x[at(j)] /= s;
        }
        const double want = backward_error_by_lapack(q, scaled_x);
        EXPECT_TRUE(near(worth.backward_error, want, 1e-9 * want + 1e-15))
            << m << " x " << n << ", noise " << noise << ", off by " << off;
        EXPECT_LE(worth.karlson_walden, std::sqrt(2.0) * want);
        EXPECT_GE(worth.karlson_walden, want / std::sqrt(2.0));
      }
    }
  }
}

TEST(LeastSquaresReference, KnowsTheRanksOfTheBattery) {
  for (const Case& c : battery()) {
    SCOPED_TRACE(c.name);
    const Exact exact(c.problem);
    const Vector& sigma = exact.sigma();
    if (c.rank > 0) {
      EXPECT_GE(exact.condition(c.rank), c.condition / 30);
      EXPECT_LE(exact.condition(c.rank), c.condition * 30);
    }
    if (at(c.rank) < sigma.size()) {
      EXPECT_LE(sigma[at(c.rank)], 1e-15 * exact.norm());
    }
    const Worth worth =
        exact.worth(exact.solution(c.problem.targets, c.rank), c.problem.targets, c.rank);
    EXPECT_LE(worth.distance, 1e-17 * (exact.norm() * worth.scaled_solution + worth.extended));
    if (c.full_rank()) {
      EXPECT_LE(worth.backward_error, 1e-18);
    }
  }
}

}  // namespace
}  // namespace randnla::test
