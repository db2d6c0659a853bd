// A formed H in one launch beside the same H in loops: what is told apart by its type.
#include "support/dense_reference.hpp"
#include "support/near.hpp"
#include "support/problems.hpp"

#include <randnla/krylov/cubic.hpp>
#include <randnla/krylov/gltr.hpp>
#include <randnla/krylov/steihaug.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace randnla {
namespace {

using test::CountedMatrix;
using test::Dense;
using test::near;
using test::norm2;
using test::place;
using test::ramp;
using test::real;
using test::Vector;

template <class Instance>
class OneLaunch : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(OneLaunch, test::Instances, test::InstanceName);

/// diag(values) seen through a reflection, rounded to float.
Dense reflected(const std::vector<double>& values) {
  const auto n = static_cast<index_t>(values.size());
  const Vector v = test::cast<real>(test::normals(17, n));
  const real vv = test::dot(v, v);
  real form = 0;
  for (std::size_t i = 0; i < v.size(); ++i) form += values[i] * v[i] * v[i];
  Dense A(n);
  for (std::size_t j = 0; j < A.n; ++j) {
    for (std::size_t i = 0; i < A.n; ++i) {
      const real sum = (i == j ? values[i] : 0) - 2 * (values[i] + values[j]) / vv * v[i] * v[j] +
                       4 * form / (vv * vv) * v[i] * v[j];
      A(i, j) = static_cast<double>(static_cast<float>(sum));
    }
  }
  return A;
}

template <class T>
struct Solved {
  std::vector<T> bits;
  InnerResult result;
  Counters counted;  // by this solve
};

/// One H in both guises, and a gradient.
template <Scalar T, Backend B>
struct Problem {
  Problem(Context<B>& context, const Dense& A, const std::vector<double>& gradient)
      : ctx(context),
        n(static_cast<index_t>(A.n)),
        applied(ctx, A),
        entries(place<T>(ctx, A.entries)),
        formed{{entries.data(), n, n, n}},
        g(place<T>(ctx, gradient)),
        result(ctx, 1) {}

  /// solve(H, s)
  template <class Solve>
  Solved<T> run(bool form, const Solve& solve, std::vector<double> start = {}) {
    if (start.empty()) start.assign(static_cast<std::size_t>(n), std::nan(""));
    auto s = place<T>(ctx, start);
    const Counters before = ctx.counters;
    solve(form ? OperatorRef<B, T>(formed) : OperatorRef<B, T>(applied), s.view());
    const Counters after = ctx.counters;
    EXPECT_EQ(after.host_waits, before.host_waits);
    return {s.download(),
            result.read(0),
            {0, after.flag_polls - before.flag_polls, after.launches - before.launches}};
  }

  Context<B>& ctx;
  index_t n;
  CountedMatrix<B, T> applied;
  Buffer<T, B> entries;
  SymmetricMatrix<B, T> formed;
  Buffer<T, B> g;
  Buffer<InnerResult, B> result;
};

template <Backend B, class T>
void expect_one_launch(const Solved<T>& got) {
  if constexpr (std::is_same_v<B, Cuda>) {
    EXPECT_EQ(got.counted.launches, 1);
    EXPECT_EQ(got.counted.flag_polls, 0);
  } else {
    EXPECT_EQ(got.counted.launches, 0);
  }
}

template <class T>
void expect_same_bits(const Solved<T>& a, const Solved<T>& b) {
  EXPECT_EQ(a.bits, b.bits);
  EXPECT_EQ(a.result.decrease, b.result.decrease);
  EXPECT_EQ(a.result.step_norm, b.result.step_norm);
}

/// Up to `part` of the step and of the decrease.
template <class T>
void expect_agreement(const Solved<T>& a, const Solved<T>& b, real part) {
  EXPECT_EQ(a.result.stop, b.result.stop);
  EXPECT_EQ(a.result.iterations, b.result.iterations);
  EXPECT_EQ(a.result.products, b.result.products);
  const Vector s = test::cast<real>(a.bits);
  Vector difference = test::cast<real>(b.bits);
  for (std::size_t i = 0; i < s.size(); ++i) difference[i] -= s[i];
  EXPECT_LE(norm2(difference), part * norm2(s));
  EXPECT_TRUE(near(b.result.decrease, a.result.decrease, part * std::abs(a.result.decrease)));
  EXPECT_TRUE(near(b.result.step_norm, a.result.step_norm, part * a.result.step_norm));
}

/// What recurrences in T lose on matrices of condition 16 and less over a few dozen iterations.
template <class T>
real rounding(index_t n) {
  return 100 * static_cast<real>(n + 10) * std::numeric_limits<T>::epsilon();
}

/// Those near a whole number of warps or blocks, and the largest; a simulated GPU takes a minute for the last two.
template <Backend B>
std::vector<int> sizes() {
  std::vector<int> n{1, 2, 22, 31, 33, 128, 129, 200, 1024};
  if (std::is_same_v<B, Cpu>) n.push_back(1000);
  return n;
}

/// Whether the bits of a second run are compared too.
template <Backend B>
bool repeats(std::size_t n) {
  return std::is_same_v<B, Cpu> || n <= 200;
}

TYPED_TEST(OneLaunch, SteihaugAgreesWithItsLoops) {
  using T = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  struct Case {
    double low, radius;
    int limit;
    InnerStop stop;
  };
  for (const int n : sizes<B>()) {
    for (const Case& c :
         {Case{0.5, 1e4, 40, InnerStop::converged}, Case{0.5, 1e-3, 40, InnerStop::boundary},
          Case{-8, 1e3, 40, InnerStop::negative_curvature},
          Case{0.5, 1e4, 3, InnerStop::iteration_limit}}) {
      SCOPED_TRACE(std::to_string(n) + " from " + std::to_string(c.low) + " within " +
                   std::to_string(c.radius));
      Problem<T, B> p(this->ctx(), reflected(ramp(c.low, 8, n)), test::normals(3, n));
      const SteihaugOptions options{c.radius, 3e-3, c.limit, false};
      const auto solve = [&](OperatorRef<B, T> H, VectorView<T, B> s) {
        steihaug<B, T>(p.ctx, H, p.g.view(), s, p.result.data(), options);
      };
      const auto loops = p.run(false, solve), got = p.run(true, solve);
      if (n > 22) {
        EXPECT_EQ(got.result.stop, c.stop);
      }
      expect_one_launch<B>(got);
      EXPECT_GT(loops.counted.flag_polls, 0);
      expect_agreement(loops, got, rounding<T>(n));
      if (repeats<B>(n)) expect_same_bits(got, p.run(true, solve));
    }
  }
}

TYPED_TEST(OneLaunch, SteihaugGoesOnFromAGivenStart) {
  using T = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  for (const int n : {1, 33, 129}) {
    for (const double low : {0.5, -2.0}) {
      Problem<T, B> p(this->ctx(), reflected(ramp(low, 8, n)), test::normals(3, n));
      const auto start = test::normals(5, n, 0.5 / std::sqrt(n));
      const auto solve = [&](OperatorRef<B, T> H, VectorView<T, B> s) {
        steihaug<B, T>(p.ctx, H, p.g.view(), s, p.result.data(), {4, 3e-3, 40, true});
      };
      const auto loops = p.run(false, solve, start), got = p.run(true, solve, start);
      expect_one_launch<B>(got);
      expect_agreement(loops, got, rounding<T>(n));
      EXPECT_EQ(got.result.products, got.result.iterations + 1);
    }
  }
}

/// solve() and then solve_again() with another option, both ways.
template <class Solver, class Options, Scalar T, Backend B>
void expect_model_agrees(Context<B>& ctx, const Dense& A, const std::vector<double>& g,
                         const Options& first, const Options& second, real part) {
  Problem<T, B> p(ctx, A, g);
  const auto both = [&](bool form) {
    Solver solver(ctx, p.n, 60);
    const auto once = p.run(form, [&](OperatorRef<B, T> H, VectorView<T, B> s) {
      solver.solve(ctx, H, p.g.view(), s, p.result.data(), Rng{5, 2}, first);
    });
    const auto again = p.run(form, [&](OperatorRef<B, T>, VectorView<T, B> s) {
      solver.solve_again(ctx, s, p.result.data(), second);
    });
    return std::pair(once, again);
  };
  const auto loops = both(false), got = both(true);
  expect_one_launch<B>(got.first);
  expect_one_launch<B>(got.second);
  EXPECT_GT(loops.first.counted.flag_polls, 0);
  expect_agreement(loops.first, got.first, part);
  expect_agreement(loops.second, got.second, part);
  if (repeats<B>(g.size())) {
    const auto repeated = both(true);
    expect_same_bits(got.first, repeated.first);
    expect_same_bits(got.second, repeated.second);
  }
}

TYPED_TEST(OneLaunch, CubicAgreesWithItsLoops) {
  using T = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  for (const int n : sizes<B>()) {
    for (const double low : {0.5, -4.0}) {
      SCOPED_TRACE(std::to_string(n) + " from " + std::to_string(low));
      expect_model_agrees<CubicSolver<B, T>, CubicOptions, T, B>(
          this->ctx(), reflected(ramp(low, 8, n)), test::normals(3, n), {1, 3e-3, 40},
          {4, 3e-3, 40}, rounding<T>(n));
    }
  }
}

TYPED_TEST(OneLaunch, GltrAgreesWithItsLoops) {
  using T = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  for (const int n : sizes<B>()) {
    for (const double low : {0.5, -4.0}) {
      SCOPED_TRACE(std::to_string(n) + " from " + std::to_string(low));
      expect_model_agrees<GltrSolver<B, T>, GltrOptions, T, B>(
          this->ctx(), reflected(ramp(low, 8, n)), test::normals(3, n), {2, 3e-3, 40},
          {1, 3e-3, 40}, rounding<T>(n));
    }
  }
}

TYPED_TEST(OneLaunch, WhatIsNotFiniteIsAnOutcome) {
  using T = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  for (const int n : {3, 129}) {
    for (const double bad : {std::nan(""), HUGE_VAL}) {
      Dense A = reflected(ramp(1, 8, n));
      A(1, 1) = bad;
      Problem<T, B> p(this->ctx(), A, test::normals(3, n));
      const auto truncated = p.run(true, [&](OperatorRef<B, T> H, VectorView<T, B> s) {
        steihaug<B, T>(p.ctx, H, p.g.view(), s, p.result.data(), {1, 1e-3, 20, false});
      });
      EXPECT_EQ(truncated.result.stop, InnerStop::not_finite);
      EXPECT_EQ(truncated.result.products, 1);
      CubicSolver<B, T> solver(p.ctx, n, 20);
      const auto cubic = p.run(true, [&](OperatorRef<B, T> H, VectorView<T, B> s) {
        solver.solve(p.ctx, H, p.g.view(), s, p.result.data(), Rng{5, 2}, {1, 1e-3, 20});
      });
      EXPECT_EQ(cubic.result.stop, InnerStop::not_finite);
      EXPECT_EQ(norm2(test::cast<real>(cubic.bits)), 0);
      expect_one_launch<B>(cubic);
    }
  }
}

TYPED_TEST(OneLaunch, MoreRowsThanItTakesGoThroughLoops) {
  using T = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  Problem<T, B> p(this->ctx(), reflected(ramp(1, 8, 1025)), test::normals(3, 1025));
  const auto solve = [&](OperatorRef<B, T> H, VectorView<T, B> s) {
    steihaug<B, T>(p.ctx, H, p.g.view(), s, p.result.data(), {1e4, 0, 2, false});
  };
  const auto got = p.run(true, solve);
  EXPECT_GT(got.counted.flag_polls, 0);
  expect_same_bits(got, p.run(false, solve));
}

}  // namespace
}  // namespace randnla
