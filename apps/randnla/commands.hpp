// What the subcommands do. Each returns the exit code; errors are exceptions.
#pragma once

#include "options.hpp"

namespace randnla::app {

int train(const TrainOptions& options);
int predict(const PredictOptions& options);
int convert(const ConvertOptions& options);
int sketch(const SketchCommand& options);
int figure1(const Figure1Options& options);
int complexity(const ComplexityOptions& options);
int info(const InfoOptions& options);

}  // namespace randnla::app
