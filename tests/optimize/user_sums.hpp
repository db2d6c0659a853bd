// Objectives that a user might write: plain structs over host memory, for the CPU.
#pragma once

#include <randnla/objective/finite_sum.hpp>

#include <array>
#include <cmath>
#include <functional>
#include <limits>

namespace randnla::test {

template <int D>
using Point = std::array<double, D>;

/// A finite sum of `Term`, which has `dim`, `terms`, and value, gradient (added to g, times a
/// factor) and product (likewise) of its i-th function. The curvature of every term is 1.
template <class Term>
struct UserSum {
  static constexpr int d = Term::dim;
  Term term;

  index_t dim() const { return d; }
  index_t terms() const { return Term::terms; }
  HessianCosts hessian_costs() const { return {2.0 * d, d * (d + 1) / 2.0}; }

  void evaluate(Context<Cpu>&, VectorView<const double, Cpu> x, const Sample<Cpu, double>& sample,
                const Evaluation<Cpu, double>& out) const {
    const Point<d> at = point(x);
    Point<d> g{};
    double value = 0;
    for_rows(sample, [&](index_t k, index_t row) {
      const double weight =
          sample.weights != nullptr ? sample.weights[k] : 1 / static_cast<double>(sample.bound);
      value += weight * term.value(row, at);
      term.gradient(row, at, weight, g);
      if (out.curvature != nullptr) out.curvature[k] = 1;
    });
    if (out.value != nullptr) *out.value = value;
    for (int j = 0; j < d && out.gradient != nullptr; ++j) {
      out.gradient[j] = g[static_cast<std::size_t>(j)];
    }
  }
  void hessian_product(Context<Cpu>&, const HessianSample<Cpu, double>& H,
                       VectorView<const double, Cpu> v, VectorView<double, Cpu> out) const {
    const Point<d> result = product(H, point(v));
    for (int j = 0; j < d; ++j) out.data[j] = result[static_cast<std::size_t>(j)];
  }
  void hessian_matrix(Context<Cpu>&, const HessianSample<Cpu, double>& H,
                      MatrixView<double, Cpu> out) const {
    for (int j = 0; j < d; ++j) {
      Point<d> unit{};
      unit[static_cast<std::size_t>(j)] = 1;
      const Point<d> column = product(H, unit);
      for (int i = 0; i < d; ++i) out.col(j).data[i] = column[static_cast<std::size_t>(i)];
    }
  }
  void importance(Context<Cpu>&, VectorView<const double, Cpu>, VectorView<double, Cpu> out) const {
    for (index_t i = 0; i < out.size; ++i) out.data[i] = 1;
  }

 private:
  static Point<d> point(VectorView<const double, Cpu> x) {
    Point<d> at;
    for (int j = 0; j < d; ++j) at[static_cast<std::size_t>(j)] = x.data[j];
    return at;
  }
  Point<d> product(const HessianSample<Cpu, double>& H, const Point<d>& v) const {
    Point<d> out{};
    const Point<d> at = point(H.x);
    for_rows(H.sample,
             [&](index_t k, index_t row) { term.product(row, at, v, H.curvature[k], out); });
    return out;
  }
  template <class F>
  static void for_rows(const Sample<Cpu, double>& sample, F f) {
    const index_t count = sample.count != nullptr ? *sample.count : sample.bound;
    for (index_t k = 0; k < count; ++k) f(k, sample.rows != nullptr ? sample.rows[k] : k);
  }
};

/// The mean is x0^2/2 - x1^2/2 + x1^4/4 + x2^2: a saddle at 0 with Hessian diag(1, -1, 2), minima at
/// x1 = +-1 of value -1/4 with Hessian diag(1, 2, 2). The terms are tilted, to no effect in all.
struct SaddleTerm {
  static constexpr int dim = 3;
  static constexpr index_t terms = 4;
  static double tilt(index_t i) { return i % 2 == 0 ? 0.5 : -0.5; }
  double value(index_t i, const Point<3>& x) const {
    return x[0] * x[0] / 2 - x[1] * x[1] / 2 + std::pow(x[1], 4) / 4 + x[2] * x[2] + tilt(i) * x[1];
  }
  void gradient(index_t i, const Point<3>& x, double factor, Point<3>& g) const {
    g[0] += factor * x[0];
    g[1] += factor * (-x[1] + x[1] * x[1] * x[1] + tilt(i));
    g[2] += factor * 2 * x[2];
  }
  void product(index_t, const Point<3>& x, const Point<3>& v, double factor, Point<3>& out) const {
    out[0] += factor * v[0];
    out[1] += factor * (3 * x[1] * x[1] - 1) * v[1];
    out[2] += factor * 2 * v[2];
  }
};

/// Rosenbrock's function, its two squares being the terms; minimum 0 at (1, 1).
struct RosenbrockTerm {
  static constexpr int dim = 2;
  static constexpr index_t terms = 2;
  double value(index_t i, const Point<2>& x) const {
    const double r = x[1] - x[0] * x[0];
    return i == 0 ? 100 * r * r : (1 - x[0]) * (1 - x[0]);
  }
  void gradient(index_t i, const Point<2>& x, double factor, Point<2>& g) const {
    const double r = x[1] - x[0] * x[0];
    g[0] += factor * (i == 0 ? -400 * r * x[0] : -2 * (1 - x[0]));
    g[1] += factor * (i == 0 ? 200 * r : 0);
  }
  void product(index_t i, const Point<2>& x, const Point<2>& v, double factor,
               Point<2>& out) const {
    if (i == 1) {
      out[0] += factor * 2 * v[0];
      return;
    }
    const double r = x[1] - x[0] * x[0];
    out[0] += factor * ((800 * x[0] * x[0] - 400 * r) * v[0] - 400 * x[0] * v[1]);
    out[1] += factor * (-400 * x[0] * v[0] + 200 * v[1]);
  }
};

/// Half of 1 x0^2 + 4 x1^2 + 9 x2^2, in three terms times 3; minimum 0 at 0.
struct QuadraticTerm {
  static constexpr int dim = 3;
  static constexpr index_t terms = 3;
  static double curvature(index_t i) { return 3 * static_cast<double>((i + 1) * (i + 1)); }
  double value(index_t i, const Point<3>& x) const {
    const double v = x[static_cast<std::size_t>(i)];
    return curvature(i) * v * v / 2;
  }
  void gradient(index_t i, const Point<3>& x, double factor, Point<3>& g) const {
    g[static_cast<std::size_t>(i)] += factor * curvature(i) * x[static_cast<std::size_t>(i)];
  }
  void product(index_t i, const Point<3>&, const Point<3>& v, double factor, Point<3>& out) const {
    out[static_cast<std::size_t>(i)] += factor * curvature(i) * v[static_cast<std::size_t>(i)];
  }
};

/// |x - 1| that says its slope is 1 everywhere: from x = 1 every step is uphill.
struct LyingTerm {
  static constexpr int dim = 1;
  static constexpr index_t terms = 1;
  double value(index_t, const Point<1>& x) const { return std::abs(x[0] - 1); }
  void gradient(index_t, const Point<1>&, double factor, Point<1>& g) const { g[0] += factor; }
  void product(index_t, const Point<1>&, const Point<1>& v, double factor, Point<1>& out) const {
    out[0] += factor * v[0];
  }
};

/// x^2 whose parts can be made NaN.
struct BrokenTerm {
  static constexpr int dim = 1;
  static constexpr index_t terms = 1;
  double value_factor = 1, gradient_factor = 1, hessian_factor = 1;
  double cliff = -HUGE_VAL, abyss = 0;  // the value is `abyss` for x less than `cliff`
  double value(index_t, const Point<1>& x) const {
    return x[0] < cliff ? abyss : value_factor * x[0] * x[0];
  }
  void gradient(index_t, const Point<1>& x, double factor, Point<1>& g) const {
    g[0] += factor * gradient_factor * 2 * x[0];
  }
  void product(index_t, const Point<1>&, const Point<1>& v, double factor, Point<1>& out) const {
    out[0] += factor * hessian_factor * 2 * v[0];
  }
};

}  // namespace randnla::test
