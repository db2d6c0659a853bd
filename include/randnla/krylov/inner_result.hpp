#pragma once

#include <randnla/core/backend.hpp>

namespace randnla {

enum class InnerStop : int {
  running,
  converged,           // the model's gradient is below the tolerance
  boundary,            // a CG step left the trust region; cut at its boundary
  negative_curvature,  // followed to the boundary of the trust region
  iteration_limit,
  not_finite,  // a product gave NaN or infinity
};

/// Name for people and for JSON.
const char* name(InnerStop stop);

/// The outcome of one solve of a model around a point, in backend memory.
struct InnerResult {
  double decrease = 0;   // m(0) - m(s), of the model that was solved
  double step_norm = 0;  // |s|
  int iterations = 0;    // of CG or Lanczos
  int products = 0;      // Hessian-vector products that the result needed
  InnerStop stop = InnerStop::running;
};

}  // namespace randnla
