// A Krylov space's projected matrix and its eigenpairs; on the host.
#pragma once

#include "cpu/symmetric_eigen.hpp"
#include "krylov/coefficients.hpp"

#include <randnla/spectra/eigenpairs.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace randnla {

/// What a value is ranked by; the largest is the best.
inline double rank_key(SpectrumEnd end, double value) {
  if (end == SpectrumEnd::magnitude) return std::abs(value);
  return end == SpectrumEnd::largest ? value : -value;
}

/// The Ritz vectors that a restart has kept: their values, and their entries in the row of the next column.
struct KeptRitz {
  std::vector<double> values, coupling;

  int size() const { return static_cast<int>(values.size()); }
};

/// Eigenpairs of the matrix projected on a space, by rank.
struct Ritz {
  std::vector<double> values, residuals;
  std::vector<std::vector<double>> vectors;  // coordinates in the space
  std::vector<double> last;                  // their last coordinates times the last beta

  int size() const { return static_cast<int>(values.size()); }
  double largest() const { return *std::ranges::max_element(values); }
  double smallest() const { return *std::ranges::min_element(values); }
  double norm() const { return std::max(std::abs(largest()), std::abs(smallest())); }
};

/// T's columns after those kept, whose rows and columns of the projected matrix are an arrow.
inline std::vector<double> projected_matrix(const KeptRitz& kept, const Coefficients& T) {
  const auto p = kept.values.size(), n = p + T.alpha.size();
  std::vector<double> M(n * n, 0.0);
  for (std::size_t i = 0; i < p; ++i) {
    M[i + i * n] = kept.values[i];
    if (p < n) M[p + i * n] = M[i + p * n] = kept.coupling[i];
  }
  for (std::size_t j = p; j < n; ++j) {
    M[j + j * n] = T.alpha[j - p];
    if (j + 1 < n) M[j + 1 + j * n] = M[j + (j + 1) * n] = T.beta[j - p];
  }
  return M;
}

/// T not empty.
inline Ritz ritz_pairs(const KeptRitz& kept, const Coefficients& T, SpectrumEnd end) {
  std::vector<double> M = projected_matrix(kept, T);
  const std::size_t n = kept.values.size() + T.alpha.size();
  const std::vector<double> lambda = symmetric_eigen(M, static_cast<index_t>(n));
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    return rank_key(end, lambda[a]) > rank_key(end, lambda[b]);
  });
  Ritz out;
  const double beta = T.invariant ? 0 : T.beta.back();
  for (const std::size_t k : order) {
    const auto column = M.begin() + static_cast<std::ptrdiff_t>(k * n);
    out.values.push_back(lambda[k]);
    out.vectors.emplace_back(column, column + static_cast<std::ptrdiff_t>(n));
    out.last.push_back(beta * out.vectors.back().back());
    out.residuals.push_back(std::abs(out.last.back()));
  }
  return out;
}

}  // namespace randnla
