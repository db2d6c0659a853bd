// What least_squares takes and what `automatic` takes first.
#pragma once

#include "least_squares/system.hpp"

#include <randnla/core/error.hpp>
#include <randnla/least_squares/least_squares.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace randnla {

inline bool uses_sketch(LeastSquaresMethod method) {
  return method >= LeastSquaresMethod::sketch_and_solve;
}

/// Asked for, or what the method needs.
inline index_t sketch_rows(const LeastSquaresOptions& options, LeastSquaresMethod method,
                           index_t cols) {
  if (options.sketch_rows > 0) return options.sketch_rows;
  using enum LeastSquaresMethod;
  const bool momentum = method == iterative_sketching || method == fossils;
  const index_t per_column = momentum ? 12 : method == iterative_hessian_sketch ? 8 : 4;
  return per_column * cols + (momentum ? 200 : 40);
}

/// Throws what does not fit, of sizes and options.
template <Backend B, class T>
void check(index_t rows, index_t cols, MatrixView<const T, B> b, MatrixView<T, B> x,
           const LeastSquaresOptions& options) {
  require(b.rows == rows && x.rows == cols && b.cols == x.cols && b.ld >= b.rows && x.ld >= x.rows,
          "least_squares: A is " + std::to_string(rows) + " x " + std::to_string(cols) + ", b " +
              std::to_string(b.rows) + " x " + std::to_string(b.cols) + " and x " +
              std::to_string(x.rows) + " x " + std::to_string(x.cols));
  require(options.ridge >= 0 && std::isfinite(options.ridge),
          "least_squares: ridge " + std::to_string(options.ridge) + ", want a number from 0");
  require(options.tolerance >= 0 && options.tolerance < 1,
          "least_squares: tolerance " + std::to_string(options.tolerance) + ", want 0 to 1");
  require(options.max_iterations >= 1, "least_squares: max_iterations " +
                                           std::to_string(options.max_iterations) +
                                           ", want at least 1");
  require(options.sketch_rows == 0 || options.sketch_rows >= cols,
          "least_squares: sketch_rows " + std::to_string(options.sketch_rows) +
              ", want at least the " + std::to_string(cols) + " columns of A");
  require(options.sketch_rows == 0 || options.method == LeastSquaresMethod::automatic ||
              uses_sketch(options.method),
          std::string("least_squares: sketch_rows say nothing to ") + name(options.method));
  require(!options.sampling || options.method == LeastSquaresMethod::sketch_and_solve,
          std::string("least_squares: rows are sampled by sketch_and_solve, the method is ") +
              name(options.method));
  require(!options.sampling || *options.sampling != Sampling::full,
          "least_squares: a sample of all rows; qr solves with them");
  const bool given = options.sampling && is_given(*options.sampling);
  require(given || options.scores.empty(),
          "least_squares: scores say nothing where rows are not sampled by given ones");
  require(!given || std::ssize(options.scores) == rows,
          "least_squares: " + std::to_string(options.scores.size()) + " scores for " +
              std::to_string(rows) + " rows");
  for (std::size_t i = 0; i < options.scores.size(); ++i) {
    require(options.scores[i] >= 0 && std::isfinite(options.scores[i]),
            "least_squares: the score of row " + std::to_string(i) + " is " +
                std::to_string(options.scores[i]) + ", want a number from 0");
  }
  require(
      !given || rows == 0 || std::ranges::any_of(options.scores, [](double v) { return v > 0; }),
      "least_squares: all scores are 0");
}

/// What `automatic` begins with. Dense rows from 900 columns on: A'A takes longer than the passes of fossils and its
/// sketch, 1.30 against 1.17 s at 100,000 x 1,000 and 0.13 against 0.39 s at 200,000 x 200.
template <Backend B, class T>
LeastSquaresMethod first_choice(const System<B, T>& system) {
  if (system.rows < system.cols) return LeastSquaresMethod::qr;
  return system.A.dense() && system.cols >= 900 && system.rows >= 32 * system.cols
             ? LeastSquaresMethod::fossils
             : LeastSquaresMethod::normal;
}

/// Whether a sketch that finds A ill-conditioned is cheap beside an A'A made in vain: at 16 rows a column it takes a
/// sixth of that, at ten (20,000 x 2,000) it made `automatic` 1.4 times as long as normal.
template <Backend B, class T>
bool worth_a_look(const System<B, T>& system) {
  return system.cols >= 256 && system.rows >= 16 * system.cols;
}

}  // namespace randnla
