// Sub-sampled cubic regularisation with a fixed sigma.
#include "optimize/baseline_run.hpp"
#include "optimize/cubic_descent.hpp"
#include "optimize/options_check.hpp"
#include "optimize/sampled_hessian.hpp"

#include <randnla/krylov/cubic.hpp>

#include <algorithm>
#include <limits>

namespace randnla {
namespace {

void check(const ScrOptions& o) {
  options::fraction("gradient_fraction", o.gradient_fraction);
  options::fraction("hessian_fraction", o.hessian_fraction);
  options::positive("sigma", o.sigma);
  options::positive("inner_iterations", o.inner_iterations);
  options::not_negative("inner_tolerance", o.inner_tolerance);
  check(o.stopping);
}

}  // namespace

/// Everything the host learns of an iteration, read at its end in one piece.
struct ScrRecord {
  InnerResult inner;
  Observation at;            // the new point
  double sampled_gradient2;  // |g_S|^2
  TwoSums step2_x2;          // |s|^2, |x|^2
};

template <Backend B, Scalar T>
struct Scr {
  Scr(Context<B>& context, FiniteSumRef<B, T> objective, const ScrOptions& given)
      : ctx(context),
        f(objective),
        options(given),
        run(ctx, f, given),
        sampler(ctx, f.terms()),
        gradient_size(rows_of(given.gradient_fraction)),
        hessian_size(rows_of(given.hessian_fraction)),
        hessian(f),
        gradient(ctx, f.dim()),
        step(ctx, f.dim()),
        record(ctx, 1),
        expected_products(static_cast<int>(std::min<index_t>(given.inner_iterations, f.dim()))) {
    if (options.solver == ScrOptions::Solver::lanczos) {
      lanczos.emplace(ctx, f.dim(), given.inner_iterations);
    } else {
      descent.emplace(ctx, f.dim());
    }
  }

  index_t rows_of(double fraction) const {
    return static_cast<index_t>(
        std::max(1.0, std::floor(fraction * static_cast<double>(f.terms()))));
  }

  void make_gradient(VectorView<const T, B> x) {
    const auto sample = sampler.draw(ctx, Sampling::uniform, gradient_size, {}, run.rng.next());
    f.evaluate(ctx, x, sample, {nullptr, gradient.data(), nullptr});
    sum_squares<B, T>(ctx, gradient.view(), &record.data()->sampled_gradient2);
  }

  void make_hessian(VectorView<const T, B> x) {
    const auto sample = sampler.draw(ctx, Sampling::uniform, hessian_size, {}, run.rng.next());
    f.evaluate(ctx, x, sample, {nullptr, nullptr, hessian.curvature_memory(ctx, hessian_size)});
    hessian.use(ctx, x, sample, expected_products);
  }

  void solve_model() {
    InnerResult* const inner = &record.data()->inner;
    const Rng rng = run.rng.next();
    if (lanczos) {
      lanczos->solve(ctx, hessian.op(), gradient.view(), step.view(), inner, rng,
                     {options.sigma, options.inner_tolerance, options.inner_iterations});
    } else {
      descent->solve(ctx, hessian.op(), gradient.view(), step.view(), inner, rng, options.sigma,
                     options.inner_tolerance, options.inner_iterations);
    }
  }

  void take_step(VectorView<T, B> x) {
    const T* const s = step.data();
    T* const to = x.data;
    ScrRecord* const rec = record.data();
    sum_then<TwoSums>(
        ctx, f.dim(),
        [=] RANDNLA_FN(index_t i) {
          to[i] += s[i];
          const double si = s[i], xi = to[i];
          return TwoSums{si * si, xi * xi};
        },
        [=] RANDNLA_FN(const TwoSums& sums) { rec->step2_x2 = sums; });
    observe<B, T>(ctx, f, x, gradient.view(), &rec->at);
  }

  void count(Iteration& row, const InnerResult& inner) {
    const auto n = static_cast<double>(f.terms());
    row.gradient_sample = gradient_size, row.hessian_sample = hessian_size;
    row.hessian_formed = hessian.formed();
    row.inner_iterations = inner.iterations, row.inner_stop = inner.stop;
    Work& work = run.result.work;
    ++work.gradients;
    work.hessian_products += inner.products;
    work.hessian_matrices += hessian.formed() ? 1 : 0;
    work.props += 2 * gradient_size + 2 * hessian_size * inner.products;
    // The rows of S_H are read once for their curvatures, and once for the matrix or a product.
    const int reads = 1 + (hessian.formed() ? 1 : inner.products);
    work.data_passes +=
        (static_cast<double>(gradient_size) + reads * static_cast<double>(hessian_size)) / n + 1;
    if (inner.products > 0) expected_products = inner.products;
  }

  void iterate(VectorView<T, B> x) {
    ctx.mark(0);
    make_gradient(x);
    ctx.mark(1);
    make_hessian(x);
    ctx.mark(2);
    solve_model();
    ctx.mark(3);
    take_step(x);
    ctx.mark(4);
    const ScrRecord rec = record.read(0);
    Iteration row;
    row.gradient_norm = std::sqrt(rec.sampled_gradient2);
    row.size = options.sigma;
    row.step_norm = std::sqrt(rec.step2_x2.first);
    row.accepted = true;
    row.phases = {ctx.seconds_between(0, 1), ctx.seconds_between(1, 2), ctx.seconds_between(2, 3),
                  ctx.seconds_between(3, 4)};
    count(row, rec.inner);
    const auto eps = static_cast<double>(std::numeric_limits<T>::epsilon());
    run.know(rec.at);
    run.not_finite = run.not_finite || rec.inner.stop == InnerStop::not_finite;
    run.stalled = row.step_norm <= eps * std::sqrt(rec.step2_x2.second);
    run.add(row, x);
  }

  OptimizationResult minimize(VectorView<T, B> x) {
    ScrRecord* const rec = record.data();
    for_each(ctx, 1, [=] RANDNLA_FN(index_t) { *rec = {}; });
    observe<B, T>(ctx, f, x, gradient.view(), &rec->at);
    run.result.work.data_passes += 1;
    run.know(record.read(0).at);
    run.result.initial_loss = run.loss;
    while (!run.stopped(x, true)) iterate(x);
    return run.finish(x);
  }

  Context<B>& ctx;
  FiniteSumRef<B, T> f;
  const ScrOptions& options;
  BaselineRun<B, T> run;
  RowSampler<B, T> sampler;  // of S_g, which is not needed any more when S_H is drawn
  index_t gradient_size, hessian_size;
  SampledHessian<B, T> hessian;
  Buffer<T, B> gradient, step;  // gradient: the sampled one, and for the look at all data the full
  Buffer<ScrRecord, B> record;
  std::optional<CubicSolver<B, T>> lanczos;
  std::optional<CubicDescent<B, T>> descent;
  int expected_products;
};

template <Backend B, Scalar T>
OptimizationResult scr(Context<B>& ctx, std::type_identity_t<FiniteSumRef<B, T>> f,
                       VectorView<T, B> x, const ScrOptions& options) {
  check(options);
  require_size<B, T>(f, x);
  return Scr<B, T>(ctx, f, options).minimize(x);
}

template OptimizationResult scr(Context<ThisBackend>&, FiniteSumRef<ThisBackend, float>,
                                VectorView<float, ThisBackend>, const ScrOptions&);
template OptimizationResult scr(Context<ThisBackend>&, FiniteSumRef<ThisBackend, double>,
                                VectorView<double, ThisBackend>, const ScrOptions&);

}  // namespace randnla
