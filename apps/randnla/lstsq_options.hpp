// The options of `randnla lstsq`.
#pragma once

#include "options.hpp"

#include <CLI/CLI.hpp>

namespace randnla::app {

/// Adds the subcommand; its values go to `lstsq`, which must live until the parsing is done.
void add_lstsq(CLI::App& app, LstsqOptions& lstsq);

}  // namespace randnla::app
