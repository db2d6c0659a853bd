#include "support/dense_reference.hpp"
#include "support/near.hpp"
#include "support/problems.hpp"

#include <randnla/krylov/lanczos.hpp>

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
class LanczosProcess : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(LanczosProcess, test::Instances, test::InstanceName);

/// The space in host memory; T without the columns that were kept.
struct Space {
  std::vector<Vector> Q;
  std::vector<double> alpha, beta;
  LanczosState state;
};

template <Backend B, Scalar T>
Space fetch_space(Context<B>& ctx, Lanczos<B, T>& space, int kept = 0) {
  Space out{{},
            test::fetch(ctx, space.alpha() + kept, space.queued() - kept),
            test::fetch(ctx, space.beta() + kept, space.queued() - kept),
            test::fetch(ctx, space.state(), 1)[0]};
  Buffer<T, B> column(ctx, space.dim());
  for (int j = 0; j < space.queued(); ++j) {
    std::vector<double> unit(static_cast<std::size_t>(space.queued()), 0.0);
    unit[static_cast<std::size_t>(j)] = 1;
    const auto u = place<T>(ctx, unit);
    space.combine(ctx, u.data(), column.view());
    out.Q.push_back(test::cast<real>(column.download()));
  }
  return out;
}

template <Scalar T, Backend B>
Space grow(Context<B>& ctx, const Dense& A, const std::vector<double>& start, int steps) {
  const CountedMatrix<B, T> H(ctx, A);
  Lanczos<B, T> space(ctx, H.dim(), steps);
  space.start(ctx, place<T>(ctx, start).view());
  const Counters before = ctx.counters;
  while (space.queued() < space.max_steps()) space.step(ctx, H);
  EXPECT_EQ(ctx.counters.host_waits, before.host_waits);
  if (std::is_same_v<B, Cuda>) {
    EXPECT_EQ(ctx.counters.launches - before.launches, 5 * space.max_steps())
        << "four a step beside the product's one";
  }
  EXPECT_EQ(H.products, space.max_steps());
  return fetch_space(ctx, space);
}

TYPED_TEST(LanczosProcess, TheThreeTermRelationHoldsAndTheBasisIsOrthonormal) {
  using T = typename TypeParam::Real;
  const real eps = std::numeric_limits<T>::epsilon();
  for (const int n : {1, 2, 33, 60}) {
    // One eigenvalue far off: without reorthogonalisation it is found again and again.
    auto values = ramp(-1, 1, n);
    values.back() = 100;
    const Dense A = test::with_spectrum(3, values);
    for (const int steps : {1, 5, 25, 60}) {
      const Space got = grow<T>(this->ctx(), A, test::normals(2, n), steps);
      const auto k = static_cast<std::size_t>(got.state.steps);
      ASSERT_EQ(got.state.steps, std::min(n, steps));
      EXPECT_EQ(got.state.invariant, steps >= n);
      EXPECT_EQ(got.state.done, steps >= n);
      EXPECT_TRUE(near(got.state.start_norm, norm2(test::cast<real>(test::normals(2, n))),
                       4 * eps * got.state.start_norm));
      real scale = 0;
      const real rounding = 10 * static_cast<real>(n + 10) * eps;
      for (std::size_t j = 0; j < k; ++j) {
        scale = std::max<real>(scale, std::abs(got.alpha[j]) + got.beta[j]);
        for (std::size_t i = 0; i <= j; ++i) {
          EXPECT_TRUE(near(dot(got.Q[i], got.Q[j]), i == j, rounding))
              << n << ": " << i << ", " << j;
        }
        Vector r = A.times(got.Q[j]);  // H q_j - T's column; what is left of the last is beta q_k
        for (std::size_t i = 0; i < r.size(); ++i) {
          r[i] -= got.alpha[j] * got.Q[j][i];
          if (j > 0) r[i] -= got.beta[j - 1] * got.Q[j - 1][i];
          if (j + 1 < k) r[i] -= got.beta[j] * got.Q[j + 1][i];
        }
        if (j + 1 < k) {
          EXPECT_LE(norm2(r), rounding * 100) << n << ": " << j;
        } else {
          EXPECT_TRUE(near(norm2(r), got.beta[j], rounding * 100));
          for (const Vector& q : got.Q) EXPECT_TRUE(near(dot(r, q), 0, rounding * 100));
        }
      }
      EXPECT_EQ(got.state.scale, static_cast<double>(scale));
    }
  }
}

TYPED_TEST(LanczosProcess, AllStepsFindEveryEigenvalueOnce) {
  using T = typename TypeParam::Real;
  auto values = ramp(-1, 1, 40);
  values.back() = 100;
  const Dense A = test::with_spectrum(4, values);
  const Space got = grow<T>(this->ctx(), A, test::normals(1, 40), 40);
  Dense tridiagonal(40);
  for (std::size_t i = 0; i < 40; ++i) {
    tridiagonal(i, i) = got.alpha[i];
    if (i + 1 < 40) tridiagonal(i, i + 1) = tridiagonal(i + 1, i) = got.beta[i];
  }
  const test::Eigen found = test::eigen(tridiagonal), want = test::eigen(A);
  const real rounding = 500 * std::numeric_limits<T>::epsilon() * 100;
  for (std::size_t i = 0; i < 40; ++i) {
    EXPECT_TRUE(near(found.values[i], want.values[i], rounding)) << i;
  }
}

TYPED_TEST(LanczosProcess, AnInvariantSpaceEndsIt) {
  using T = typename TypeParam::Real;
  // The start sees two eigenvalues of five only.
  const Dense A = test::diagonal({1, 1, 4, 4, 9});
  const Space got = grow<T>(this->ctx(), A, {1, 2, 0, 2, 0}, 5);
  EXPECT_EQ(got.state.steps, 2);
  EXPECT_EQ(got.state.invariant, 1);
  EXPECT_EQ(got.state.done, 1);
  EXPECT_EQ(got.state.not_finite, 0);
  EXPECT_TRUE(near(got.state.start_norm, 3, 1e-6L));
  EXPECT_LE(std::abs(got.beta[1]), 100 * std::numeric_limits<T>::epsilon());
  const Space none = grow<T>(this->ctx(), A, {0, 0, 0, 0, 0}, 3);
  EXPECT_EQ(none.state.steps, 0);
  EXPECT_EQ(none.state.invariant, 1);
  for (const Vector& q : none.Q) EXPECT_EQ(norm2(q), 0);
}

TYPED_TEST(LanczosProcess, NanEndsIt) {
  using T = typename TypeParam::Real;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Dense A = test::diagonal({1, 2, 3, 4});
  EXPECT_EQ(grow<T>(this->ctx(), A, {1, nan, 1, 1}, 2).state.not_finite, 1);
  A(2, 2) = nan;
  const Space got = grow<T>(this->ctx(), A, {1, 1, 1, 1}, 3);
  EXPECT_EQ(got.state.not_finite, 1);
  EXPECT_EQ(got.state.done, 1);
  EXPECT_EQ(got.state.steps, 1);
}

TYPED_TEST(LanczosProcess, MisuseThrows) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  const CountedMatrix<B, T> H(ctx, test::diagonal({1, 2, 3}));
  Lanczos<B, T> space(ctx, 3, 1);
  Buffer<T, B> two(ctx, std::vector<T>(2, T(1))), three(ctx, std::vector<T>(3, T(1)));
  EXPECT_THROW(space.start(ctx, two.view()), InvalidArgument);
  space.start(ctx, three.view());
  space.step(ctx, H);
  EXPECT_THROW(space.step(ctx, H), InvalidArgument);
  EXPECT_THROW(space.combine(ctx, three.data(), two.view()), InvalidArgument);
  EXPECT_THROW(space.start(ctx, three.view(), 2), InvalidArgument);
  EXPECT_THROW(space.start(ctx, three.view(), -1), InvalidArgument);
  EXPECT_THROW(space.go_back(1), InvalidArgument);
  EXPECT_THROW(space.go_back(-1), InvalidArgument);
}

TYPED_TEST(LanczosProcess, InTheComplementOfKeptColumns) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  const int n = 20;
  const CountedMatrix<B, T> H(ctx, test::diagonal(ramp(1, 20, n)));
  Lanczos<B, T> space(ctx, n, n);
  std::vector<double> unit(n, 0.0);
  for (const int kept : {19, 17}) {  // the eigenvectors of the two largest eigenvalues
    unit.assign(n, 0.0), unit[static_cast<std::size_t>(kept)] = 1;
    const auto column = place<T>(ctx, unit);
    ctx.copy(space.column(kept == 19 ? 0 : 1).data, column.data(), n * sizeof(T));
  }
  // A start that lies in them but for a small part.
  auto q = test::normals(2, n, 1e-3);
  q[19] = 5, q[17] = -3;
  space.start(ctx, place<T>(ctx, q).view(), 2);
  EXPECT_EQ(test::fetch(ctx, space.state(), 1)[0].steps, 2);
  while (space.queued() < n) space.step(ctx, H);
  EXPECT_EQ(H.products, n - 2);
  const Space got = fetch_space(ctx, space, 2);
  EXPECT_EQ(got.state.steps, n);
  EXPECT_EQ(got.state.invariant, 1);
  Dense tridiagonal(n - 2);
  for (std::size_t i = 0; i < n - 2; ++i) {
    tridiagonal(i, i) = got.alpha[i];
    if (i + 1 < n - 2) tridiagonal(i, i + 1) = tridiagonal(i + 1, i) = got.beta[i];
  }
  const real rounding = 500 * std::numeric_limits<T>::epsilon();
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = 0; i <= j; ++i) {
      EXPECT_TRUE(near(dot(got.Q[i], got.Q[j]), i == j, rounding)) << i << ", " << j;
    }
  }
  const test::Eigen found = test::eigen(tridiagonal);  // all the others, and only these
  for (std::size_t i = 0; i < n - 2; ++i) {
    EXPECT_TRUE(near(found.values[i], i < 17 ? i + 1 : 19, 20 * rounding)) << i;
  }
}

TYPED_TEST(LanczosProcess, GoesOnFromAnEarlierColumn) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  const CountedMatrix<B, T> H(ctx, test::with_spectrum(3, ramp(-1, 1, 12)));
  Lanczos<B, T> space(ctx, 12, 6);
  space.start(ctx, place<T>(ctx, test::normals(4, 12)).view());
  while (space.queued() < 6) space.step(ctx, H);
  const Space before = fetch_space(ctx, space);
  space.go_back(3);
  EXPECT_EQ(space.queued(), 3);
  while (space.queued() < 6) space.step(ctx, H);
  EXPECT_EQ(H.products, 9);
  const Space after = fetch_space(ctx, space);
  EXPECT_EQ(after.alpha, before.alpha);
  EXPECT_EQ(after.beta, before.beta);
  EXPECT_EQ(after.Q, before.Q);
}

}  // namespace
}  // namespace randnla
