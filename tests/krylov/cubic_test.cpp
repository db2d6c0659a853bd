#include "support/inner_model.hpp"
#include "support/near.hpp"
#include "support/problems.hpp"

#include <randnla/krylov/cubic.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace randnla {
namespace {

using test::CountedMatrix;
using test::Dense;
using test::dot;
using test::near;
using test::norm2;
using test::place;
using test::ramp;
using test::real;
using test::Solved;
using test::Vector;

template <class Instance>
class CubicModel : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(CubicModel, test::Instances, test::InstanceName);

template <Scalar T, Backend B>
struct Model : test::InnerModel<CubicSolver<B, T>, CubicOptions, T, B> {
  Model(Context<B>& ctx, const Dense& A, const std::vector<double>& g, int max_iterations = 500)
      : test::InnerModel<CubicSolver<B, T>, CubicOptions, T, B>(ctx, A, g, max_iterations) {}
};

/// s is the global minimiser up to the random part of the start, of norm below 2.5 sqrt(eps) |g|
/// (5 standard deviations for one dimension and more for many), the tolerance, and rounding.
template <class T>
void expect_minimiser(const Dense& A, const std::vector<double>& g, double sigma, double tolerance,
                      const Solved<T>& got) {
  const real eps = std::numeric_limits<T>::epsilon();
  const Vector gl = test::cast<real>(g);
  const test::Eigen e = test::eigen(A);
  const real size = std::max(std::abs(e.values[0]), std::abs(e.values.back()));
  const real length = norm2(got.s), n = static_cast<real>(A.n);
  const real rounding = 10 * (n + 10) * eps * (size + sigma * length) * length;
  const real error = (2.5L * std::sqrt(eps) + tolerance) * norm2(gl) + rounding;
  // (H + sigma |s| I) s = -g, and H + sigma |s| I positive semidefinite.
  Vector r = A.times(got.s);
  for (std::size_t i = 0; i < r.size(); ++i) r[i] += sigma * length * got.s[i] + gl[i];
  EXPECT_LE(norm2(r), error);
  const real value = quadratic_model(A, gl, got.s) + sigma / 3 * length * length * length;
  const real best = cubic_minimum(e, gl, sigma);
  // A change of the linear term by `error` moves either value by at most error times the step.
  EXPECT_TRUE(near(value, best, 2 * error * length + 1e-200L));
  EXPECT_TRUE(near(got.result.decrease, -value, 2 * error * length + 1e-200L));
  EXPECT_TRUE(near(got.result.step_norm, length, 10 * (n + 10) * eps * length));
}

/// The same of a solve() that was to go on until the tolerance was met.
template <class T>
void expect_solved(const Dense& A, const std::vector<double>& g, double sigma, double tolerance,
                   const Solved<T>& got) {
  expect_minimiser(A, g, sigma, tolerance, got);
  EXPECT_EQ(got.result.stop, InnerStop::converged);
  EXPECT_EQ(got.result.products, got.result.iterations);
}

TYPED_TEST(CubicModel, EasyCases) {
  using T = typename TypeParam::Real;
  for (const int n : {1, 2, 5, 33}) {
    for (const double low : {-5.0, 0.5}) {
      for (const double sigma : {1e-8, 0.1, 10.0, 1e8}) {
        SCOPED_TRACE(std::to_string(n) + ", " + std::to_string(low) + ", " + std::to_string(sigma));
        const Dense A = test::with_spectrum(9, ramp(low, 8, n));
        const auto g = test::normals(4, n);
        Model<T, typename TypeParam::Space> model(this->ctx(), A, g);
        const auto got = model.solve({sigma, 1e-10, 500});
        expect_solved(A, g, sigma, 1e-10, got);
        EXPECT_LE(got.result.iterations, n);
      }
    }
  }
}

TYPED_TEST(CubicModel, HardAndNearlyHardCases) {
  // g has (almost) no part in the direction of most negative curvature.
  using T = typename TypeParam::Real;
  const Dense A = test::diagonal({-4, -1, 0.5, 2, 6, 7, 7, 7});
  for (const double part : {0.0, 1e-12, 1e-6, 1e-2}) {
    const std::vector<double> g{part, 1, -2, 0.5, 1, 1, 0, 3};
    // sigma |s| must reach 4: |s| of (H + 4 I)^-1 g is about 0.6, so that all but the last are hard.
    for (const double sigma : {1e-3, 0.1, 1.0, 5.0, 50.0}) {
      SCOPED_TRACE(std::to_string(part) + ", " + std::to_string(sigma));
      Model<T, typename TypeParam::Space> model(this->ctx(), A, g);
      const auto got = model.solve({sigma, 1e-10, 500});
      expect_solved(A, g, sigma, 1e-10, got);
      if (sigma < 5) {
        EXPECT_GT(std::abs(got.s[0]), 0.1);
      }
    }
  }
}

TYPED_TEST(CubicModel, NoGradient) {
  using T = typename TypeParam::Real;
  const std::vector<double> zero(9, 0.0);
  // Negative curvature: along its eigenvector, of length -lambda / sigma.
  const Dense saddle = test::with_spectrum(3, ramp(-3, 5, 9));
  Model<T, typename TypeParam::Space> model(this->ctx(), saddle, zero);
  for (const double sigma : {0.01, 2.0}) {
    const auto got = model.solve({sigma, 1e-6, 500});
    const real lambda = test::eigen(saddle).values[0];
    expect_solved(saddle, zero, sigma, 1e-6, got);
    EXPECT_TRUE(
        near(norm2(got.s), -lambda / sigma, 1000 * std::numeric_limits<T>::epsilon() * 3 / sigma));
  }
  // None: no step.
  for (const double low : {0.0, 1.0}) {
    Model<T, typename TypeParam::Space> bowl(this->ctx(), test::diagonal(ramp(low, 5, 9)), zero);
    const auto got = bowl.solve({2, 1e-6, 500});
    // Up to a rounding error e of lambda: a step of e / sigma, a decrease of e^3 / (6 sigma^2).
    const real e = 100 * std::numeric_limits<T>::epsilon();
    EXPECT_TRUE(near(got.result.decrease, 0, e * e * e));
    EXPECT_LE(norm2(got.s), e);
  }
  Model<T, typename TypeParam::Space> one(this->ctx(), test::diagonal({-2}), {0});
  EXPECT_TRUE(near(std::abs(one.solve({4, 1e-6, 500}).s[0]), 0.5, 1e-6L));
}

TYPED_TEST(CubicModel, OneDimensionByHand) {
  // g + H s + sigma |s| s = 0 for s > 0: s = (-H + sqrt(H^2 - 4 sigma g)) / (2 sigma).
  using T = typename TypeParam::Real;
  for (const double h : {-3.0, 0.0, 2.0}) {
    Model<T, typename TypeParam::Space> model(this->ctx(), test::diagonal({h}), {-1});
    const auto got = model.solve({0.5, 1e-10, 10});
    const double want = -h + std::sqrt(h * h + 2);
    EXPECT_TRUE(near(got.s[0], want, 4 * std::sqrt(std::numeric_limits<T>::epsilon()) * want));
    EXPECT_EQ(got.result.iterations, 1);
  }
}

TYPED_TEST(CubicModel, AnotherSigmaInTheSameSpace) {
  using T = typename TypeParam::Real;
  for (const double low : {-5.0, 0.5}) {
    const Dense A = test::with_spectrum(9, ramp(low, 8, 30));
    const auto g = test::normals(4, 30);
    Model<T, typename TypeParam::Space> model(this->ctx(), A, g);
    model.solve({0.5, 0, 500});
    for (const double sigma : {1.0, 2.0, 1e4, 1e-3}) {
      const auto again = model.solve_again({sigma, 1e-10, 500});
      expect_minimiser(A, g, sigma, 1e-10, again);
      Model<T, typename TypeParam::Space> other(this->ctx(), A, g);
      const auto fresh = other.solve({sigma, 0, 500});
      const real rounding = 1000 * std::numeric_limits<T>::epsilon();
      EXPECT_TRUE(near(again.result.decrease, fresh.result.decrease,
                       rounding * std::abs(fresh.result.decrease)));
      EXPECT_TRUE(
          near(again.result.step_norm, fresh.result.step_norm, rounding * fresh.result.step_norm));
    }
  }
}

TYPED_TEST(CubicModel, ToleranceAndLimitsEndIt) {
  using T = typename TypeParam::Real;
  const Dense A = test::with_spectrum(9, ramp(1, 50, 40));
  const auto g = test::normals(4, 40);
  Model<T, typename TypeParam::Space> model(this->ctx(), A, g, 20);
  const auto loose = model.solve({1, 0.1, 500}), tight = model.solve({1, 1e-3, 500});
  EXPECT_LT(loose.result.iterations, tight.result.iterations);
  expect_solved(A, g, 1, 0.1, loose);
  expect_solved(A, g, 1, 1e-3, tight);
  const auto limited = model.solve({1, 1e-3, 3});
  EXPECT_EQ(limited.result.stop, InnerStop::iteration_limit);
  EXPECT_EQ(limited.result.iterations, 3);
  EXPECT_EQ(limited.result.products, 3);
  EXPECT_LT(limited.result.decrease, tight.result.decrease);
  EXPECT_GT(limited.result.decrease, 0);
  const auto space = model.solve({1, 0, 500});  // the space made for 20 steps
  EXPECT_EQ(space.result.stop, InnerStop::iteration_limit);
  EXPECT_EQ(space.result.iterations, 20);
}

TYPED_TEST(CubicModel, LateReadsOfTheStopFlagChangeNoBit) {
  using Here = Model<typename TypeParam::Real, typename TypeParam::Space>;
  test::expect_late_reads_change_no_bit<Here>(this->ctx(), CubicOptions{1, 1e-4, 500},
                                              CubicOptions{4, 1e-4, 500});
}

TYPED_TEST(CubicModel, WhatIsNotFiniteIsAnOutcome) {
  using Here = Model<typename TypeParam::Real, typename TypeParam::Space>;
  test::expect_not_finite_is_an_outcome<Here>(this->ctx(), CubicOptions{1, 1e-6, 9});
}

TYPED_TEST(CubicModel, MisuseThrows) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  Model<T, B> model(ctx, test::diagonal({1, 2}), {1, 1});
  EXPECT_THROW(model.solve_again({}), InvalidArgument);  // no space yet
  for (const CubicOptions& bad : {CubicOptions{0}, CubicOptions{-1}, CubicOptions{std::nan("")},
                                  CubicOptions{1, -1}, CubicOptions{1, 0, 0}}) {
    EXPECT_THROW(model.solve(bad), InvalidArgument);
  }
  const CountedMatrix<B, T> two(ctx, test::diagonal({1, 2})), three(ctx, test::diagonal({1, 2, 3}));
  CubicSolver<B, T> solver(ctx, 2, 5);
  Buffer<T, B> v2(ctx, 2), v3(ctx, 3);
  Buffer<InnerResult, B> result(ctx, 1);
  EXPECT_THROW(solver.solve(ctx, three, v2.view(), v2.view(), result.data(), Rng{}, {}),
               InvalidArgument);
  EXPECT_THROW(solver.solve(ctx, two, v3.view(), v2.view(), result.data(), Rng{}, {}),
               InvalidArgument);
  EXPECT_THROW(solver.solve(ctx, two, v2.view(), v3.view(), result.data(), Rng{}, {}),
               InvalidArgument);
}

}  // namespace
}  // namespace randnla
