#include "cpu/symmetric_eigen.hpp"

#include "cpu/serial_blas.hpp"

#include <randnla/core/error.hpp>

#include <lapacke.h>

#include <string>

namespace randnla {

std::vector<double> symmetric_eigen(std::vector<double>& A, index_t n) {
  std::vector<double> lambda(static_cast<std::size_t>(n));
  const SerialBlas guard;
  const auto size = static_cast<lapack_int>(n);
  const lapack_int status =
      LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'U', size, A.data(), size, lambda.data());
  if (status != 0) {
    throw BackendError("LAPACK dsyevd of " + std::to_string(n) + " rows ended with status " +
                       std::to_string(status));
  }
  return lambda;
}

}  // namespace randnla
