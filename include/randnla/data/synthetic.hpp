#pragma once

#include <randnla/data/dataset.hpp>

#include <cstdint>

namespace randnla {

/// A two-class problem with prescribed properties: rows a_i = r_i g_i diag(c) Q with g_i standard
/// normal. The target tells the sign of g_i'u for a planted direction u, so that the directions
/// with small c count as much as the others.
struct SyntheticOptions {
  index_t rows = 100'000;
  index_t cols = 50;
  double condition = 100;     // >= 1, of A: c falls geometrically from 1 to 1 / condition;
                              // that of A'A is its square
  double coherence = 3;       // >= 1: row lengths r_i are log-uniform in [1 / coherence, coherence]
  double label_noise = 0.05;  // in [0, 0.5): probability that a label is flipped
  std::uint64_t seed = 1;
};

/// Targets are 0 and 1. Q is a product of two Householder reflections, so that no singular
/// direction is a feature. The float data are the double data, rounded.
///
/// Cost          O(rows * cols)
/// Determinism   row i and its target depend on the seed, i and the options other than `rows`
///               only: any number of threads, same bits
/// Throws        InvalidArgument: an option out of range
template <Scalar T>
Dataset<T, Cpu> synthetic(Context<Cpu>& ctx, const SyntheticOptions& options = {});

}  // namespace randnla
