// The optimisers on softmax regression against Newton's method in long double, which shares nothing
// with them but the data.
#include "objective/reference_softmax.hpp"
#include "optimize/runs.hpp"

#include <randnla/objective/softmax.hpp>

#include <gtest/gtest.h>

namespace randnla {
namespace {

using test::Dense;
using test::real;
using test::ReferenceSoftmax;
using test::Vector;

/// Solves A x = b by Gaussian elimination; A positive definite, so that no pivoting is needed.
Vector solve(Dense A, Vector b) {
  const std::size_t n = A.n;
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t i = k + 1; i < n; ++i) {
      const real factor = A(i, k) / A(k, k);
      for (std::size_t j = k; j < n; ++j) A(i, j) -= factor * A(k, j);
      b[i] -= factor * b[k];
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t j = k + 1; j < n; ++j) b[k] -= A(k, j) * b[j];
    b[k] /= A(k, k);
  }
  return b;
}

/// Halves a step that does not decrease the value; ends when the gradient is rounding.
Vector newton(const ReferenceSoftmax& f, Vector x) {
  for (int step = 0; step < 60; ++step) {
    const Vector g = f.gradient(x);
    if (test::norm2(g) < 1e-17L) break;
    Dense H(static_cast<index_t>(x.size()));
    for (std::size_t j = 0; j < x.size(); ++j) {
      Vector e(x.size(), 0);
      e[j] = 1;
      const Vector column = f.product_by_differences(x, e);
      for (std::size_t i = 0; i < x.size(); ++i) H(i, j) = column[i];
    }
    const Vector s = solve(H, g);
    Vector next = x;
    for (real length = 1; length > 1e-6L; length /= 2) {
      for (std::size_t i = 0; i < x.size(); ++i) next[i] = x[i] - length * s[i];
      if (f.value(next) <= f.value(x)) break;
    }
    x = next;
  }
  return x;
}

template <class Instance>
class SoftmaxConvergence : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(SoftmaxConvergence, test::DoubleInstances, test::InstanceName);

TYPED_TEST(SoftmaxConvergence, BothMethodsReachNewtonsPoint) {
  using B = typename TypeParam::Space;
  auto& ctx = this->ctx();
  const test::Problem p = test::class_problem(31, 60, 4, 3);
  const double l2 = 0.05;
  const ReferenceSoftmax reference(p, 3, {l2, 0});
  const Vector want = newton(reference, Vector(12, 0));
  ASSERT_LT(test::norm2(reference.gradient(want)), 1e-16L);
  for (const bool sparse : {false, true}) {
    const auto data = test::dataset<B, double>(ctx, p, sparse);
    const SoftmaxRegression<B, double> f(ctx, data, 3, {l2, 0});
    for (const Sampling sampling : {Sampling::full, Sampling::row_norm, Sampling::leverage}) {
      for (const test::Method method : test::methods) {
        SecondOrderOptions options;
        options.hessian = {.sampling = sampling, .fraction = 0.5};
        options.stopping.eps_g = 1e-7;
        options.stopping.max_iterations = 300;
        const auto run =
            test::minimize<double, B>(method, ctx, f, std::vector<double>(12, 0), options);
        SCOPED_TRACE(std::string(test::name(method)) + (sparse ? " sparse" : " dense") +
                     std::to_string(static_cast<int>(sampling)));
        EXPECT_EQ(run.result.stop, Stop::optimal);
        // Strongly convex with constant l2: |x - x*| <= |g| / l2; rounding of g on top.
        real error2 = 0;
        for (std::size_t i = 0; i < want.size(); ++i) {
          error2 += (run.x[i] - want[i]) * (run.x[i] - want[i]);
        }
        EXPECT_LE(std::sqrt(error2), (1e-7L + 1e-13L) / l2);
      }
    }
  }
}

}  // namespace
}  // namespace randnla
