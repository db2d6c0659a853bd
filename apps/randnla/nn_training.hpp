// What the commands that train networks share.
#pragma once

#include "json.hpp"
#include "nn_options.hpp"
#include "plot.hpp"

#include <randnla/core/context.hpp>
#include <randnla/io/images.hpp>
#include <randnla/learn/train.hpp>

#include <array>
#include <string>

namespace randnla::app {

/// With random weights. Convolutional ones have their images normalised by their first layer, the others, whose
/// weights other commands look at or whose targets are images, have not. Throws InvalidArgument: a model that is
/// not for such images.
Network make_network(const NetworkOptions& options, const Images& images);

/// Reads all parameters from an npy file. Throws DataError as read_weights.
void set_weights(const Network& network, const std::string& path);

/// Where the options name a file for them.
void save_weights(const Network& network, const NetworkOptions& options);

/// Images and classes.
NetworkData tensors_of(const Images& images);
/// What the model is trained on, and by which loss: an autoencoder's targets are the images.
NetworkData tensors_for(NetworkModel model, const Images& images);
NetworkLoss loss_of(NetworkModel model);

/// What a run of `nn train` begins with, whatever the method.
struct TrainingRun {
  const NetworkTrainOptions& options;
  Context<Cpu>& ctx;
  const Network& network;
  const NetworkData &data, &test;

  index_t rows() const { return data.inputs.size(0); }
};

/// How the program was called, for JSON.
Json to_json(const TrainingRun& run);

/// The program's exit code.
int train_by_second_order(const TrainingRun& run);

/// What the library is to do.
randnla::TrainOptions library_options(const NetworkTrainOptions& options);

/// A number in a table: "-" where there is none, as an autoencoder has no accuracy.
std::string cell(const char* format, double value);

Json to_json(const EpochRecord& row);

/// A picture of a run: a point an epoch.
struct EpochPlot {
  const char* title;
  Axis x, y;
  double (*x_of)(const EpochRecord&);
  double (*y_of)(const EpochRecord&);
  bool adaptive;  // of runs whose batch adapts only
  bool classes;   // of networks that tell classes only
};

extern const std::array<EpochPlot, 5> epoch_plots;

}  // namespace randnla::app
