// The options of `randnla nn train`.
#pragma once

#include "nn_options.hpp"

#include <CLI/CLI.hpp>

namespace randnla::app {

/// Adds the subcommand; its values go to `train`, which must live until the parsing is done.
void add_network_train(CLI::App& app, NetworkTrainOptions& train);

}  // namespace randnla::app
