#include "krylov/tridiagonal.hpp"

#include "support/dense_reference.hpp"
#include "support/near.hpp"
#include "support/problems.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace randnla {
namespace {

using test::Dense;
using test::dot;
using test::near;
using test::norm2;
using test::real;
using test::Vector;

constexpr real eps = std::numeric_limits<double>::epsilon();

/// A tridiagonal matrix with its memory.
struct Case {
  std::vector<double> alpha, beta;  // beta has k entries, the last of which is not T's

  int k() const { return static_cast<int>(alpha.size()); }
  Tridiagonal view(double sign = 1) const { return {alpha.data(), beta.data(), k(), sign}; }
  Dense dense(real sign = 1) const {
    Dense A(k());
    for (std::size_t i = 0; i < A.n; ++i) {
      A(i, i) = sign * alpha[i];
      if (i + 1 < A.n) A(i, i + 1) = A(i + 1, i) = sign * beta[i];
    }
    return A;
  }
};

std::vector<Case> cases() {
  std::vector<Case> out;
  for (const int k : {1, 2, 3, 5, 8, 20, 33}) {
    const auto seed = static_cast<std::uint64_t>(k);
    Case c{test::normals(seed, k), test::normals(seed + 100, k)};
    for (double& b : c.beta) b = std::abs(b);
    out.push_back(c);
    for (double& a : c.alpha) a += 4;  // positive definite, mostly
    out.push_back(c);
    for (double& a : c.alpha) a *= 1e8;
    for (double& b : c.beta) b *= 1e8;
    out.push_back(c);
  }
  out.push_back({{2, 2, 2, 2}, {0, 0, 0, 9}});  // a multiple eigenvalue
  out.push_back({{1, -3, 5}, {0, 2, 9}});       // the first coordinate by itself
  out.push_back({{0, 0, 0}, {0, 0, 0}});
  return out;
}

TEST(TridiagonalMatrix, SmallestEigenvalueIsBracketedAsAsked) {
  for (const Case& c : cases()) {
    for (const double sign : {1.0, -1.0}) {
      std::vector<double> pivots(c.alpha.size());
      const Bracket got = smallest_eigenvalue(c.view(sign), 2 * double_eps, pivots.data());
      const test::Eigen e = test::eigen(c.dense(sign));
      const double bound = c.view().bound();
      EXPECT_LE(std::abs(e.values[0]), bound * (1 + eps));
      EXPECT_LE(std::abs(e.values.back()), bound * (1 + eps));
      // Bisection stops within 2 eps |T|; factorisations are backward stable, 3 eps a row.
      EXPECT_TRUE(near(got.low, e.values[0], 8 * eps * bound + 1e-299L)) << c.k();
      EXPECT_LE(got.low, e.values[0] + 4 * eps * bound);
      EXPECT_GE(got.high, e.values[0] - 4 * eps * bound);
      const Bracket coarse = smallest_eigenvalue(c.view(sign), 1e-3, pivots.data());
      EXPECT_LE(coarse.high - coarse.low, 1e-3 * bound + 1e-300);
      EXPECT_LE(coarse.low, e.values[0] + 4 * eps * bound);
      EXPECT_GE(coarse.high, e.values[0] - 4 * eps * bound);
    }
  }
}

TEST(TridiagonalMatrix, SmallestEigenvectorHasARoundingResidual) {
  for (const Case& c : cases()) {
    std::vector<double> pivots(c.alpha.size()), x(c.alpha.size());
    const double lambda = smallest_eigenvalue(c.view(), 2 * double_eps, pivots.data()).low;
    smallest_eigenvector(c.view(), lambda, pivots.data(), x.data());
    const Vector v = test::cast<real>(x);
    EXPECT_TRUE(near(norm2(v), 1, 4 * static_cast<real>(c.k()) * eps));
    Vector r = c.dense().times(v);
    for (std::size_t i = 0; i < r.size(); ++i) r[i] -= lambda * v[i];
    EXPECT_LE(norm2(r), 30 * std::sqrt(static_cast<real>(c.k())) * eps * c.view().bound() + 1e-299L)
        << c.k();
  }
}

TEST(TridiagonalMatrix, FactorTellsDefinitenessAndSolves) {
  for (const Case& c : cases()) {
    const test::Eigen e = test::eigen(c.dense());
    const double bound = c.view().bound() + 1;
    std::vector<double> pivots(c.alpha.size());
    for (const double gap : {1e-3, 0.1, 1.0}) {
      const double above = static_cast<double>(-e.values[0]) + gap * bound;
      const double below = static_cast<double>(-e.values[0]) - gap * bound;
      EXPECT_FALSE(c.view().factor(below, pivots.data()));
      ASSERT_TRUE(c.view().factor(above, pivots.data()));
      auto y = test::normals(9, c.k());
      const Vector right = test::cast<real>(y);
      c.view().solve(pivots.data(), y.data());
      const Vector solution = test::cast<real>(y);
      Vector r = c.dense().times(solution);
      for (std::size_t i = 0; i < r.size(); ++i) r[i] += above * solution[i] - right[i];
      EXPECT_LE(norm2(r), 10 * static_cast<real>(c.k() + 2) * eps * (bound + std::abs(above)) *
                              norm2(solution));
    }
  }
}

void expect_global_minimiser(const Case& c, double gamma, double sigma, double guess) {
  const auto k = c.alpha.size();
  std::vector<double> u(k), pivots(k), w(k);
  const double nu =
      minimize_cubic(c.view(), gamma, sigma, guess, u.data(), pivots.data(), w.data());
  const Vector ul = test::cast<real>(u);
  const Dense T = c.dense();
  const test::Eigen e = test::eigen(T);
  Vector g(k, 0);
  g[0] = gamma;
  const real length = norm2(ul), bound = c.view().bound();
  // nu = sigma |u|; (T + nu I) u = -g; T + nu I positive semidefinite: necessary and sufficient.
  const real size = bound + std::abs(nu);
  EXPECT_TRUE(near(sigma * length, nu, 40 * static_cast<real>(k + 4) * eps * size));
  EXPECT_GE(nu, -e.values[0] - 20 * eps * size);
  Vector r = T.times(ul);
  for (std::size_t i = 0; i < k; ++i) r[i] += nu * ul[i] + g[i];
  const real rounding = 40 * static_cast<real>(k + 4) * eps * (size * length + gamma);
  EXPECT_LE(norm2(r), rounding);
  // And the value itself, against the dual problem. The errors above move it by at most their
  // product with the step.
  const real value = quadratic_model(T, g, ul) + sigma / 3 * length * length * length;
  EXPECT_TRUE(near(value, cubic_minimum(e, g, sigma), 2 * rounding * length + 1e-200L));
}

TEST(TridiagonalMatrix, CubicModelIsMinimisedGlobally) {
  int number = 0;
  for (const Case& c : cases()) {
    for (const double gamma : {0.0, 1e-12, 1e-3, 1.0, 1e6}) {
      for (const double sigma : {1e-6, 1e-2, 1.0, 1e4, 1e10}) {
        SCOPED_TRACE("case " + std::to_string(number) + ", gamma " + std::to_string(gamma) +
                     ", sigma " + std::to_string(sigma));
        expect_global_minimiser(c, gamma, sigma, 0);
        if (HasFailure()) return;
        expect_global_minimiser(c, gamma, sigma, 0.7);
      }
    }
    ++number;
  }
}

TEST(TridiagonalMatrix, TheHardCaseOfTheCubicModel) {
  // Eigenvalues 1 (the only one that g sees) and those of [-3 2; 2 5]; for every sigma below
  // (lambda_1 + 1) lambda_1 / gamma the eigenvector must make up the length. Near it, at it, past it.
  const Case c{{1, -3, 5}, {0, 2, 9}};
  const real lambda = -test::eigen(c.dense()).values[0];
  for (const double gamma : {0.1, 1.0}) {
    const real critical = (lambda + 1) * lambda / gamma;
    for (const double factor : {0.01, 0.5, 1 - 1e-9, 1.0, 1 + 1e-9, 2.0, 100.0}) {
      SCOPED_TRACE(std::to_string(gamma) + ", " + std::to_string(factor));
      expect_global_minimiser(c, gamma, static_cast<double>(critical * factor), 0);
    }
  }
  // Coupled by almost nothing: near-hard.
  for (const double coupling : {1e-18, 1e-14, 1e-10, 1e-6}) {
    expect_global_minimiser({{1, -3, 5}, {coupling, 2, 9}}, 1, 0.5, 0);
    expect_global_minimiser({{1, -3, 5}, {coupling, 2, 9}}, 1, 50, 0);
  }
}

void expect_minimum_on_ball(const Case& c, double gamma, double radius, double guess) {
  const auto k = c.alpha.size();
  std::vector<double> u(k), pivots(k), w(k);
  const double lambda =
      minimize_on_ball(c.view(), gamma, radius, guess, u.data(), pivots.data(), w.data());
  const Vector ul = test::cast<real>(u);
  const Dense T = c.dense();
  const test::Eigen e = test::eigen(T);
  Vector g(k, 0);
  g[0] = gamma;
  const real length = norm2(ul), size = c.view().bound() + std::abs(lambda);
  // |u| <= radius with equality where lambda > 0; (T + lambda I) u = -g; T + lambda I positive
  // semidefinite: necessary and sufficient.
  const real lengthening = 40 * static_cast<real>(k + 4) * eps * radius;
  EXPECT_LE(length, radius + lengthening);
  EXPECT_GE(lambda, 0);
  if (lambda > 0) {
    EXPECT_TRUE(near(length, radius, lengthening));
  }
  EXPECT_GE(lambda, -e.values[0] - 20 * eps * size);
  Vector r = T.times(ul);
  for (std::size_t i = 0; i < k; ++i) r[i] += lambda * ul[i] + g[i];
  const real rounding = 40 * static_cast<real>(k + 4) * eps * (size * length + gamma);
  EXPECT_LE(norm2(r), rounding);
  // The reference's bisection leaves 2^-300 of the multiplier.
  EXPECT_TRUE(near(quadratic_model(T, g, ul), ball_minimum(e, g, radius),
                   2 * (rounding + eps * size * radius + 1e-90L * radius) * radius));
}

TEST(TridiagonalMatrix, ModelIsMinimisedGloballyOnTheBall) {
  int number = 0;
  for (const Case& c : cases()) {
    for (const double gamma : {0.0, 1e-12, 1e-3, 1.0, 1e6}) {
      for (const double radius : {1e-30, 1e-8, 1e-2, 1.0, 1e4, 1e10}) {
        SCOPED_TRACE("case " + std::to_string(number) + ", gamma " + std::to_string(gamma) +
                     ", radius " + std::to_string(radius));
        expect_minimum_on_ball(c, gamma, radius, 0);
        if (HasFailure()) return;
        expect_minimum_on_ball(c, gamma, radius, 0.7);
      }
    }
    ++number;
  }
}

TEST(TridiagonalMatrix, TheHardCaseOnTheBall) {
  // As for the cubic model: |u| = gamma / (lambda_1 + 1) at the least admissible multiplier.
  const Case c{{1, -3, 5}, {0, 2, 9}};
  const real lambda = -test::eigen(c.dense()).values[0];
  for (const double gamma : {0.1, 1.0}) {
    for (const double factor : {0.01, 0.5, 1 - 1e-9, 1.0, 1 + 1e-9, 2.0, 100.0}) {
      SCOPED_TRACE(std::to_string(gamma) + ", " + std::to_string(factor));
      expect_minimum_on_ball(c, gamma, static_cast<double>(gamma / (lambda + 1)) * factor, 0);
    }
  }
  for (const double coupling : {1e-18, 1e-14, 1e-10, 1e-6}) {
    expect_minimum_on_ball({{1, -3, 5}, {coupling, 2, 9}}, 1, 5, 0);
    expect_minimum_on_ball({{1, -3, 5}, {coupling, 2, 9}}, 1, 0.05, 0);
  }
  // Singular: an inner minimiser, and no multiplier.
  std::vector<double> u(3), pivots(3), w(3);
  const Case flat{{2, 0, 3}, {0, 0, 9}};
  EXPECT_EQ(minimize_on_ball(flat.view(), 1, 8, 0, u.data(), pivots.data(), w.data()), 0);
  EXPECT_TRUE(near(u[0], -0.5, 40 * eps));
  EXPECT_EQ(u[1], 0);
}

TEST(TridiagonalMatrix, NoLinearTermAndNoNegativeCurvatureMeansNoStep) {
  std::vector<double> u(3, 7.0), pivots(3), w(3);
  const Case c{{1, 2, 3}, {0.1, 0.1, 9}};
  EXPECT_EQ(minimize_cubic(c.view(), 0, 2, 0, u.data(), pivots.data(), w.data()), 0);
  EXPECT_EQ(u, (std::vector<double>{0, 0, 0}));
  u = {7, 7, 7};
  EXPECT_EQ(minimize_on_ball(c.view(), 0, 2, 0, u.data(), pivots.data(), w.data()), 0);
  EXPECT_EQ(u, (std::vector<double>{0, 0, 0}));
}

}  // namespace
}  // namespace randnla
