#include "core/shortest.hpp"
#include "data/require_targets.hpp"

#include <randnla/core/error.hpp>
#include <randnla/data/preprocess.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace randnla {
namespace {

constexpr std::size_t most_classes = 1000;

template <Scalar T>
[[noreturn]] void bad_label(index_t row, T label, const std::string& wanted) {
  throw DataError("the label of row " + std::to_string(row + 1) + " is " + shortest(label) +
                  wanted);
}

}  // namespace

template <Scalar T>
LabelPair find_labels(const Dataset<T, Cpu>& data) {
  require_targets("find_labels", data);
  constexpr std::size_t most_named = 5;
  std::vector<T> labels;  // distinct ones
  for (index_t i = 0; i < data.rows && labels.size() <= most_named; ++i) {
    const T label = data.targets.data()[i];
    if (std::isnan(label)) throw DataError("the label of row " + std::to_string(i + 1) + " is nan");
    if (std::find(labels.begin(), labels.end(), label) == labels.end()) labels.push_back(label);
  }
  if (labels.size() == 2) {
    const auto [least, largest] = std::minmax(labels[0], labels[1]);
    return {static_cast<double>(least), static_cast<double>(largest)};
  }
  if (labels.empty()) throw DataError("no rows to find two classes in");
  if (labels.size() == 1) {
    throw DataError("one class only: every label is " + shortest(labels[0]) + ", want two values");
  }
  std::string names = shortest(labels[0]);
  for (std::size_t k = 1; k < std::min(labels.size(), most_named); ++k) {
    names += ", " + shortest(labels[k]);
  }
  throw DataError("more than two classes: labels " + names +
                  (labels.size() > most_named ? ", ..." : "") + "; want two values");
}

template <Scalar T>
void map_labels(Dataset<T, Cpu>& data, LabelPair labels) {
  require_targets("map_labels", data);
  const T negative = static_cast<T>(labels.negative), positive = static_cast<T>(labels.positive);
  require(negative != positive,
          "map_labels: negative and positive label are both " + shortest(labels.negative));
  T* const targets = data.targets.data();
  for (index_t i = 0; i < data.rows; ++i) {
    if (targets[i] != negative && targets[i] != positive) {
      throw DataError("the label of row " + std::to_string(i + 1) + " is " + shortest(targets[i]) +
                      ", want " + shortest(negative) + " or " + shortest(positive));
    }
  }
  for (index_t i = 0; i < data.rows; ++i) targets[i] = targets[i] == positive ? T(1) : T(0);
}

template <Scalar T>
index_t map_labels(Dataset<T, Cpu>& data, double positive) {
  require_targets("map_labels", data);
  T* const targets = data.targets.data();
  for (index_t i = 0; i < data.rows; ++i) {
    if (std::isnan(targets[i])) bad_label(i, targets[i], "");
  }
  index_t ones = 0;
  for (index_t i = 0; i < data.rows; ++i) {
    const bool one = targets[i] == static_cast<T>(positive);
    targets[i] = one ? T(1) : T(0);
    ones += one ? 1 : 0;
  }
  return ones;
}

template <Scalar T>
std::vector<double> find_classes(const Dataset<T, Cpu>& data) {
  if (data.rows == 0) throw DataError("no rows to find classes in");
  check_targets(data);
  std::set<T> classes;
  for (index_t i = 0; i < data.rows; ++i) {
    classes.insert(data.targets.data()[i]);
    if (classes.size() > most_classes) {
      throw DataError("more than " + std::to_string(most_classes) +
                      " classes: the labels look like values for a regression");
    }
  }
  return {classes.begin(), classes.end()};
}

template <Scalar T>
void map_classes(Dataset<T, Cpu>& data, const std::vector<double>& classes) {
  require_targets("map_classes", data);
  require(std::is_sorted(classes.begin(), classes.end(), std::less_equal<>()),
          "map_classes: the classes do not ascend");
  const std::vector<T> known(classes.begin(), classes.end());
  std::vector<T> places;
  for (index_t i = 0; i < data.rows; ++i) {
    const T label = data.targets.data()[i];
    const auto found = std::lower_bound(known.begin(), known.end(), label);
    if (found == known.end() || *found != label) {
      bad_label(i, label, ", none of the " + std::to_string(known.size()) + " classes");
    }
    places.push_back(static_cast<T>(found - known.begin()));
  }
  std::copy(places.begin(), places.end(), data.targets.data());
}

template <Scalar T>
void check_targets(const Dataset<T, Cpu>& data) {
  require_targets("check_targets", data);
  for (index_t i = 0; i < data.rows; ++i) {
    if (!std::isfinite(data.targets.data()[i])) bad_label(i, data.targets.data()[i], "");
  }
}

#define RANDNLA_INSTANTIATE(T)                                             \
  template LabelPair find_labels(const Dataset<T, Cpu>&);                  \
  template void map_labels(Dataset<T, Cpu>&, LabelPair);                   \
  template index_t map_labels(Dataset<T, Cpu>&, double);                   \
  template std::vector<double> find_classes(const Dataset<T, Cpu>&);       \
  template void map_classes(Dataset<T, Cpu>&, const std::vector<double>&); \
  template void check_targets(const Dataset<T, Cpu>&);
RANDNLA_INSTANTIATE(float)
RANDNLA_INSTANTIATE(double)
#undef RANDNLA_INSTANTIATE

}  // namespace randnla
