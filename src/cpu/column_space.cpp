#include "cpu/column_space.hpp"

#include "cpu/serial_blas.hpp"
#include "cpu/symmetric_eigen.hpp"

#include <randnla/core/error.hpp>

#include <lapacke.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace randnla {
namespace {

constexpr std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

void expect_done(lapack_int status, const char* routine, index_t rows, index_t cols) {
  if (status == 0) return;
  throw BackendError(std::string("LAPACK ") + routine + " of " + std::to_string(rows) + " x " +
                     std::to_string(cols) + " ended with status " + std::to_string(status));
}

/// Divides columns by their lengths, which it returns, and leaves zeros alone.
std::vector<double> normalise_columns(std::vector<double>& B, index_t rows, index_t d) {
  std::vector<double> lengths;
  for (index_t j = 0; j < d; ++j) {
    double* const column = B.data() + j * rows;
    const double length = cblas_dnrm2(static_cast<int>(rows), column, 1);  // does not overflow
    lengths.push_back(length > 0 ? length : 1);
    for (index_t i = 0; i < rows; ++i) column[i] /= lengths.back();
  }
  return lengths;
}

}  // namespace

ColumnBasis column_basis(std::vector<double> B, index_t rows, index_t d, double precision) {
  const SerialBlas guard;
  const std::vector<double> lengths = normalise_columns(B, rows, d);
  const index_t count = std::min(rows, d);
  std::vector<double> sigma(at(count)), left(1), right(at(count * d)), work(at(count));
  const auto m = static_cast<lapack_int>(rows), n = static_cast<lapack_int>(d);
  expect_done(
      LAPACKE_dgesvd(LAPACK_COL_MAJOR, 'N', 'S', m, n, B.data(), m, sigma.data(), left.data(), 1,
                     right.data(), static_cast<lapack_int>(count), work.data()),
      "dgesvd", rows, d);
  const double least = static_cast<double>(std::max(rows, d)) * precision * sigma[0];
  ColumnBasis out;
  while (out.rank < count && sigma[at(out.rank)] > least) ++out.rank;
  out.values.resize(at(d * out.rank));
  for (index_t c = 0; c < out.rank; ++c) {
    for (index_t j = 0; j < d; ++j) {
      out.values[at(j + c * d)] = right[at(c + j * count)] / sigma[at(c)] / lengths[at(j)];
    }
  }
  return out;
}

std::pair<double, double> relative_extremes(const std::vector<double>& C, index_t rows,
                                            std::vector<double> G, index_t r) {
  const SerialBlas guard;
  const auto n = static_cast<lapack_int>(r), m = static_cast<lapack_int>(rows);
  const std::vector<double> lambda = symmetric_eigen(G, r);
  for (index_t c = 0; c < r; ++c) {
    const double root = std::sqrt(lambda[at(c)]);
    for (index_t i = 0; i < r; ++i) G[at(i + c * r)] /= root;
  }
  std::vector<double> Q(at(rows * r)), sigma(at(std::min(rows, r))), work(at(std::min(rows, r)));
  cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, m, n, n, 1, C.data(), m, G.data(), n, 0,
              Q.data(), m);
  double none = 0;
  expect_done(LAPACKE_dgesvd(LAPACK_COL_MAJOR, 'N', 'N', m, n, Q.data(), m, sigma.data(), &none, 1,
                             &none, 1, work.data()),
              "dgesvd", rows, r);
  return {rows < r ? 0 : sigma.back(), sigma.front()};
}

}  // namespace randnla
