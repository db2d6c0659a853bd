#include "cpu/xtrace.hpp"

#include "cpu/serial_blas.hpp"

#include <algorithm>
#include <cmath>

namespace randnla {
namespace {

/// R's singular values are at least of the size of rounding, as far as its diagonal tells.
void lift_diagonal(std::vector<double>& R, index_t r, double precision) {
  double largest = 0;
  for (const double entry : R) largest = std::max(largest, std::abs(entry));
  const double least = largest > 0 ? precision * largest : 1;
  for (index_t j = 0; j < r; ++j) {
    double& entry = R[static_cast<std::size_t>(j * (r + 1))];
    if (std::abs(entry) < least) entry = std::copysign(least, entry);
  }
}

/// Column i of R^-T, normalised. Its first i entries are zero.
std::vector<double> left_out(const std::vector<double>& R, index_t r, index_t i) {
  std::vector<double> s(static_cast<std::size_t>(r), 0.0);
  const int n = static_cast<int>(r);
  for (index_t k = i; k < r; ++k) {  // forward, scaled as it grows: R may be nearly singular
    const double* const column = R.data() + k * r;
    const double sum =
        k == i ? 1 : -cblas_ddot(static_cast<int>(k - i), column + i, 1, s.data() + i, 1);
    s[static_cast<std::size_t>(k)] = sum / column[k];
    const double size = std::abs(s[static_cast<std::size_t>(k)]);
    if (k == i || size > 1) cblas_dscal(static_cast<int>(k - i + 1), 1 / size, s.data() + i, 1);
  }
  cblas_dscal(n, 1 / cblas_dnrm2(n, s.data(), 1), s.data(), 1);
  return s;
}

/// x'My
double form(const std::vector<double>& M, const std::vector<double>& x,
            const std::vector<double>& y) {
  const int n = static_cast<int>(x.size());
  std::vector<double> My(x.size());
  cblas_dgemv(CblasColMajor, CblasNoTrans, n, n, 1, M.data(), n, y.data(), 1, 0, My.data(), 1);
  return cblas_ddot(n, x.data(), 1, My.data(), 1);
}

}  // namespace

std::vector<double> xtrace_estimates(const std::vector<double>& R, const std::vector<double>& W,
                                     const std::vector<double>& M, index_t r, double precision) {
  const SerialBlas guard;
  const int n = static_cast<int>(r);
  std::vector<double> lifted = R, estimates;
  lift_diagonal(lifted, r, precision);
  double trace = 0;
  for (index_t i = 0; i < r; ++i) trace += M[static_cast<std::size_t>(i * (r + 1))];
  for (index_t i = 0; i < r; ++i) {
    const std::vector<double> s = left_out(lifted, r, i);
    const double *const w = W.data() + i * r, *const Hx = R.data() + i * r;  // Q'x_i, Q'Hx_i
    std::vector<double> u(w, w + r);  // Q_i'x_i in Q's coordinates
    cblas_daxpy(n, -cblas_ddot(n, s.data(), 1, w, 1), s.data(), 1, u.data(), 1);
    const double outside =
        cblas_ddot(n, w, 1, Hx, 1) - 2 * cblas_ddot(n, u.data(), 1, Hx, 1) + form(M, u, u);
    estimates.push_back(trace - form(M, s, s) + outside);
  }
  return estimates;
}

}  // namespace randnla
