// From labels as they are in a file to the targets that a loss wants.
#pragma once

#include "choices.hpp"
#include "data_file.hpp"
#include "options.hpp"

#include <optional>
#include <string>
#include <vector>

namespace randnla::app {

/// How the labels of the training data became targets; test data follow.
struct TargetMap {
  Targets kind = Targets::two_classes;
  std::optional<double> positive;  // two_classes: this label against all others
  LabelPair labels;                // two_classes without `positive`
  std::vector<double> classes;     // classes: ascending
  std::vector<std::string> names;  // where labels are text: label k is names[k]
};

/// What becomes of the labels of these data; `path` begins messages.
///
/// Throws  DataError: no labels, not as many values as wanted, text for a regression, one class
///         only; InvalidArgument: classes.positive is no number where the labels are
template <Scalar T>
TargetMap find_targets(const std::string& path, Targets kind, const ClassOptions& classes,
                       const Loaded<T>& loaded);

/// Replaces the labels. Throws DataError beginning with `path`: no labels, text where the training
/// data have numbers or the other way round, a label that the map does not know.
template <Scalar T>
void apply_targets(const std::string& path, const TargetMap& map, Loaded<T>& loaded);

/// The label that `text` says, a number or one of the names, which need not occur (then -1).
double label_value(const std::string& text, const std::vector<std::string>& names);

template <Scalar T>
bool has_labels(const Dataset<T, Cpu>& data);

}  // namespace randnla::app
