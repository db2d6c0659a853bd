#pragma once

#include <randnla/krylov/inner_result.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace randnla {

enum class Stop {
  optimal,      // both conditions of (eps_g, eps_H)-optimality hold on all data
  uncertified,  // |g| <= eps_g, but lanczos_steps did not decide about lambda_min
  saddle,       // |g| <= eps_g, lambda_min < -eps_h, and the method knows no way out
  target_loss,  // the loss is at or below the target
  max_props,    // the next iteration would begin beyond the budget of propagations
  max_iterations,
  stalled,      // steps have become smaller than the rounding of x
  interrupted,  // the progress function asked to stop
  not_finite,   // the loss, gradient or Hessian at x is NaN or infinite
};

/// Names for people and for JSON.
const char* name(Stop stop);

/// Work done so far.
struct Work {
  /// Propagations as the papers count them: 2 |S_g| a gradient, 2 |S_H| a product, n a trial value.
  /// The first value and the final certificate are not in them.
  std::int64_t props = 0;
  std::int64_t values = 0, gradients = 0, hessian_products = 0;  // oracle calls
  std::int64_t hessian_matrices = 0;                             // formed instead of applied
  double data_passes = 0;  // reads of rows, in units of all rows
  std::int64_t host_waits = 0, flag_polls = 0;
  std::int64_t launches = 0;  // Counters::launches

  std::int64_t oracle_calls() const { return values + gradients + hessian_products; }
  Work& operator+=(const Work& other);
};

/// Seconds of one iteration or of a whole run by what they were spent on.
struct Phases {
  double gradient = 0;  // sampled gradients (full ones come with the trial)
  double hessian = 0;  // drawing and weighting the sample, forming the matrix; eigenvector searches
  double inner = 0;    // the subproblem
  double trial = 0;    // the pass over all data at the trial point
  Phases& operator+=(const Phases& other);
  double total() const { return gradient + hessian + inner + trial; }
};

enum class StepKind { model, eigenvector };

/// One subproblem and one trial step, from x to x + s.
struct Iteration {
  std::int64_t iteration = 0;  // from 1
  double loss = 0;             // F after the iteration
  double gradient_norm = 0;    // of the gradient that the model was made from, at x
  double size = 0;             // radius or sigma that the subproblem had
  double rho = 0;              // (F(x + s) - F(x)) / m(s)
  double step_norm = 0;
  bool accepted = false;
  StepKind step = StepKind::model;
  std::int64_t gradient_sample = 0, hessian_sample = 0;  // |S_g|, |S_H|
  /// sqrt of what E|g_S - g|^2 and E|H_S - H|_F^2 are at most, and the true |g_S - g| and |H_S - H|;
  /// 0 without sampling, NaN where nobody asked: SecondOrderOptions::errors.
  double gradient_error = 0, hessian_error = 0;
  double true_gradient_error = 0, true_hessian_error = 0;
  bool hessian_formed = false;
  int inner_iterations = 0;
  InnerStop inner_stop = InnerStop::running;
  Work work;           // since the start of the run
  double seconds = 0;  // likewise
  Phases phases;
};

/// What is known of the final point from all data.
struct Certificate {
  double gradient_norm = 0;
  double lambda_min = 0;        // a Rayleigh quotient: the smallest eigenvalue is not above it
  double lambda_min_bound = 0;  // and not below this, but for failure_probability
  double failure_probability = 0;
  bool eps_g_met = false;  // gradient_norm <= eps_g
  bool eps_h_met = false;  // lambda_min_bound >= -eps_h
  int lanczos_steps = 0;
};

struct OptimizationResult {
  Stop stop = Stop::max_iterations;
  double loss = 0;
  double initial_loss = 0;
  std::int64_t iterations = 0, accepted = 0;
  Certificate certificate;
  Work work;              // of the run, the certificate's own apart
  Work certificate_work;  // of the certificate
  double seconds = 0;     // with the certificate
  Phases phases;
  std::vector<Iteration> trace;
};

/// A few lines for people.
std::string summary(const OptimizationResult& result);

}  // namespace randnla
