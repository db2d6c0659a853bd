#pragma once

#include <randnla/data/dataset.hpp>

#include <cstdint>

namespace randnla {

/// A two-class problem with prescribed properties: rows a_i = r_i diag(c) g_i Q, targets drawn from a
/// planted linear model.
struct SyntheticOptions {
  index_t rows = 100'000;
  index_t cols = 50;
  double condition = 100;     // >= 1: c falls geometrically from 1 to 1 / condition
  double coherence = 3;       // >= 1: row lengths r_i are log-uniform in [1 / coherence, coherence]
  double label_noise = 0.05;  // in [0, 0.5): probability that a label is flipped
  std::uint64_t seed = 1;
};

/// Targets are 0 and 1. Q is a product of two Householder reflections, so that no feature is special.
///
/// Cost          O(rows * cols); row i depends only on (seed, i): any number of threads, same bits
/// Throws        InvalidArgument: an option out of range
template <Scalar T>
Dataset<T, Cpu> synthetic(Context<Cpu>& ctx, const SyntheticOptions& options = {});

}  // namespace randnla
