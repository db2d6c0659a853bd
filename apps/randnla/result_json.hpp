// What an optimiser has done, as JSON.
#pragma once

#include "choices.hpp"
#include "json.hpp"

#include <randnla/optimize/result.hpp>

namespace randnla::app {

/// A line of the trace.
Json to_json(const Iteration& iteration, Method method);

/// The end of a run, its certificate and the work, without the trace.
Json outcome_json(const OptimizationResult& result);

}  // namespace randnla::app
