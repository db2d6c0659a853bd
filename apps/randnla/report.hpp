// What a run has done, as JSON.
#pragma once

#include "model.hpp"
#include "options.hpp"
#include "result_json.hpp"
#include "targets.hpp"

#include <randnla/optimize/result.hpp>

#include <optional>
#include <string>

namespace randnla::app {

/// What train knows beside the optimiser's result.
struct RunFacts {
  index_t rows = 0, test_rows = 0;
  index_t features = 0;    // of the raw data
  index_t dimensions = 0;  // of the problem: with the bias, and times the classes
  bool sparse = false;
  TargetMap targets;
  Quality train, test;  // test: nothing without test data
  double load_seconds = 0;
  int threads = 0;
  std::string device_name;
};

Json to_json(const OptimizationResult& result, const RunFacts& facts, const TrainOptions& options);

}  // namespace randnla::app
