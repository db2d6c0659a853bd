// What the tests of the optimisers share: runs by name of the method, and the Hessian of a linear
// model in long double.
#pragma once

#include "objective/reference_loss.hpp"
#include "support/dense_reference.hpp"
#include "support/near.hpp"
#include "support/problems.hpp"

#include <randnla/objective/linear_model.hpp>
#include <randnla/optimize/second_order.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace randnla::test {

enum class Method { trust_region, cubic };
inline constexpr Method methods[] = {Method::trust_region, Method::cubic};
inline const char* name(Method m) { return m == Method::cubic ? "cubic_newton" : "trust_region"; }

template <class T>
struct Run {
  OptimizationResult result;
  std::vector<T> x;
  Counters counters;  // of the context, for the call
};

template <Scalar T, Backend B>
Run<T> minimize(Method method, Context<B>& ctx, FiniteSumRef<B, T> f,
                const std::vector<double>& start, const SecondOrderOptions& options) {
  auto x = place<T>(ctx, start);
  const Counters before = ctx.counters;
  Run<T> run{method == Method::cubic ? cubic_newton<B, T>(ctx, f, x.view(), options)
                                     : trust_region<B, T>(ctx, f, x.view(), options),
             {},
             {}};
  run.counters = {ctx.counters.host_waits - before.host_waits,
                  ctx.counters.flag_polls - before.flag_polls};
  run.x = x.download();
  return run;
}

/// Value, gradient norm and Hessian of mean Loss(a_i'x, y_i) + l2/2 |x|^2.
struct ExactPoint {
  real value = 0, gradient_norm = 0;
  Vector gradient;
  Dense hessian{0};
};

template <class Loss, class T>
ExactPoint exact(Loss loss, const Problem& p, double l2, const std::vector<T>& point) {
  const Vector x = cast<real>(point);
  ExactPoint out{0, 0, Vector(x.size(), 0), Dense(p.cols)};
  for (index_t i = 0; i < p.rows; ++i) {
    real z = 0;
    for (std::size_t j = 0; j < x.size(); ++j) z += p.at(i, static_cast<index_t>(j)) * x[j];
    const real y = p.targets[static_cast<std::size_t>(i)], n = static_cast<real>(p.rows);
    const real slope = loss_slope(loss, z, y) / n;
    const real curvature =
        central_difference([&](real at) { return loss_slope(loss, at, y); }, z, difference_step) /
        n;
    out.value += loss_value(loss, z, y) / n;
    std::vector<std::size_t> entries;
    for (std::size_t j = 0; j < x.size(); ++j) {
      if (p.at(i, static_cast<index_t>(j)) != 0) entries.push_back(j);
    }
    for (const std::size_t j : entries) {
      const real a = p.at(i, static_cast<index_t>(j));
      out.gradient[j] += slope * a;
      for (const std::size_t k : entries) {
        out.hessian(k, j) += curvature * a * p.at(i, static_cast<index_t>(k));
      }
    }
  }
  for (std::size_t j = 0; j < x.size(); ++j) {
    out.value += l2 / 2 * x[j] * x[j];
    out.gradient[j] += l2 * x[j];
    out.hessian(j, j) += l2;
  }
  out.gradient_norm = norm2(out.gradient);
  return out;
}

/// The certificate's claims against eigenvalues in long double, and its flags against its numbers.
template <class Loss, class T>
void expect_true_certificate(Loss loss, const Problem& p, double l2, const Run<T>& run,
                             const StoppingOptions& asked) {
  const ExactPoint at = exact(loss, p, l2, run.x);
  const Eigen e = eigen(at.hessian);
  const Certificate& c = run.result.certificate;
  // Sums of p.rows terms; sizes near 1, and the spectral radius for the eigenvalues.
  const real rounding = 10 * static_cast<real>(p.rows + 50) * std::numeric_limits<T>::epsilon();
  const real radius = std::max(std::abs(e.values[0]), std::abs(e.values.back()));
  EXPECT_TRUE(near(c.gradient_norm, at.gradient_norm, rounding));
  EXPECT_TRUE(near(run.result.loss, at.value, rounding));
  EXPECT_GE(c.lambda_min, e.values[0] - rounding * radius);
  EXPECT_LE(c.lambda_min_bound, e.values[0] + rounding * radius);
  EXPECT_LE(c.lambda_min_bound, c.lambda_min);
  EXPECT_EQ(c.eps_g_met, c.gradient_norm <= asked.eps_g);
  EXPECT_EQ(c.eps_h_met, c.lambda_min_bound >= -asked.eps_h);
  EXPECT_EQ(c.failure_probability, asked.failure_probability);
  EXPECT_GE(c.lanczos_steps, 1);
}

}  // namespace randnla::test
