// Names of the results' enumerations.
#include <randnla/krylov/inner_result.hpp>
#include <randnla/optimize/result.hpp>

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

}  // namespace randnla
