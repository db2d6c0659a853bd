#include "commands.hpp"
#include "model.hpp"
#include "outputs.hpp"
#include "problem.hpp"
#include "report.hpp"

#include <randnla/core/error.hpp>
#include <randnla/io/npy.hpp>
#include <randnla/objective/losses.hpp>
#include <randnla/version.hpp>

#include <cstdio>
#include <optional>

namespace randnla::app {
namespace {

/// Data of one class, or of more than two, can be scored all the same; only labels that the user
/// named must fit.
bool have_labels(const PredictOptions& options, Dataset<double, Cpu>& data) {
  if (options.labels) {
    use_labels(options.data, options.labels, data);
    return true;
  }
  try {
    use_labels(options.data, {}, data);
    return true;
  } catch (const DataError& error) {
    std::fprintf(stderr, "no accuracy: %s; --labels NEG,POS names them\n", error.what());
    return false;
  }
}

}  // namespace

int predict(const PredictOptions& options) {
  check_outputs({options.out}, {options.model, options.data});
  const Model model = read_model(options.model);
  const auto features = static_cast<index_t>(model.weights.size());
  Context<Cpu> ctx(options.threads);
  LibsvmStatistics found;
  Dataset<double, Cpu> data = read_libsvm<double>(
      ctx, options.data, {.index_base = options.index_base, .features = features}, &found);
  std::vector<double> scores = margins(model, data);
  std::optional<index_t> correct;
  if (have_labels(options, data)) correct = count_correct(scores, data);

  for (double& score : scores) score = sigmoid(score).value;
  if (!options.out.empty()) write_npy(options.out, scores);
  const auto rows = static_cast<double>(data.rows);
  if (options.json) {
    const Json json = {{"accuracy", correct ? Json(static_cast<double>(*correct) / rows) : Json()},
                       {"correct", correct ? Json(*correct) : Json()},
                       {"rows", data.rows},
                       {"features", features},
                       {"ignored_entries", found.dropped},
                       {"index_base", found.index_base},
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
