// Least-squares problems with prescribed properties, in double on the host: Problem::targets is b.
#pragma once

#include "least_squares/reference.hpp"

#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace randnla::test {

/// One of the battery. `rank` and `condition` are as built: of A with its columns scaled, within a small factor.
struct Case {
  std::string name;
  Problem problem;
  index_t rank = 0;
  double condition = 1;  // without what is zero up to rounding

  bool full_rank() const { return rank == problem.cols; }
  bool wide() const { return problem.rows < problem.cols; }
};

inline Vector normal_vector(std::mt19937_64& bits, std::size_t n) {
  std::normal_distribution<double> normal;
  Vector out(n);
  for (real& e : out) e = normal(bits);
  return out;
}

/// n orthonormal columns of length m: the span of normal ones whose first row is `first_row` times longer.
/// 1: all rows alike; 1e4: the first row has a leverage score of one but for 1e-6 or so.
inline Columns orthonormal(std::mt19937_64& bits, std::size_t m, std::size_t n, double first_row) {
  Columns G;
  for (std::size_t j = 0; j < n; ++j) {
    G.push_back(normal_vector(bits, m));
    G.back()[0] *= first_row;
  }
  const Householder qr(std::move(G));
  Columns out;
  for (std::size_t j = 0; j < n; ++j) {
    Vector e(m, 0);
    e[j] = 1;
    out.push_back(qr.Q(std::move(e)));
  }
  return out;
}

/// U diag(sigma) V' rounded to double.
inline Problem product(const Columns& U, const std::vector<double>& sigma, const Columns& V) {
  const std::size_t m = U[0].size(), n = V[0].size();
  Problem p{static_cast<index_t>(m), static_cast<index_t>(n), std::vector<double>(m * n), {}};
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      real sum = 0;
      for (std::size_t k = 0; k < sigma.size(); ++k) sum += U[k][i] * sigma[k] * V[k][j];
      p.values[i * n + j] = static_cast<double>(sum);
    }
  }
  return p;
}

/// n numbers falling geometrically from 1 to 1 / condition.
inline std::vector<double> geometric(std::size_t n, double condition) {
  std::vector<double> out;
  for (std::size_t k = 0; k < n; ++k) {
    const double t = n == 1 ? 0 : static_cast<double>(k) / static_cast<double>(n - 1);
    out.push_back(std::pow(condition, -t));
  }
  return out;
}

/// m x n of this condition, and of this rank: then n - rank columns depend on the others.
inline Problem matrix_of(std::uint64_t seed, index_t m, index_t n, double condition,
                         double first_row = 1, index_t rank = 0) {
  std::mt19937_64 bits(seed);
  const std::size_t k = at(rank > 0 ? rank : std::min(m, n));
  const Columns U = orthonormal(bits, at(m), k, first_row);
  return product(U, geometric(k, condition), orthonormal(bits, at(n), k, 1));
}

/// b = A x + a normal vector that is `noise` times as long, with normal x. Noise 0: consistent up to rounding.
inline void set_right_hand_side(std::uint64_t seed, double noise, Problem& p) {
  std::mt19937_64 bits(seed);
  const Vector x = normal_vector(bits, at(p.cols)), e = normal_vector(bits, at(p.rows));
  Vector b(at(p.rows), 0);
  for (std::size_t i = 0; i < b.size(); ++i) {
    for (std::size_t j = 0; j < x.size(); ++j) b[i] += p.values[i * x.size() + j] * x[j];
  }
  add(noise * norm2(b) / norm2(e), e, b);
  p.targets = cast<double>(b);
}

inline Problem with_right_hand_side(Problem p, double noise, std::uint64_t seed = 77) {
  set_right_hand_side(seed, noise, p);
  return p;
}

/// A to a times and b to b times its size.
inline Problem scaled(Problem p, double a, double b) {
  for (double& v : p.values) v *= a;
  for (double& v : p.targets) v *= b;
  return p;
}

/// change(i, j, value) for every entry.
template <class Change>
Problem changed(Problem p, Change change) {
  for (index_t i = 0; i < p.rows; ++i) {
    for (index_t j = 0; j < p.cols; ++j) {
      double& v = p.values[at(i * p.cols + j)];
      v = change(i, j, v);
    }
  }
  return p;
}

/// The same numbers as a T holds them.
template <class T>
Problem rounded(Problem p) {
  for (double& v : p.values) v = static_cast<double>(static_cast<T>(v));
  for (double& v : p.targets) v = static_cast<double>(static_cast<T>(v));
  return p;
}

}  // namespace randnla::test
