// The state of a run between two iterations, out and in.
#pragma once

#include "core/option_text.hpp"
#include "optimize/outer_loop.hpp"
#include "optimize/steps.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <string>

namespace randnla {

/// The options that decide about steps, a name and a value each: src/report/checkpoint.cpp.
std::string steps_decided_by(const SecondOrderOptions& options, bool cubic, int scalar_bytes);

template <Backend B, Scalar T>
void upload_narrow(const std::vector<double>& wide, Buffer<T, B>& to) {
  std::vector<T> narrow(wide.size());
  std::ranges::transform(wide, narrow.begin(), [](double v) { return static_cast<T>(v); });
  to.upload(narrow);
}

/// After an accepted step, when samples, models and the Krylov space are to be made anew anyway.
template <Backend B, Scalar T>
Checkpoint OuterLoop<B, T>::checkpoint() {
  Checkpoint out;
  out.options = steps_decided_by(options, cubic, sizeof(T));
  out.dim = f.dim(), out.terms = f.terms();
  out.x = download_wide<B, T>(ctx, current.x.view());
  if (hessian.ratio.size() > 0) out.leverage_ratio = download_wide<B, T>(ctx, hessian.ratio.view());
  out.result = result;
  out.result.loss = loss;
  out.result.seconds = result.trace.empty() ? 0 : result.trace.back().seconds;
  out.rng = rng;
  out.loss = loss, out.size = size;
  out.gradient_fraction = gradient.fraction, out.gradient_reference = gradient.reference;
  out.gradient_second = gradient_second;
  out.hessian_size = hessian.size;
  out.draws_since_refresh = hessian.draws_since_refresh;
  out.expected_products = expected_products;
  out.next_look = next_look, out.look_gap = look_gap;
  out.gradient_at_trial = gradient_at_trial;
  out.sampled_gradient_small = sampled_gradient_small;
  return out;
}

/// Throws InvalidArgument where the checkpoint is that of another run.
template <Backend B, Scalar T>
void OuterLoop<B, T>::resume(const Checkpoint& from) {
  require_same_options(steps_decided_by(options, cubic, sizeof(T)), from.options);
  require(from.dim == f.dim() && from.terms == f.terms(),
          "the checkpoint is of " + std::to_string(from.terms) + " terms in " +
              std::to_string(from.dim) + " dimensions, the objective has " +
              std::to_string(f.terms()) + " in " + std::to_string(f.dim()));
  upload_narrow(from.x, current.x);
  gradient_at_trial = from.gradient_at_trial;
  evaluate(current);
  const Record first = record.read(0);
  if (first.value != from.loss) {
    char text[160];
    std::snprintf(text, sizeof text,
                  "the checkpoint has a loss of %.17g where this objective has %.17g: other data, "
                  "another loss or another machine",
                  from.loss, first.value);
    throw InvalidArgument(text);
  }
  loss = first.value;
  gradient_norm = gradient_at_trial ? std::sqrt(first.gradient2) : std::nan("");
  if (!from.leverage_ratio.empty()) {
    hessian.ratio = Buffer<T, B>(ctx, f.terms());
    upload_narrow(from.leverage_ratio, hessian.ratio);
  }
  result = from.result;
  rng = from.rng, size = from.size;
  gradient.fraction = from.gradient_fraction, gradient.reference = from.gradient_reference;
  gradient_second = from.gradient_second;
  hessian.size = from.hessian_size;
  hessian.draws_since_refresh = static_cast<int>(from.draws_since_refresh);
  expected_products = static_cast<int>(from.expected_products);
  next_look = from.next_look, look_gap = from.look_gap;
  sampled_gradient_small = from.sampled_gradient_small;
  seconds_before = result.seconds;
  // This start's wait stands for that one's.
  counted_before = {result.work.host_waits - 1, result.work.flag_polls, result.work.launches};
}

}  // namespace randnla
