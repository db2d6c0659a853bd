#include "cpu/score_root.hpp"

#include "cpu/serial_blas.hpp"

#include <randnla/core/error.hpp>

#include <lapacke.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace randnla {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// How much larger than the ratio of extreme singular values the estimated condition may be, and some more:
/// below 1 / (so much times `least`) the rank is full without a doubt.
constexpr double doubt = 100;

std::size_t size(index_t n) { return static_cast<std::size_t>(n); }
lapack_int whole(index_t n) { return static_cast<lapack_int>(n); }

void check(lapack_int status, const char* routine, index_t d) {
  if (status == 0) return;
  throw BackendError(std::string("LAPACK ") + routine + " of " + std::to_string(d) +
                     " columns ended with status " + std::to_string(status));
}

void clear_below_diagonal(std::vector<double>& R, index_t d) {
  for (index_t j = 0; j < d; ++j) {
    std::fill(R.begin() + j * d + j + 1, R.begin() + (j + 1) * d, 0.0);
  }
}

}  // namespace

Triangle with_condition(std::vector<double> R, index_t d) {
  const SerialBlas guard;
  double reciprocal = 1;
  if (d > 0) {
    check(
        LAPACKE_dtrcon(LAPACK_COL_MAJOR, '1', 'U', 'N', whole(d), R.data(), whole(d), &reciprocal),
        "dtrcon", d);
  }
  return {std::move(R), reciprocal > 0 ? 1 / reciprocal : infinity};
}

Triangle cholesky(std::vector<double> H, index_t d) {
  const SerialBlas guard;
  const bool finite = std::ranges::all_of(H, [](double v) { return std::isfinite(v); });
  if (!finite ||
      (d > 0 && LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'U', whole(d), H.data(), whole(d)) != 0)) {
    return {{}, infinity};
  }
  clear_below_diagonal(H, d);
  return with_condition(std::move(H), d);
}

Ranked reveal_rank(const Triangle& triangle, index_t d, double least) {
  if (triangle.condition * least * doubt < 1) return {d, triangle.condition};
  const SerialBlas guard;
  std::vector<double> R = triangle.R, sigma(size(d)), U(size(d * d)), Vt(size(d * d));
  check(LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'A', whole(d), whole(d), R.data(), whole(d), sigma.data(),
                       U.data(), whole(d), Vt.data(), whole(d)),
        "dgesdd", d);
  Ranked out{.full = false};
  while (out.rank < d && sigma[size(out.rank)] > least * sigma[0]) ++out.rank;
  const index_t rank = out.rank;
  out.condition = rank > 0 ? sigma[0] / sigma[size(rank - 1)] : 1;
  out.left.resize(size(rank * d)), out.right.resize(size(rank * d));
  for (index_t j = 0; j < d; ++j) {
    for (index_t c = 0; c < rank; ++c) {
      out.left[size(c + j * rank)] = U[size(j + c * d)];
      out.right[size(c + j * rank)] = Vt[size(c + j * d)] / sigma[size(c)];
    }
  }
  return out;
}

std::vector<double> inverse_transposed(const Triangle& triangle, index_t d) {
  const SerialBlas guard;
  std::vector<double> inverse = triangle.R, P(size(d * d), 0.0);
  if (d > 0) {
    check(LAPACKE_dtrtri(LAPACK_COL_MAJOR, 'U', 'N', whole(d), inverse.data(), whole(d)), "dtrtri",
          d);
  }
  for (index_t j = 0; j < d; ++j) {
    for (index_t i = 0; i <= j; ++i) P[size(j + i * d)] = inverse[size(i + j * d)];
  }
  return P;
}

void make_orthonormal(std::vector<double>& normals, index_t k, index_t r) {
  const SerialBlas guard;
  std::vector<double> tau(size(r));
  check(LAPACKE_dgeqrf(LAPACK_COL_MAJOR, whole(k), whole(r), normals.data(), whole(k), tau.data()),
        "dgeqrf", r);
  check(LAPACKE_dorgqr(LAPACK_COL_MAJOR, whole(k), whole(r), whole(r), normals.data(), whole(k),
                       tau.data()),
        "dorgqr", r);
  const double factor = std::sqrt(static_cast<double>(k) / static_cast<double>(r));
  for (double& v : normals) v *= factor;
}

std::vector<double> project_inverse(const Triangle& triangle, index_t d, std::vector<double> W,
                                    index_t r) {
  const SerialBlas guard;
  cblas_dtrsm(CblasColMajor, CblasLeft, CblasUpper, CblasNoTrans, CblasNonUnit, whole(d), whole(r),
              1, triangle.R.data(), whole(d), W.data(), whole(d));
  std::vector<double> out(W.size());
  for (index_t c = 0; c < r; ++c) {
    for (index_t j = 0; j < d; ++j) out[size(c + j * r)] = W[size(j + c * d)];
  }
  return out;
}

std::vector<double> project(const std::vector<double>& P, index_t k, index_t d,
                            const std::vector<double>& W, index_t r) {
  const SerialBlas guard;
  std::vector<double> out(size(r * d));
  cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, whole(r), whole(d), whole(k), 1, W.data(),
              whole(k), P.data(), whole(k), 0, out.data(), whole(r));
  return out;
}

}  // namespace randnla
