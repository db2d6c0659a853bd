// What the subcommands do. Each returns the exit code; errors are exceptions.
#pragma once

#include "options.hpp"

namespace randnla::app {

int train(const TrainOptions& options);
int predict(const PredictOptions& options);
int convert(const ConvertOptions& options);
int sketch(const SketchCommand& options);
int lstsq(const LstsqOptions& options);
int leverage(const LeverageCommand& options);
int figure1(const Figure1Options& options);
int complexity(const ComplexityOptions& options);
int info(const InfoOptions& options);

/// `randnla nn` and `randnla figure3`, whose command line follows the first word. What is to be computed another
/// program computes, which this one becomes: libtorch takes the better part of a second to load, which
/// nothing else need wait for. Throws BackendError in a build without libtorch, and where that program
/// cannot be started.
int networks(int argc, char** argv);

}  // namespace randnla::app
