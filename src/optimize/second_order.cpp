// Trust region and adaptive cubic regularisation: one outer loop, two models.
#include "optimize/checkpointing.hpp"
#include "optimize/models.hpp"
#include "optimize/optimality.hpp"
#include "optimize/options_check.hpp"
#include "optimize/outer_loop.hpp"
#include "optimize/steps.hpp"
#include "seam/seam.hpp"

#include <randnla/optimize/second_order.hpp>

#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

namespace randnla {

/// One pass over all data: value, curvatures, and the gradient where it will be wanted.
template <Backend B, Scalar T>
void OuterLoop<B, T>::evaluate(Point<B, T>& point) {
  Record* const rec = record.data();
  T* const g = gradient_at_trial ? point.gradient.data() : nullptr;
  f.evaluate(ctx, point.x.view(), Sample<B, T>::all(f.terms()),
             {.value = &rec->value,
              .gradient = g,
              .curvature = point.curvature.data(),
              .kind = options.hessian.curvature});
  const T *const s = step.data(), *const x = current.x.data();
  sum_then<NormSums>(
      ctx, f.dim(),
      [=] RANDNLA_FN(index_t i) {
        const double gi = g != nullptr ? g[i] : T(0), si = s[i], xi = x[i];
        return NormSums{gi * gi, si * si, xi * xi};
      },
      [=] RANDNLA_FN(const NormSums& sums) {
        rec->gradient2 = sums.gg, rec->step2 = sums.ss, rec->x2 = sums.xx;
      });
  ++result.work.values;
  result.work.data_passes += 1;
}

template <Backend B, Scalar T>
void OuterLoop<B, T>::try_step() {
  const T *const x = current.x.data(), *const s = step.data();
  T* const to = trial.x.data();
  for_each(ctx, f.dim(), [=] RANDNLA_FN(index_t i) { to[i] = x[i] + s[i]; });
  evaluate(trial);
  result.work.props += f.terms();
}

/// Reads what the iteration found, accepts or rejects the step and changes radius or sigma.
template <Backend B, Scalar T>
void OuterLoop<B, T>::judge(Iteration& row, bool new_gradient, bool new_hessian) {
  const Record rec = record.read(0);
  const bool model = row.step == StepKind::model;
  const auto n = f.terms();
  const auto eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  const bool sampled = model && gradient_sampled;
  row.gradient_norm = sampled ? std::sqrt(rec.sampled.norm2) : gradient_norm;
  row.gradient_sample = sampled ? gradient.size : n;
  row.hessian_sample = model ? rec.hessian_rows : n;
  row.gradient_error =
      !sampled ? 0
      : gradient.measured
          ? std::sqrt(sample_error2(rec.sampled.second, static_cast<double>(gradient.size),
                                    static_cast<double>(n), false))
          : std::nan("");
  row.hessian_error = !model || hessian.whole ? 0
                      : hessian.measured      ? hessian.error(rec.hessian_second)
                                              : std::nan("");
  row.hessian_formed = hessian.rows.formed();
  if (model) row.true_gradient_error = true_gradient, row.true_hessian_error = true_hessian;
  row.inner_iterations = rec.inner.iterations;
  row.inner_stop = rec.inner.stop;
  row.step_norm = std::sqrt(rec.step2);
  row.size = size;
  const int products = rec.inner.products;
  result.work.hessian_products += products;
  result.work.props += 2 * row.hessian_sample * products;
  // The rows of S_H are read once for the matrix, or once a product.
  const int reads = hessian.rows.formed() ? (new_hessian ? 1 : 0) : products;
  result.work.data_passes +=
      reads * static_cast<double>(row.hessian_sample) / static_cast<double>(n);
  if (products > 0) expected_products = products;

  // Differences of F below its rounding say nothing: there the step is as good as predicted
  // (Conn, Gould & Toint, Trust-Region Methods (2000), section 17.4.2).
  const double noise = 10 * eps * std::fabs(loss);
  const double predicted = rec.inner.decrease + noise, actual = loss - rec.value + noise;
  row.rho = predicted > 0 ? actual / predicted : -HUGE_VAL;
  row.accepted = std::isfinite(rec.value) && row.rho >= options.eta2;
  not_finite = rec.inner.stop == InnerStop::not_finite;
  stalled = !row.accepted && row.step_norm <= eps * std::sqrt(rec.x2);

  const double change = row.accepted && row.rho < options.eta1 ? options.gamma2 : options.gamma1;
  const bool grow = row.accepted != cubic;  // success: a larger radius, a smaller sigma
  size = grow ? size * change : size / change;
  size = cubic ? std::max(size, options.min_sigma) : std::min(size, options.max_radius);

  if (gradient_sampled && new_gradient) {
    sampled_gradient_small = row.gradient_norm <= options.stopping.eps_g;
    gradient.adapt(row.gradient_norm);
  }
  if (row.accepted) {
    std::swap(current, trial);
    loss = rec.value;
    gradient_norm = gradient_at_trial ? std::sqrt(rec.gradient2) : std::nan("");
    gradient_paid = false;
    failures = 0;
    need_gradient = need_hessian = true;
    eigenvalue.reset();
    ++result.accepted;
  } else if (++failures == options.max_failures) {  // new samples
    failures = 0;
    need_gradient = need_gradient || gradient.sampled();
    need_hessian = need_hessian || options.hessian.sampling != Sampling::full;
  }
  row.loss = loss;
}

template <Backend B, Scalar T>
Iteration OuterLoop<B, T>::iterate(bool along_eigenvector) {
  Iteration row;
  row.iteration = ++result.iterations;
  row.step = along_eigenvector ? StepKind::eigenvector : StepKind::model;
  bool new_gradient = false, new_hessian = false;
  ctx.mark(0);
  if (!along_eigenvector) new_gradient = make_gradient();
  ctx.mark(1);
  if (!along_eigenvector) new_hessian = make_hessian();
  ctx.mark(2);
  along_eigenvector ? follow_eigenvector() : solve_model();
  ctx.mark(3);
  if (options.errors == SecondOrderOptions::Errors::exact && !along_eigenvector) {
    measure_true_errors(new_gradient, new_hessian);
  }
  ctx.mark(4);
  try_step();
  ctx.mark(5);
  judge(row, new_gradient, new_hessian);
  row.phases = {ctx.seconds_between(0, 1), ctx.seconds_between(1, 2), ctx.seconds_between(2, 3),
                ctx.seconds_between(4, 5)};
  return row;
}

template <Backend B, Scalar T>
std::optional<Stop> OuterLoop<B, T>::reason_to_stop() const {
  const StoppingOptions& stopping = options.stopping;
  if (not_finite || !std::isfinite(loss) || std::isinf(gradient_norm)) return Stop::not_finite;
  if (loss <= stopping.target_loss) return Stop::target_loss;
  if (stalled) return Stop::stalled;
  if (result.work.props >= stopping.max_props) return Stop::max_props;
  if (result.iterations >= stopping.max_iterations) return Stop::max_iterations;
  return std::nullopt;
}

namespace {

/// Host waits and polls of the context between two moments.
class WaitCount {
 public:
  explicit WaitCount(const Counters& counters) : counters_(counters), before_(counters) {}
  void store(Work& work, const Counters& earlier = {}) const {
    work.host_waits = counters_.host_waits - before_.host_waits + earlier.host_waits;
    work.flag_polls = counters_.flag_polls - before_.flag_polls + earlier.flag_polls;
    work.launches = counters_.launches - before_.launches + earlier.launches;
  }

 private:
  const Counters& counters_;
  Counters before_;
};

}  // namespace

/// F at the first point, which is x or that of the checkpoint.
template <Backend B, Scalar T>
void OuterLoop<B, T>::begin(VectorView<T, B> x) {
  clear();
  if (options.resume != nullptr) return resume(*options.resume);
  ctx.copy(current.x.data(), x.data, static_cast<std::size_t>(x.size) * sizeof(T));
  evaluate(current);
  const Record first = record.read(0);
  loss = result.initial_loss = first.value;
  gradient_norm = gradient_at_trial ? std::sqrt(first.gradient2) : std::nan("");
}

template <Backend B, Scalar T>
OptimizationResult OuterLoop<B, T>::minimize(VectorView<T, B> x) {
  const auto began = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  };
  const WaitCount waits(ctx.counters);
  begin(x);

  std::optional<Stop> stop;
  while (!(stop = reason_to_stop())) {
    const Look seen = look();
    if (seen == Look::optimal) stop = Stop::optimal;
    if (seen == Look::uncertified) stop = Stop::uncertified;
    if (stop) break;
    Iteration row = iterate(seen == Look::negative_curvature);
    waits.store(result.work, counted_before);
    row.work = result.work;
    row.seconds = seconds_before + elapsed();
    result.phases += row.phases;
    result.trace.push_back(row);
    const Counters before = ctx.counters;
    if (options.checkpoint && row.accepted &&
        elapsed() - last_checkpoint_second >= options.checkpoint_seconds) {
      options.checkpoint(checkpoint());
      last_checkpoint_second = elapsed();
    }
    if (options.point && row.accepted) options.point(download_wide<B, T>(ctx, current.x.view()));
    ctx.counters = before;  // the waits of these two are not the method's
    if (options.progress && !options.progress(row)) {
      stop = Stop::interrupted;
      break;
    }
  }
  waits.store(result.work, counted_before);
  result.stop = *stop;
  result.loss = loss;
  const WaitCount certificate_waits(ctx.counters);
  if (stop != Stop::not_finite) certify();
  certificate_waits.store(result.certificate_work);
  ctx.copy(x.data, current.x.data(), static_cast<std::size_t>(x.size) * sizeof(T));
  ctx.synchronize();
  result.seconds = seconds_before + elapsed();
  return std::move(result);
}

/// Memory that loops read before anything else writes it.
template <Backend B, Scalar T>
void OuterLoop<B, T>::clear() {
  T* const s = step.data();
  Record* const rec = record.data();
  for_each(ctx, f.dim(), [=] RANDNLA_FN(index_t i) { s[i] = T(0); });
  for_each(ctx, 1, [=] RANDNLA_FN(index_t) { *rec = {}; });
}

namespace {

template <Backend B, Scalar T>
OptimizationResult minimize(Context<B>& ctx, FiniteSumRef<B, T> f, VectorView<T, B> x,
                            const SecondOrderOptions& options, bool cubic) {
  check(options);
  require(!is_leverage(options.hessian.sampling) || f.has_leverage(),
          "hessian.sampling: the objective has no leverage scores");
  require(x.size == f.dim(),
          "x has " + std::to_string(x.size) + " entries, the objective " + std::to_string(f.dim()));
  return OuterLoop<B, T>(ctx, f, options, cubic).minimize(x);
}

}  // namespace

template <Backend B, Scalar T>
OptimizationResult trust_region(Context<B>& ctx, std::type_identity_t<FiniteSumRef<B, T>> f,
                                VectorView<T, B> x, const SecondOrderOptions& options) {
  return minimize<B, T>(ctx, f, x, options, false);
}

template <Backend B, Scalar T>
OptimizationResult cubic_newton(Context<B>& ctx, std::type_identity_t<FiniteSumRef<B, T>> f,
                                VectorView<T, B> x, const SecondOrderOptions& options) {
  return minimize<B, T>(ctx, f, x, options, true);
}

template OptimizationResult trust_region(Context<ThisBackend>&, FiniteSumRef<ThisBackend, float>,
                                         VectorView<float, ThisBackend>, const SecondOrderOptions&);
template OptimizationResult trust_region(Context<ThisBackend>&, FiniteSumRef<ThisBackend, double>,
                                         VectorView<double, ThisBackend>,
                                         const SecondOrderOptions&);
template OptimizationResult cubic_newton(Context<ThisBackend>&, FiniteSumRef<ThisBackend, float>,
                                         VectorView<float, ThisBackend>, const SecondOrderOptions&);
template OptimizationResult cubic_newton(Context<ThisBackend>&, FiniteSumRef<ThisBackend, double>,
                                         VectorView<double, ThisBackend>,
                                         const SecondOrderOptions&);

}  // namespace randnla
