// Least squares in long double: singular values by Householder QR and one-sided Jacobi rotations, and from
// them what a computed solution is worth. Independent of everything in the library.
#pragma once

#include "support/dense_reference.hpp"
#include "support/problems.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

namespace randnla::test {

using Columns = std::vector<Vector>;  // a matrix, by columns of the same length

constexpr std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

/// y += s x, from entry `first` on.
inline void add(real s, const Vector& x, Vector& y, std::size_t first = 0) {
  for (std::size_t i = first; i < x.size(); ++i) y[i] += s * x[i];
}

inline Columns transposed(const Columns& A, std::size_t rows) {
  Columns out(rows, Vector(A.size()));
  for (std::size_t j = 0; j < A.size(); ++j) {
    for (std::size_t i = 0; i < rows; ++i) out[i][j] = A[j][i];
  }
  return out;
}

/// Householder QR of a matrix with no fewer rows than columns.
class Householder {
 public:
  explicit Householder(Columns A) : R(std::move(A)) {
    for (std::size_t k = 0; k < R.size(); ++k) {
      Vector v = R[k];
      std::fill(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(k), real(0));
      const real length = norm2(v);
      v[k] += v[k] < 0 ? -length : length;
      const real scale = norm2(v);
      for (real& e : v) e = scale > 0 ? e / scale : 0;
      for (std::size_t j = k; j < R.size(); ++j) reflect(v, k, R[j]);
      reflectors_.push_back(std::move(v));
    }
  }
  /// Q y for the m entries of y.
  Vector Q(Vector y) const {
    for (std::size_t k = reflectors_.size(); k-- > 0;) reflect(reflectors_[k], k, y);
    return y;
  }
  Columns R;  // its upper triangle

 private:
  static void reflect(const Vector& v, std::size_t first, Vector& y) {
    real along = 0;
    for (std::size_t i = first; i < v.size(); ++i) along += v[i] * y[i];
    add(-2 * along, v, y, first);
  }
  Columns reflectors_;
};

/// A = U diag(sigma) V', sigma descending; columns of U are zero where sigma is.
struct Svd {
  Columns U, V;
  Vector sigma;
};

/// One-sided rotations until all columns are orthogonal to rounding.
inline Svd jacobi(Columns W) {
  const std::size_t n = W.size();
  Columns V(n, Vector(n, 0));
  for (std::size_t j = 0; j < n; ++j) V[j][j] = 1;
  const auto rotate = [](Vector& p, Vector& q, real c, real s) {
    for (std::size_t i = 0; i < p.size(); ++i) {
      const real a = p[i], b = q[i];
      p[i] = c * a - s * b, q[i] = s * a + c * b;
    }
  };
  bool turned = true;
  for (int sweep = 0; turned && sweep < 60; ++sweep) {
    turned = false;
    for (std::size_t p = 0; p + 1 < n; ++p) {
      for (std::size_t q = p + 1; q < n; ++q) {
        const real a = dot(W[p], W[p]), b = dot(W[q], W[q]), g = dot(W[p], W[q]);
        if (std::abs(g) <= 8 * std::numeric_limits<real>::epsilon() * std::sqrt(a * b)) continue;
        turned = true;
        const real theta = (b - a) / (2 * g);
        const real t = (theta < 0 ? -1 : 1) / (std::abs(theta) + std::hypot(real(1), theta));
        const real c = 1 / std::hypot(real(1), t);
        rotate(W[p], W[q], c, t * c), rotate(V[p], V[q], c, t * c);
      }
    }
  }
  Svd out;
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return norm2(W[a]) > norm2(W[b]); });
  for (const std::size_t k : order) {
    const real sigma = norm2(W[k]);
    for (real& e : W[k]) e = sigma > 0 ? e / sigma : 0;
    out.sigma.push_back(sigma), out.U.push_back(W[k]), out.V.push_back(V[k]);
  }
  return out;
}

inline Svd svd(const Columns& A, std::size_t rows) {
  if (rows < A.size()) {
    Svd out = svd(transposed(A, rows), A.size());
    std::swap(out.U, out.V);
    return out;
  }
  const Householder qr(A);
  Columns R(A.size(), Vector(A.size(), 0));
  for (std::size_t j = 0; j < A.size(); ++j) std::copy_n(qr.R[j].begin(), j + 1, R[j].begin());
  Svd out = jacobi(R);
  for (Vector& u : out.U) {
    u.resize(rows, 0);
    u = qr.Q(u);
  }
  return out;
}

/// What a computed x is worth. All but the first two are about the scaled problem.
struct Worth {
  real residual = 0, solution = 0;  // |b - A x| and |x|, in the problem's own units
  real extended = 0;                // the residual with the rows of a ridge
  real scaled_solution = 0;         // |x|
  real distance = 0;                // |A (x - x*)|, without the singular values beyond the rank
  real karlson_walden = 0,
       backward_error = 0;  // over |A|_F: an estimate, and the least |dA|_F itself
};

/// A problem with the columns of A scaled to lengths in [1, 2), and what belongs to any x.
class Exact {
 public:
  explicit Exact(const Problem& p, double ridge = 0)
      : rows_(at(p.rows)), A_(at(p.cols), Vector(at(p.rows))), scale_(at(p.cols), 1) {
    for (std::size_t j = 0; j < A_.size(); ++j) {
      for (std::size_t i = 0; i < rows_; ++i) A_[j][i] = p.values[i * A_.size() + j];
      if (ridge > 0) {
        A_[j].resize(rows_ + A_.size(), 0);
        A_[j][rows_ + j] = std::sqrt(static_cast<real>(ridge));
      }
      const real length = norm2(A_[j]);
      if (length > 0) scale_[j] = std::ldexp(real(1), -std::ilogb(length));
      for (real& e : A_[j]) e *= scale_[j];
    }
    svd_ = svd(A_, rows_ + (ridge > 0 ? A_.size() : 0));
  }

  const Vector& sigma() const { return svd_.sigma; }
  real norm() const { return sigma().empty() ? 0 : sigma()[0]; }
  real frobenius() const { return norm2(sigma()); }
  real condition(index_t rank) const { return rank > 0 ? norm() / sigma()[at(rank - 1)] : 1; }

  /// The shortest solution in the scaled norm, without the singular values beyond the rank; unscaled.
  Vector solution(const std::vector<double>& b, index_t rank) const {
    const Vector long_b = extended(b);
    Vector x(A_.size(), 0);
    for (std::size_t k = 0; k < at(rank); ++k) {
      add(dot(svd_.U[k], long_b) / sigma()[k], svd_.V[k], x);
    }
    for (std::size_t j = 0; j < x.size(); ++j) x[j] *= scale_[j];
    return x;
  }

  template <class V>
  Worth worth(const std::vector<V>& x, const std::vector<double>& b, index_t rank) const {
    Vector r = extended(b), scaled(x.begin(), x.end());
    Worth out;
    out.solution = norm2(scaled);
    for (std::size_t j = 0; j < scaled.size(); ++j) {
      scaled[j] /= scale_[j];
      add(-scaled[j], A_[j], r);
    }
    out.scaled_solution = norm2(scaled);
    out.extended = norm2(r);
    out.residual = norm2(Vector(r.begin(), r.begin() + static_cast<std::ptrdiff_t>(rows_)));
    Vector parts;
    for (const Vector& u : svd_.U) parts.push_back(dot(u, r));
    out.distance = norm2(Vector(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(rank)));
    if (frobenius() > 0) set_backward_errors(parts, norm2(extended(b)), out);
    return out;
  }

 private:
  Vector extended(const std::vector<double>& b) const {
    Vector out(b.begin(), b.end());
    out.resize(A_.empty() ? rows_ : A_[0].size(), 0);
    return out;
  }

  /// Walden, Karlson & Sun (1995) for the least |(dA, theta db)|_F with theta = |A|_F / |b|: it is phi = theta |r|
  /// / root(1 + theta^2 |x|^2) or, if that is less, the smallest singular value of [A, phi (I - r r^+)]. Its
  /// square is the least eigenvalue of diag(sigma^2 + phi^2) - phi^2 g g' with g the parts of r / |r| along U and
  /// what r has beyond U: the root of a secular equation, written here such that nothing cancels.
  void set_backward_errors(const Vector& parts, real length_of_b, Worth& out) const {
    const real length = out.extended;
    if (length == 0) return;
    const real phi = length / std::hypot(length_of_b / frobenius(), out.scaled_solution);
    const real phi2 = phi * phi;
    real sum = 0;  // |(A'A + phi^2)^(-1/2) A'r|^2
    for (std::size_t k = 0; k < parts.size(); ++k) {
      const real s = sigma()[k];
      if (s > 0) sum += s * parts[k] * (s * parts[k]) / (s * s + phi2);
    }
    out.karlson_walden = phi / length * std::sqrt(sum) / frobenius();
    if (sum == 0) return;
    const real beyond = std::max<real>(0, 1 - dot(parts, parts) / (length * length));
    const auto secular = [&](real lambda) {
      real total = -beyond * lambda / (phi2 - lambda);
      for (std::size_t k = 0; k < parts.size(); ++k) {
        const real s2 = sigma()[k] * sigma()[k], g = parts[k] / length;
        total += g * g * (s2 - lambda) / (s2 + phi2 - lambda);
      }
      return total;
    };
    real low = phi2 * std::numeric_limits<real>::epsilon() * std::numeric_limits<real>::epsilon();
    real high = phi2;
    low *= low;
    for (int step = 0; step < 120; ++step) {
      const real middle = std::sqrt(low * high);
      (secular(middle) > 0 ? low : high) = middle;
    }
    out.backward_error = std::sqrt(high) / frobenius();
  }

  std::size_t rows_;
  Columns A_;
  Vector scale_;
  Svd svd_;
};

}  // namespace randnla::test
