// The options of the commands about a matrix.
#pragma once

#include "options.hpp"

#include <CLI/CLI.hpp>

namespace randnla::app {

/// --nonzeros where the kind of sketch has none to choose is refused.
void check_nonzeros(const CLI::App& command, SketchKind kind);

void add_sketch(CLI::App& app, SketchCommand& sketch);
void add_leverage(CLI::App& app, LeverageCommand& leverage);

}  // namespace randnla::app
