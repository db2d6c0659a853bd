// From options and data to a solution: the one place that knows every loss and every method.
#pragma once

#include "options.hpp"

#include <randnla/data/dataset.hpp>
#include <randnla/optimize/checkpoint.hpp>
#include <randnla/optimize/result.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace randnla::app {

/// What a run calls on its way; all may be empty.
struct Hooks {
  std::function<bool(const Iteration&)> progress = {};         // false ends the run
  std::function<void(const std::vector<double>&)> point = {};  // after accepted steps
  std::function<void(const Checkpoint&)> checkpoint = {};      // tr, arc and gauss-newton
  const Checkpoint* resume = nullptr;                          // likewise
};

struct Solution {
  OptimizationResult result;
  std::vector<double> x;
};

/// Where runs take place. Made before the data are read, so that a missing device is told at once.
class Place {
 public:
  /// Throws BackendError where the device is not there.
  Place(Context<Cpu>& host, Device device);
  ~Place();
  std::string device_name() const;

  /// classes  K of a softmax, else 0
  ///
  /// Throws InvalidArgument: options that do not fit each other or the data
  template <Scalar T>
  Solution solve(const Dataset<T, Cpu>& data, index_t classes, const TrainOptions& options,
                 const Hooks& hooks);

 private:
  struct OnDevice;
  Context<Cpu>& host_;
  std::unique_ptr<OnDevice> device_;  // null: the host
};

/// The kind of targets that a loss wants.
Targets targets_of(Loss loss);

}  // namespace randnla::app
