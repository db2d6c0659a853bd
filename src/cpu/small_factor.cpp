#include "cpu/small_factor.hpp"

#include "cpu/serial_blas.hpp"

#include <randnla/core/error.hpp>

#include <lapacke.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace randnla {
namespace {

constexpr double triangle_condition = 1e6;  // its square, in R'R, is far from 1 / eps

std::size_t place(index_t i) { return static_cast<std::size_t>(i); }

void check_lapack(const char* routine, lapack_int status) {
  if (status != 0)
    throw BackendError(std::string("LAPACK ") + routine + " ended with status " +
                       std::to_string(status));
}

/// Of a scale, which is 0 for a column of zeros: what such a column has is not part of any solution.
double inverse(double scale) { return scale > 0 ? 1 / scale : 0; }

/// Without overflow; infinite or NaN where an entry is.
double length(const double* v, index_t n) {
  double largest = 0;
  for (index_t i = 0; i < n; ++i) {
    if (!std::isfinite(v[i])) return v[i];
    largest = std::max(largest, std::fabs(v[i]));
  }
  if (largest == 0) return 0;
  const int exponent = std::ilogb(largest);
  double sum = 0;
  for (index_t i = 0; i < n; ++i) {
    const double scaled = std::scalbn(v[i], -exponent);
    sum += scaled * scaled;
  }
  return std::scalbn(std::sqrt(sum), exponent);
}

/// The upper triangle of a positive definite matrix becomes R of R'R; whether it is one.
bool cholesky(std::vector<double>& H, index_t n) {
  const SerialBlas guard;
  const auto size = static_cast<lapack_int>(n);
  return n == 0 || LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'U', size, H.data(), size) == 0;
}

/// out = M v, or M'v for trans.
void multiply(CBLAS_TRANSPOSE trans, const std::vector<double>& M, index_t rows, index_t cols,
              const double* v, double* out) {
  const index_t results = trans == CblasNoTrans ? rows : cols;
  if (rows == 0 || cols == 0) {
    std::fill_n(out, results, 0.0);
    return;
  }
  cblas_dgemv(CblasColMajor, trans, static_cast<int>(rows), static_cast<int>(cols), 1, M.data(),
              static_cast<int>(rows), v, 1, 0, out, 1);
}

/// The largest singular value of an upper triangle, from below: a few per cent after eight steps of the power
/// method. The start has a part in every direction but for chance.
double largest_singular_value(const std::vector<double>& R, index_t n) {
  std::vector<double> v(place(n));
  for (index_t i = 0; i < n; ++i) v[place(i)] = 1 + 0.5 * std::sin(static_cast<double>(7 * i + 1));
  double sigma = 0;
  for (int step = 0; step < 8; ++step) {
    const double size = length(v.data(), n);
    for (double& entry : v) entry /= size;
    for (const auto trans : {CblasNoTrans, CblasTrans}) {
      cblas_dtrmv(CblasColMajor, CblasUpper, trans, CblasNonUnit, static_cast<int>(n), R.data(),
                  static_cast<int>(n), v.data(), 1);
      if (trans == CblasNoTrans) sigma = length(v.data(), n);
    }
  }
  return sigma;
}

}  // namespace

std::optional<SmallFactor> SmallFactor::of_gram(const std::vector<double>& H, index_t cols,
                                                SingularCut cut) {
  if (!std::ranges::all_of(H, [](double v) { return std::isfinite(v); }))
    return SmallFactor(H, cols, cols, cut);
  std::vector<double> R = H;
  if (!cholesky(R, cols)) return std::nullopt;
  for (index_t j = 0; j < cols; ++j) std::fill_n(R.begin() + j * cols + j + 1, cols - j - 1, 0.0);
  SmallFactor out(std::move(R), cols, cols, cut);
  if (out.sigma_.empty()) out.keep_gram(H);
  return out;
}

SmallFactor::SmallFactor(std::vector<double> R, index_t rows, index_t cols, SingularCut cut)
    : rows_(rows), cols_(cols), R_(std::move(R)) {
  const SerialBlas guard;
  scale_columns();
  if (!finite_ || rows == 0 || cols == 0) return;
  double reciprocal = 0;
  if (rows == cols) {
    const auto n = static_cast<lapack_int>(cols);
    check_lapack("dtrcon",
                 LAPACKE_dtrcon(LAPACK_COL_MAJOR, '1', 'U', 'N', n, R_.data(), n, &reciprocal));
  }
  if (reciprocal * triangle_condition >= 1) {
    factor_triangle();
  } else {
    factor_by_singular_values(cut);
  }
}

void SmallFactor::keep_gram(const std::vector<double>& H) {
  gram_ = H;
  for (index_t e = 0; e < cols_ * cols_; ++e)
    gram_[place(e)] *= scales_[place(e % cols_)] * scales_[place(e / cols_)];
}

void SmallFactor::scale_columns() {
  scales_.assign(place(cols_), 0.0);
  double squares = 0;
  for (index_t j = 0; j < cols_; ++j) {
    double* const column = R_.data() + j * rows_;
    const double size = length(column, rows_);
    finite_ = finite_ && std::isfinite(size);
    if (!(size > 0) || !finite_) continue;
    // The scale is itself to be a number with an inverse.
    const int exponent = std::clamp(std::ilogb(size), -1000, 1000);
    scales_[place(j)] = std::scalbn(1.0, -exponent);
    for (index_t i = 0; i < rows_; ++i) column[i] *= scales_[place(j)];
    squares += std::pow(size * scales_[place(j)], 2);
  }
  norm_ = std::sqrt(squares);
}

void SmallFactor::factor_triangle() {
  rank_ = cols_;
  P_ = R_;
  const auto n = static_cast<lapack_int>(cols_);
  check_lapack("dtrtri", LAPACKE_dtrtri(LAPACK_COL_MAJOR, 'U', 'N', n, P_.data(), n));
  largest_ = largest_singular_value(R_, cols_);
  condition_ = largest_ * largest_singular_value(P_, cols_);
  for (index_t j = 0; j < cols_; ++j) {
    for (index_t i = 0; i < cols_; ++i) P_[place(i + j * cols_)] *= scales_[place(i)];
  }
}

void SmallFactor::factor_by_singular_values(SingularCut cut) {
  const index_t least = std::min(rows_, cols_);
  std::vector<double> M = R_, Vt(place(least * cols_));
  sigma_.resize(place(least)), U_.resize(place(rows_ * least));
  const auto m = static_cast<lapack_int>(rows_), n = static_cast<lapack_int>(cols_);
  check_lapack("dgesdd", LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'S', m, n, M.data(), m, sigma_.data(),
                                        U_.data(), m, Vt.data(), static_cast<lapack_int>(least)));
  largest_ = sigma_.front();
  const double smallest = cut.zero * largest_, noise = cut.noise * largest_;
  rank_ = std::ranges::find_if(sigma_, [&](double s) { return !(s > smallest); }) - sigma_.begin();
  U_.resize(place(rows_ * rank_));
  condition_ = rank_ > 0 ? largest_ / sigma_[place(rank_ - 1)] : 1;
  V_.resize(place(cols_ * least)), P_.resize(place(cols_ * rank_));
  for (index_t c = 0; c < least; ++c) {
    for (index_t j = 0; j < cols_; ++j) V_[place(j + c * cols_)] = Vt[place(c + j * least)];
  }
  for (index_t e = 0; e < cols_ * rank_; ++e) {
    const double sigma = std::hypot(sigma_[place(e / cols_)], noise);
    P_[place(e)] = scales_[place(e % cols_)] * (V_[place(e)] / sigma);
  }
  if (rank_ == cols_ || rank_ == 0) return;
  row_space_.assign(V_.begin(), V_.begin() + cols_ * rank_);
  for (index_t e = 0; e < cols_ * rank_; ++e)
    row_space_[place(e)] *= inverse(scales_[place(e % cols_)]);
  std::vector<double> tau(place(rank_));
  const auto r = static_cast<lapack_int>(rank_);
  check_lapack("dgeqrf", LAPACKE_dgeqrf(LAPACK_COL_MAJOR, n, r, row_space_.data(), n, tau.data()));
  check_lapack("dorgqr",
               LAPACKE_dorgqr(LAPACK_COL_MAJOR, n, r, r, row_space_.data(), n, tau.data()));
  for (index_t e = 0; e < cols_ * rank_; ++e) {
    if (scales_[place(e % cols_)] == 0) row_space_[place(e)] = 0;  // and not its rounding
  }
}

std::vector<double> SmallFactor::whitened(const double* c) const {
  if (V_.empty()) return {c, c + rank_};
  std::vector<double> y(place(rank_));
  const SerialBlas guard;
  multiply(CblasTrans, U_, rows_, rank_, c, y.data());
  return y;
}

std::vector<double> SmallFactor::solve(const double* c) const {
  const SerialBlas guard;
  std::vector<double> x = whitened(c);
  if (V_.empty() && rank_ > 0) {  // not by its inverse, which is not backward stable
    const auto n = static_cast<int>(cols_);
    cblas_dtrsv(CblasColMajor, CblasUpper, CblasNoTrans, CblasNonUnit, n, R_.data(), n, x.data(),
                1);
    for (index_t j = 0; j < cols_; ++j) x[place(j)] *= scales_[place(j)];
    return x;
  }
  const std::vector<double> y = std::move(x);
  x.assign(place(cols_), 0.0);
  multiply(CblasNoTrans, P_, cols_, rank_, y.data(), x.data());
  shorten(x.data());
  return x;
}

std::vector<double> SmallFactor::solve_normal(const double* w) const {
  const SerialBlas guard;
  std::vector<double> x = scaled(w);
  if (cols_ == 0) return x;
  const auto n = static_cast<int>(cols_);
  for (const auto trans : {CblasTrans, CblasNoTrans}) {
    cblas_dtrsv(CblasColMajor, CblasUpper, trans, CblasNonUnit, n, R_.data(), n, x.data(), 1);
  }
  return scaled(x.data());
}

void SmallFactor::shorten(double* x) const {
  if (row_space_.empty()) return;
  const SerialBlas guard;
  std::vector<double> part(place(rank_));
  multiply(CblasTrans, row_space_, cols_, rank_, x, part.data());
  multiply(CblasNoTrans, row_space_, cols_, rank_, part.data(), x);
}

double SmallFactor::scaled_norm(const double* x) const {
  std::vector<double> scaled(x, x + cols_);
  for (index_t j = 0; j < cols_; ++j) scaled[place(j)] *= inverse(scales_[place(j)]);
  return length(scaled.data(), cols_);
}

std::vector<double> SmallFactor::scaled(const double* g) const {
  std::vector<double> out(g, g + cols_);
  for (index_t j = 0; j < cols_; ++j) out[place(j)] *= scales_[place(j)];
  return out;
}

/// V'D g.
std::vector<double> SmallFactor::parts(const std::vector<double>& scaled_g) const {
  std::vector<double> out(sigma_.size());
  multiply(CblasTrans, V_, cols_, static_cast<index_t>(sigma_.size()), scaled_g.data(), out.data());
  return out;
}

double SmallFactor::whitened_norm(const double* g) const {
  const SerialBlas guard;
  std::vector<double> y = scaled(g);
  if (V_.empty() && rank_ > 0) {
    const auto n = static_cast<int>(cols_);
    cblas_dtrsv(CblasColMajor, CblasUpper, CblasTrans, CblasNonUnit, n, R_.data(), n, y.data(), 1);
  } else {
    y = parts(y);
    for (index_t c = 0; c < rank_; ++c) y[place(c)] /= sigma_[place(c)];
  }
  return length(y.data(), rank_);
}

double SmallFactor::damped_norm(const double* g, double mu) const {
  const SerialBlas guard;
  std::vector<double> y = scaled(g);
  if (V_.empty() && rank_ > 0) {
    const auto n = static_cast<int>(cols_);
    std::vector<double> G = gram_;
    if (G.empty()) {
      G.resize(R_.size());
      cblas_dsyrk(CblasColMajor, CblasUpper, CblasTrans, n, n, 1, R_.data(), n, 0, G.data(), n);
    }
    for (index_t j = 0; j < cols_; ++j) G[place(j * (cols_ + 1))] += mu;
    check_lapack("dpotrf", cholesky(G, cols_) ? 0 : 1);
    cblas_dtrsv(CblasColMajor, CblasUpper, CblasTrans, CblasNonUnit, n, G.data(), n, y.data(), 1);
    return length(y.data(), cols_);
  }
  y = parts(y);
  for (std::size_t c = 0; c < y.size(); ++c) y[c] /= std::hypot(sigma_[c], std::sqrt(mu));
  return length(y.data(), static_cast<index_t>(y.size()));
}

std::vector<double> with_ridge(std::vector<double> R, index_t size, index_t cols, double ridge) {
  if (ridge == 0 || cols == 0) return R;
  const SerialBlas guard;
  std::vector<double> rows(place(cols * size), 0.0);
  for (index_t j = 0; j < cols; ++j) rows[place(j * (cols + 1))] = std::sqrt(ridge);
  const auto n = static_cast<lapack_int>(size), m = static_cast<lapack_int>(cols);
  const lapack_int block = std::min<lapack_int>(n, 32);
  std::vector<double> t(place(block) * place(size));
  check_lapack("dtpqrt", LAPACKE_dtpqrt(LAPACK_COL_MAJOR, m, n, m, block, R.data(), n, rows.data(),
                                        m, t.data(), block));
  return R;
}

}  // namespace randnla
