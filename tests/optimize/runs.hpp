// What the tests of the optimisers share: runs by name of the method, and the Hessian of a linear
// model in long double.
#pragma once

#include "objective/reference_loss.hpp"
#include "support/dense_reference.hpp"
#include "support/problems.hpp"

#include <randnla/objective/linear_model.hpp>
#include <randnla/optimize/second_order.hpp>

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

}  // namespace randnla::test
