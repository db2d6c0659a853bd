// Runs of the baselines by name, with options that they share changed for all of them.
#pragma once

#include "optimize/runs.hpp"

#include <randnla/optimize/baselines.hpp>

namespace randnla::test {

enum class Baseline { scr_lanczos, scr_descent, lbfgs, sgd };
inline constexpr Baseline baselines[] = {Baseline::scr_lanczos, Baseline::scr_descent,
                                         Baseline::lbfgs, Baseline::sgd};
inline const char* name(Baseline b) {
  switch (b) {
    case Baseline::scr_lanczos:
      return "scr, Lanczos";
    case Baseline::scr_descent:
      return "scr, gradient descent";
    case Baseline::lbfgs:
      return "lbfgs";
    case Baseline::sgd:
      return "sgd";
  }
  return "";
}
inline bool is_scr(Baseline b) { return b == Baseline::scr_lanczos || b == Baseline::scr_descent; }

struct BaselineOptions {
  ScrOptions scr;
  LbfgsOptions lbfgs;
  SgdOptions sgd;

  template <class F>
  void all(F change) {
    change(scr), change(lbfgs), change(sgd);
  }
};

template <Scalar T, Backend B>
Run<T> minimize(Baseline method, Context<B>& ctx, FiniteSumRef<B, T> f,
                const std::vector<double>& start, const BaselineOptions& options) {
  auto x = place<T>(ctx, start);
  const Counters before = ctx.counters;
  Run<T> run;
  if (method == Baseline::lbfgs) {
    run.result = lbfgs<B, T>(ctx, f, x.view(), options.lbfgs);
  } else if (method == Baseline::sgd) {
    run.result = sgd<B, T>(ctx, f, x.view(), options.sgd);
  } else {
    ScrOptions chosen = options.scr;
    chosen.solver = method == Baseline::scr_lanczos ? ScrOptions::Solver::lanczos
                                                    : ScrOptions::Solver::gradient_descent;
    run.result = scr<B, T>(ctx, f, x.view(), chosen);
  }
  run.counters = {ctx.counters.host_waits - before.host_waits,
                  ctx.counters.flag_polls - before.flag_polls};
  run.x = x.download();
  return run;
}

}  // namespace randnla::test
