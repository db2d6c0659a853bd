// Least squares by LAPACK in double, on problems whose columns and right-hand side are first scaled by powers
// of two, so that huge and tiny numbers are no concern of its own.
#pragma once

#include "least_squares/reference.hpp"

#include <gtest/gtest.h>
#include <lapacke.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace randnla::test {

/// A by columns and b, scaled to lengths in [1, 2), and back.
class LapackProblem {
 public:
  explicit LapackProblem(const Problem& p)
      : m(static_cast<lapack_int>(p.rows)), n(static_cast<lapack_int>(p.cols)), b(p.targets) {
    for (index_t j = 0; j < p.cols; ++j) {
      std::vector<double> column;
      for (index_t i = 0; i < p.rows; ++i) column.push_back(p.at(i, j));
      powers_.push_back(normalise(column));
      A.insert(A.end(), column.begin(), column.end());
    }
    power_of_b_ = normalise(b);
  }
  std::vector<double> unscaled(std::vector<double> x) const {
    for (std::size_t j = 0; j < x.size(); ++j) x[j] = std::ldexp(x[j], power_of_b_ - powers_[j]);
    return x;
  }
  lapack_int m, n;
  std::vector<double> A, b;

 private:
  static int normalise(std::vector<double>& v) {
    real length = 0;
    for (const double e : v) length = std::hypot(length, static_cast<real>(e));
    const int power = length > 0 ? std::ilogb(length) : 0;
    for (double& e : v) e = std::ldexp(e, -power);
    return power;
  }
  std::vector<int> powers_;
  int power_of_b_ = 0;
};

/// Householder QR, dgeqrf and dormqr. For m >= n and full rank.
inline std::vector<double> solve_by_qr(const Problem& p) {
  LapackProblem s(p);
  std::vector<double> tau(at(s.n));
  EXPECT_EQ(LAPACKE_dgeqrf(LAPACK_COL_MAJOR, s.m, s.n, s.A.data(), s.m, tau.data()), 0);
  EXPECT_EQ(LAPACKE_dormqr(LAPACK_COL_MAJOR, 'L', 'T', s.m, 1, s.n, s.A.data(), s.m, tau.data(),
                           s.b.data(), s.m),
            0);
  EXPECT_EQ(
      LAPACKE_dtrtrs(LAPACK_COL_MAJOR, 'U', 'N', 'N', s.n, 1, s.A.data(), s.m, s.b.data(), s.m), 0);
  return s.unscaled({s.b.begin(), s.b.begin() + s.n});
}

struct ShortestSolution {
  std::vector<double> x;
  index_t rank = 0;
};

/// dgelsd: singular values below 1e-13 of the largest count as zero.
inline ShortestSolution solve_by_svd(const Problem& p) {
  LapackProblem s(p);
  std::vector<double> sigma(at(std::min(s.m, s.n)));
  lapack_int rank = 0;
  s.b.resize(at(std::max(s.m, s.n)), 0);
  EXPECT_EQ(LAPACKE_dgelsd(LAPACK_COL_MAJOR, s.m, s.n, 1, s.A.data(), s.m, s.b.data(),
                           std::max(s.m, s.n), sigma.data(), 1e-13, &rank),
            0);
  return {s.unscaled({s.b.begin(), s.b.begin() + s.n}), rank};
}

}  // namespace randnla::test
