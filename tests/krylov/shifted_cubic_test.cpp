#include "support/inner_model.hpp"
#include "support/near.hpp"
#include "support/problems.hpp"

#include <randnla/krylov/shifted_cubic.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <utility>

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
class ShiftedCubic : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(ShiftedCubic, test::Instances, test::InstanceName);

template <Scalar T, Backend B>
struct Model : test::InnerModel<ShiftedCubicSolver<B, T>, CubicOptions, T, B> {
  Model(Context<B>& ctx, const Dense& A, const std::vector<double>& g, const ShiftGrid& grid = {})
      : test::InnerModel<ShiftedCubicSolver<B, T>, CubicOptions, T, B>(ctx, A, g, grid) {}
};

/// The length of the solution of (H + shift I)s = -g.
real length_for(const test::Eigen& H, const Vector& g, real shift) {
  real sum = 0;
  for (std::size_t i = 0; i < g.size(); ++i) {
    const real part = dot(H.vectors[i], g) / (H.values[i] + shift);
    sum += part * part;
  }
  return std::sqrt(sum);
}

/// The smallest of 1e-20, 1e-19, ..., 1e20 with H + shift I positive definite and
/// shift >= sigma |s|.
real shift_for(const test::Eigen& H, const Vector& g, real sigma) {
  for (int k = -20; k <= 20; ++k) {
    const real shift = std::pow(real(10), k);
    if (H.values[0] + shift > 0 && sigma * length_for(H, g, shift) <= shift) return shift;
  }
  return 0;
}

real cubic_model(const Dense& A, const Vector& g, real sigma, const Vector& s) {
  const real length = norm2(s);
  return quadratic_model(A, g, s) + sigma / 3 * length * length * length;
}

/// The decrease is the one of s; `residual` is what its system was left with.
template <class T>
void expect_decrease_of_step(const Dense& A, const Vector& g, real sigma, real shift, real residual,
                             const Solved<T>& got) {
  const real eps = std::numeric_limits<T>::epsilon(), n = static_cast<real>(A.n);
  const test::Eigen e = test::eigen(A);
  const real size = std::max(std::abs(e.values[0]), std::abs(e.values.back()));
  const real length = norm2(got.s);
  // Rounding of s moves its model by a gradient of at most (size + shift) |s| + |g|.
  const real rounding = 10 * (n + 10) * eps * ((size + shift) * length + norm2(g)) * length;
  EXPECT_TRUE(
      near(got.result.decrease, -cubic_model(A, g, sigma, got.s), residual * length + rounding));
  EXPECT_TRUE(near(got.result.step_norm, length, 10 * (n + 10) * eps * length));
}

/// s solves the system for that shift up to the random part of the start (below 2.5 sqrt(eps) |g|,
/// 5 standard deviations for one dimension and more for many), the tolerance, and rounding.
template <class T>
void expect_solved(const Dense& A, const std::vector<double>& g, double sigma, double tolerance,
                   const Solved<T>& got) {
  const real eps = std::numeric_limits<T>::epsilon(), n = static_cast<real>(A.n);
  const Vector gl = test::cast<real>(g);
  const test::Eigen e = test::eigen(A);
  const real shift = shift_for(e, gl, sigma), length = norm2(got.s);
  ASSERT_GT(shift, 0);
  const real size = std::max(std::abs(e.values[0]), std::abs(e.values.back())) + shift;
  const real error = (2.5L * std::sqrt(eps) + tolerance) * norm2(gl) +
                     10 * (n + 10) * eps * (size * length + norm2(gl));
  Vector r = A.times(got.s);
  for (std::size_t i = 0; i < r.size(); ++i) r[i] += shift * got.s[i] + gl[i];
  EXPECT_LE(norm2(r), error);
  expect_decrease_of_step(A, gl, sigma, shift, tolerance * norm2(gl), got);
  EXPECT_GT(got.result.decrease, 0);
  EXPECT_EQ(got.result.stop, InnerStop::converged);
}

TYPED_TEST(ShiftedCubic, SolvesTheSystemOfTheSmallestShiftThatFits) {
  using T = typename TypeParam::Real;
  for (const int n : {1, 2, 5, 33}) {
    for (const double low : {-5.0, 0.5}) {
      const Dense A = test::with_spectrum(9, ramp(low, 8, n));
      const auto g = test::normals(4, n);
      for (const double sigma : {1e-8, 0.1, 10.0, 1e8}) {
        SCOPED_TRACE(std::to_string(n) + ", " + std::to_string(low) + ", " + std::to_string(sigma));
        Model<T, typename TypeParam::Space> model(this->ctx(), A, g);
        const auto got = model.solve({sigma, 1e-5, 500});
        expect_solved(A, g, sigma, 1e-5, got);
        EXPECT_EQ(got.result.products, got.result.iterations);
        EXPECT_LE(got.result.iterations, n + 10);
      }
    }
  }
}

TYPED_TEST(ShiftedCubic, ManyDimensionsInFewIterations) {
  using T = typename TypeParam::Real;
  for (const double low : {-1.0, 0.5}) {
    const Dense A = test::diagonal(ramp(low, 8, 257));
    const auto g = test::normals(4, 257);
    for (const double sigma : {0.01, 30.0}) {
      Model<T, typename TypeParam::Space> model(this->ctx(), A, g);
      const auto got = model.solve({sigma, 1e-4, 500});
      expect_solved(A, g, sigma, 1e-4, got);
      EXPECT_LT(got.result.iterations, 60);
    }
  }
}

TYPED_TEST(ShiftedCubic, NegativeCurvatureOrthogonalToTheGradientIsFound) {
  // Without the random part the system for shift 1 would be solved: 1 is too small for -4.
  using T = typename TypeParam::Real;
  const Dense A = test::diagonal({-4, -0.5, 0.5, 2, 6, 7, 7, 7});
  const std::vector<double> g{0, 1, -2, 0.5, 1, 1, 0, 3};
  for (const double sigma : {1e-3, 0.1, 1.0}) {
    Model<T, typename TypeParam::Space> model(this->ctx(), A, g);
    EXPECT_EQ(shift_for(test::eigen(A), test::cast<real>(g), sigma), 10);
    expect_solved(A, g, sigma, 1e-10, model.solve({sigma, 1e-10, 500}));
  }
}

TYPED_TEST(ShiftedCubic, NegativeCurvatureThatShowsLateDropsWhatHasConverged) {
  // The system for 1000 is solved within the tolerance at once; those for small shifts run on until
  // the random part has grown into -5000.
  using T = typename TypeParam::Real;
  auto values = ramp(0, 1, 32), g = test::normals(4, 32);
  values.push_back(-5000), g.push_back(0);
  const Dense A = test::diagonal(values);
  Model<T, typename TypeParam::Space> model(this->ctx(), A, g);
  EXPECT_EQ(shift_for(test::eigen(A), test::cast<real>(g), 1e-8L), 10'000);
  expect_solved(A, g, 1e-8, 1e-2, model.solve({1e-8, 1e-2, 500}));
}

TYPED_TEST(ShiftedCubic, AFineGridComesCloseToTheCubicMinimum) {
  // Away from the hard case, where the length changes fast with the shift.
  using T = typename TypeParam::Real;
  for (const auto& [low, sigma] : {std::pair{-5.0, 100.0}, {0.5, 1.0}, {0.5, 100.0}}) {
    const Dense A = test::with_spectrum(9, ramp(low, 8, 33));
    const auto g = test::normals(4, 33);
    const Vector gl = test::cast<real>(g);
    const test::Eigen e = test::eigen(A);
    const real best = -cubic_minimum(e, gl, sigma);
    Model<T, typename TypeParam::Space> fine(this->ctx(), A, g, {1e-4, 1e4, 401});
    const auto got = fine.solve({sigma, 1e-4, 500});
    EXPECT_EQ(got.result.stop, InnerStop::converged);
    real shift = 1e-4L;  // the first that fits; its neighbour's step is longer by 1 % or more
    while (e.values[0] + shift <= 0 || sigma * length_for(e, gl, shift) > shift) {
      shift *= std::pow(10.0L, 0.02L);
    }
    EXPECT_TRUE(near(norm2(got.s), length_for(e, gl, shift), 2e-3L * norm2(got.s)));
    // Shifts 1.05 apart, so that the step is too short by about 5 %, and the model is flat around
    // its minimum.
    EXPECT_GT(got.result.decrease, 0.99L * best);
    EXPECT_LT(got.result.decrease, best * (1 + 1e-3L));
    Model<T, typename TypeParam::Space> coarse(this->ctx(), A, g);
    EXPECT_GT(got.result.decrease, coarse.solve({sigma, 1e-3, 500}).result.decrease);
  }
}

TYPED_TEST(ShiftedCubic, OneDimensionByHand) {
  // H = 2, g = -1, sigma = 1/2: s = 1/2.1 asks for a shift of 0.24 > 0.1, s = 1/3 for one below 1.
  using T = typename TypeParam::Real;
  const real eps = std::numeric_limits<T>::epsilon();
  Model<T, typename TypeParam::Space> bowl(this->ctx(), test::diagonal({2}), {-1});
  const auto got = bowl.solve({0.5, 1e-10, 10});
  EXPECT_TRUE(near(got.s[0], 1.0L / 3, 4 * std::sqrt(eps)));
  EXPECT_TRUE(near(got.result.decrease, 1.0L / 3 - 1.0L / 9 - 1.0L / 162, 8 * std::sqrt(eps)));
  EXPECT_EQ(got.result.stop, InnerStop::converged);
  EXPECT_EQ(got.result.iterations, 1);
  // H = -3: 10 is the first shift beyond 3, s = 1/7.
  Model<T, typename TypeParam::Space> hill(this->ctx(), test::diagonal({-3}), {-1});
  EXPECT_TRUE(near(hill.solve({0.5, 1e-10, 10}).s[0], 1.0L / 7, 4 * std::sqrt(eps)));
}

TYPED_TEST(ShiftedCubic, NoGradientNoStep) {
  using T = typename TypeParam::Real;
  for (const double low : {-3.0, 1.0}) {
    Model<T, typename TypeParam::Space> model(this->ctx(), test::diagonal(ramp(low, 5, 9)),
                                              std::vector<double>(9, 0.0));
    for (const auto& got : {model.solve({1, 1e-6, 500}), model.solve_again({2, 1e-6, 500})}) {
      EXPECT_EQ(norm2(got.s), 0);
      EXPECT_EQ(got.result.decrease, 0);
      EXPECT_EQ(got.result.products, 0);
      EXPECT_EQ(got.result.stop, InnerStop::converged);
    }
  }
}

TYPED_TEST(ShiftedCubic, ALargerSigmaGivesTheBitsOfAFreshSolve) {
  using T = typename TypeParam::Real;
  for (const double low : {-5.0, 0.5}) {
    const Dense A = test::with_spectrum(9, ramp(low, 8, 30));
    const auto g = test::normals(4, 30);
    Model<T, typename TypeParam::Space> model(this->ctx(), A, g);
    model.solve({1e-3, 1e-4, 500});
    for (const double sigma : {1e-2, 1.0, 2.0, 40.0, 1e4}) {
      const auto again = model.solve_again({sigma, 1e-4, 500});
      Model<T, typename TypeParam::Space> other(this->ctx(), A, g);
      const auto fresh = other.solve({sigma, 1e-4, 500});
      EXPECT_EQ(again.bits, fresh.bits);
      EXPECT_EQ(again.result.decrease, fresh.result.decrease);
      EXPECT_EQ(again.result.step_norm, fresh.result.step_norm);
      EXPECT_EQ(again.result.stop, InnerStop::converged);
      expect_solved(A, g, sigma, 1e-4, again);
    }
  }
}

TYPED_TEST(ShiftedCubic, ASmallerSigmaMayAskForAnUnfinishedSystem) {
  using T = typename TypeParam::Real;
  const Dense A = test::with_spectrum(9, ramp(0.5, 8, 30));
  const auto g = test::normals(4, 30);
  Model<T, typename TypeParam::Space> model(this->ctx(), A, g);
  model.solve({1e3, 1e-4, 500});
  const auto got = model.solve_again({1e-2, 1e-4, 500});
  EXPECT_EQ(got.result.stop, InnerStop::iteration_limit);
  EXPECT_GT(got.result.decrease, 0);
  // A CG iterate's residual is orthogonal to it: the decrease is the step's all the same.
  expect_decrease_of_step(A, test::cast<real>(g), 1e-2, 100, 0, got);
}

TYPED_TEST(ShiftedCubic, NoShiftFits) {
  using T = typename TypeParam::Real;
  const auto g = test::normals(4, 9);
  const Dense A = test::diagonal(ramp(1, 5, 9));
  Model<T, typename TypeParam::Space> low(this->ctx(), A, g, {1e-3, 1e-2, 2});
  const auto got = low.solve({1e6, 1e-6, 500});
  EXPECT_EQ(got.result.stop, InnerStop::iteration_limit);
  expect_decrease_of_step(A, test::cast<real>(g), 1e6, 1e6, 0, got);
  EXPECT_LT(got.result.decrease, 0);
  Model<T, typename TypeParam::Space> none(this->ctx(), test::diagonal(ramp(-5, -1, 9)), g,
                                           {1e-3, 1e-2, 2});
  const auto zero = none.solve({1, 1e-6, 500});
  EXPECT_EQ(zero.result.stop, InnerStop::iteration_limit);
  EXPECT_EQ(norm2(zero.s), 0);
  EXPECT_EQ(zero.result.decrease, 0);
  EXPECT_EQ(zero.result.iterations, 1);
}

TYPED_TEST(ShiftedCubic, ToleranceAndLimitsEndIt) {
  using T = typename TypeParam::Real;
  const Dense A = test::with_spectrum(9, ramp(1, 50, 40));
  const auto g = test::normals(4, 40);
  Model<T, typename TypeParam::Space> model(this->ctx(), A, g);
  const auto loose = model.solve({0.01, 0.1, 500}), tight = model.solve({0.01, 1e-3, 500});
  EXPECT_LT(loose.result.iterations, tight.result.iterations);
  expect_solved(A, g, 0.01, 0.1, loose);
  expect_solved(A, g, 0.01, 1e-3, tight);
  const auto limited = model.solve({0.01, 1e-3, 3});
  EXPECT_EQ(limited.result.stop, InnerStop::iteration_limit);
  EXPECT_EQ(limited.result.iterations, 3);
  EXPECT_EQ(limited.result.products, 3);
  EXPECT_LT(limited.result.decrease, tight.result.decrease);
  EXPECT_GT(limited.result.decrease, 0);
  // With no tolerance, down to rounding.
  const auto rounded = model.solve({0.01, 0, 500});
  expect_solved(A, g, 0.01, 0, rounded);
  EXPECT_LT(rounded.result.iterations, 200);
}

TYPED_TEST(ShiftedCubic, LateReadsOfTheStopFlagChangeNoBit) {
  using Here = Model<typename TypeParam::Real, typename TypeParam::Space>;
  test::expect_late_reads_change_no_bit<Here>(this->ctx(), CubicOptions{1, 1e-4, 500},
                                              CubicOptions{4, 1e-4, 500});
}

TYPED_TEST(ShiftedCubic, WhatIsNotFiniteIsAnOutcome) {
  using Here = Model<typename TypeParam::Real, typename TypeParam::Space>;
  test::expect_not_finite_is_an_outcome<Here>(this->ctx(), CubicOptions{1, 1e-6, 9});
}

TYPED_TEST(ShiftedCubic, MisuseThrows) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  Model<T, B> model(ctx, test::diagonal({1, 2}), {1, 1});
  EXPECT_THROW(model.solve_again({}), InvalidArgument);  // nothing solved yet
  for (const CubicOptions& bad : {CubicOptions{0}, CubicOptions{-1}, CubicOptions{std::nan("")},
                                  CubicOptions{1, -1}, CubicOptions{1, 0, 0}}) {
    EXPECT_THROW(model.solve(bad), InvalidArgument);
  }
  using Solver = ShiftedCubicSolver<B, T>;
  for (const ShiftGrid& bad : {ShiftGrid{0, 1, 2}, ShiftGrid{2, 1, 2}, ShiftGrid{1, HUGE_VAL, 2},
                               ShiftGrid{1, 2, 0}, ShiftGrid{std::nan(""), 1, 2}}) {
    EXPECT_THROW(Solver(ctx, 2, bad), InvalidArgument);
  }
  const CountedMatrix<B, T> two(ctx, test::diagonal({1, 2})), three(ctx, test::diagonal({1, 2, 3}));
  Solver solver(ctx, 2);
  Buffer<T, B> v2(ctx, 2), v3(ctx, 3);
  Buffer<InnerResult, B> result(ctx, 1);
  EXPECT_THROW(solver.solve(ctx, three, v2.view(), v2.view(), result.data(), Rng{}, {}),
               InvalidArgument);
  EXPECT_THROW(solver.solve(ctx, two, v3.view(), v2.view(), result.data(), Rng{}, {}),
               InvalidArgument);
  EXPECT_THROW(solver.solve(ctx, two, v2.view(), v3.view(), result.data(), Rng{}, {}),
               InvalidArgument);
}

TEST(ShiftedCubicThreads, SameBitsForAnyNumberOfThreads) {
  const int n = 9001;  // two chunks of a loop
  const test::DiagonalOperator H{ramp(-1, 8, n)};
  const auto solve = [&](int threads) {
    Context<Cpu> ctx(threads);
    const auto g = test::place<double>(ctx, test::normals(4, n));
    Buffer<double, Cpu> s(ctx, n);
    Buffer<InnerResult, Cpu> result(ctx, 1);
    ShiftedCubicSolver<Cpu, double> solver(ctx, n);
    solver.solve(ctx, H, g.view(), s.view(), result.data(), Rng{5, 2}, {1, 1e-4, 20});
    return std::pair{s.download(), result.read(0).decrease};
  };
  const auto one = solve(1);
  EXPECT_GT(one.second, 0);
  EXPECT_EQ(solve(7), one);
}

}  // namespace
}  // namespace randnla
