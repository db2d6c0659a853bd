#include "problem.hpp"

#include <randnla/core/error.hpp>

#include <utility>

namespace randnla::app {
namespace {

template <Scalar T>
void read_training_data(Context<Cpu>& ctx, const DataOptions& options, LibsvmStatistics& found,
                        Problem<T>& problem) {
  if (options.synthetic()) {
    problem.train = synthetic<T>(ctx, options.generator);
  } else {
    problem.train = read_libsvm<T>(
        ctx, options.data, {.storage = options.storage, .index_base = options.index_base}, &found);
  }
  problem.features = problem.train.cols;
  problem.labels = use_labels(options.data, options.labels, problem.train);
}

template <Scalar T>
void read_test_data(Context<Cpu>& ctx, const DataOptions& options, int index_base,
                    Problem<T>& problem) {
  // Numbering of its own only where the user says so: a test file that by chance lacks index 0
  // would otherwise be read with every feature shifted by one.
  const LibsvmOptions reading{.storage = problem.train.sparse() ? LibsvmOptions::Storage::sparse
                                                                : LibsvmOptions::Storage::dense,
                              .index_base = options.test_index_base.value_or(index_base),
                              .features = problem.features};
  problem.test = read_libsvm<T>(ctx, options.test, reading);
  use_labels(options.test, problem.labels, problem.test);
}

}  // namespace

template <Scalar T>
LabelPair use_labels(const std::string& name, std::optional<LabelPair> pair,
                     Dataset<T, Cpu>& data) {
  try {
    const LabelPair labels = pair ? *pair : find_labels(data);
    map_labels(data, labels);
    return labels;
  } catch (const DataError& error) {
    throw DataError(name + ": " + error.what());
  }
}

template <Scalar T>
Problem<T> load(Context<Cpu>& ctx, const DataOptions& options) {
  Problem<T> problem;
  LibsvmStatistics found;
  read_training_data(ctx, options, found, problem);
  if (!options.test.empty()) {
    read_test_data(ctx, options, found.index_base, problem);
  } else if (options.test_fraction) {
    std::tie(problem.train, problem.test) =
        split(ctx, std::move(problem.train), *options.test_fraction, options.generator.seed);
  }
  problem.map = fit_scaling(ctx, problem.train, options.scaling);
  for (Dataset<T, Cpu>* part : {&problem.train, &problem.test}) {
    if (part->rows == 0) continue;
    apply_scaling(ctx, problem.map, *part);
    if (options.bias) add_bias(ctx, *part);
  }
  return problem;
}

template LabelPair use_labels(const std::string&, std::optional<LabelPair>, Dataset<float, Cpu>&);
template LabelPair use_labels(const std::string&, std::optional<LabelPair>, Dataset<double, Cpu>&);
template Problem<float> load(Context<Cpu>&, const DataOptions&);
template Problem<double> load(Context<Cpu>&, const DataOptions&);

}  // namespace randnla::app
