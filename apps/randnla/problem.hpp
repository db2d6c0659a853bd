// From files, or from the generator, to the data that a run works on.
#pragma once

#include "options.hpp"
#include "targets.hpp"

#include <randnla/data/preprocess.hpp>

namespace randnla::app {

template <Scalar T>
struct Problem {
  Dataset<T, Cpu> train, test;  // mapped; test: no rows where there is none
  FeatureMap map;               // found on the training data
  index_t features = 0;         // of the raw data, without a bias
  TargetMap targets;            // found on the training data
};

/// targets  the kind that the loss wants
///
/// Throws DataError beginning with the file's name, InvalidArgument (a split that leaves a part
/// empty, an option that does not fit the data).
template <Scalar T>
Problem<T> load(Context<Cpu>& ctx, const DataOptions& options, Targets targets);

}  // namespace randnla::app
