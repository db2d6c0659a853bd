#include "support/dense_reference.hpp"
#include "support/near.hpp"
#include "support/problems.hpp"

#include <randnla/krylov/lanczos.hpp>

#include <gtest/gtest.h>

#include <algorithm>
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
using test::Vector;

template <class Instance>
class SmallestEigenvalues : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(SmallestEigenvalues, test::Instances, test::InstanceName);

template <class T>
struct Found {
  SmallestEigenvalue answer;
  std::vector<T> v;
  index_t host_waits = 0;
};

template <Scalar T, Backend B>
Found<T> search(Context<B>& ctx, const Dense& A, std::uint64_t seed,
                const SmallestEigenvalueOptions& options) {
  const CountedMatrix<B, T> H(ctx, A);
  Buffer<T, B> v(ctx, H.dim());
  const index_t before = ctx.counters.host_waits;
  const auto answer = smallest_eigenvalue<B, T>(ctx, H, v.view(), Rng{seed, 0}, options);
  const index_t waits = ctx.counters.host_waits - before;
  return {answer, v.download(), waits};
}

constexpr double never = -1e300;  // a threshold below which no value lies, and that no bound proves

/// v is a unit vector, `value` its Rayleigh quotient and `residual` true.
template <class T>
void expect_true_to_its_vector(const Found<T>& got, const Dense& A, real size) {
  const real rounding = 10 * static_cast<real>(A.n + 10) * std::numeric_limits<T>::epsilon() * size;
  const Vector v = test::cast<real>(got.v);
  EXPECT_TRUE(near(norm2(v), 1, rounding / size));
  Vector r = A.times(v);
  EXPECT_TRUE(near(got.answer.value, dot(v, r), rounding));
  for (std::size_t i = 0; i < r.size(); ++i) r[i] -= got.answer.value * v[i];
  EXPECT_TRUE(near(got.answer.residual, norm2(r), rounding));
}

TYPED_TEST(SmallestEigenvalues, WithAllStepsItIsExact) {
  using T = typename TypeParam::Real;
  for (const int n : {1, 2, 3, 33}) {
    for (const double low : {-2.0, 0.0, 3.0}) {
      const Dense A = test::with_spectrum(6, ramp(low, 10, n));
      const auto got = search<T>(this->ctx(), A, 1, {HUGE_VAL, 1e-6, 300});
      // A threshold of infinity: the first look, after four steps or all, has a value below it.
      EXPECT_EQ(got.answer.steps, std::min(n, 4));
      // So little below the smallest one that fewer steps prove nothing.
      const real lambda = test::eigen(A).values[0];
      const auto exact =
          search<T>(this->ctx(), A, 1, {static_cast<double>(lambda) - 1e-3, 1e-6, 300});
      const real rounding = 100 * static_cast<real>(n + 10) * std::numeric_limits<T>::epsilon();
      expect_true_to_its_vector(exact, A, 10);
      EXPECT_TRUE(near(exact.answer.value, lambda, rounding)) << n << ", " << low;
      EXPECT_LE(exact.answer.lower_bound, exact.answer.value);
      EXPECT_FALSE(exact.answer.not_finite);
      EXPECT_EQ(exact.answer.failure_probability, 1e-6);
      EXPECT_EQ(exact.host_waits, 1);
    }
  }
}

TYPED_TEST(SmallestEigenvalues, TheBoundHoldsForEverySeed) {
  // 200 starts, some steps short of convergence; eigenvalues crowd at the lower end, the worst case.
  // With p = 1e-6 no failure is expected; with p = 0.2 at most 40 + 5 sqrt(32).
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  std::vector<double> values;
  const int n = test::sized<B>(80, 40);
  for (int i = 0; i < n; ++i) values.push_back(-1 + 2 * std::pow(i / (n - 1.0), 3));
  const Dense A = test::with_spectrum(8, values);
  const real lambda = test::eigen(A).values[0];
  const real rounding = 10 * static_cast<real>(n + 10) * std::numeric_limits<T>::epsilon();
  int failures = 0, informative = 0;
  for (std::uint64_t seed = 1; seed <= test::sized<B>(200, 4); ++seed) {
    for (const int steps : {14, 20, 30}) {
      const auto got = search<T>(this->ctx(), A, seed, {never, 1e-6, steps});
      EXPECT_LE(got.answer.steps, steps);
      EXPECT_LE(got.answer.lower_bound, lambda + rounding);
      EXPECT_GE(got.answer.value, lambda - rounding);
      informative += std::isfinite(got.answer.lower_bound);
      if (seed <= 3) expect_true_to_its_vector(got, A, 1);
    }
    const auto loose = search<T>(this->ctx(), A, seed, {never, 0.2, 12});
    failures += loose.answer.lower_bound > lambda + rounding;
  }
  EXPECT_LE(failures, 40 + 29);
  EXPECT_GT(informative, 0);
}

TYPED_TEST(SmallestEigenvalues, StopsAsSoonAsTheThresholdIsDecided) {
  using T = typename TypeParam::Real;
  const int n = 80;
  const Dense A = test::with_spectrum(2, ramp(-1, 10, n));
  const real lambda = test::eigen(A).values[0];
  // Far above lambda: found at once. Close above: later. Below it by much: proved; by little: all.
  const auto far = search<T>(this->ctx(), A, 3, {0.5, 1e-6, 300});
  EXPECT_LT(far.answer.value, 0.5);
  EXPECT_LT(far.answer.steps, 12);
  const auto close = search<T>(this->ctx(), A, 3, {-0.9, 1e-6, 300});
  EXPECT_LT(close.answer.value, -0.9);
  EXPECT_GT(close.answer.steps, far.answer.steps);
  EXPECT_LT(close.answer.steps, n);
  const auto proved = search<T>(this->ctx(), A, 3, {-4, 1e-6, 300});
  EXPECT_GE(proved.answer.lower_bound, -4);
  EXPECT_LT(proved.answer.steps, 40);
  EXPECT_GE(proved.answer.lower_bound, -5);  // no step too many
  const auto all = search<T>(this->ctx(), A, 3, {static_cast<double>(lambda) - 1e-5, 1e-6, 300});
  EXPECT_TRUE(near(all.answer.value, lambda, 1e4 * std::numeric_limits<T>::epsilon()));
  const auto undecided = search<T>(this->ctx(), A, 3, {-4, 1e-6, 4});
  EXPECT_EQ(undecided.answer.steps, 4);
  EXPECT_EQ(undecided.answer.lower_bound, -HUGE_VAL);
  const auto surer = search<T>(this->ctx(), A, 3, {-4, 1e-12, 300});
  EXPECT_GT(surer.answer.steps, proved.answer.steps);
}

TYPED_TEST(SmallestEigenvalues, MultipleEigenvalues) {
  using T = typename TypeParam::Real;
  const real eps = std::numeric_limits<T>::epsilon();
  const auto one =
      search<T>(this->ctx(), test::diagonal(std::vector<double>(30, -2)), 5, {-1, 1e-6, 300});
  EXPECT_EQ(one.answer.steps, 1);
  EXPECT_TRUE(near(one.answer.value, -2, 100 * eps));
  const auto proved =
      search<T>(this->ctx(), test::diagonal(std::vector<double>(30, 2)), 5, {1, 1e-6, 300});
  EXPECT_EQ(proved.answer.steps, 1);  // the space is invariant
  EXPECT_TRUE(near(proved.answer.lower_bound, 2, 100 * eps));
  std::vector<double> values;
  for (int i = 0; i < 30; ++i) values.push_back(i % 3);
  const Dense A = test::diagonal(values);
  const auto three = search<T>(this->ctx(), A, 5, {-1e-3, 1e-6, 300});
  EXPECT_EQ(three.answer.steps, 3);
  EXPECT_TRUE(near(three.answer.value, 0, 1000 * eps));
  EXPECT_GE(three.answer.lower_bound, -1e-3);
  expect_true_to_its_vector(three, A, 2);
}

TYPED_TEST(SmallestEigenvalues, LateReadsOfTheStopFlagChangeNoBit) {
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  const Dense A = test::with_spectrum(2, ramp(-1, 10, 90));
  for (const double threshold : {0.0, -4.0, never}) {
    ctx.poll_lag = 0;
    const auto want = search<T>(ctx, A, 3, {threshold, 1e-6, 50});
    for (const int lag : {1, 4}) {
      ctx.poll_lag = lag;
      const auto got = search<T>(ctx, A, 3, {threshold, 1e-6, 50});
      EXPECT_EQ(got.v, want.v);
      EXPECT_EQ(got.answer.value, want.answer.value);
      EXPECT_EQ(got.answer.lower_bound, want.answer.lower_bound);
      EXPECT_EQ(got.answer.steps, want.answer.steps);
      EXPECT_EQ(got.answer.residual, want.answer.residual);
      EXPECT_EQ(got.host_waits, 1);
    }
  }
}

TYPED_TEST(SmallestEigenvalues, NanAndMisuse) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  Dense A = test::diagonal({1, 2, 3});
  for (const SmallestEigenvalueOptions& bad :
       {SmallestEigenvalueOptions{0, 0}, SmallestEigenvalueOptions{0, 1},
        SmallestEigenvalueOptions{0, std::nan("")}, SmallestEigenvalueOptions{0, 1e-6, 0}}) {
    EXPECT_THROW(search<T>(ctx, A, 1, bad), InvalidArgument);
  }
  const CountedMatrix<B, T> H(ctx, A);
  Buffer<T, B> two(ctx, 2);
  EXPECT_THROW((smallest_eigenvalue<B, T>(ctx, H, two.view(), Rng{})), InvalidArgument);
  A(1, 1) = std::nan("");
  EXPECT_TRUE(search<T>(ctx, A, 1, {}).answer.not_finite);
}

}  // namespace
}  // namespace randnla
