// The small dense parts of embedding_distortion; on the host.
#pragma once

#include <randnla/core/backend.hpp>

#include <utility>
#include <vector>

namespace randnla {

/// W (d x rank, column-major): for a matrix B (rows x d, column-major) of finite entries B W has orthonormal columns
/// that span those of B. `precision`: eps of the arithmetic that B comes from.
struct ColumnBasis {
  std::vector<double> values;
  index_t rank = 0;
};
ColumnBasis column_basis(std::vector<double> B, index_t rows, index_t d, double precision);

/// The least and largest singular value of C G^(-1/2), C (rows x r), G (r x r) positive definite; the least is 0
/// where rows < r.
std::pair<double, double> relative_extremes(const std::vector<double>& C, index_t rows,
                                            std::vector<double> G, index_t r);

}  // namespace randnla
