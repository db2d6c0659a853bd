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

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace randnla::app {
namespace {

Link link_of(const PredictOptions& options, const Model& model) {
  const bool several = model.rows.size() > 1;
  if (options.link == Link::automatic) return several ? Link::softmax : Link::sigmoid;
  require(several == (options.link == Link::softmax),
          std::string("--link ") + name_in(link_names, options.link) + ": " + options.model +
              (several ? " has a row for each of several classes" : " has one row of weights"));
  return options.link;
}

Targets targets_of(Link link) {
  if (link == Link::identity) return Targets::real;
  return link == Link::softmax ? Targets::classes : Targets::two_classes;
}

/// Data of one class, of more than two or without labels can be scored all the same; only labels
/// that the user named must fit.
bool have_targets(const PredictOptions& options, Targets kind, std::size_t rows,
                  Loaded<double>& loaded) {
  const ClassOptions& classes = options.classes;
  if (!classes.given() && !has_labels(loaded.data)) return false;
  try {
    TargetMap map;
    map.names = loaded.classes;
    if (classes.positive) {
      map.positive = label_value(*classes.positive, loaded.classes);
    } else {
      map = find_targets(options.data, kind, classes, loaded);
    }
    if (kind == Targets::classes && map.classes.size() != rows) {
      throw DataError(options.data + ": " + std::to_string(map.classes.size()) +
                      " label values for a model of " + std::to_string(rows) + " classes");
    }
    apply_targets(options.data, map, loaded);
    return true;
  } catch (const DataError& error) {
    if (classes.given()) throw;
    std::fprintf(
        stderr, "no accuracy: %s%s\n", error.what(),
        kind == Targets::two_classes ? "; --labels NEG,POS or --positive LABEL name them" : "");
    return false;
  }
}

/// From margins to what is written, in place.
void apply_link(Link link, std::size_t count, std::vector<double>& scores) {
  if (link == Link::identity) return;
  if (link == Link::sigmoid) {
    for (double& score : scores) score = sigmoid(score).value;
    return;
  }
  for (auto z = scores.begin(); z != scores.end(); z += static_cast<std::ptrdiff_t>(count)) {
    const auto end = z + static_cast<std::ptrdiff_t>(count);
    const double largest = *std::max_element(z, end);
    double sum = 0;
    for (auto p = z; p != end; ++p) sum += * p = std::exp(*p - largest);
    for (auto p = z; p != end; ++p) *p /= sum;
  }
}

void write_scores(const std::string& path, const std::vector<double>& scores, index_t rows) {
  const index_t count = static_cast<index_t>(scores.size()) / rows;
  if (count == 1) return write_npy(path, scores);
  write_npy_matrix<double>(path, DenseRows<double, Cpu>{scores.data(), rows, count});
}

void print(const Quality& quality, const Loaded<double>& found) {
  const index_t rows = found.data.rows;
  std::printf("%lld rows\n", static_cast<long long>(rows));
  if (quality.accuracy) {
    std::printf("accuracy  %.4f (%lld correct)\n", *quality.accuracy,
                std::llround(*quality.accuracy * static_cast<double>(rows)));
  }
  if (quality.rmse) std::printf("rmse      %.6g\n", *quality.rmse);
  if (found.dropped > 0) {
    std::printf("%lld entries of features that the model does not know were ignored\n",
                static_cast<long long>(found.dropped));
  }
}

Json to_json(const Quality& quality, const Loaded<double>& found, const Model& model) {
  const auto rows = static_cast<double>(found.data.rows);
  const bool counted = quality.accuracy.has_value();
  return {{"accuracy", counted ? Json(*quality.accuracy) : Json()},
          {"correct", counted ? Json(std::llround(*quality.accuracy * rows)) : Json()},
          {"rmse", quality.rmse ? Json(*quality.rmse) : Json()},
          {"rows", found.data.rows},
          {"features", model.features()},
          {"classes", model.rows.size() > 1 ? Json(model.rows.size()) : Json()},
          {"ignored_entries", found.dropped},
          {"index_base", found.format == FileFormat::libsvm ? Json(found.index_base) : Json()},
          {"version", RANDNLA_VERSION}};
}

}  // namespace

int predict(const PredictOptions& options) {
  check_outputs({options.out}, {options.model, options.data, options.labels});
  const Model model = read_model(options.model);
  const Link link = link_of(options, model);
  Context<Cpu> ctx(options.threads);
  Loaded<double> found = read_data<double>(ctx, options.reading,
                                           {.path = options.data,
                                            .labels = options.labels,
                                            .index_base = options.index_base,
                                            .features = model.features()});
  std::vector<double> scores = margins(model, found.data);
  Quality quality;
  if (have_targets(options, targets_of(link), model.rows.size(), found)) {
    quality = quality_of(scores, found.data, targets_of(link));
  }
  apply_link(link, model.rows.size(), scores);
  if (!options.out.empty()) write_scores(options.out, scores, found.data.rows);
  if (options.json) {
    std::printf("%s\n", one_line(to_json(quality, found, model)).c_str());
  } else {
    print(quality, found);
  }
  return 0;
}

}  // namespace randnla::app
