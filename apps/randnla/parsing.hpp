// What the command lines have in common.
#pragma once

#include "options.hpp"

#include <CLI/CLI.hpp>

#include <optional>

namespace randnla::app {

/// One subcommand of those that are added, and how help looks.
void prepare(CLI::App& app);

/// The text where the user asked for help or version. Throws InvalidArgument with one line.
std::optional<Help> parse_with(CLI::App& app, int argc, char** argv);

}  // namespace randnla::app
