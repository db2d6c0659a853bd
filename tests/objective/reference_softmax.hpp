// Softmax regression in long double, straight from its definition.
#pragma once

#include "objective/reference_loss.hpp"
#include "support/problems.hpp"

#include <randnla/objective/regulariser.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace randnla::test {

/// Rows as in random_problem, with targets 0 .. classes - 1 at random.
inline Problem class_problem(std::uint64_t seed, index_t rows, index_t cols, index_t classes,
                             double zeros = 0) {
  Problem p = random_problem(seed, rows, cols, zeros);
  std::mt19937_64 bits(seed + 2);
  std::uniform_int_distribution<index_t> uniform(0, classes - 1);
  for (double& y : p.targets) y = static_cast<double>(uniform(bits));
  return p;
}

/// sum_k weights[k] f_rows[k](x) plus the regulariser.
struct ReferenceSoftmax {
  const Problem& p;
  index_t classes;
  Regulariser regulariser;
  std::vector<index_t> rows;
  std::vector<double> weights;

  ReferenceSoftmax(const Problem& problem, index_t K, Regulariser r)
      : p(problem), classes(K), regulariser(r) {
    for (index_t i = 0; i < p.rows; ++i) rows.push_back(i);
    weights.assign(rows.size(), 1.0 / static_cast<double>(p.rows));
  }
  ReferenceSoftmax(const Problem& problem, index_t K, Regulariser r, std::vector<index_t> some,
                   std::vector<double> w)
      : p(problem), classes(K), regulariser(r), rows(std::move(some)), weights(std::move(w)) {}

  std::vector<real> margins(index_t row, const std::vector<real>& x) const {
    std::vector<real> z(static_cast<std::size_t>(classes), 0);
    for (std::size_t c = 0; c < z.size(); ++c) {
      for (index_t j = 0; j < p.cols; ++j) {
        z[c] +=
            p.at(row, j) * x[c * static_cast<std::size_t>(p.cols) + static_cast<std::size_t>(j)];
      }
    }
    return z;
  }
  real term(index_t row, const std::vector<real>& x) const {
    const std::vector<real> z = margins(row, x);
    const real largest = *std::max_element(z.begin(), z.end());
    real sum = 0;
    for (const real v : z) sum += std::exp(v - largest);
    return std::log(sum) + (largest - z[target(row)]);
  }
  std::vector<real> probabilities(index_t row, const std::vector<real>& x) const {
    std::vector<real> z = margins(row, x);
    const real largest = *std::max_element(z.begin(), z.end());
    real sum = 0;
    for (real& v : z) sum += v = std::exp(v - largest);
    for (real& v : z) v /= sum;
    return z;
  }
  real value(const std::vector<real>& x) const {
    real sum = 0;
    for (std::size_t k = 0; k < rows.size(); ++k) sum += weights[k] * term(rows[k], x);
    for (const real v : x) {
      sum += regulariser.l2 / 2 * v * v + regulariser.nonconvex * (v * v / (1 + v * v));
    }
    return sum;
  }
  std::vector<real> gradient(const std::vector<real>& x) const {
    std::vector<real> g;
    for (const real v : x) {
      const real q = 1 / (1 + v * v);
      g.push_back(regulariser.l2 * v + regulariser.nonconvex * 2 * v * q * q);
    }
    for (std::size_t k = 0; k < rows.size(); ++k) {
      std::vector<real> slope = probabilities(rows[k], x);
      slope[target(rows[k])] -= 1;
      for (std::size_t e = 0; e < g.size(); ++e) {
        const auto cols = static_cast<std::size_t>(p.cols);
        g[e] += weights[k] * slope[e / cols] * p.at(rows[k], static_cast<index_t>(e % cols));
      }
    }
    return g;
  }
  /// By fourth-order differences of value().
  std::vector<real> gradient_by_differences(const std::vector<real>& x) const {
    std::vector<real> g;
    for (std::size_t j = 0; j < x.size(); ++j) {
      const auto along = [&](real t) {
        std::vector<real> moved = x;
        moved[j] = t;
        return value(moved);
      };
      g.push_back(central_difference(along, x[j], difference_step));
    }
    return g;
  }
  /// H v by fourth-order differences of gradient() along v.
  std::vector<real> product_by_differences(const std::vector<real>& x,
                                           const std::vector<real>& v) const {
    const real h = difference_step;
    std::vector<real> out(x.size(), 0);
    for (const auto& [step, factor] :
         {std::pair<real, real>{h, 8}, {-h, -8}, {2 * h, -1}, {-2 * h, 1}}) {
      std::vector<real> moved = x;
      for (std::size_t j = 0; j < x.size(); ++j) moved[j] += step * v[j];
      const std::vector<real> g = gradient(moved);
      for (std::size_t j = 0; j < x.size(); ++j) out[j] += factor * g[j] / (12 * h);
    }
    return out;
  }
  real row_norm2(index_t row) const {
    real sum = 0;
    for (index_t j = 0; j < p.cols; ++j) sum += static_cast<real>(p.at(row, j)) * p.at(row, j);
    return sum;
  }

 private:
  std::size_t target(index_t row) const {
    return static_cast<std::size_t>(p.targets[static_cast<std::size_t>(row)]);
  }
};

}  // namespace randnla::test
