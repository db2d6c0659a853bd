// The options of `randnla train`.
#pragma once

#include "options.hpp"

#include <CLI/CLI.hpp>

namespace randnla::app {

/// Adds the subcommand; its values go to `train`, which must live until the parsing is done.
void add_train(CLI::App& app, TrainOptions& train);

}  // namespace randnla::app
