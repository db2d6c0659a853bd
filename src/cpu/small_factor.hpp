// What least squares needs of the triangular factor R of a matrix or of its sketch; on the host, in double.
#pragma once

#include <randnla/core/backend.hpp>

#include <optional>
#include <vector>

namespace randnla {

/// Relative to the largest singular value: what counts as zero, and the error that the values have. P is made with
/// roots of sigma^2 + noise^2: an iteration preconditioned by too large a P would diverge.
struct SingularCut {
  double zero, noise;
};

/// R (rows x cols, column-major) times D, D scaling the columns to lengths in [1, 2), powers of two: its
/// numerical rank, its condition, and solutions with it. Held as the triangle where R is square, and
/// well-conditioned enough that neither its inverse nor R'R loses much; as its singular value decomposition
/// otherwise, without the singular values that count as zero.
///
/// Vectors without a hat belong to R, those in a hat to R D: x = D x^. With P = D V (singular values)^-1, or
/// D (R D)^-1: R P has orthonormal columns, noise apart. Columns of zeros have D = 0 and no part in anything.
/// Cost          (rows cols min(rows, cols)) multiply-adds, times about 20 for singular values; one thread
/// Throws        BackendError where LAPACK does not converge
class SmallFactor {
 public:
  SmallFactor(std::vector<double> R, index_t rows, index_t cols, SingularCut cut);
  /// From H = R'R (cols x cols, both triangles); nothing where H is not positive definite. H that is not finite makes a
  /// factor that is not.
  static std::optional<SmallFactor> of_gram(const std::vector<double>& H, index_t cols,
                                            SingularCut cut);

  bool finite() const { return finite_; }
  index_t rank() const { return rank_; }
  index_t cols() const { return cols_; }
  double condition() const { return condition_; }      // of what is kept
  double norm() const { return norm_; }                // of R D, Frobenius
  double largest() const { return largest_; }          // singular value of R D
  const std::vector<double>& P() const { return P_; }  // cols x rank

  /// y (rank) with x = P y the minimiser of |R x - c|; c (rows).
  std::vector<double> whitened(const double* c) const;
  /// That x.
  std::vector<double> solve(const double* c) const;
  /// x with R'R x = w, for a triangle.
  std::vector<double> solve_normal(const double* w) const;
  /// The part of x (cols) in the row space, where some of it was cut: x has no part there that R tells
  /// anything of.
  void shorten(double* x) const;
  /// |D^-1 x|.
  double scaled_norm(const double* x) const;
  /// |P'g|.
  double whitened_norm(const double* g) const;
  /// Root of g'D ((R D)'(R D) + mu I)^-1 D g, what is cut included; mu > 0.
  double damped_norm(const double* g, double mu) const;

 private:
  std::vector<double> scaled(const double* g) const;
  std::vector<double> parts(const std::vector<double>& scaled_g) const;
  void keep_gram(const std::vector<double>& H);
  void scale_columns();
  void factor_triangle();
  void factor_by_singular_values(SingularCut cut);

  index_t rows_, cols_, rank_ = 0;
  bool finite_ = true;
  double condition_ = 0, norm_ = 0, largest_ = 0;
  std::vector<double> R_;       // R D
  std::vector<double> gram_;    // (R D)'(R D), where it was given
  std::vector<double> scales_;  // D
  std::vector<double> P_;
  std::vector<double> sigma_, U_, V_;  // all; rows x rank; cols x all; empty for a triangle
  std::vector<double> row_space_;      // cols x rank, orthonormal; empty where rank is cols
};

/// The triangle of R above root ridge times the identity in its first `cols` columns; R (size x size).
std::vector<double> with_ridge(std::vector<double> R, index_t size, index_t cols, double ridge);

}  // namespace randnla
