// Eigenvalues and eigenvectors of a small dense symmetric matrix; on the host.
#pragma once

#include <randnla/core/backend.hpp>

#include <vector>

namespace randnla {

/// The eigenvalues of A (n x n, column-major, both triangles, finite), ascending; A becomes its orthonormal
/// eigenvectors, by columns.
/// Cost          about 9 n^3 multiply-adds on one thread
/// Determinism   same bits for any number of threads
/// Throws        BackendError where LAPACK does not converge
std::vector<double> symmetric_eigen(std::vector<double>& A, index_t n);

}  // namespace randnla
