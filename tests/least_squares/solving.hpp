// least_squares called on problems of the host, and its bounds as its header states them.
#pragma once

#include "least_squares/reference.hpp"

#include <randnla/least_squares/least_squares.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace randnla::test {

inline constexpr LeastSquaresMethod all_methods[] = {LeastSquaresMethod::qr,
                                                     LeastSquaresMethod::normal,
                                                     LeastSquaresMethod::sketch_and_solve,
                                                     LeastSquaresMethod::sketch_and_precondition,
                                                     LeastSquaresMethod::iterative_sketching,
                                                     LeastSquaresMethod::fossils,
                                                     LeastSquaresMethod::iterative_hessian_sketch};

inline bool is_sketched(LeastSquaresMethod method) {
  return method != LeastSquaresMethod::qr && method != LeastSquaresMethod::normal;
}

/// The method's name as gtest takes it.
inline std::string method_label(const ::testing::TestParamInfo<LeastSquaresMethod>& info) {
  std::string out = name(info.param);
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

template <class T>
struct LeastSquaresSolution {
  LeastSquaresResult result;
  std::vector<T> x;  // by columns
};

/// B has right-hand sides one after the other; the memory of b and x has a gap between columns, and x is
/// filled with what must not be read. What is written to a gap fails the test.
template <Scalar T, Backend B, class V>
LeastSquaresSolution<T> solve_all(Context<B>& ctx, const Problem& A, const std::vector<V>& b,
                                  index_t sides, const LeastSquaresOptions& options,
                                  bool sparse = false) {
  constexpr index_t gap = 3;
  const Dataset<T, B> data = dataset<B, T>(ctx, A, sparse);
  const index_t ldb = A.rows + gap, ldx = A.cols + gap;
  std::vector<V> spaced(at(ldb * sides), std::numeric_limits<V>::quiet_NaN());
  for (index_t k = 0; k < sides; ++k) {
    std::copy_n(b.begin() + k * A.rows, A.rows, spaced.begin() + k * ldb);
  }
  const Buffer<T, B> b_buffer = place<T>(ctx, spaced);
  Buffer<T, B> x_buffer(ctx, std::vector<T>(at(ldx * sides), T(1e30)));
  LeastSquaresSolution<T> out;
  out.result =
      least_squares(ctx, data.view(), MatrixView<const T, B>{b_buffer.data(), A.rows, sides, ldb},
                    MatrixView<T, B>{x_buffer.data(), A.cols, sides, ldx}, options);
  const std::vector<T> x = x_buffer.download();
  for (index_t k = 0; k < sides; ++k) {
    for (index_t j = 0; j < ldx; ++j) {
      const T value = x[at(j + k * ldx)];
      if (j < A.cols) {
        out.x.push_back(value);
      } else {
        EXPECT_EQ(value, T(1e30)) << "between the columns of x";
      }
    }
  }
  return out;
}

template <Scalar T, Backend B>
LeastSquaresSolution<T> solve(Context<B>& ctx, const Problem& p, const LeastSquaresOptions& options,
                              bool sparse = false) {
  return solve_all<T>(ctx, p, p.targets, 1, options, sparse);
}

template <class T>
std::vector<T> column(const std::vector<T>& x, index_t rows, index_t k) {
  return {x.begin() + k * rows, x.begin() + (k + 1) * rows};
}

/// The reference's value of what the method's bound is about, and that bound.
struct BoundCheck {
  real value, bound;
};

/// What a forward stable method attains.
inline real forward_bound(const Exact& exact, const Worth& worth, index_t rank, real eps) {
  return 10 * eps *
         (exact.norm() * worth.scaled_solution +
          real(0.04) * exact.condition(rank) * worth.extended);
}

/// backward, forward or sketched as in the header, for this x and the rank that was found. That x is within
/// root 2 of the least residual means |A (x - x*)| <= |r| / root 2, but no method is asked to do better than
/// the forward stable ones.
inline BoundCheck bound_of(LeastSquaresMethod method, const Exact& exact, const Worth& worth,
                           index_t rank, real eps) {
  const real forward = forward_bound(exact, worth, rank, eps);
  switch (method) {
    case LeastSquaresMethod::qr:
      return {worth.backward_error, 100 * eps};
    case LeastSquaresMethod::fossils:
      return {worth.backward_error, 10 * eps};
    case LeastSquaresMethod::sketch_and_solve:
      return {worth.distance, std::max(worth.extended / std::sqrt(real(2)), forward)};
    default:
      return {worth.distance, forward};
  }
}

/// The library's numbers are estimates from a sketch (within a factor of about 1.5, by 4 rows a column), and
/// its columns may have lengths in another interval [t, 2 t) than the reference's. Of sketch_and_solve no x is
/// off by more than root 2 times its bound.
inline real slack(LeastSquaresMethod method) {
  return method == LeastSquaresMethod::sketch_and_solve ? 1.3L : 3;
}

}  // namespace randnla::test
