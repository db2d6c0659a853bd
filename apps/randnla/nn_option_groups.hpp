// Options that several commands of `randnla nn` have.
#pragma once

#include "nn_options.hpp"

#include <CLI/CLI.hpp>

namespace randnla::app {

/// Those whose weights are all that they are: no running means of a normalisation.
inline const Names<NetworkModel> perceptron_names = {{"mlp", NetworkModel::mlp}};

/// --data, --rows, --model and what is about it, --seed, --threads.
void add_network(CLI::App& command, NetworkOptions& network,
                 const Names<NetworkModel>& models = perceptron_names);

/// --weights and --save-weights.
void add_weights(CLI::App& command, NetworkOptions& network);
/// --weights alone.
void add_read_weights(CLI::App& command, NetworkOptions& network, const char* help);

/// How a network is trained by stochastic gradient descent. Group "Gradient descent".
void add_training(CLI::App& command, NetworkTrainOptions& train);

}  // namespace randnla::app
