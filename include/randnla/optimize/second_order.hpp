#pragma once

#include <randnla/objective/finite_sum.hpp>
#include <randnla/optimize/checkpoint.hpp>
#include <randnla/optimize/result.hpp>

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <type_traits>
#include <vector>

namespace randnla {

struct GradientOptions {
  enum class Rule {
    full,
    uniform,       // without replacement, a fixed fraction
    adaptive,      // likewise, the fraction adapted to the size of the gradient: see `factor`
    error_driven,  // without replacement, as many as `tolerance` asks for
  };
  Rule rule = Rule::full;
  double fraction = 0.05;  // in (0, 1]; adaptive: of the first sample
  /// adaptive: for every such factor by which |g| has grown since the last change the sample
  /// shrinks by it, and the other way round.
  double factor = 1.2;                             // > 1
  double min_fraction = 0.02, max_fraction = 0.5;  // adaptive: limits; error_driven: the least
  /// error_driven: the sample S grows until the terms' gradients in it say that E|g_S - g|^2 is at
  /// most (tolerance max(eps_g, |g_S|))^2. Their second moment stands for their variance, so it
  /// is enough with a regulariser, too.
  double tolerance = 0.5;  // > 0
};

struct HessianOptions {
  Sampling sampling = Sampling::full;
  double fraction = 0.01;  // of the terms, in (0, 1]
  /// How products are made: by passes over the sample, or with the matrix formed once. automatic
  /// takes what the cost model (src/optimize/hessian_cost.hpp) expects to be cheaper.
  enum class Form { automatic, passes, matrix };
  Form form = Form::automatic;
  enum class Size {
    fixed,         // `fraction` of the terms
    error_driven,  // as many as `tolerance` asks for, at least `fraction` of the terms
  };
  Size size = Size::fixed;
  /// error_driven: E|H_S - H|_F^2 is at most (tolerance eps_h max(1, sqrt(|g|/eps_g)))^2, by the
  /// importances of all terms: a part of eps_h in the end, as in the theory, whose eps_h goes with
  /// sqrt(eps_g), and more where the gradient is larger. On ijcnn1 (eps_g 1e-6, uniform samples, 3
  /// seeds) trust region needs 2.0e7, 1.3e7, 7.2e6 and 8.3e6 props to F* + 1e-6 with a tolerance of
  /// 1, 0.3, 0.1 and 0.05, cubic regularisation 2.7e7, 1.6e7, 7.8e6 and 1.2e7.
  double tolerance = 0.1;  // > 0
  int refresh = 10;        // leverage rules: samples drawn from scores before new scores are found
  /// gauss_newton: the model's Hessian is positive semidefinite; the certificate's stays the true
  /// one.
  Curvature curvature = Curvature::hessian;
};

struct StoppingOptions {
  double eps_g = 1e-5, eps_h = 1e-3;   // >= 0
  double failure_probability = 1e-6;   // of the certificate's bound, in (0, 1)
  int lanczos_steps = 300;             // of the certificate, at most
  std::int64_t max_iterations = 1000;  // >= 0
  std::int64_t max_props = std::numeric_limits<std::int64_t>::max();
  double target_loss = -std::numeric_limits<double>::infinity();
};

/// Defaults are those of the inexact-gradient paper; the inexact-Hessian paper's, where they
/// differ, stand in parentheses.
struct SecondOrderOptions {
  GradientOptions gradient;
  HessianOptions hessian;
  StoppingOptions stopping;

  double initial_radius = 10;  // trust_region
  double max_radius = std::numeric_limits<double>::infinity();
  /// cubic_newton (1e-4); the papers' first has 10. None: from the first model, so that its step is
  /// Newton's with a shift of a tenth of |H| above what positive semidefiniteness takes. It
  /// follows any scaling of x and F.
  std::optional<double> initial_sigma;
  double min_sigma = 1e-6;

  double eta1 = 0.8, eta2 = 1e-4;   // rho >= eta1: very good; rho < eta2: rejected
  double gamma1 = 2, gamma2 = 1.2;  // change of radius or sigma: very good or rejected; good
  int max_failures = 3;  // rejected in a row before new samples are drawn; 0: no limit (0)

  int inner_iterations = 500;      // (250)
  double inner_tolerance = 1e-15;  // relative to |g| (1e-9)
  bool random_start = true;  // trust_region: CG from a random point of norm 0.99 radius, from 0
                             // after a failure (false)
  enum class Ball { steihaug, gltr };  // trust_region's subproblem: truncated or exact
  Ball ball = Ball::steihaug;
  enum class Cubic { lanczos, shifted };  // cubic_newton's: one Krylov basis, or ARCqK
  Cubic cubic = Cubic::lanczos;

  std::uint64_t seed = 1;
  /// What the trace tells of the sampling errors |g_S - g| and |H_S - H|: the estimates where the
  /// sample sizes need them; always; or beside them the true ones. Those take passes over all data
  /// that are not counted as work.
  enum class Errors { as_needed, estimated, exact };
  Errors errors = Errors::as_needed;
  /// Called after every iteration; false stops the run, which then still ends with a certificate.
  std::function<bool(const Iteration&)> progress;
  /// Called before it with the new point after every accepted step, for instance to test a model on
  /// other data. A download each.
  std::function<void(const std::vector<double>& x)> point;
  /// Called after accepted steps, not more often than every so many seconds.
  std::function<void(const Checkpoint&)> checkpoint;
  double checkpoint_seconds = 60;  // >= 0
  /// Goes on from there in place of from x. The options must be those of the run that made it, but
  /// for the limits of `stopping` on iterations, props and loss; it must outlive the call.
  const Checkpoint* resume = nullptr;
};

/// Minimises a non-convex finite sum by a trust-region method with sub-sampled gradients and
/// Hessians, each subproblem by CG-Steihaug.
///
/// x        (dim) start; out: the last accepted point
/// Error    stop == optimal: |grad F| <= eps_g and, with the stated probability, lambda_min >=
///          -eps_h, on all data. Where |g| <= eps_g and a direction of curvature below -eps_h is
///          found, the step is along it, so that saddle points are left
/// Cost     an iteration: one pass over all data (value, gradient and curvature at the trial point
///          together) and the subproblem's products with the sampled Hessian
/// Sync     one read an iteration and one at the start; one for each search for an eigenvector and
///          one for each full gradient that sampled ones call for (the certificate takes these where
///          they are not known yet), and a wait at the end. Error-driven samples: one more for each
///          Hessian and for each size of a gradient sample. Leverage scores: one each time they are
///          found. A first sigma from the model: four
/// Determinism  the same bits from run to run and, on the CPU, for any number of threads
/// Throws   InvalidArgument: a view of another size, an option out of range, a checkpoint of other
///          options or another problem
/// Source   Xu, Roosta-Khorasani & Mahoney, arXiv 1708.07827; Yao, Xu, Roosta-Khorasani & Mahoney,
///          arXiv 1802.06925, algorithm 1
template <Backend B, Scalar T>
OptimizationResult trust_region(Context<B>& ctx, std::type_identity_t<FiniteSumRef<B, T>> f,
                                VectorView<T, B> x, const SecondOrderOptions& options = {});

/// The same with adaptive cubic regularisation, each subproblem by Lanczos; a rejected step reuses
/// its Krylov space.
///
/// Source   arXiv 1802.06925, algorithm 2; Cartis, Gould & Toint, Math. Program. 127 (2011)
template <Backend B, Scalar T>
OptimizationResult cubic_newton(Context<B>& ctx, std::type_identity_t<FiniteSumRef<B, T>> f,
                                VectorView<T, B> x, const SecondOrderOptions& options = {});

}  // namespace randnla
