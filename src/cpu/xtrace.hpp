// The small dense part of XTrace; on the host.
#pragma once

#include <randnla/core/backend.hpp>

#include <vector>

namespace randnla {

/// The estimates t_i of tr H, one for each of the r test vectors x_i. Of H X = Q R with Q'Q = I, all r x r and
/// column-major:
/// R     the triangle
/// W     Q'X
/// M     Q'HQ
///
/// t_i = tr(Q_i'H Q_i) + v'Hv with Q_i a basis of the range of H times the other vectors and v = x_i - Q_i Q_i'x_i.
/// Q_i Q_i' = Q (I - s s') Q', s the unit vector orthogonal to the other columns of R: column i of R^-T, normalised
/// (Epperly, Tropp & Webber, arXiv 2301.07825). Where R is singular, its zeros on the diagonal are replaced by what
/// rounding, of relative size `precision`, would leave: H X then has a lower rank than r, any s there is right.
std::vector<double> xtrace_estimates(const std::vector<double>& R, const std::vector<double>& W,
                                     const std::vector<double>& M, index_t r, double precision);

}  // namespace randnla
