#include "commands.hpp"
#include "data_file.hpp"
#include "model.hpp"
#include "outputs.hpp"
#include "report.hpp"
#include "targets.hpp"

#include <randnla/core/error.hpp>
#include <randnla/io/npy.hpp>
#include <randnla/objective/losses.hpp>
#include <randnla/version.hpp>

#include <cstdio>
#include <optional>

namespace randnla::app {
namespace {

/// Data of one class, of more than two or without labels can be scored all the same; only labels
/// that the user named must fit.
bool have_targets(const PredictOptions& options, Loaded<double>& loaded) {
  const ClassOptions& classes = options.classes;
  if (!classes.given() && !has_labels(loaded.data)) return false;
  try {
    TargetMap map;
    map.names = loaded.classes;
    if (classes.positive) {
      map.positive = label_value(*classes.positive, loaded.classes);
    } else {
      map = find_targets(options.data, Targets::two_classes, classes, loaded);
    }
    apply_targets(options.data, map, loaded);
    return true;
  } catch (const DataError& error) {
    if (classes.given()) throw;
    std::fprintf(stderr, "no accuracy: %s; --labels NEG,POS or --positive LABEL name them\n",
                 error.what());
    return false;
  }
}

}  // namespace

int predict(const PredictOptions& options) {
  check_outputs({options.out}, {options.model, options.data, options.labels});
  const Model model = read_model(options.model);
  const auto features = static_cast<index_t>(model.weights.size());
  Context<Cpu> ctx(options.threads);
  Loaded<double> found = read_data<double>(ctx, options.reading,
                                           {.path = options.data,
                                            .labels = options.labels,
                                            .index_base = options.index_base,
                                            .features = features});
  const Dataset<double, Cpu>& data = found.data;
  std::vector<double> scores = margins(model, data);
  std::optional<index_t> correct;
  if (have_targets(options, found)) correct = count_correct(scores, data);

  for (double& score : scores) score = sigmoid(score).value;
  if (!options.out.empty()) write_npy(options.out, scores);
  const auto rows = static_cast<double>(data.rows);
  if (options.json) {
    const Json json = {
        {"accuracy", correct ? Json(static_cast<double>(*correct) / rows) : Json()},
        {"correct", correct ? Json(*correct) : Json()},
        {"rows", data.rows},
        {"features", features},
        {"ignored_entries", found.dropped},
        {"index_base", found.format == FileFormat::libsvm ? Json(found.index_base) : Json()},
        {"version", RANDNLA_VERSION}};
    std::printf("%s\n", one_line(json).c_str());
    return 0;
  }
  std::printf("%lld rows\n", static_cast<long long>(data.rows));
  if (correct) {
    std::printf("accuracy  %.4f (%lld correct)\n", static_cast<double>(*correct) / rows,
                static_cast<long long>(*correct));
  }
  if (found.dropped > 0) {
    std::printf("%lld entries of features that the model does not know were ignored\n",
                static_cast<long long>(found.dropped));
  }
  return 0;
}

}  // namespace randnla::app
