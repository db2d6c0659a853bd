// Names of the results' enumerations.
#include <randnla/krylov/inner_result.hpp>
#include <randnla/least_squares/least_squares.hpp>
#include <randnla/optimize/result.hpp>
#include <randnla/spectra/trace.hpp>

namespace randnla {

const char* name(InnerStop stop) {
  switch (stop) {
    case InnerStop::running:
      return "running";
    case InnerStop::converged:
      return "converged";
    case InnerStop::boundary:
      return "boundary";
    case InnerStop::negative_curvature:
      return "negative_curvature";
    case InnerStop::iteration_limit:
      return "iteration_limit";
    case InnerStop::not_finite:
      return "not_finite";
  }
  return "";
}

const char* name(Stop stop) {
  switch (stop) {
    case Stop::optimal:
      return "optimal";
    case Stop::uncertified:
      return "uncertified";
    case Stop::saddle:
      return "saddle";
    case Stop::target_loss:
      return "target_loss";
    case Stop::max_props:
      return "max_props";
    case Stop::max_iterations:
      return "max_iterations";
    case Stop::stalled:
      return "stalled";
    case Stop::interrupted:
      return "interrupted";
    case Stop::not_finite:
      return "not_finite";
  }
  return "";
}

const char* name(LeastSquaresMethod method) {
  switch (method) {
    case LeastSquaresMethod::automatic:
      return "automatic";
    case LeastSquaresMethod::qr:
      return "qr";
    case LeastSquaresMethod::normal:
      return "normal";
    case LeastSquaresMethod::sketch_and_solve:
      return "sketch_and_solve";
    case LeastSquaresMethod::sketch_and_precondition:
      return "sketch_and_precondition";
    case LeastSquaresMethod::iterative_sketching:
      return "iterative_sketching";
    case LeastSquaresMethod::fossils:
      return "fossils";
    case LeastSquaresMethod::iterative_hessian_sketch:
      return "iterative_hessian_sketch";
  }
  return "";
}

const char* name(LeastSquaresStop stop) {
  switch (stop) {
    case LeastSquaresStop::converged:
      return "converged";
    case LeastSquaresStop::iteration_limit:
      return "iteration_limit";
    case LeastSquaresStop::stagnated:
      return "stagnated";
    case LeastSquaresStop::ill_conditioned:
      return "ill_conditioned";
    case LeastSquaresStop::wide:
      return "wide";
    case LeastSquaresStop::not_finite:
      return "not_finite";
  }
  return "";
}

const char* name(TraceMethod method) {
  switch (method) {
    case TraceMethod::hutchinson:
      return "hutchinson";
    case TraceMethod::hutch_pp:
      return "hutch_pp";
    case TraceMethod::xtrace:
      return "xtrace";
  }
  return "";
}

}  // namespace randnla
