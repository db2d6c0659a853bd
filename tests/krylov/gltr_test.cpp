#include "support/inner_model.hpp"
#include "support/near.hpp"
#include "support/problems.hpp"

#include <randnla/krylov/gltr.hpp>

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
using test::ramp;
using test::real;
using test::Solved;
using test::Vector;

template <class Instance>
class TrustRegionModel : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(TrustRegionModel, test::Instances, test::InstanceName);

template <Scalar T, Backend B>
struct Model : test::InnerModel<GltrSolver<B, T>, GltrOptions, T, B> {
  Model(Context<B>& ctx, const Dense& A, const std::vector<double>& g, int max_iterations = 500)
      : test::InnerModel<GltrSolver<B, T>, GltrOptions, T, B>(ctx, A, g, max_iterations) {}
};

/// s is the global minimiser up to the random part of the start (below 2.5 sqrt(eps) |g|, 5
/// standard deviations for one dimension and more for many), the tolerance, and rounding; the
/// decrease is that of s itself, but for rounding and the residual along s.
template <class T>
void expect_minimiser(const Dense& A, const std::vector<double>& g, double radius, double tolerance,
                      const Solved<T>& got) {
  const real eps = std::numeric_limits<T>::epsilon();
  const Vector gl = test::cast<real>(g);
  const test::Eigen e = test::eigen(A);
  const real size = std::max(std::abs(e.values[0]), std::abs(e.values.back()));
  const real length = norm2(got.s), n = static_cast<real>(A.n);
  const real noise = 10 * (n + 10) * eps;
  EXPECT_LE(length, radius * (1 + noise));
  const real value = quadratic_model(A, gl, got.s), best = ball_minimum(e, gl, radius);
  // The multiplier is at most size + |g| / |s|.
  const real rounding = noise * (2 * size * length + norm2(gl));
  const real error = (2.5L * std::sqrt(eps) + tolerance) * norm2(gl) + rounding;
  EXPECT_TRUE(near(value, best, 2 * error * std::min(length + norm2(gl), 2 * real(radius))));
  EXPECT_TRUE(near(got.result.decrease, -value, (tolerance * norm2(gl) + rounding) * length));
  EXPECT_TRUE(near(got.result.step_norm, length, noise * length));
}

/// The same of a solve() that was to go on until the tolerance was met.
template <class T>
void expect_solved(const Dense& A, const std::vector<double>& g, double radius, double tolerance,
                   InnerStop stop, const Solved<T>& got) {
  expect_minimiser(A, g, radius, tolerance, got);
  EXPECT_EQ(got.result.stop, stop);
  EXPECT_EQ(got.result.products, got.result.iterations);
  if (stop == InnerStop::boundary) {
    const real eps = std::numeric_limits<T>::epsilon();
    EXPECT_TRUE(near(norm2(got.s), radius, 10 * static_cast<real>(A.n + 10) * eps * radius));
  }
}

TYPED_TEST(TrustRegionModel, InteriorBoundaryAndIndefinite) {
  using T = typename TypeParam::Real;
  for (const int n : {1, 2, 33}) {
    for (const double low : {-5.0, 0.5}) {
      for (const double radius : {1e-12, 1e-2, 1.0, 1e3, 1e8}) {
        SCOPED_TRACE(std::to_string(n) + ", " + std::to_string(low) + ", " +
                     std::to_string(radius));
        const Dense A = test::with_spectrum(9, ramp(low, 8, n));
        const auto g = test::normals(4, n);
        Model<T, typename TypeParam::Space> model(this->ctx(), A, g);
        const auto got = model.solve({radius, 1e-10, 500});
        // |H^-1 g| is below 1e3 for every positive definite one of these.
        const bool inner = low > 0 && radius >= 1e3;
        const auto stop = inner ? InnerStop::converged : InnerStop::boundary;
        if (radius != 1 || low < 0) {
          expect_solved(A, g, radius, 1e-10, stop, got);
        } else {
          expect_minimiser(A, g, radius, 1e-10, got);
        }
        EXPECT_LE(got.result.iterations, n);
      }
    }
  }
}

TYPED_TEST(TrustRegionModel, ManyDimensionsInFewIterations) {
  using T = typename TypeParam::Real;
  for (const double low : {-1.0, 0.5}) {
    const Dense A = test::diagonal(ramp(low, 8, 257));
    const auto g = test::normals(4, 257);
    for (const double radius : {0.1, 30.0}) {
      Model<T, typename TypeParam::Space> model(this->ctx(), A, g);
      const auto got = model.solve({radius, 1e-3, 500});
      expect_solved(A, g, radius, 1e-3,
                    low > 0 && radius > 20 ? InnerStop::converged : InnerStop::boundary, got);
      EXPECT_LT(got.result.iterations, 120);
    }
  }
}

TYPED_TEST(TrustRegionModel, HardAndNearlyHardCases) {
  // g has (almost) no part in the direction of most negative curvature, and |(H + 4 I)^-1 g| is
  // about 0.6: a larger radius is filled by the eigenvector.
  using T = typename TypeParam::Real;
  const Dense A = test::diagonal({-4, -1, 0.5, 2, 6, 7, 7, 7});
  for (const double part : {0.0, 1e-12, 1e-6, 1e-2}) {
    const std::vector<double> g{part, 1, -2, 0.5, 1, 1, 0, 3};
    for (const double radius : {0.1, 0.6, 1.0, 5.0, 1e3}) {
      SCOPED_TRACE(std::to_string(part) + ", " + std::to_string(radius));
      Model<T, typename TypeParam::Space> model(this->ctx(), A, g);
      const auto got = model.solve({radius, 1e-10, 500});
      expect_solved(A, g, radius, 1e-10, InnerStop::boundary, got);
      if (radius >= 1) {
        EXPECT_GT(std::abs(got.s[0]), 0.5 * radius);
      }
    }
  }
}

TYPED_TEST(TrustRegionModel, NoGradient) {
  using T = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  const std::vector<double> zero(9, 0.0);
  const real eps = std::numeric_limits<T>::epsilon();
  // Negative curvature: to the boundary along its eigenvector.
  const Dense saddle = test::with_spectrum(3, ramp(-3, 5, 9));
  const real lambda = test::eigen(saddle).values[0];
  Model<T, B> model(this->ctx(), saddle, zero);
  for (const double radius : {0.01, 2.0, 1e6}) {
    const auto got = model.solve({radius, 1e-6, 500});
    expect_solved(saddle, zero, radius, 0, InnerStop::boundary, got);
    EXPECT_TRUE(
        near(got.result.decrease, -lambda / 2 * radius * radius, 1000 * eps * 5 * radius * radius));
  }
  // None: no step.
  Model<T, B> bowl(this->ctx(), test::diagonal(ramp(1, 5, 9)), zero);
  const auto got = bowl.solve({2, 1e-6, 500});
  EXPECT_EQ(got.result.stop, InnerStop::converged);
  EXPECT_EQ(norm2(got.s), 0);
  EXPECT_EQ(got.result.decrease, 0);
  Model<T, B> one(this->ctx(), test::diagonal({-2}), {0});
  EXPECT_TRUE(near(std::abs(one.solve({4, 1e-6, 500}).s[0]), 4, 8 * eps));
}

TYPED_TEST(TrustRegionModel, OneDimensionByHand) {
  using T = typename TypeParam::Real;
  const real eps = std::numeric_limits<T>::epsilon();
  const auto solve = [&](double h, double radius) {
    Model<T, typename TypeParam::Space> model(this->ctx(), test::diagonal({h}), {-1});
    return model.solve({radius, 1e-10, 10});
  };
  // H = 2, g = -1: the free minimum is 1/2, of decrease 1/4.
  const auto inner = solve(2, 3);
  EXPECT_TRUE(near(inner.s[0], 0.5, 4 * std::sqrt(eps)));
  EXPECT_TRUE(near(inner.result.decrease, 0.25, 16 * eps));
  EXPECT_EQ(inner.result.stop, InnerStop::converged);
  // Else the right end of the interval: -s + h s^2/2.
  for (const double h : {-3.0, 0.0, 2.0}) {
    const auto end = solve(h, 0.25);
    EXPECT_TRUE(near(end.s[0], 0.25, 4 * eps));
    EXPECT_TRUE(near(end.result.decrease, 0.25 - h / 32, 16 * eps));
    EXPECT_EQ(end.result.stop, InnerStop::boundary);
    EXPECT_EQ(end.result.iterations, 1);
  }
}

TYPED_TEST(TrustRegionModel, AnotherRadiusInTheSameSpace) {
  using T = typename TypeParam::Real;
  for (const double low : {-5.0, 0.5}) {
    const Dense A = test::with_spectrum(9, ramp(low, 8, 30));
    const auto g = test::normals(4, 30);
    Model<T, typename TypeParam::Space> model(this->ctx(), A, g);
    model.solve({1e3, 0, 500});
    for (const double radius : {0.25, 0.125, 1e-6, 4.0, 1e3}) {
      SCOPED_TRACE(std::to_string(low) + ", " + std::to_string(radius));
      const auto again = model.solve_again({radius, 1e-10, 500});
      expect_minimiser(A, g, radius, 1e-10, again);
      Model<T, typename TypeParam::Space> other(this->ctx(), A, g);
      const auto fresh = other.solve({radius, 0, 500});
      // The multiplier is started elsewhere and the spaces differ by less than rounding.
      const real rounding = 1000 * std::numeric_limits<T>::epsilon();
      EXPECT_TRUE(near(again.result.decrease, fresh.result.decrease,
                       rounding * std::abs(fresh.result.decrease)));
      EXPECT_TRUE(
          near(again.result.step_norm, fresh.result.step_norm, rounding * fresh.result.step_norm));
    }
  }
}

TYPED_TEST(TrustRegionModel, ALargerRadiusInASpaceForASmallerOne) {
  // The minimiser over the space: a decrease at least that of the small radius, at most the best.
  using T = typename TypeParam::Real;
  const Dense A = test::with_spectrum(9, ramp(-5, 8, 30));
  const auto g = test::normals(4, 30);
  Model<T, typename TypeParam::Space> model(this->ctx(), A, g), other(this->ctx(), A, g);
  const auto small = model.solve({0.5, 1e-2, 500}), large = model.solve_again({4, 1e-2, 500});
  const auto best = other.solve({4, 1e-2, 500});
  EXPECT_EQ(large.result.stop, InnerStop::iteration_limit);
  EXPECT_TRUE(near(large.result.step_norm, 4, 1000 * std::numeric_limits<T>::epsilon()));
  EXPECT_GT(large.result.decrease, small.result.decrease);
  EXPECT_LT(large.result.decrease, best.result.decrease);
}

TYPED_TEST(TrustRegionModel, ToleranceAndLimitsEndIt) {
  using T = typename TypeParam::Real;
  const Dense A = test::with_spectrum(9, ramp(1, 50, 40));
  const auto g = test::normals(4, 40);
  Model<T, typename TypeParam::Space> model(this->ctx(), A, g, 20);
  const auto loose = model.solve({100, 0.1, 500}), tight = model.solve({100, 1e-3, 500});
  EXPECT_LT(loose.result.iterations, tight.result.iterations);
  for (const auto& [got, tolerance] : {std::pair{loose, 0.1}, {tight, 1e-3}}) {
    expect_solved(A, g, 100, tolerance, InnerStop::converged, got);
    Vector r = A.times(got.s);
    for (std::size_t i = 0; i < r.size(); ++i) r[i] += g[i];
    const real slack = 2.5L * std::sqrt(std::numeric_limits<T>::epsilon());
    EXPECT_LE(norm2(r), (tolerance + slack) * norm2(test::cast<real>(g)));
  }
  const auto limited = model.solve({100, 1e-3, 3});
  EXPECT_EQ(limited.result.stop, InnerStop::iteration_limit);
  EXPECT_EQ(limited.result.iterations, 3);
  EXPECT_EQ(limited.result.products, 3);
  EXPECT_LT(limited.result.decrease, tight.result.decrease);
  EXPECT_GT(limited.result.decrease, 0);
  // A space for a small radius does not hold the minimiser for a large one.
  model.solve({0.01, 1e-3, 500});
  EXPECT_EQ(model.solve_again({100, 1e-3, 500}).result.stop, InnerStop::iteration_limit);
  const auto space = model.solve({100, 0, 500});  // the space made for 20 steps
  EXPECT_EQ(space.result.stop, InnerStop::iteration_limit);
  EXPECT_EQ(space.result.iterations, 20);
}

TYPED_TEST(TrustRegionModel, LateReadsOfTheStopFlagChangeNoBit) {
  using Here = Model<typename TypeParam::Real, typename TypeParam::Space>;
  test::expect_late_reads_change_no_bit<Here>(this->ctx(), GltrOptions{1, 1e-4, 500},
                                              GltrOptions{0.25, 1e-4, 500});
}

TYPED_TEST(TrustRegionModel, WhatIsNotFiniteIsAnOutcome) {
  using Here = Model<typename TypeParam::Real, typename TypeParam::Space>;
  test::expect_not_finite_is_an_outcome<Here>(this->ctx(), GltrOptions{1, 1e-6, 9});
}

TYPED_TEST(TrustRegionModel, MisuseThrows) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  Model<T, B> model(ctx, test::diagonal({1, 2}), {1, 1});
  EXPECT_THROW(model.solve_again({}), InvalidArgument);  // no space yet
  for (const GltrOptions& bad :
       {GltrOptions{0}, GltrOptions{-1}, GltrOptions{std::nan("")}, GltrOptions{HUGE_VAL},
        GltrOptions{1, -1}, GltrOptions{1, std::nan("")}, GltrOptions{1, 0, 0}}) {
    EXPECT_THROW(model.solve(bad), InvalidArgument);
  }
  const CountedMatrix<B, T> two(ctx, test::diagonal({1, 2})), three(ctx, test::diagonal({1, 2, 3}));
  GltrSolver<B, T> solver(ctx, 2, 5);
  Buffer<T, B> v2(ctx, 2), v3(ctx, 3);
  Buffer<InnerResult, B> result(ctx, 1);
  EXPECT_THROW(solver.solve(ctx, three, v2.view(), v2.view(), result.data(), Rng{}, {}),
               InvalidArgument);
  EXPECT_THROW(solver.solve(ctx, two, v3.view(), v2.view(), result.data(), Rng{}, {}),
               InvalidArgument);
  EXPECT_THROW(solver.solve(ctx, two, v2.view(), v3.view(), result.data(), Rng{}, {}),
               InvalidArgument);
}

TEST(TrustRegionModelThreads, SameBitsForAnyNumberOfThreads) {
  const int n = 9001;  // two chunks of a loop
  const test::DiagonalOperator H{ramp(-1, 8, n)};
  const auto solve = [&](int threads) {
    Context<Cpu> ctx(threads);
    const auto g = test::place<double>(ctx, test::normals(4, n));
    Buffer<double, Cpu> s(ctx, n);
    Buffer<InnerResult, Cpu> result(ctx, 1);
    GltrSolver<Cpu, double> solver(ctx, n, 20);
    solver.solve(ctx, H, g.view(), s.view(), result.data(), Rng{5, 2}, {3, 1e-4, 20});
    return std::pair{s.download(), result.read(0).decrease};
  };
  const auto one = solve(1);
  EXPECT_GT(one.second, 0);
  EXPECT_EQ(solve(7), one);
}

}  // namespace
}  // namespace randnla
