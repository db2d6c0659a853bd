#include "problem.hpp"

#include <utility>

namespace randnla::app {
namespace {

template <Scalar T>
Loaded<T> read_training_data(Context<Cpu>& ctx, const DataOptions& options) {
  if (options.synthetic()) {
    Loaded<T> generated;
    generated.data = synthetic<T>(ctx, options.generator);
    return generated;
  }
  return read_data<T>(ctx, options.reading,
                      {.path = options.data,
                       .labels = options.labels,
                       .storage = options.storage,
                       .index_base = options.index_base});
}

template <Scalar T>
Dataset<T, Cpu> read_test_data(Context<Cpu>& ctx, const DataOptions& options,
                               const Loaded<T>& training, const Problem<T>& problem) {
  DataFile file{.path = options.test, .labels = options.test_labels};
  file.features = problem.features;
  file.classes = problem.targets.names;
  if (training.format == FileFormat::libsvm) {
    // Numbering of its own only where the user says so: a test file that by chance lacks index 0
    // would otherwise be read with every feature shifted by one.
    file.index_base = options.test_index_base.value_or(training.index_base);
    file.storage =
        problem.train.sparse() ? LibsvmOptions::Storage::sparse : LibsvmOptions::Storage::dense;
  }
  Loaded<T> test = read_data<T>(ctx, options.reading, file);
  apply_targets(options.test, problem.targets, test);
  return std::move(test.data);
}

}  // namespace

template <Scalar T>
Problem<T> load(Context<Cpu>& ctx, const DataOptions& options, Targets targets) {
  Problem<T> problem;
  Loaded<T> training = read_training_data<T>(ctx, options);
  problem.features = training.data.cols;
  problem.targets = find_targets(options.data, targets, options.classes, training);
  apply_targets(options.data, problem.targets, training);
  problem.train = std::move(training.data);
  if (!options.test.empty()) {
    problem.test = read_test_data(ctx, options, training, problem);
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

template Problem<float> load(Context<Cpu>&, const DataOptions&, Targets);
template Problem<double> load(Context<Cpu>&, const DataOptions&, Targets);

}  // namespace randnla::app
