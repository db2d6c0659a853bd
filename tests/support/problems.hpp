// Small problems in host memory, in double, and their copies in the memory of a backend.
#pragma once

#include "support/backends.hpp"

#include <randnla/data/dataset.hpp>

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace randnla::test {

/// n normal numbers, rounded to float so that every scalar type holds them exactly.
inline std::vector<double> normals(std::uint64_t seed, index_t n, double scale = 1) {
  std::mt19937_64 bits(seed);
  std::normal_distribution<double> normal(0, scale);
  std::vector<double> out;
  for (index_t i = 0; i < n; ++i)
    out.push_back(static_cast<double>(static_cast<float>(normal(bits))));
  return out;
}

/// Data points as host rows; exact zeros are what the sparse copy leaves out.
struct Problem {
  index_t rows = 0, cols = 0;
  std::vector<double> values, targets;

  double at(index_t i, index_t j) const { return values[static_cast<std::size_t>(i * cols + j)]; }
};

/// Normal entries, a share of them zero (whole rows, too), targets 0 and 1 in turn at random.
inline Problem random_problem(std::uint64_t seed, index_t rows, index_t cols, double zeros = 0) {
  Problem p{rows, cols, normals(seed, rows * cols), {}};
  std::mt19937_64 bits(seed + 1);
  std::uniform_real_distribution<double> uniform;
  for (double& v : p.values) v = uniform(bits) < zeros ? 0 : v;
  for (index_t i = 0; i < rows; ++i) p.targets.push_back(uniform(bits) < 0.5 ? 1 : 0);
  if (zeros > 0) {  // the first and every 11th row are empty
    for (index_t i = 0; i < rows; i += 11) {
      for (index_t j = 0; j < cols; ++j) p.values[static_cast<std::size_t>(i * cols + j)] = 0;
    }
  }
  return p;
}

/// Classes that overlap: the target of a row says on which side of a plane it lies, flipped for a
/// tenth of the rows. Columns of different sizes.
inline Problem classes(std::uint64_t seed, index_t rows, index_t cols) {
  Problem p{rows, cols, normals(seed, rows * cols), {}};
  std::mt19937_64 bits(seed + 1);
  std::uniform_real_distribution<double> uniform;
  for (index_t i = 0; i < rows; ++i) {
    double side = 0;
    for (index_t j = 0; j < cols; ++j) {
      side += p.at(i, j) * (j % 2 == 0 ? 1 : -0.5);
      p.values[static_cast<std::size_t>(i * cols + j)] *= j % 3 == 0 ? 1 : 0.25;
    }
    p.targets.push_back((side > 0) != (uniform(bits) < 0.1) ? 1 : 0);
  }
  return p;
}

template <Backend B, Scalar T>
Dataset<T, B> dataset(Context<B>& ctx, const Problem& p, bool sparse = false) {
  Dataset<T, B> data;
  data.rows = p.rows, data.cols = p.cols, data.nonzeros = p.rows * p.cols;
  data.targets = place<T>(ctx, p.targets);
  if (!sparse) {
    data.values = place<T>(ctx, p.values);
    return data;
  }
  std::vector<double> values;
  std::vector<std::int32_t> columns;
  std::vector<index_t> offsets{0};
  for (index_t i = 0; i < p.rows; ++i) {
    for (index_t j = 0; j < p.cols; ++j) {
      if (p.at(i, j) == 0) continue;
      values.push_back(p.at(i, j)), columns.push_back(static_cast<std::int32_t>(j));
    }
    offsets.push_back(static_cast<index_t>(values.size()));
  }
  data.nonzeros = static_cast<index_t>(values.size());
  data.values = place<T>(ctx, values);
  data.columns = Buffer<std::int32_t, B>(ctx, columns);
  data.offsets = Buffer<index_t, B>(ctx, offsets);
  return data;
}

}  // namespace randnla::test
