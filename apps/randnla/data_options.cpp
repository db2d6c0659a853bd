#include "data_options.hpp"

#include "option_kinds.hpp"

#include <randnla/core/error.hpp>

#include <initializer_list>

namespace randnla::app {

void add_data_options(CLI::App& app, DataOptions& data) {
  app.add_option("--data", data.data,
                 "LIBSVM, CSV (also gzip, bzip2) or npy; or the word synthetic")
      ->required()
      ->type_name("FILE|synthetic")
      ->group("Data");
  const auto file = [&](const char* name, std::string& value, const char* help) {
    return app.add_option(name, value, help)->type_name("FILE")->group("Data");
  };
  CLI::Option* const test = file("--test", data.test, "Data for the test accuracy");
  add_number(app, "--test-fraction", data.test_fraction, open_fraction,
             "Or: this part of --data, drawn at random")
      ->excludes(test)
      ->group("Data");
  add_reading(app, data.reading, "Data");
  add_labels(app, data.classes, data.labels, "Data");
  app.add_option("--test-labels", data.test_labels, "The array of labels of npy --test")
      ->needs(test)
      ->type_name("FILE.npy")
      ->group("Data");
  const Range base{0, 1, true, true, "0 or 1"};
  add_number(app, "--index-base", data.index_base, base,
             "Number of the first feature; without it 0 if a 0 occurs, else 1")
      ->group("Data");
  add_number(app, "--test-index-base", data.test_index_base, base,
             "The same for --test; without it as in --data")
      ->needs(test)
      ->group("Data");
  add_choice(app, "--storage", data.storage, storage_names,
             "In memory; automatic: dense from a quarter of nonzeros on")
      ->group("Data");
  add_choice(app, "--scale", data.scaling, scaling_names,
             "Of the features, found on the training data")
      ->group("Data");
  app.add_flag("--bias", data.bias, "Add a feature that is always 1")->group("Data");
}

void add_generator_options(CLI::App& app, SyntheticOptions& generator, const char* seed_help) {
  const auto number = [&](const char* name, auto& value, const Range& range, const char* help) {
    add_number(app, name, value, range, help)->group("Synthetic data");
  };
  number("--rows", generator.rows, at_least_one, "Data points");
  number("--cols", generator.cols, at_least_one, "Features");
  number("--condition", generator.condition, at_least_one, "Condition number of the data matrix");
  number("--coherence", generator.coherence, at_least_one,
         "Row lengths lie between 1 / coherence and coherence");
  number("--label-noise", generator.label_noise, below_half, "Part of the labels that is flipped");
  number("--data-seed", generator.seed, nonnegative, seed_help);
}

/// Options that would silently do nothing are refused.
void check_data_options(const CLI::App& app, const DataOptions& data) {
  check_classes(data.classes);
  const auto refuse = [&](std::initializer_list<const char*> names, const char* why) {
    for (const char* name : names) {
      require(app.count(name) == 0, std::string(name) + why);
    }
  };
  if (data.synthetic()) {
    refuse({"--index-base", "--storage", "--format", "--label-column", "--delimiter"},
           " is about files, and --data is synthetic");
    require(data.labels.empty(), "--labels " + data.labels + ": a file, and --data is synthetic");
  } else {
    refuse({"--rows", "--cols", "--condition", "--coherence", "--label-noise"},
           " is about synthetic data, and --data is a file");
    if (!data.test_fraction) {
      refuse({"--data-seed"}, " is about synthetic data or --test-fraction");
    }
  }
}

}  // namespace randnla::app
