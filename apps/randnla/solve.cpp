#include "solve.hpp"

#include "device_data.hpp"

#include <randnla/core/random.hpp>
#include <randnla/objective/linear_model.hpp>
#include <randnla/objective/softmax.hpp>
#include <randnla/optimize/baselines.hpp>

#include <cmath>
#include <utility>

namespace randnla::app {
namespace {

/// The optimisers count their random streams up from 0.
constexpr std::uint64_t start_stream = std::uint64_t{1} << 61;

template <Backend B, Scalar T>
Buffer<T, B> first_point(Context<B>& ctx, const TrainOptions& options, index_t n) {
  if (options.start == Start::normal) {
    Buffer<T, B> x(ctx, n);
    const auto scale = static_cast<T>(1 / std::sqrt(static_cast<double>(n)));
    fill_normal(ctx, Rng{options.solver.seed, start_stream}, scale, x.view());
    return x;
  }
  const T value = options.start == Start::ones ? T(1) : T(0);
  return Buffer<T, B>(ctx, std::vector<T>(static_cast<std::size_t>(n), value));
}

/// What all methods take alike.
template <class Options>
Options with_hooks(Options options, const SecondOrderOptions& common, const Hooks& hooks) {
  options.stopping = common.stopping;
  options.seed = common.seed;
  options.progress = hooks.progress;
  options.point = hooks.point;
  return options;
}

template <Backend B, Scalar T>
OptimizationResult run(Context<B>& ctx, FiniteSumRef<B, T> f, VectorView<T, B> x,
                       const TrainOptions& options, const Hooks& hooks) {
  SecondOrderOptions solver = options.solver;
  solver.stopping.max_props = to_count(options.max_props);
  solver.checkpoint = hooks.checkpoint;
  solver.resume = hooks.resume;
  solver = with_hooks(solver, SecondOrderOptions(solver), hooks);
  ScrOptions scr_options;
  scr_options.gradient_fraction = solver.gradient.fraction;
  scr_options.hessian_fraction = solver.hessian.fraction;
  scr_options.sigma = solver.initial_sigma.value_or(scr_options.sigma);
  switch (options.method) {
    case Method::trust_region:
    case Method::gauss_newton:
      return trust_region<B, T>(ctx, f, x, solver);
    case Method::cubic:
      return cubic_newton<B, T>(ctx, f, x, solver);
    case Method::scr_lanczos:
      return scr<B, T>(ctx, f, x, with_hooks(scr_options, solver, hooks));
    case Method::scr_gd:
      scr_options.solver = ScrOptions::Solver::gradient_descent;
      return scr<B, T>(ctx, f, x, with_hooks(scr_options, solver, hooks));
    case Method::lbfgs:
      return lbfgs<B, T>(ctx, f, x, with_hooks(options.lbfgs, solver, hooks));
    case Method::sgd:
      return sgd<B, T>(ctx, f, x, with_hooks(options.sgd, solver, hooks));
  }
  return {};
}

template <Backend B, Scalar T, class F>
Solution solve(Context<B>& ctx, const F& objective, const TrainOptions& options,
               const Hooks& hooks) {
  Buffer<T, B> x = first_point<B, T>(ctx, options, objective.dim());
  Solution solution;
  solution.result = run<B, T>(ctx, objective, x.view(), options, hooks);
  const std::vector<T> found = x.download();
  solution.x.assign(found.begin(), found.end());
  return solution;
}

template <class Objective, Backend B, Scalar T, class... More>
Objective objective_on(Context<B>& ctx, const Dataset<T, B>& data, const More&... more) {
  return Objective(ctx, data, more...);
}

template <class Objective, Scalar T, class... More>
Objective objective_on(Context<Cuda>& ctx, const StreamedData<T>& data, const More&... more) {
  return Objective(ctx, data.streamed, data.targets.view(), more...);
}

template <class Objective, Backend B, Scalar T, class Data, class... Loss>
Solution solve_linear(Context<B>& ctx, const Data& data, const TrainOptions& options,
                      const Hooks& hooks, Loss... loss) {
  const auto objective = objective_on<Objective>(ctx, data, options.regulariser, loss...);
  return solve<B, T>(ctx, objective, options, hooks);
}

/// data: a Dataset or StreamedData.
template <Backend B, Scalar T, class Data>
Solution solve(Context<B>& ctx, const Data& data, index_t classes, const TrainOptions& options,
               const Hooks& hooks) {
  switch (options.loss) {
    case Loss::squares:
      return solve_linear<LinearModel<SigmoidSquares, B, T>, B, T>(ctx, data, options, hooks);
    case Loss::logistic:
      return solve_linear<LinearModel<LogisticLoss, B, T>, B, T>(ctx, data, options, hooks);
    case Loss::least_squares:
      return solve_linear<LinearModel<SquaredLoss, B, T>, B, T>(ctx, data, options, hooks);
    case Loss::cauchy: {
      CauchyLoss loss;
      loss.c = options.loss_scale.value_or(loss.c);
      return solve_linear<LinearModel<CauchyLoss, B, T>, B, T>(ctx, data, options, hooks, loss);
    }
    case Loss::tukey: {
      TukeyLoss loss;
      loss.c = options.loss_scale.value_or(loss.c);
      return solve_linear<LinearModel<TukeyLoss, B, T>, B, T>(ctx, data, options, hooks, loss);
    }
    case Loss::softmax: {
      const auto objective =
          objective_on<SoftmaxRegression<B, T>>(ctx, data, classes, options.regulariser);
      return solve<B, T>(ctx, objective, options, hooks);
    }
  }
  return {};
}

}  // namespace

Targets targets_of(Loss loss) {
  if (loss == Loss::squares || loss == Loss::logistic) return Targets::two_classes;
  return loss == Loss::softmax ? Targets::classes : Targets::real;
}

struct Place::OnDevice {
  Context<Cuda> ctx;
};

Place::Place(Context<Cpu>& host, Device device)
    : host_(host), device_(device == Device::cuda ? std::make_unique<OnDevice>() : nullptr) {}

Place::~Place() = default;

std::string Place::device_name() const {
  return device_ ? device_->ctx.device_name() : host_.device_name();
}

template <Scalar T>
Solution Place::solve(const Dataset<T, Cpu>& data, index_t classes, const TrainOptions& options,
                      const Hooks& hooks) {
#ifdef RANDNLA_HAS_CUDA
  if (device_) {
    return std::visit(
        [&](const auto& there) {
          return app::solve<Cuda, T>(device_->ctx, there, classes, options, hooks);
        },
        to_device(device_->ctx, data, options.device_memory));
  }
#endif
  return app::solve<Cpu, T>(host_, data, classes, options, hooks);
}

template Solution Place::solve(const Dataset<float, Cpu>&, index_t, const TrainOptions&,
                               const Hooks&);
template Solution Place::solve(const Dataset<double, Cpu>&, index_t, const TrainOptions&,
                               const Hooks&);

}  // namespace randnla::app
