#pragma once

#include <randnla/core/random.hpp>
#include <randnla/optimize/result.hpp>

#include <string>
#include <vector>

namespace randnla {

/// What a run of trust_region or cubic_newton needs to go on from an accepted step as if it had
/// never stopped: it takes the same steps to the same bits, on the same data and backend. Made by
/// SecondOrderOptions::checkpoint, used by SecondOrderOptions::resume.
struct Checkpoint {
  std::string options;  // those that decide about steps, as text; resuming with others is refused
  std::int64_t dim = 0, terms = 0;
  std::vector<double> x;
  std::vector<double> leverage_ratio;  // (terms) the scores in use; empty: none
  OptimizationResult result;           // so far, without a certificate

  Rng rng;
  double loss = 0, size = 0;  // at x; radius or sigma
  double gradient_fraction = 0, gradient_reference = 0, gradient_second = 0;
  std::int64_t hessian_size = 0, draws_since_refresh = 0, expected_products = 0;
  std::int64_t next_look = 0, look_gap = 0;
  bool gradient_at_trial = false, sampled_gradient_small = false;

  /// The caller's own, for instance what it has measured on the way: files keep it, solvers neither read
  /// nor write it.
  std::vector<double> notes;
};

/// The file appears whole or not at all. Throws DataError naming it.
void save(const std::string& path, const Checkpoint& checkpoint);

/// Throws DataError: not a checkpoint, of another version of randnla, truncated or corrupt.
Checkpoint load_checkpoint(const std::string& path);

}  // namespace randnla
