#pragma once

#include <randnla/objective/finite_sum.hpp>
#include <randnla/optimize/result.hpp>
#include <randnla/optimize/second_order.hpp>

#include <cstdint>
#include <functional>
#include <type_traits>
#include <vector>

namespace randnla {

// The methods that the papers compare with, in the same harness: the same objectives, stopping
// rules, counting, trace and certificate as trust_region(). Fields of Iteration that a method has no
// meaning for stay 0.
//
// In all of them |grad F| <= eps_g on all data brings a search for the smallest eigenvalue. Where it
// finds a saddle point, lbfgs() stops (Stop::saddle); scr() and sgd() go on, which their samples
// may take away from it, and look ever less often. What such searches cost is part of
// certificate_work.

struct ScrOptions {
  enum class Solver {
    lanczos,           // CubicSolver: the minimiser over a Krylov space
    gradient_descent,  // on the cubic model, from its Cauchy point
  };
  Solver solver = Solver::lanczos;
  double gradient_fraction = 0.1, hessian_fraction = 0.01;  // in (0, 1]; of the terms
  double sigma = 1;                                         // > 0, fixed
  int inner_iterations = 500;                               // >= 1
  double inner_tolerance = 1e-2;                            // >= 0; relative to |g|
  StoppingOptions stopping;
  std::uint64_t seed = 1;
  /// Called after every iteration; false stops the run, which then still ends with a certificate.
  std::function<bool(const Iteration&)> progress;
  std::function<void(const std::vector<double>& x)> point;  // as SecondOrderOptions::point
};

/// Minimises a finite sum by sub-sampled cubic regularisation: gradient and Hessian from samples
/// drawn anew in every iteration, uniformly without replacement, sigma fixed, every step taken.
///
/// x        (dim) start; out: the last point
/// Props    2 |S_g| a gradient, 2 |S_H| a product, nothing else: no trial value decides. One pass
///          over all data an iteration finds loss and |grad F| for trace and stopping; it is in
///          data_passes and in Phases::trial, and in no other count
/// Trace    gradient_norm that of the sampled gradient, size sigma
/// Sync     one read an iteration and one at the start, as trust_region()
/// Determinism  the same bits from run to run and, on the CPU, for any number of threads
/// Throws   InvalidArgument: a view of another size, an option out of range
/// Source   Kohler & Lucchi, ICML 2017; Tripuraneni, Stern, Jin, Regier & Jordan, NeurIPS 2018;
///          gradient descent: Carmon & Duchi, arXiv 1612.00547, with a small random part added to g
///          and, in place of their step 1 / (4 (|H| + sigma R)), which needs to know |H|, one of 1/L,
///          L doubled until the model decreases by |grad m|^2 / (2L)
template <Backend B, Scalar T>
OptimizationResult scr(Context<B>& ctx, std::type_identity_t<FiniteSumRef<B, T>> f,
                       VectorView<T, B> x, const ScrOptions& options = {});

struct LbfgsOptions {
  int memory = 100;             // >= 1: pairs of steps and changes of the gradient
  int search_evaluations = 30;  // >= 1, of a line search
  StoppingOptions stopping;
  std::uint64_t seed = 1;  // of the certificate
  std::function<bool(const Iteration&)> progress;
  std::function<void(const std::vector<double>& x)> point;  // as SecondOrderOptions::point
};

/// Minimises a finite sum by limited-memory BFGS on all data.
///
/// x        (dim) start; out: the last accepted point
/// Error    the line search ends where |slope| <= 0.9 |slope at 0| and F has decreased by 1e-4 of
///          what that slope predicts or, where that is rounding, has changed by at most 10 eps |F|:
///          slopes then decide, and gradients far smaller than the root of that are reached. Pairs
///          of s'y <= eps |s| |y| are left out
/// Props    2n at the start and 3n an evaluation: value (n) and gradient (2n) come in one pass
/// Trace    gradient_norm at x, size the step length, inner_iterations the evaluations of the line
///          search. One that fails is a row not accepted; what follows is steepest descent without
///          the pairs, and Stop::stalled where that fails too
/// Cost     an iteration: the evaluations (almost always one), 4 memory + 3 reads of vectors, 2
///          memory + 3 loops
/// Sync     one read an evaluation; the direction is found without one
/// Determinism  the same bits from run to run and, on the CPU, for any number of threads
/// Throws   InvalidArgument: a view of another size, an option out of range
/// Source   Liu & Nocedal, Math. Program. 45 (1989); deciding by slopes where values are
///          rounding: Hager & Zhang, SIAM J. Optim. 16 (2005)
template <Backend B, Scalar T>
OptimizationResult lbfgs(Context<B>& ctx, std::type_identity_t<FiniteSumRef<B, T>> f,
                         VectorView<T, B> x, const LbfgsOptions& options = {});

struct SgdOptions {
  double learning_rate = 0.1;  // > 0
  double momentum = 0.9;       // in [0, 1)
  std::int64_t batch = 128;    // >= 1; all terms where there are fewer
  /// What epoch t = 0, 1, ... multiplies the learning rate by.
  enum class Decay {
    none,          // 1
    inverse_root,  // 1 / sqrt(1 + t)
    steps,         // decay_factor^floor(t / decay_epochs)
  };
  Decay decay = Decay::none;
  double decay_factor = 0.1;       // in (0, 1]
  std::int64_t decay_epochs = 30;  // >= 1
  std::int64_t monitor = 1;        // >= 1: epochs between looks at all data
  StoppingOptions stopping;        // max_iterations: epochs
  std::uint64_t seed = 1;
  std::function<bool(const Iteration&)> progress;
  std::function<void(const std::vector<double>& x)> point;  // as SecondOrderOptions::point
};

/// Minimises a finite sum by stochastic gradient descent with momentum: v = momentum v + g, x = x -
/// rate v, g from mini-batches. An epoch takes the terms in a new random order, each once, the last
/// batch being what is left: the order costs as little as drawing anew for every step, wastes no
/// term, and is what "an epoch" means to most.
///
/// x        (dim) start; out: the last point
/// Props    2n an epoch. Every `monitor` epochs and at the end one pass over all data finds loss and
///          |grad F| for trace and stopping: in data_passes and Phases::trial, and in no other count
/// Trace    a row is an epoch: gradient_norm |grad F| before it, size the learning rate,
///          gradient_sample the batch, inner_iterations the steps. Epochs without a look have a NaN
///          loss, and those after them a NaN gradient_norm
/// Cost     8n bytes for the order; a step is one pass over its rows and one loop
/// Sync     one read an epoch and one at the start; steps are queued without waiting
/// Determinism  the same bits from run to run and, on the CPU, for any number of threads
/// Throws   InvalidArgument: a view of another size, an option out of range
/// Source   Robbins & Monro (1951); momentum as in Sutskever, Martens, Dahl & Hinton, ICML 2013, with
///          the rate outside of v
template <Backend B, Scalar T>
OptimizationResult sgd(Context<B>& ctx, std::type_identity_t<FiniteSumRef<B, T>> f,
                       VectorView<T, B> x, const SgdOptions& options = {});

}  // namespace randnla
