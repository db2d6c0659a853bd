// Gradient descent on the cubic model, on the CPU; scr() runs it on both backends.
#include "optimize/cubic_descent.hpp"

#include "support/dense_reference.hpp"
#include "support/near.hpp"
#include "support/problems.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace randnla {
namespace {

using test::Dense;
using test::near;
using test::norm2;
using test::real;
using test::Vector;

struct Descent {
  InnerResult result;
  Vector s;
  int products;  // counted by the matrix
};

Descent descend(const Dense& H, const std::vector<double>& g, double sigma, double tolerance,
                int iterations) {
  Context<Cpu> ctx(1);
  const test::CountedMatrix<Cpu, double> matrix(ctx, H);
  const auto gradient = test::place<double>(ctx, g);
  const auto n = static_cast<index_t>(g.size());
  Buffer<double, Cpu> s(ctx, n);
  Buffer<InnerResult, Cpu> result(ctx, 1);
  CubicDescent<Cpu, double> descent(ctx, n);
  descent.solve(ctx, OperatorRef<Cpu, double>(matrix), gradient.view(), s.view(), result.data(),
                {5, 0}, sigma, tolerance, iterations);
  return {result.read(0), test::cast<real>(s.download()), matrix.products};
}

real model(const Dense& H, const std::vector<double>& g, real sigma, const Vector& s) {
  return quadratic_model(H, test::cast<real>(g), s) + sigma / 3 * std::pow(norm2(s), 3);
}

TEST(CubicDescent, DecreasesTheModelInEveryStepToItsMinimum) {
  const std::vector<std::vector<double>> spectra{test::ramp(-2, 3, 10), test::ramp(0.5, 40, 10),
                                                 test::ramp(-5, -0.1, 10)};
  for (const auto& spectrum : spectra) {
    const Dense H = test::with_spectrum(3, spectrum);
    const auto g = test::normals(8, 10);
    for (const double sigma : {0.05, 1.0, 50.0}) {
      SCOPED_TRACE(sigma);
      real before = 0;
      for (const int limit : {1, 2, 3, 5, 10, 30}) {
        const Descent got = descend(H, g, sigma, 0, limit);
        const real value = model(H, g, sigma, got.s), length = norm2(got.s);
        // The model solved has a random part of norm sqrt(eps) |g| in its linear term.
        const real part = 3e-8L * norm2(test::cast<real>(g)) * length;
        EXPECT_TRUE(near(-got.result.decrease, value, part));
        EXPECT_TRUE(near(got.result.step_norm, length, 1e-14L * length));
        EXPECT_LE(value, before + part);
        EXPECT_EQ(got.result.iterations, limit);
        EXPECT_EQ(got.result.products, limit);
        EXPECT_EQ(got.products, limit);
        EXPECT_EQ(got.result.stop, InnerStop::iteration_limit);
        before = value;
      }
      const Descent got = descend(H, g, sigma, 1e-9, 5000);
      EXPECT_EQ(got.result.stop, InnerStop::converged);
      const real best = cubic_minimum(test::eigen(H), test::cast<real>(g), sigma);
      EXPECT_TRUE(
          near(model(H, g, sigma, got.s), best, 6e-8L * norm2(test::cast<real>(g)) * norm2(got.s)));
    }
  }
}

TEST(CubicDescent, TheFirstStepIsTheCauchyPoint) {
  // Along g = 4 e_1: m = -4 t + h t^2/2 + t^3/3 (t = |s|, sigma = 1), least at t^2 + h t = 4.
  for (const double h : {0.0, 3.0, -3.0}) {
    Dense H = test::diagonal({h, 1});
    const Descent got = descend(H, {4, 0}, 1, 1e-3, 1);
    const double t = (-h + std::sqrt(h * h + 16)) / 2;
    EXPECT_TRUE(near(got.s[0], -t, 1e-7L * t));
    EXPECT_TRUE(near(got.s[1], 0, 1e-7L * t));
  }
}

TEST(CubicDescent, TheCurvatureOfTheModelIsFoundWhereTheGradientDoesNotShowIt) {
  // g lies almost along a curvature of 1e-3, beside one of 1e3: the first L is far too small.
  const Dense H = test::diagonal({1e-3, 1e3});
  const Descent got = descend(H, {1, 1e-6}, 1e-6, 1e-6, 100);
  EXPECT_LE(model(H, {1, 1e-6}, 1e-6, got.s), model(H, {1, 1e-6}, 1e-6, {0, 0}));
  EXPECT_LT(std::abs(got.s[1]), 1e-4L);
  // No curvature but the cubic term's.
  const Descent flat = descend(test::diagonal({0, 0}), {3, 4}, 0.2, 1e-10, 10);
  EXPECT_EQ(flat.result.stop, InnerStop::converged);
  EXPECT_TRUE(near(norm2(flat.s), 5, 1e-6L));
}

TEST(CubicDescent, HardCaseAndZeroGradient) {
  // g orthogonal to the negative curvature, or none at all: the random part finds the way.
  const Dense H = test::diagonal({-1, 2, 1});
  for (const std::vector<double>& g : {std::vector<double>{0, 0, 0}, {0, 0.1, -0.2}}) {
    const Descent got = descend(H, g, 1, 1e-7, 5000);
    const real best = cubic_minimum(test::eigen(H), test::cast<real>(g), 1);
    EXPECT_TRUE(near(model(H, g, 1, got.s), best, 1e-6L * std::abs(best)));
  }
}

TEST(CubicDescent, NotFinite) {
  const double nan = std::nan("");
  const Descent broken = descend(test::diagonal({1, nan}), {1, 1}, 1, 1e-3, 10);
  EXPECT_EQ(broken.result.stop, InnerStop::not_finite);
  EXPECT_EQ(norm2(broken.s), 0);
  const Descent no_gradient = descend(test::diagonal({1, 1}), {1, nan}, 1, 1e-3, 10);
  EXPECT_EQ(no_gradient.result.stop, InnerStop::not_finite);
  EXPECT_EQ(no_gradient.result.products, 0);
}

}  // namespace
}  // namespace randnla
