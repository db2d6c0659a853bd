#include "targets.hpp"

#include <randnla/core/error.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace randnla::app {
namespace {

/// The library's messages about labels know no file.
template <class Work>
auto naming(const std::string& path, Work work) {
  try {
    return work();
  } catch (const DataError& error) {
    throw DataError(path + ": " + error.what());
  }
}

template <Scalar T>
void require_labels(const Dataset<T, Cpu>& data) {
  if (!has_labels(data)) throw DataError("has no labels; see --labels FILE.npy, --label-column");
}

template <Scalar T>
void check_both_occur(const Dataset<T, Cpu>& data, double positive, const std::string& text) {
  const T* const begin = data.targets.data();
  const index_t ones = std::count(begin, begin + data.rows, static_cast<T>(positive));
  if (ones == 0) throw DataError("no label is " + text);
  if (ones == data.rows) throw DataError("one class only: every label is " + text);
}

}  // namespace

template <Scalar T>
bool has_labels(const Dataset<T, Cpu>& data) {
  return data.rows > 0 && !std::isnan(data.targets.data()[0]);
}

double label_value(const std::string& text, const std::vector<std::string>& names) {
  if (!names.empty()) {
    const auto found = std::find(names.begin(), names.end(), text);
    return found == names.end() ? -1 : static_cast<double>(found - names.begin());
  }
  double value = 0;
  const char* const begin = text.data() + (text.starts_with('+') ? 1 : 0);
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(begin, end, value);
  require(result.ec == std::errc() && result.ptr == end && std::isfinite(value),
          "--positive: '" + text + "' is not a number, and the labels are");
  return value;
}

template <Scalar T>
TargetMap find_targets(const std::string& path, Targets kind, const ClassOptions& classes,
                       const Loaded<T>& loaded) {
  return naming(path, [&] {
    TargetMap map;
    map.kind = kind;
    map.names = loaded.classes;
    require_labels(loaded.data);
    if (kind == Targets::classes) {
      map.classes = find_classes(loaded.data);
    } else if (kind == Targets::real) {
      if (!map.names.empty()) throw DataError("labels are text, want numbers");
      check_targets(loaded.data);
    } else if (classes.positive) {
      map.positive = label_value(*classes.positive, map.names);
      check_both_occur(loaded.data, *map.positive, *classes.positive);
    } else {
      map.labels = classes.labels ? *classes.labels : find_labels(loaded.data);
    }
    return map;
  });
}

template <Scalar T>
void apply_targets(const std::string& path, const TargetMap& map, Loaded<T>& loaded) {
  naming(path, [&] {
    require_labels(loaded.data);
    if (loaded.classes != map.names) {
      throw DataError(map.names.empty()
                          ? "labels are text, those of the training data are numbers"
                          : "labels are numbers, those of the training data are text");
    }
    if (map.kind == Targets::classes) {
      map_classes(loaded.data, map.classes);
    } else if (map.kind == Targets::real) {
      check_targets(loaded.data);
    } else if (map.positive) {
      map_labels(loaded.data, *map.positive);
    } else {
      map_labels(loaded.data, map.labels);
    }
  });
}

#define RANDNLA_INSTANTIATE(T)                                                      \
  template bool has_labels(const Dataset<T, Cpu>&);                                 \
  template TargetMap find_targets(const std::string&, Targets, const ClassOptions&, \
                                  const Loaded<T>&);                                \
  template void apply_targets(const std::string&, const TargetMap&, Loaded<T>&);
RANDNLA_INSTANTIATE(float)
RANDNLA_INSTANTIATE(double)
#undef RANDNLA_INSTANTIATE

}  // namespace randnla::app
