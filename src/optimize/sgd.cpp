// Stochastic gradient descent with momentum.
#include "optimize/baseline_run.hpp"
#include "optimize/options_check.hpp"

#include <algorithm>

namespace randnla {
namespace {

void check(const SgdOptions& o) {
  options::positive("learning_rate", o.learning_rate);
  options::want(o.momentum >= 0 && o.momentum < 1, "momentum", o.momentum,
                "at least 0 and below 1");
  options::positive("batch", static_cast<double>(o.batch));
  options::fraction("decay_factor", o.decay_factor);
  options::positive("decay_epochs", static_cast<double>(o.decay_epochs));
  options::positive("monitor", static_cast<double>(o.monitor));
  check(o.stopping);
}

double rate_of(const SgdOptions& o, std::int64_t epoch) {
  const std::int64_t drops = epoch / o.decay_epochs;
  switch (o.decay) {
    case SgdOptions::Decay::none:
      break;
    case SgdOptions::Decay::inverse_root:
      return o.learning_rate / std::sqrt(1 + static_cast<double>(epoch));
    case SgdOptions::Decay::steps:
      return o.learning_rate * std::pow(o.decay_factor, static_cast<double>(drops));
  }
  return o.learning_rate;
}

}  // namespace

/// What the host learns of an epoch.
struct SgdRecord {
  Observation at;  // where the epoch ended with a look
  double x2 = 0;   // |x|^2
};

template <Backend B, Scalar T>
struct Sgd {
  Sgd(Context<B>& context, FiniteSumRef<B, T> objective, const SgdOptions& given)
      : ctx(context),
        f(objective),
        options(given),
        run(ctx, f, given),
        order(ctx, f.terms()),
        gradient(ctx, f.dim()),
        velocity(ctx, f.dim()),
        record(ctx, 1) {}

  void take_steps(VectorView<T, B> x, double rate, Iteration& row) {
    const index_t n = f.terms(), batch = std::min(options.batch, n);
    const auto all = order.draw(ctx, Sampling::uniform, n, {}, run.rng.next());
    const T momentum = static_cast<T>(options.momentum), length = static_cast<T>(rate);
    const T* const g = gradient.data();
    T *const v = velocity.data(), *const to = x.data;
    for (index_t begin = 0; begin < n; begin += batch) {
      const Sample<B, T> some{all.rows + begin, nullptr, std::min(batch, n - begin), nullptr};
      f.evaluate(ctx, x, some, {nullptr, gradient.data(), nullptr});
      for_each(ctx, x.size, [=] RANDNLA_FN(index_t i) {
        v[i] = momentum * v[i] + g[i];
        to[i] -= length * v[i];
      });
      ++row.inner_iterations;
    }
    row.gradient_sample = batch;
    Work& work = run.result.work;
    work.gradients += row.inner_iterations;
    work.props += 2 * n;
    work.data_passes += 1;
  }

  /// Whether the epoch that has just been queued ends with a look at all data.
  bool looks() const {
    const std::int64_t epoch = run.result.iterations + 1;
    return epoch % options.monitor == 0 || epoch >= options.stopping.max_iterations ||
           run.result.work.props >= options.stopping.max_props;
  }

  void look(VectorView<const T, B> x) {
    observe<B, T>(ctx, f, x, gradient.view(), &record.data()->at);
    run.result.work.data_passes += 1;
  }

  void iterate(VectorView<T, B> x) {
    Iteration row;
    row.gradient_norm = run.gradient_norm;
    row.size = rate_of(options, run.result.iterations);
    row.accepted = true;
    ctx.mark(0);
    take_steps(x, row.size, row);
    ctx.mark(1);
    sum_squares<B, T>(ctx, x, &record.data()->x2);
    const bool looked = looks();
    if (looked) look(x);
    ctx.mark(2);
    const SgdRecord rec = record.read(0);
    row.phases.gradient = ctx.seconds_between(0, 1), row.phases.trial = ctx.seconds_between(1, 2);
    run.know(not_known, not_known);
    if (looked) run.know(rec.at);
    run.not_finite = run.not_finite || !std::isfinite(rec.x2);
    run.add(row, x);
  }

  OptimizationResult minimize(VectorView<T, B> x) {
    SgdRecord* const rec = record.data();
    T* const v = velocity.data();
    for_each(ctx, f.dim(), [=] RANDNLA_FN(index_t i) { v[i] = 0; });
    for_each(ctx, 1, [=] RANDNLA_FN(index_t) { *rec = {}; });
    look(x);
    run.know(record.read(0).at);
    run.result.initial_loss = run.loss;
    while (!run.stopped(x, true)) iterate(x);
    if (std::isnan(run.loss) && !run.not_finite) {  // interrupted between two looks
      look(x);
      run.know(record.read(0).at);
    }
    return run.finish(x);
  }

  Context<B>& ctx;
  FiniteSumRef<B, T> f;
  const SgdOptions& options;
  BaselineRun<B, T> run;
  RowSampler<B, T> order;
  Buffer<T, B> gradient, velocity;
  Buffer<SgdRecord, B> record;
};

template <Backend B, Scalar T>
OptimizationResult sgd(Context<B>& ctx, std::type_identity_t<FiniteSumRef<B, T>> f,
                       VectorView<T, B> x, const SgdOptions& options) {
  check(options);
  require_size<B, T>(f, x);
  return Sgd<B, T>(ctx, f, options).minimize(x);
}

template OptimizationResult sgd(Context<ThisBackend>&, FiniteSumRef<ThisBackend, float>,
                                VectorView<float, ThisBackend>, const SgdOptions&);
template OptimizationResult sgd(Context<ThisBackend>&, FiniteSumRef<ThisBackend, double>,
                                VectorView<double, ThisBackend>, const SgdOptions&);

}  // namespace randnla
