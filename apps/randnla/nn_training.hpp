// What the commands that train networks share.
#pragma once

#include "json.hpp"
#include "nn_options.hpp"
#include "plot.hpp"

#include <randnla/io/images.hpp>
#include <randnla/learn/train.hpp>

#include <array>

namespace randnla::app {

/// With random weights, and but for the perceptron, which other commands look at, with its images normalised by
/// its first layer. Throws InvalidArgument: a model that is not for such images.
Network make_network(const NetworkOptions& options, const Images& images);

/// Reads all parameters from an npy file. Throws DataError as read_weights.
void set_weights(const Network& network, const std::string& path);

NetworkData tensors_of(const Images& images);

/// What the library is to do.
randnla::TrainOptions library_options(const NetworkTrainOptions& options);

Json to_json(const EpochRecord& row);

/// A picture of a run: a point an epoch.
struct EpochPlot {
  const char* title;
  Axis x, y;
  double (*x_of)(const EpochRecord&);
  double (*y_of)(const EpochRecord&);
  bool adaptive;  // of runs whose batch adapts only
};

extern const std::array<EpochPlot, 5> epoch_plots;

}  // namespace randnla::app
