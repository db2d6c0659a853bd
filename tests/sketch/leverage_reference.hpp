// Matrices of all sorts, and their leverage scores by singular vectors (LAPACK, double) of the matrix with columns
// of length one.
#pragma once

#include "support/problems.hpp"

#include <gtest/gtest.h>
#include <lapacke.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace randnla::test {

struct Matrix {
  std::string name;
  Problem rows;
  index_t rank;
};

struct ReferenceScores {
  std::vector<double> of_row;
  index_t rank = 0;
  double condition = 1, sum = 0;
};

/// least: of the singular values that count, over the largest.
inline ReferenceScores reference_scores(const Problem& p, double ridge, double least) {
  const auto at = [](index_t i) { return static_cast<std::size_t>(i); };
  const index_t d = p.cols, all = p.rows + (ridge > 0 ? d : 0), most = std::min(all, d);
  std::vector<double> X(at(all * d), 0.0);
  for (index_t j = 0; j < d; ++j) {
    double* const column = X.data() + j * all;
    for (index_t i = 0; i < p.rows; ++i) column[i] = p.at(i, j);
    if (ridge > 0) column[p.rows + j] = std::sqrt(ridge);
    double largest = 0, sum = 0;
    for (index_t i = 0; i < all; ++i) largest = std::max(largest, std::abs(column[i]));
    for (index_t i = 0; i < all && largest > 0; ++i) sum += std::pow(column[i] / largest, 2);
    for (index_t i = 0; i < all && largest > 0; ++i)
      column[i] = column[i] / largest / std::sqrt(sum);
  }
  std::vector<double> sigma(at(most)), U(at(all * most)), Vt(at(most * d));
  const auto m = static_cast<lapack_int>(all), n = static_cast<lapack_int>(d),
             k = static_cast<lapack_int>(most);
  EXPECT_EQ(LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'S', m, n, X.data(), m, sigma.data(), U.data(), m,
                           Vt.data(), k),
            0);
  ReferenceScores out;
  while (out.rank < most && sigma[at(out.rank)] > least * sigma[0]) ++out.rank;
  if (out.rank > 0) out.condition = sigma[0] / sigma[at(out.rank - 1)];
  for (index_t i = 0; i < p.rows; ++i) {
    double score = 0;
    for (index_t c = 0; c < out.rank; ++c) score += std::pow(U[at(i + c * all)], 2);
    out.of_row.push_back(score);
    out.sum += score;
  }
  return out;
}

/// Normal entries, row i times factor(i), column j times units(j).
template <class Factor, class Units>
Problem scaled_problem(std::uint64_t seed, index_t rows, index_t cols, Factor factor, Units units) {
  Problem p{rows, cols, normals(seed, rows * cols),
            std::vector<double>(static_cast<std::size_t>(rows), 0)};
  for (index_t i = 0; i < rows; ++i) {
    for (index_t j = 0; j < cols; ++j) {
      p.values[static_cast<std::size_t>(i * cols + j)] *= factor(i) * units(j);
    }
  }
  return p;
}

inline Problem plain(std::uint64_t seed, index_t rows, index_t cols) {
  return scaled_problem(
      seed, rows, cols, [](index_t) { return 1; }, [](index_t) { return 1; });
}

/// Row i of size 1 / (fraction of the rows before it): a few rows decide everything.
inline Problem coherent(std::uint64_t seed, index_t rows, index_t cols) {
  return scaled_problem(
      seed, rows, cols,
      [=](index_t i) { return static_cast<double>(rows) / static_cast<double>(i + 1); },
      [](index_t) { return 1; });
}

/// Column j is column 0 plus `distance` times a column of its own: condition about 1 / distance.
inline Problem nearly_dependent(std::uint64_t seed, index_t rows, index_t cols, double distance) {
  Problem p = plain(seed, rows, cols);
  for (index_t i = 0; i < rows; ++i) {
    double* const row = p.values.data() + i * cols;
    for (index_t j = 1; j < cols; ++j) row[j] = row[0] + distance * row[j];
  }
  return p;
}

/// Sizes at both ends, rows and columns of zeros, columns that repeat, units far apart (10 to the power of
/// +-`decades`).
inline std::vector<Matrix> battery(double decades) {
  std::vector<Matrix> all = {
      {"1 x 1", plain(1, 1, 1), 1},
      {"30 x 1", plain(2, 30, 1), 1},
      {"60 x 7", plain(3, 60, 7), 7},
      {"600 x 33", plain(4, 600, 33), 33},
      {"square", plain(5, 20, 20), 20},
      {"wide", plain(6, 5, 12), 5},
      {"zero rows and entries", random_problem(7, 150, 9, 0.3), 9},
      {"zeros", Problem{20, 3, std::vector<double>(60, 0), std::vector<double>(20, 0)}, 0},
      {"coherent", coherent(8, 200, 10), 10}};
  Problem repeated = plain(9, 80, 9), zero_column = plain(10, 80, 9), dominated = plain(11, 80, 9);
  for (index_t i = 0; i < 80; ++i) {
    double* const row = repeated.values.data() + i * 9;
    row[4] = row[1], row[5] = -2 * row[2];
    zero_column.values[static_cast<std::size_t>(i * 9 + 3)] = 0;
    for (index_t j = 0; j < 9 && i == 17; ++j)
      dominated.values[static_cast<std::size_t>(i * 9 + j)] *= 1000;
  }
  all.push_back({"columns that repeat", repeated, 7});
  all.push_back({"a column of zeros", zero_column, 8});
  all.push_back({"one dominant row", dominated, 9});
  Problem twice = plain(12, 80, 9);
  std::copy_n(twice.values.begin(), 360, twice.values.begin() + 360);
  all.push_back({"rows that repeat", twice, 9});
  const auto one = [](index_t) { return 1; };
  for (const double sign : {1, -1}) {
    const double unit = std::pow(10.0, sign * decades);
    all.push_back({"all in units of " + std::to_string(sign * decades) + " decades",
                   scaled_problem(13, 90, 8, one, [=](index_t) { return unit; }), 8});
  }
  all.push_back({"columns in units far apart",
                 scaled_problem(14, 90, 7, one,
                                [=](index_t j) {
                                  return std::pow(10, (static_cast<double>(j) - 3) * decades / 3);
                                }),
                 7});
  return all;
}

}  // namespace randnla::test
