#include "support/dense_reference.hpp"
#include "support/near.hpp"
#include "support/problems.hpp"

#include <randnla/krylov/steihaug.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

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
using test::Vector;

template <class Instance>
class Steihaug : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(Steihaug, test::Instances, test::InstanceName);

template <class T>
struct Solved {
  std::vector<T> bits;
  Vector s;
  InnerResult result;
  int products = 0;  // applications of the operator
  index_t host_waits = 0, flag_polls = 0, launches = 0;
};

template <Scalar T, Backend B, class Operator = CountedMatrix<B, T>>
Solved<T> solve(Context<B>& ctx, const Dense& A, const std::vector<double>& g,
                const SteihaugOptions& options, std::vector<double> start = {}) {
  const Operator H(ctx, A);
  if (start.empty()) start.assign(g.size(), std::nan(""));  // not read unless given
  const auto gb = place<T>(ctx, g);
  auto s = place<T>(ctx, start);
  Buffer<InnerResult, B> result(ctx, 1);
  const Counters before = ctx.counters;
  steihaug<B, T>(ctx, H, gb.view(), s.view(), result.data(), options);
  const Counters after = ctx.counters;
  Solved<T> out{s.download(),
                {},
                result.read(0),
                H.products,
                after.host_waits - before.host_waits,
                after.flag_polls - before.flag_polls,
                after.launches - before.launches};
  out.s = test::cast<real>(out.bits);
  return out;
}

/// What CG's recurrences lose over a few dozen iterations: n eps of the largest number in play.
template <class T>
real rounding(std::size_t n, real size) {
  return 10 * static_cast<real>(n + 10) * std::numeric_limits<T>::epsilon() * size;
}

/// Which a device may record.
template <Backend B, Scalar T>
struct ReplayableMatrix : CountedMatrix<B, T> {
  using CountedMatrix<B, T>::CountedMatrix;
  bool replayable() const { return true; }
};

TYPED_TEST(Steihaug, ReplayedIterationsHaveTheSameBits) {
  using T = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  const Dense A = test::with_spectrum(7, ramp(1, 20, 33));
  const auto g = test::normals(3, 33);
  for (const double radius : {1e3, 0.1}) {  // the second stops at once
    for (const int limit : {4, 5, 6, 200}) {
      const SteihaugOptions options{radius, 1e-5, limit, false};
      const auto plain = solve<T>(this->ctx(), A, g, options);
      const auto replayed = solve<T, B, ReplayableMatrix<B, T>>(this->ctx(), A, g, options);
      EXPECT_EQ(plain.bits, replayed.bits);
      EXPECT_EQ(plain.result.iterations, replayed.result.iterations);
      EXPECT_EQ(plain.result.products, replayed.result.products);
      EXPECT_EQ(plain.result.decrease, replayed.result.decrease);
      EXPECT_EQ(replayed.host_waits, 0);
      if (std::is_same_v<B, Cuda>) {  // four launches, the product's and three, in one
        const int recorded = std::max(0, plain.products - 4);
        EXPECT_EQ(plain.launches - replayed.launches, 3 * recorded);
        EXPECT_EQ(replayed.products, std::min(plain.products, 4) + (recorded > 0));
      }
    }
  }
}

TYPED_TEST(Steihaug, InsideTheRegionItIsTheNewtonStep) {
  using T = typename TypeParam::Real;
  for (const int n : {1, 2, 5, 31, 33}) {
    const Dense A = test::with_spectrum(7, ramp(1, 20, n));
    const auto g = test::normals(3, n);
    const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-12;
    const auto got = solve<T>(this->ctx(), A, g, {1e3, tolerance, 200, false});
    const Vector gl = test::cast<real>(g);
    Vector r = A.times(got.s);
    for (std::size_t i = 0; i < r.size(); ++i) r[i] += gl[i];
    // The residual asked for, and the rounding of H s; the error is at most that over lambda_min.
    const real allowed = tolerance * norm2(gl) + rounding<T>(A.n, 20 * norm2(got.s));
    EXPECT_LE(norm2(r), allowed) << n;
    Vector error = got.s;
    const test::Eigen e = test::eigen(A);
    for (std::size_t k = 0; k < A.n; ++k) {
      const real step = dot(e.vectors[k], gl) / e.values[k];
      for (std::size_t i = 0; i < A.n; ++i) error[i] += step * e.vectors[k][i];
    }
    EXPECT_LE(norm2(error), allowed / e.values[0]) << n;
    EXPECT_EQ(got.result.stop, InnerStop::converged);
    EXPECT_EQ(got.result.products, got.result.iterations);
    EXPECT_LE(got.result.iterations, n + n / 4 + 1);
    EXPECT_TRUE(near(got.result.step_norm, norm2(got.s), rounding<T>(A.n, norm2(got.s))));
    const real decrease = -quadratic_model(A, gl, got.s);
    EXPECT_TRUE(near(got.result.decrease, decrease, rounding<T>(A.n, decrease)));
    EXPECT_EQ(got.host_waits, 0);
  }
}

TYPED_TEST(Steihaug, StopsAtTheFirstResidualWithinTheTolerance) {
  // Many tolerances, so that some lie just below a residual that CG passes through.
  using T = typename TypeParam::Real;
  const Dense A = test::with_spectrum(7, ramp(1, 20, 33));
  const auto g = test::normals(3, 33);
  const Vector gl = test::cast<real>(g);
  int last = 0;
  for (double tolerance = 0.5; tolerance > 1e-4; tolerance *= 0.85) {
    const auto got = solve<T>(this->ctx(), A, g, {1e3, tolerance, 200, false});
    Vector r = A.times(got.s);
    for (std::size_t i = 0; i < r.size(); ++i) r[i] += gl[i];
    EXPECT_LE(norm2(r), tolerance * norm2(gl) + rounding<T>(A.n, 20 * norm2(got.s)));
    EXPECT_GE(got.result.iterations, last);
    last = got.result.iterations;
    if (last < 2) continue;
    // One iteration fewer was not enough.
    const auto before = solve<T>(this->ctx(), A, g, {1e3, 0, last - 1, false});
    Vector q = A.times(before.s);
    for (std::size_t i = 0; i < q.size(); ++i) q[i] += gl[i];
    EXPECT_GT(norm2(q), tolerance * norm2(gl) - rounding<T>(A.n, 20 * norm2(got.s)));
  }
  EXPECT_GT(last, 5);
}

TYPED_TEST(Steihaug, AsManyIterationsAsThereAreDistinctEigenvalues) {
  using T = typename TypeParam::Real;
  std::vector<double> values;
  for (int i = 0; i < 30; ++i) values.push_back(1 + i % 3);
  const auto got = solve<T>(this->ctx(), test::diagonal(values), test::normals(3, 30),
                            {1e3, sizeof(T) == 4 ? 1e-5 : 1e-12, 200, false});
  EXPECT_EQ(got.result.iterations, 3);
  EXPECT_EQ(got.result.stop, InnerStop::converged);
}

/// The best decrease along -g within the radius.
real cauchy_decrease(const Dense& A, const Vector& g, real radius) {
  const real gHg = dot(g, A.times(g)), gg = dot(g, g);
  real t = radius / std::sqrt(gg);
  if (gHg > 0) t = std::min(t, gg / gHg);
  return t * gg - t * t * gHg / 2;
}

TYPED_TEST(Steihaug, AtTheBoundaryItBeatsTheCauchyPoint) {
  using T = typename TypeParam::Real;
  int cut = 0, negative = 0;
  for (const int n : {1, 2, 5, 33}) {
    for (const double low : {0.5, -3.0}) {
      for (const double radius : {1e-6, 0.01, 0.3, 1.0, 10.0}) {
        const Dense A = test::with_spectrum(9, ramp(low, 8, n));
        const auto g = test::normals(4, n);
        const Vector gl = test::cast<real>(g);
        const auto got = solve<T>(this->ctx(), A, g, {radius, 1e-5, 200, false});
        SCOPED_TRACE(std::to_string(n) + " from " + std::to_string(low) + " within " +
                     std::to_string(radius));
        const real decrease = -quadratic_model(A, gl, got.s);
        const real size = norm2(gl) * norm2(got.s) + 8 * dot(got.s, got.s);
        EXPECT_TRUE(near(got.result.decrease, decrease, rounding<T>(A.n, size)));
        EXPECT_GE(decrease, cauchy_decrease(A, gl, radius) - rounding<T>(A.n, size));
        if (got.result.stop == InnerStop::converged) {
          EXPECT_LE(norm2(got.s), radius);
          continue;
        }
        cut += got.result.stop == InnerStop::boundary;
        negative += got.result.stop == InnerStop::negative_curvature;
        EXPECT_TRUE(near(norm2(got.s), radius, rounding<T>(A.n, radius)));
        EXPECT_TRUE(near(got.result.step_norm, radius, rounding<T>(A.n, radius)));
      }
    }
  }
  EXPECT_GE(cut, 5);
  EXPECT_GE(negative, 4);
}

TYPED_TEST(Steihaug, FollowsNegativeCurvatureToTheBoundary) {
  using T = typename TypeParam::Real;
  for (const double radius : {1e-8, 2.0, 1e15}) {
    // The gradient is an eigenvector: one product tells.
    const auto got =
        solve<T>(this->ctx(), test::diagonal({-1, 3, 3}), {-4, 0, 0}, {radius, 1e-6, 50, false});
    EXPECT_EQ(got.result.stop, InnerStop::negative_curvature);
    EXPECT_EQ(got.result.iterations, 1);
    EXPECT_EQ(got.result.products, 1);
    EXPECT_TRUE(near(got.s[0], radius, rounding<T>(3, radius)));
    EXPECT_EQ(got.s[1], 0);
    EXPECT_TRUE(near(got.result.decrease, 4 * radius + radius * radius / 2,
                     rounding<T>(3, 4 * radius + radius * radius / 2)));
    // A direction of zero curvature, too.
    const auto flat =
        solve<T>(this->ctx(), test::diagonal({0, 3, 3}), {-4, 0, 0}, {radius, 1e-6, 50, false});
    EXPECT_EQ(flat.result.stop, InnerStop::negative_curvature);
    EXPECT_TRUE(near(flat.s[0], radius, rounding<T>(3, radius)));
  }
}

TYPED_TEST(Steihaug, NearlyFlatDirectionsAreCutAtTheBoundary) {
  // r'r / d'Hd overflows.
  using T = typename TypeParam::Real;
  const double flat = sizeof(T) == 4 ? 1e-40 : 1e-310;
  const auto got = solve<T>(this->ctx(), test::diagonal({flat}), {1}, {2, 1e-6, 50, false});
  EXPECT_EQ(got.result.stop, InnerStop::boundary);
  EXPECT_EQ(got.s[0], -2);
  EXPECT_EQ(got.result.decrease, 2);
}

TYPED_TEST(Steihaug, EveryIterationDecreasesTheModelAndLengthensTheStep) {
  using T = typename TypeParam::Real;
  for (const double low : {0.1, -1.0}) {
    const Dense A = test::with_spectrum(5, ramp(low, 10, 20));
    const auto g = test::normals(6, 20);
    double decrease = 0, length = 0;
    int limited = 0;
    for (int limit = 1; limit <= 12; ++limit) {
      const auto got = solve<T>(this->ctx(), A, g, {20, 1e-5, limit, false});
      EXPECT_GE(got.result.decrease, decrease * (1 - 1e-6));
      EXPECT_GE(got.result.step_norm, length * (1 - 1e-6));
      if (got.result.stop == InnerStop::iteration_limit) {
        ++limited;
        EXPECT_EQ(got.result.iterations, limit);
        EXPECT_EQ(got.result.products, limit);
        EXPECT_GT(got.result.decrease, decrease);
      }
      decrease = got.result.decrease, length = got.result.step_norm;
    }
    EXPECT_GE(limited, 1);
  }
}

TYPED_TEST(Steihaug, GoesOnFromAGivenStart) {
  using T = typename TypeParam::Real;
  const auto g = test::normals(8, 20);
  const Vector gl = test::cast<real>(g);
  for (const double low : {0.5, -2.0}) {
    const Dense A = test::with_spectrum(2, ramp(low, 10, 20));
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      auto start = test::normals(seed, 20);
      const Vector direction = test::cast<real>(start);
      const double radius = seed % 2 == 0 ? 4 : 0.5;
      for (double& v : start) v *= 0.99 * radius / static_cast<double>(norm2(direction));
      start = test::cast<double>(test::cast<float>(start));
      const real before = quadratic_model(A, gl, test::cast<real>(start));
      const auto got = solve<T>(this->ctx(), A, g, {radius, 1e-5, 200, true}, start);
      const real after = quadratic_model(A, gl, got.s);
      const real size = norm2(gl) * radius + 10 * radius * radius;
      EXPECT_LT(after, before);
      EXPECT_TRUE(near(got.result.decrease, -after, rounding<T>(20, size)));
      EXPECT_LE(norm2(got.s), radius + rounding<T>(20, radius));
      EXPECT_TRUE(near(got.result.step_norm, norm2(got.s), rounding<T>(20, radius)));
      EXPECT_EQ(got.result.products, got.result.iterations + 1);
      if (got.result.stop != InnerStop::converged) {
        EXPECT_TRUE(near(norm2(got.s), radius, rounding<T>(20, radius)));
      }
    }
  }
  // From the minimiser itself nothing is left to do but the product that shows it.
  const auto got =
      solve<T>(this->ctx(), test::diagonal({2, 4}), {-2, -4}, {5, 1e-6, 9, true}, {1, 1});
  EXPECT_EQ(got.result.stop, InnerStop::converged);
  EXPECT_EQ(got.result.iterations, 0);
  EXPECT_EQ(got.result.products, 1);
  EXPECT_EQ(got.result.decrease, 3);
}

TYPED_TEST(Steihaug, NoGradientNoStep) {
  using T = typename TypeParam::Real;
  for (const int n : {1, 40}) {
    for (const double curvature : {2.0, -2.0}) {
      const auto got =
          solve<T>(this->ctx(), test::diagonal(ramp(curvature, curvature, n)),
                   std::vector<double>(static_cast<std::size_t>(n), 0.0), {3, 1e-6, 20, false});
      EXPECT_EQ(got.result.stop, InnerStop::converged);
      EXPECT_EQ(got.result.iterations, 0);
      EXPECT_EQ(got.result.products, 0);
      EXPECT_EQ(got.result.decrease, 0);
      EXPECT_EQ(got.result.step_norm, 0);
      EXPECT_EQ(norm2(got.s), 0);
    }
  }
}

TYPED_TEST(Steihaug, WhatIsNotFiniteIsAnOutcome) {
  using T = typename TypeParam::Real;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  Dense broken = test::diagonal({1, 2, 3});
  for (const double bad : {nan, inf}) {
    broken(1, 1) = bad;
    EXPECT_EQ(solve<T>(this->ctx(), broken, {1, 1, 1}, {1, 1e-6, 20, false}).result.stop,
              InnerStop::not_finite);
    EXPECT_EQ(
        solve<T>(this->ctx(), broken, {1, 1, 1}, {1, 1e-6, 20, true}, {0.1, 0.1, 0}).result.stop,
        InnerStop::not_finite);
    EXPECT_EQ(solve<T>(this->ctx(), test::diagonal({1, 2, 3}), {1, bad, 1}, {1, 1e-6, 20, false})
                  .result.stop,
              InnerStop::not_finite);
  }
}

TYPED_TEST(Steihaug, LateReadsOfTheStopFlagChangeNoBit) {
  using T = typename TypeParam::Real;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  auto& ctx = this->ctx();
  Dense broken = test::with_spectrum(5, ramp(1, 10, 20));
  broken(3, 3) = nan;
  for (const Dense& A : {test::with_spectrum(5, ramp(1, 10, 20)),
                         test::with_spectrum(5, ramp(-4, 10, 20)), broken}) {
    const auto g = test::normals(6, 20);
    std::vector<Solved<T>> seen;
    for (const int lag : {0, 1, 4}) {
      ctx.poll_lag = lag;
      seen.push_back(solve<T>(ctx, A, g, {10, 1e-5, 100, false}));
      EXPECT_EQ(seen.back().host_waits, 0);
      EXPECT_GT(seen.back().flag_polls, 0);
    }
    for (const auto& other : {seen[1], seen[2]}) {
      if (seen[0].result.stop != InnerStop::not_finite) {
        EXPECT_EQ(seen[0].bits, other.bits);
      }
      EXPECT_EQ(seen[0].result.decrease, other.result.decrease);
      EXPECT_EQ(seen[0].result.step_norm, other.result.step_norm);
      EXPECT_EQ(seen[0].result.iterations, other.result.iterations);
      EXPECT_EQ(seen[0].result.products, other.result.products);
      EXPECT_EQ(seen[0].result.stop, other.result.stop);
    }
    EXPECT_EQ(seen[2].products, seen[0].products + 4);  // queued meanwhile
  }
}

TYPED_TEST(Steihaug, MisuseThrows) {
  using T = typename TypeParam::Real;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  auto& ctx = this->ctx();
  const Dense A = test::diagonal({1, 2});
  for (const SteihaugOptions& bad :
       {SteihaugOptions{0}, SteihaugOptions{-1}, SteihaugOptions{nan}, SteihaugOptions{1, -1e-9},
        SteihaugOptions{1, nan}, SteihaugOptions{1, 0, 0}}) {
    EXPECT_THROW(solve<T>(ctx, A, {1, 1}, bad), InvalidArgument);
  }
  EXPECT_THROW(solve<T>(ctx, A, {1, 1, 1}, {}), InvalidArgument);
  EXPECT_THROW(solve<T>(ctx, A, {1, 1}, {}, {0, 0, 0}), InvalidArgument);
}

}  // namespace
}  // namespace randnla
