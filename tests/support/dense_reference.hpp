// Small dense symmetric matrices in long double: eigenvalues by Jacobi rotations, and what follows
// from them. Independent of everything in the library.
#pragma once

#include "support/backends.hpp"

#include <randnla/operator/linear_operator.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

namespace randnla::test {

using real = long double;
using Vector = std::vector<real>;

inline real dot(const Vector& a, const Vector& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), real(0));
}
inline real norm2(const Vector& a) { return std::sqrt(dot(a, a)); }

/// Column-major, symmetric.
struct Dense {
  explicit Dense(index_t dim) : n(static_cast<std::size_t>(dim)), entries(n * n, 0) {}
  real& operator()(std::size_t i, std::size_t j) { return entries[i + j * n]; }
  real operator()(std::size_t i, std::size_t j) const { return entries[i + j * n]; }
  Vector times(const Vector& x) const {
    Vector y(n, 0);
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t i = 0; i < n; ++i) y[i] += (*this)(i, j) * x[j];
    }
    return y;
  }
  std::size_t n;
  Vector entries;
};

struct Eigen {
  Vector values;  // ascending
  std::vector<Vector> vectors;
};

/// Cyclic Jacobi rotations until the off-diagonal part is rounding.
inline Eigen eigen(Dense A) {
  const std::size_t n = A.n;
  Dense V(static_cast<index_t>(n));
  for (std::size_t i = 0; i < n; ++i) V(i, i) = 1;
  for (int sweep = 0; sweep < 40; ++sweep) {
    real off = 0, all = 0;
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t i = 0; i < n; ++i) {
        all += A(i, j) * A(i, j), off += i == j ? 0 : A(i, j) * A(i, j);
      }
    }
    const real eps = std::numeric_limits<real>::epsilon();
    if (off <= eps * eps * all) break;
    for (std::size_t p = 0; p + 1 < n; ++p) {
      for (std::size_t q = p + 1; q < n; ++q) {
        if (A(p, q) == 0) continue;
        const real theta = (A(q, q) - A(p, p)) / (2 * A(p, q));
        const real t = (theta < 0 ? -1 : 1) / (std::abs(theta) + std::sqrt(1 + theta * theta));
        const real c = 1 / std::sqrt(1 + t * t), s = t * c;
        for (std::size_t k = 0; k < n; ++k) {
          const real a = A(k, p), b = A(k, q);
          A(k, p) = c * a - s * b, A(k, q) = s * a + c * b;
        }
        for (std::size_t k = 0; k < n; ++k) {
          const real a = A(p, k), b = A(q, k);
          A(p, k) = c * a - s * b, A(q, k) = s * a + c * b;
        }
        for (std::size_t k = 0; k < n; ++k) {
          const real a = V(k, p), b = V(k, q);
          V(k, p) = c * a - s * b, V(k, q) = s * a + c * b;
        }
      }
    }
  }
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return A(a, a) < A(b, b); });
  Eigen out;
  for (const std::size_t k : order) {
    out.values.push_back(A(k, k));
    Vector v(n);
    for (std::size_t i = 0; i < n; ++i) v[i] = V(i, k);
    out.vectors.push_back(std::move(v));
  }
  return out;
}

/// A symmetric matrix near one with the given eigenvalues and random eigenvectors; its entries are
/// rounded to float, so that every scalar type holds the same matrix.
inline Dense with_spectrum(std::uint64_t seed, const std::vector<double>& values) {
  const auto n = static_cast<index_t>(values.size());
  std::mt19937_64 bits(seed);
  std::normal_distribution<double> normal;
  std::vector<Vector> Q;
  while (Q.size() < values.size()) {
    Vector v;
    for (index_t i = 0; i < n; ++i) v.push_back(normal(bits));
    for (int pass = 0; pass < 2; ++pass) {
      for (const Vector& q : Q) {
        const real along = dot(q, v);
        for (std::size_t i = 0; i < v.size(); ++i) v[i] -= along * q[i];
      }
    }
    const real length = norm2(v);
    for (real& e : v) e /= length;
    Q.push_back(v);
  }
  Dense A(n);
  for (std::size_t j = 0; j < A.n; ++j) {
    for (std::size_t i = 0; i <= j; ++i) {
      real sum = 0;
      for (std::size_t k = 0; k < A.n; ++k) sum += values[k] * Q[k][i] * Q[k][j];
      A(i, j) = A(j, i) = static_cast<float>(sum);
    }
  }
  return A;
}

inline Dense diagonal(const std::vector<double>& values) {
  Dense A(static_cast<index_t>(values.size()));
  for (std::size_t i = 0; i < A.n; ++i) A(i, i) = values[i];
  return A;
}

/// n numbers from low to high, evenly spaced.
inline std::vector<double> ramp(double low, double high, int n) {
  std::vector<double> out;
  for (int i = 0; i < n; ++i) out.push_back(n == 1 ? low : low + (high - low) * i / (n - 1));
  return out;
}

/// min g's + s'Hs/2 + sigma/3 |s|^3, the value: the maximum over nu >= max(0, -lambda_1) of the
/// concave dual -sum (g_i^2 / (lambda_i + nu)) / 2 - nu^3 / (6 sigma^2), without a gap in the hard
/// case too.
inline real cubic_minimum(const Eigen& H, const Vector& g, real sigma) {
  Vector parts;
  for (const Vector& v : H.vectors) parts.push_back(dot(v, g) * dot(v, g));
  const auto slope = [&](real nu) {
    real sum = -nu * nu / (sigma * sigma);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (parts[i] > 0) sum += parts[i] / ((H.values[i] + nu) * (H.values[i] + nu));
    }
    return sum;
  };
  real low = std::max<real>(0, -H.values[0]), high = low + 1;
  while (slope(high) > 0) high *= 2;
  for (int step = 0; step < 300; ++step) {
    const real middle = (low + high) / 2;
    (slope(middle) > 0 ? low : high) = middle;
  }
  real value = -high * high * high / (6 * sigma * sigma);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] > 0) value -= parts[i] / (H.values[i] + high) / 2;
  }
  return value;
}

/// min g's + s'Hs/2 over |s| <= radius, the value, by the dual as in cubic_minimum(): the maximum
/// over lambda >= max(0, -lambda_1) of -sum (g_i^2 / (lambda_i + lambda)) / 2 - lambda radius^2/2.
inline real ball_minimum(const Eigen& H, const Vector& g, real radius) {
  Vector parts;
  for (const Vector& v : H.vectors) parts.push_back(dot(v, g) * dot(v, g));
  const auto slope = [&](real lambda) {
    real sum = -radius * radius;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (parts[i] > 0) sum += parts[i] / ((H.values[i] + lambda) * (H.values[i] + lambda));
    }
    return sum;
  };
  real low = std::max<real>(0, -H.values[0]), high = low + 1;
  while (slope(high) > 0) high *= 2;
  for (int step = 0; step < 300; ++step) {
    const real middle = (low + high) / 2;
    (slope(middle) > 0 ? low : high) = middle;
  }
  real value = -high * radius * radius / 2;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] > 0) value -= parts[i] / (H.values[i] + high) / 2;
  }
  return value;
}

inline real quadratic_model(const Dense& H, const Vector& g, const Vector& s) {
  return dot(g, s) + dot(s, H.times(s)) / 2;
}

/// The same matrix in backend memory, counting its products.
template <Backend B, Scalar T>
class CountedMatrix {
 public:
  CountedMatrix(Context<B>& ctx, const Dense& A)
      : n_(static_cast<index_t>(A.n)), entries_(place<T>(ctx, A.entries)) {}
  index_t dim() const { return n_; }
  void apply(Context<B>& ctx, VectorView<const T, B> x, VectorView<T, B> y) const {
    ++products;
    SymmetricMatrix<B, T>{{entries_.data(), n_, n_, n_}}.apply(ctx, x, y);
  }
  mutable int products = 0;

 private:
  index_t n_;
  Buffer<T, B> entries_;
};

/// A diagonal matrix that is not stored as a dense one, on the CPU.
struct DiagonalOperator {
  index_t dim() const { return static_cast<index_t>(values.size()); }
  void apply(Context<Cpu>&, VectorView<const double, Cpu> x, VectorView<double, Cpu> y) const {
    for (index_t i = 0; i < x.size; ++i) {
      y.data[i] = values[static_cast<std::size_t>(i)] * x.data[i];
    }
  }
  std::vector<double> values;
};

}  // namespace randnla::test
