// From a factor of a matrix to the matrix P whose products with its rows have their leverage scores as squared
// lengths: P = R^-T, or S^-1 V' where R = U S V' has no inverse. On the host, one thread, double; all matrices
// column-major.
#pragma once

#include <randnla/core/backend.hpp>

#include <vector>

namespace randnla {

/// An upper triangle R (d x d, zeros below) and its condition, an estimate of the 1-norm's.
struct Triangle {
  std::vector<double> R;
  double condition = 0;  // infinite: singular, or a Gram matrix without a factor
};

/// R'R = H by Cholesky, H d x d and near unit diagonal.
Triangle cholesky(std::vector<double> H, index_t d);
Triangle with_condition(std::vector<double> R, index_t d);

/// The part of R that counts.
struct Ranked {
  index_t rank = 0;
  double condition = 0;
  bool full = true;                // the rank is d, and R itself will do in place of these
  std::vector<double> left = {};   // U' (rank x d)
  std::vector<double> right = {};  // S^-1 V' (rank x d)
};

/// Singular values below `least` times the largest count as zero; where the condition is far from 1 / least, none
/// is computed. Costs 20 d^3 then.
Ranked reveal_rank(const Triangle& triangle, index_t d, double least);

/// R^-T, lower triangular.
std::vector<double> inverse_transposed(const Triangle& triangle, index_t d);

/// Turns k x r normal numbers, r <= k, into orthonormal columns times root(k / r): the squared length of a
/// vector's products with them is its own in the mean, with a variance of 2 (k - r) / (r (k + 2)) times its square.
void make_orthonormal(std::vector<double>& normals, index_t k, index_t r);

/// W'R^-T (r x d), W (d x r).
std::vector<double> project_inverse(const Triangle& triangle, index_t d, std::vector<double> W,
                                    index_t r);
/// W'P (r x d), W (k x r), P (k x d).
std::vector<double> project(const std::vector<double>& P, index_t k, index_t d,
                            const std::vector<double>& W, index_t r);

}  // namespace randnla
