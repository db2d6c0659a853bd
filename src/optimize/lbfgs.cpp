// Limited-memory BFGS.
#include "optimize/baseline_run.hpp"
#include "optimize/line_search.hpp"
#include "optimize/options_check.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace randnla {
namespace {

void check(const LbfgsOptions& o) {
  options::positive("memory", o.memory);
  options::positive("search_evaluations", o.search_evaluations);
  check(o.stopping);
}

}  // namespace

/// Inner products of the direction d, the step s = x_new - x, and y = g_new - g.
struct LineSums {
  double gd = 0, new_gd = 0, new_gg = 0, ss = 0, sy = 0, yy = 0;
  RANDNLA_HD LineSums& operator+=(const LineSums& o) {
    gd += o.gd, new_gd += o.new_gd, new_gg += o.new_gg, ss += o.ss, sy += o.sy, yy += o.yy;
    return *this;
  }
};

/// What the host learns of an evaluation.
struct LineRecord {
  double value = 0;
  LineSums sums;
};

template <Backend B, Scalar T>
struct Lbfgs {
  Lbfgs(Context<B>& context, FiniteSumRef<B, T> objective, const LbfgsOptions& given)
      : ctx(context),
        f(objective),
        options(given),
        run(ctx, f, given),
        x(ctx, f.dim()),
        g(ctx, f.dim()),
        trial_x(ctx, f.dim()),
        trial_g(ctx, f.dim()),
        direction(ctx, f.dim()),
        S(ctx, f.dim() * slots()),
        Y(ctx, f.dim() * slots()),
        weights(ctx, slots()),
        record(ctx, 1),
        inverse_sy(static_cast<std::size_t>(slots())) {}

  /// One more than pairs are kept: every evaluation writes its pair into the spare one.
  int slots() const { return options.memory + 1; }
  /// The slot of the pair that is `age` steps older than the newest.
  int slot(int age) const { return (newest + slots() - age) % slots(); }

  /// One loop of the two-loop recursion: d = scale (d + sign *from u), then *to = start *to + factor
  /// z'd. Coefficients stay in backend memory.
  struct Loop {
    const T* u = nullptr;  // null: d = scale d
    const double* from = nullptr;
    double sign = 1, scale = 1;
    const T* z = nullptr;
    double* to = nullptr;
    double start = 0, factor = 0;
  };

  void add_and_project(const Loop& loop) {
    T* const d = direction.data();
    const T *const u = loop.u, *const z = loop.z;
    const double *const from = loop.from, sign = loop.sign, start = loop.start;
    double* const to = loop.to;
    const double factor = loop.factor;
    const T scale = static_cast<T>(loop.scale);
    sum_then<double>(
        ctx, f.dim(),
        [=] RANDNLA_FN(index_t i) {
          const T moved = u != nullptr ? d[i] + static_cast<T>(sign * *from) * u[i] : d[i];
          d[i] = scale * moved;
          return static_cast<double>(z[i]) * static_cast<double>(d[i]);
        },
        [=] RANDNLA_FN(double zd) { *to = (start != 0 ? start * *to : 0) + factor * zd; });
  }

  /// d = -H g.
  void find_direction() {
    const T* const grad = g.data();
    T* const d = direction.data();
    for_each(ctx, f.dim(), [=] RANDNLA_FN(index_t i) { d[i] = -grad[i]; });
    if (pairs == 0) return;
    // From the newest pair to the oldest, d -= a_k y_k with a_k = s_k'd / s_k'y_k, each loop doing
    // the subtraction that the one before it found; and back, d += (a_k - y_k'd / s_k'y_k) s_k.
    Loop loop;
    for (int age = 0; age < pairs; ++age) {
      const int k = slot(age);
      loop.z = s_of(k), loop.to = weights.data() + k;
      loop.start = 0, loop.factor = inverse_sy[static_cast<std::size_t>(k)];
      add_and_project(loop);
      loop.u = y_of(k), loop.from = loop.to, loop.sign = -1;
    }
    loop.scale = gamma;
    for (int age = pairs - 1; age >= 0; --age) {
      const int k = slot(age);
      loop.z = y_of(k), loop.to = weights.data() + k;
      loop.start = 1, loop.factor = -inverse_sy[static_cast<std::size_t>(k)];
      add_and_project(loop);
      loop.u = s_of(k), loop.from = loop.to, loop.sign = 1, loop.scale = 1;
    }
    const T* const s = s_of(newest);
    const double* const weight = weights.data() + newest;
    for_each(ctx, f.dim(), [=] RANDNLA_FN(index_t i) { d[i] += static_cast<T>(*weight) * s[i]; });
  }

  T* s_of(int k) { return S.data() + k * f.dim(); }
  T* y_of(int k) { return Y.data() + k * f.dim(); }

  /// One pass over all data at x + t d; its pair goes to the spare slot.
  LinePoint evaluate(double t) {
    const T *const from = x.data(), *const d = direction.data(), *const grad = g.data();
    T *const to = trial_x.data(), *const new_grad = trial_g.data();
    T *const s = s_of(slot(-1)), *const y = y_of(slot(-1));
    LineRecord* const rec = record.data();
    const T length = static_cast<T>(t);
    for_each(ctx, f.dim(), [=] RANDNLA_FN(index_t i) { to[i] = from[i] + length * d[i]; });
    f.evaluate(ctx, trial_x.view(), Sample<B, T>::all(f.terms()), {&rec->value, new_grad, nullptr});
    sum_then<LineSums>(
        ctx, f.dim(),
        [=] RANDNLA_FN(index_t i) {
          s[i] = to[i] - from[i];
          y[i] = new_grad[i] - grad[i];
          const double di = d[i], gi = new_grad[i], si = s[i], yi = y[i];
          return LineSums{grad[i] * di, gi * di, gi * gi, si * si, si * yi, yi * yi};
        },
        [=] RANDNLA_FN(const LineSums& sums) { rec->sums = sums; });
    ctx.mark(2);
    seen = record.read(0);
    Work& work = run.result.work;
    work.props += 3 * f.terms();
    ++work.values, ++work.gradients, work.data_passes += 1;
    return {t, seen.value, seen.sums.new_gd};
  }

  /// Finds a step along the direction; true where there is one, at the point evaluated last.
  bool search(Iteration& row) {
    const auto eps = static_cast<double>(std::numeric_limits<T>::epsilon());
    LinePoint p = evaluate(pairs > 0 ? 1 : 1 / run.gradient_norm);
    LineSearch line(run.loss, seen.sums.gd, 10 * eps * std::fabs(run.loss));
    const int limit = seen.sums.gd < 0 ? options.search_evaluations : 1;
    int evaluations = 1;
    for (; evaluations < limit && !line.accepts(p); ++evaluations) p = evaluate(line.next(p));
    row.size = p.t;
    row.step_norm = std::sqrt(seen.sums.ss);
    row.inner_iterations = evaluations;
    row.accepted = seen.sums.gd < 0 && line.accepts(p);
    row.inner_stop = row.accepted ? InnerStop::converged : InnerStop::iteration_limit;
    return row.accepted;
  }

  void accept() {
    std::swap(x, trial_x);
    std::swap(g, trial_g);
    run.know({seen.value, seen.sums.new_gg});
    const auto eps = static_cast<double>(std::numeric_limits<T>::epsilon());
    const LineSums& sums = seen.sums;
    if (!(sums.sy > eps * std::sqrt(sums.ss) * std::sqrt(sums.yy))) return;
    newest = slot(-1);
    pairs = std::min(pairs + 1, options.memory);
    inverse_sy[static_cast<std::size_t>(newest)] = 1 / sums.sy;
    gamma = sums.sy / sums.yy;
  }

  void iterate() {
    Iteration row;
    row.gradient_norm = run.gradient_norm;
    row.gradient_sample = f.terms();
    ctx.mark(0);
    find_direction();
    ctx.mark(1);
    if (search(row)) {
      accept();
    } else {
      run.stalled = pairs == 0;
      pairs = 0;
    }
    row.phases.inner = ctx.seconds_between(0, 1), row.phases.trial = ctx.seconds_between(1, 2);
    run.add(row, x.view());
  }

  OptimizationResult minimize(VectorView<T, B> given) {
    const std::size_t bytes = static_cast<std::size_t>(given.size) * sizeof(T);
    ctx.copy(x.data(), given.data, bytes);
    Buffer<Observation, B> start(ctx, 1);
    observe<B, T>(ctx, f, x.view(), g.view(), start.data());
    run.know(start.read(0));
    run.result.initial_loss = run.loss;
    Work& work = run.result.work;
    ++work.values, ++work.gradients, work.data_passes += 1, work.props += 2 * f.terms();
    while (!run.stopped(x.view(), false)) iterate();
    ctx.copy(given.data, x.data(), bytes);
    return run.finish(x.view());
  }

  Context<B>& ctx;
  FiniteSumRef<B, T> f;
  const LbfgsOptions& options;
  BaselineRun<B, T> run;
  Buffer<T, B> x, g, trial_x, trial_g, direction;
  Buffer<T, B> S, Y;          // (dim x slots) pairs, column by column
  Buffer<double, B> weights;  // (slots) of the two-loop recursion
  Buffer<LineRecord, B> record;
  std::vector<double> inverse_sy;  // (slots)
  double gamma = 1;                // s'y / y'y of the newest pair
  int newest = 0, pairs = 0;
  LineRecord seen;  // of the last evaluation
};

template <Backend B, Scalar T>
OptimizationResult lbfgs(Context<B>& ctx, std::type_identity_t<FiniteSumRef<B, T>> f,
                         VectorView<T, B> x, const LbfgsOptions& options) {
  check(options);
  require_size<B, T>(f, x);
  return Lbfgs<B, T>(ctx, f, options).minimize(x);
}

template OptimizationResult lbfgs(Context<ThisBackend>&, FiniteSumRef<ThisBackend, float>,
                                  VectorView<float, ThisBackend>, const LbfgsOptions&);
template OptimizationResult lbfgs(Context<ThisBackend>&, FiniteSumRef<ThisBackend, double>,
                                  VectorView<double, ThisBackend>, const LbfgsOptions&);

}  // namespace randnla
