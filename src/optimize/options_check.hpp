// What the options of the optimisers may be.
#pragma once

#include <randnla/core/error.hpp>
#include <randnla/optimize/second_order.hpp>

#include <cmath>
#include <string>

namespace randnla {

namespace options {

inline void want(bool ok, const char* name, double value, const char* range) {
  require(ok, std::string(name) + " = " + std::to_string(value) + ", want " + range);
}
inline void fraction(const char* name, double value) {
  want(value > 0 && value <= 1, name, value, "above 0 and at most 1");
}
inline void positive(const char* name, double value) { want(value > 0, name, value, "above 0"); }
inline void not_negative(const char* name, double value) {
  want(value >= 0, name, value, "at least 0");
}

}  // namespace options

inline void check(const StoppingOptions& o) {
  options::not_negative("stopping.eps_g", o.eps_g);
  options::not_negative("stopping.eps_h", o.eps_h);
  options::want(o.failure_probability > 0 && o.failure_probability < 1,
                "stopping.failure_probability", o.failure_probability, "above 0 and below 1");
  options::positive("stopping.lanczos_steps", o.lanczos_steps);
  options::not_negative("stopping.max_iterations", static_cast<double>(o.max_iterations));
  options::not_negative("stopping.max_props", static_cast<double>(o.max_props));
}

inline void check(const SecondOrderOptions& o) {
  using options::fraction, options::not_negative, options::positive, options::want;
  fraction("gradient.fraction", o.gradient.fraction);
  fraction("gradient.min_fraction", o.gradient.min_fraction);
  fraction("gradient.max_fraction", o.gradient.max_fraction);
  want(o.gradient.min_fraction <= o.gradient.max_fraction, "gradient.min_fraction",
       o.gradient.min_fraction, "at most gradient.max_fraction");
  want(o.gradient.factor > 1, "gradient.factor", o.gradient.factor, "above 1");
  positive("gradient.tolerance", o.gradient.tolerance);
  require(
      !is_given(o.hessian.sampling),
      "hessian.sampling = given: an optimiser computes its scores itself, want one of the others");
  fraction("hessian.fraction", o.hessian.fraction);
  positive("hessian.tolerance", o.hessian.tolerance);
  positive("hessian.refresh", o.hessian.refresh);
  const bool hessian_driven = o.hessian.size == HessianOptions::Size::error_driven;
  if (hessian_driven || o.gradient.rule == GradientOptions::Rule::error_driven) {
    positive("stopping.eps_g, which error-driven samples need,", o.stopping.eps_g);
  }
  if (hessian_driven) {
    positive("stopping.eps_h, which error-driven Hessian samples need,", o.stopping.eps_h);
  }
  check(o.stopping);
  positive("initial_radius", o.initial_radius);
  positive("max_radius", o.max_radius);
  if (o.initial_sigma) positive("initial_sigma", *o.initial_sigma);
  positive("min_sigma", o.min_sigma);
  want(o.eta2 > 0 && o.eta2 <= o.eta1 && o.eta1 < 1, "eta1", o.eta1, "0 < eta2 <= eta1 < 1");
  want(o.gamma2 >= 1 && o.gamma2 <= o.gamma1 && o.gamma1 > 1, "gamma1", o.gamma1,
       "1 <= gamma2 <= gamma1 and gamma1 > 1");
  not_negative("max_failures", o.max_failures);
  positive("inner_iterations", o.inner_iterations);
  not_negative("inner_tolerance", o.inner_tolerance);
  not_negative("checkpoint_seconds", o.checkpoint_seconds);
}

}  // namespace randnla
