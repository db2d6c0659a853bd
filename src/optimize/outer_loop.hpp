// The state of a run of trust region or adaptive cubic regularisation, and the parts of its loop.
#pragma once

#include "optimize/gradient_model.hpp"
#include "optimize/hessian_model.hpp"

#include <randnla/krylov/cubic.hpp>
#include <randnla/krylov/gltr.hpp>
#include <randnla/krylov/shifted_cubic.hpp>
#include <randnla/optimize/second_order.hpp>

#include <algorithm>
#include <cmath>
#include <optional>

namespace randnla {

/// A point with what one pass over all data tells of it.
template <Backend B, Scalar T>
struct Point {
  Point(Context<B>& ctx, const FiniteSumRef<B, T>& f)
      : x(ctx, f.dim()), gradient(ctx, f.dim()), curvature(ctx, f.terms() * f.curvature_size()) {}
  Buffer<T, B> x, gradient, curvature;
};

/// Everything the host learns of an iteration, read at its end in one piece.
struct Record {
  InnerResult inner;
  double value, gradient2;  // F and |g|^2 at the evaluated point (g only where it is computed)
  GradientMoments sampled;  // of g_S
  double hessian_second;    // see second_moment()
  double step2, x2;         // |s|^2, |x|^2
  index_t hessian_rows;     // |S_H|
};

struct NormSums {
  double gg = 0, ss = 0, xx = 0;
  RANDNLA_HD NormSums& operator+=(const NormSums& o) {
    gg += o.gg, ss += o.ss, xx += o.xx;
    return *this;
  }
};

/// The random streams of a run are counted up from 0; this one is beside them.
inline constexpr std::uint64_t error_stream = std::uint64_t{1} << 60;

/// What the full gradient and the smallest eigenvalue say of a point.
enum class Look { go_on, optimal, uncertified, negative_curvature };

template <Backend B, Scalar T>
struct OuterLoop {
  OuterLoop(Context<B>& context, FiniteSumRef<B, T> objective, const SecondOrderOptions& given,
            bool arc)
      : ctx(context),
        f(objective),
        options(given),
        cubic(arc),
        rng{given.seed, 0},
        current(ctx, f),
        trial(ctx, f),
        gradient(ctx, f, given.gradient, measures_errors(given)),
        hessian(ctx, f, given.hessian, measures_errors(given)),
        step(ctx, f.dim()),
        eigenvector(ctx, f.dim()),
        record(ctx, 1),
        size(arc ? given.initial_sigma.value_or(0) : given.initial_radius),
        gradient_at_trial(!gradient.sampled()),
        expected_products(static_cast<int>(std::min<index_t>(given.inner_iterations, f.dim()))) {
    const index_t d = f.dim();
    if (cubic) {
      if (given.cubic == SecondOrderOptions::Cubic::lanczos) {
        lanczos.emplace(ctx, d, given.inner_iterations);
      } else {
        shifted.emplace(ctx, d);
      }
    } else if (given.ball == SecondOrderOptions::Ball::gltr) {
      gltr.emplace(ctx, d, given.inner_iterations);
    }
  }

  OptimizationResult minimize(VectorView<T, B> x);

  // The parts of an iteration, in order.
  std::optional<Stop> reason_to_stop() const;
  Look look();
  bool make_gradient();  // whether one was made
  bool make_hessian();   // likewise
  void solve_model();
  template <class Solver, class How>
  void solve_in_space(Solver& solver, const How& how);
  void follow_eigenvector();
  void try_step();
  void judge(Iteration& row, bool new_gradient, bool new_hessian);

  void clear();
  void begin(VectorView<T, B> x);
  void resume(const Checkpoint& from);
  Checkpoint checkpoint();
  Iteration iterate(bool along_eigenvector);
  void evaluate(Point<B, T>& point);
  void full_gradient(Work& work);
  void lowest_eigenvalue(Work& work);
  void certify();
  void sample_gradient();
  double plan_gradient(double second, double norm);
  void choose_sigma();
  void measure_true_errors(bool new_gradient, bool new_hessian);
  VectorView<const T, B> model_gradient() const {
    return gradient_sampled ? gradient.gradient.view() : current.gradient.view();
  }
  static bool measures_errors(const SecondOrderOptions& o) {
    return o.errors != SecondOrderOptions::Errors::as_needed;
  }

  Context<B>& ctx;
  FiniteSumRef<B, T> f;
  const SecondOrderOptions& options;
  bool cubic;
  Rng rng;
  Point<B, T> current, trial;
  GradientModel<B, T> gradient;
  HessianModel<B, T> hessian;
  Buffer<T, B> step, eigenvector;
  Buffer<Record, B> record;
  std::optional<CubicSolver<B, T>> lanczos;  // one of these, or neither: steihaug()
  std::optional<ShiftedCubicSolver<B, T>> shifted;
  std::optional<GltrSolver<B, T>> gltr;

  // What the host knows.
  double loss = 0, gradient_norm = 0;  // F and |grad F| at `current`; NaN: not computed
  double size;                         // radius or sigma; 0: not chosen yet
  int failures = 0;
  bool need_gradient = true, need_hessian = true;
  bool gradient_at_trial;         // the pass at a trial point computes the gradient there
  bool gradient_sampled = false;  // the model's; else it is current.gradient
  bool gradient_paid = false;     // the gradient at `current` is in the counts
  double gradient_second = 0;     // GradientMoments::second of the last sample
  double true_gradient = std::nan(""), true_hessian = std::nan("");  // errors, where asked for
  bool krylov_known = false;  // the solver, where it keeps one, holds the space of this model
  bool stalled = false, not_finite = false;
  std::optional<SmallestEigenvalue> eigenvalue;  // at `current`, with its vector
  bool sampled_gradient_small = false;
  std::int64_t next_look = 0, look_gap = 1;  // iterations between looks at the full gradient
  int expected_products;
  double seconds_before = 0;          // of the run that this one goes on from
  Counters counted_before;            // likewise; see WaitCount
  double last_checkpoint_second = 0;  // of this run
  OptimizationResult result;
};

}  // namespace randnla
