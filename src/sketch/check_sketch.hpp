// What every sketch must be; thrown before any work.
#pragma once

#include "sketch/dense_columns.hpp"
#include "sketch/srht.hpp"

#include <randnla/core/error.hpp>
#include <randnla/sketch/sketch.hpp>

#include <algorithm>
#include <string>

namespace randnla {

inline void check_rows(const Sketch& S, index_t most) {
  require(S.rows >= 1 && S.rows <= most,
          "Sketch: " + std::to_string(S.rows) + " rows, want 1 to " + std::to_string(most));
}

inline void check_sketch(const Sketch& S) {
  require(S.cols >= 0 && S.cols <= index_t{1} << 48,
          "Sketch: " + std::to_string(S.cols) + " columns, want 0 to 2^48");
  if (S.kind == SketchKind::srht) return check_rows(S, std::min(padded_rows(S), index_t{1} << 31));
  if (!is_sparse(S.kind)) return check_rows(S, most_dense_rows);
  const index_t nonzeros = nonzeros_per_column(S);
  // A column has 2^18 random words, and rarely needs more than two for a nonzero.
  require(nonzeros >= 1 && nonzeros <= index_t{1} << 16,
          "Sketch: " + std::to_string(nonzeros) + " nonzeros a column, want 1 to 2^16");
  require(S.rows >= nonzeros && S.rows <= index_t{1} << 31,
          "Sketch: " + std::to_string(S.rows) + " rows, want " + std::to_string(nonzeros) +
              " (the nonzeros a column) to 2^31");
}

}  // namespace randnla
