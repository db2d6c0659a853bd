// The right-hand sides of a least-squares problem: a file, the labels of the matrix's data or one of its columns.
#pragma once

#include "data_file.hpp"
#include "options.hpp"

#include <string>
#include <vector>

namespace randnla::app {

struct RightHandSides {
  index_t count = 0;
  std::vector<double> values;  // one after the other, an entry a row of the matrix
};

/// `matrix` is what options.matrix holds. A column that serves as the right-hand side is taken out of it.
///
/// Throws  DataError beginning with the file's name: not a row for each of the matrix's, not finite, no labels or
///         text; InvalidArgument: no such column, or no other
RightHandSides right_hand_sides(Context<Cpu>& ctx, const LstsqOptions& options,
                                Loaded<double>& matrix);

}  // namespace randnla::app
