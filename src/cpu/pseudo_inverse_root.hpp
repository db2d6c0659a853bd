// A square root of the pseudo-inverse of a Gram matrix, by its eigenvectors; on the host.
#pragma once

#include <randnla/core/backend.hpp>

#include <vector>

namespace randnla {

/// P (rank x d, column-major) with P'P = H^+ in the sense below.
struct PseudoInverseRoot {
  std::vector<double> values;
  index_t rank = 0;
  bool finite = true;  // false: H is not, and P is empty
};

/// H          d x d, column-major, symmetric positive semidefinite up to rounding
/// precision  eps of the arithmetic that H was summed in
///
/// H is first scaled to unit diagonal, so that the units of its columns, however far apart, do not
/// decide its rank: eigenvalues of the scaled matrix below d eps times the largest count as zero.
/// For H = B'B and any row b of B, |P b|^2 is its leverage score b'H^+ b, whatever the scaling: the
/// score depends on the columns' span alone.
/// Cost          about 9 d^3 multiply-adds on one thread
/// Determinism   same bits for any number of threads
/// Throws        BackendError where LAPACK does not converge
PseudoInverseRoot pseudo_inverse_root(std::vector<double> H, index_t d, double precision);

}  // namespace randnla
