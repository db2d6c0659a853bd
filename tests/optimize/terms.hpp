// The terms of a linear model one by one, in long double: what the sampled gradients and Hessians,
// and the estimates of their errors, are made from.
#pragma once

#include "optimize/runs.hpp"

#include <cmath>
#include <vector>

namespace randnla::test {

/// Of (y - sigmoid(z))^2: twice the square of the sigmoid's slope.
inline real gauss_newton_curvature(SigmoidSquares, real z, real) {
  const Logistic a(z);
  return 2 * (a.value * a.complement) * (a.value * a.complement);
}
inline real gauss_newton_curvature(LogisticLoss, real z, real) {
  const Logistic a(z);
  return a.value * a.complement;
}

/// grad f_i = slope_i a_i and hess f_i = curvature_i a_i a_i', without the regulariser.
struct Terms {
  std::vector<Vector> row;
  Vector slope, curvature;

  std::size_t count() const { return row.size(); }
  real gradient_norm2(std::size_t i) const { return slope[i] * slope[i] * dot(row[i], row[i]); }
  /// Frobenius and spectral norm of the Hessian, which has rank one.
  real hessian_norm(std::size_t i) const { return std::abs(curvature[i]) * dot(row[i], row[i]); }
  void add_gradient(std::size_t i, real factor, Vector& g) const {
    for (std::size_t j = 0; j < g.size(); ++j) g[j] += factor * slope[i] * row[i][j];
  }
  void add_hessian(std::size_t i, real factor, Dense& H) const {
    for (std::size_t j = 0; j < H.n; ++j) {
      for (std::size_t k = 0; k < H.n; ++k) {
        H(k, j) += factor * curvature[i] * row[i][k] * row[i][j];
      }
    }
  }
  Vector mean_gradient() const {
    Vector g(row[0].size(), 0);
    for (std::size_t i = 0; i < count(); ++i) add_gradient(i, 1 / static_cast<real>(count()), g);
    return g;
  }
  Dense mean_hessian() const {
    Dense H(static_cast<index_t>(row[0].size()));
    for (std::size_t i = 0; i < count(); ++i) add_hessian(i, 1 / static_cast<real>(count()), H);
    return H;
  }
};

template <class Loss>
Terms terms_at(Loss loss, const Problem& p, const std::vector<double>& point,
               Curvature kind = Curvature::hessian) {
  const Vector x = cast<real>(point);
  Terms terms;
  for (index_t i = 0; i < p.rows; ++i) {
    Vector a;
    for (index_t j = 0; j < p.cols; ++j) a.push_back(p.at(i, j));
    const real z = dot(a, x), y = p.targets[static_cast<std::size_t>(i)];
    terms.slope.push_back(loss_slope(loss, z, y));
    terms.curvature.push_back(
        kind == Curvature::gauss_newton
            ? gauss_newton_curvature(loss, z, y)
            : central_difference([&](real at) { return loss_slope(loss, at, y); }, z,
                                 difference_step));
    terms.row.push_back(std::move(a));
  }
  return terms;
}

/// (H + shift I)^-1 g
inline Vector solve(const Eigen& H, const Vector& g, real shift = 0) {
  Vector x(g.size(), 0);
  for (std::size_t k = 0; k < g.size(); ++k) {
    const real along = dot(H.vectors[k], g) / (H.values[k] + shift);
    for (std::size_t j = 0; j < g.size(); ++j) x[j] += along * H.vectors[k][j];
  }
  return x;
}

inline real frobenius2(const Dense& A) { return dot(A.entries, A.entries); }

inline real spectral_norm(const Dense& A) {
  const Eigen e = eigen(A);
  return std::max(std::abs(e.values.front()), std::abs(e.values.back()));
}

}  // namespace randnla::test
