// The options that say which data a command works on.
#pragma once

#include "options.hpp"

#include <CLI/CLI.hpp>

namespace randnla::app {

/// Both in groups of their own; values go to what is given, which must live until the parsing is
/// done.
void add_data_options(CLI::App& app, DataOptions& data);
void add_generator_options(CLI::App& app, SyntheticOptions& generator,
                           const char* seed_help = "Of the data, and of --test-fraction");

/// Refuses options that would silently do nothing: for the final callback. Throws InvalidArgument.
void check_data_options(const CLI::App& app, const DataOptions& data);

}  // namespace randnla::app
