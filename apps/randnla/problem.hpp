// From files, or from the generator, to the data that a run works on.
#pragma once

#include "options.hpp"

#include <randnla/data/preprocess.hpp>

namespace randnla::app {

template <Scalar T>
struct Problem {
  Dataset<T, Cpu> train, test;  // mapped, with targets 0 and 1; test: no rows where there is none
  FeatureMap map;               // found on the training data
  index_t features = 0;         // of the raw data, without a bias
  LabelPair labels;
};

/// Throws DataError beginning with the file's name, InvalidArgument (a split that leaves a part
/// empty).
template <Scalar T>
Problem<T> load(Context<Cpu>& ctx, const DataOptions& options);

/// Replaces the labels as `pair` says, or, where there is none, by the two values that occur.
/// Throws DataError beginning with `name`.
template <Scalar T>
LabelPair use_labels(const std::string& name, std::optional<LabelPair> pair, Dataset<T, Cpu>& data);

}  // namespace randnla::app
