#include "options.hpp"

#include "option_kinds.hpp"
#include "train_options.hpp"

#include <randnla/core/error.hpp>
#include <randnla/version.hpp>

namespace randnla::app {
namespace {

const char* const about =
    "Sub-sampled second-order methods for non-convex finite sums.\n"
    "Exit codes: 0 done, 1 a fault of randnla, 2 usage, 3 a file that cannot be read, understood\n"
    "or written, 4 device or memory, 130 interrupted.";

const char* const predict_about =
    "Probabilities of the positive class from a model that `randnla train --model` wrote, and the\n"
    "accuracy where the data hold two label values. Data are taken as in their file, unscaled.\n"
    "Features that the model does not know are ignored.";

void add_predict(CLI::App& app, PredictOptions& predict) {
  CLI::App* const command = app.add_subcommand("predict", predict_about);
  command->footer("Example\n  randnla predict --model ijcnn1.npy --data ijcnn1.t.bz2 --json");
  command->add_option("--model", predict.model, "Written by train")
      ->required()
      ->type_name("FILE.npy");
  command->add_option("--data", predict.data, "LIBSVM or CSV text, plain, gzip or bzip2; npy")
      ->required()
      ->type_name("FILE");
  command->add_option("--out", predict.out, "The probabilities, one a row")->type_name("FILE.npy");
  add_reading(*command, predict.reading, "Options");
  add_labels(*command, predict.classes, predict.labels, "Options");
  add_number(*command, "--index-base", predict.index_base, {0, 1, true, true, "0 or 1"},
             "Number of the first feature; without it 0 if a 0 occurs, else 1");
  add_number(*command, "--threads", predict.threads, nonnegative, "0: one a processor");
  command->add_flag("--json", predict.json, "The last line of the output is one object");
  command->final_callback([&predict] { check_classes(predict.classes); });
}

const char* const convert_about =
    "Rewrites data in another format. Labels stay as they are, unless --positive makes them 0 and "
    "1;\n"
    "labels that are text become the numbers 0, 1, ... of the sorted names.";

void add_convert(CLI::App& app, ConvertOptions& convert) {
  CLI::App* const command = app.add_subcommand("convert", convert_about);
  command->footer(
      "Examples\n"
      "  randnla convert --in covtype.data.gz --out covtype.libsvm --positive 2\n"
      "  randnla convert --in table.csv --label-column class --out x.npy --out-labels y.npy");
  const auto file = [&](const char* name, std::string& value, const char* help) {
    return command->add_option(name, value, help)->type_name("FILE");
  };
  file("--in", convert.in, "LIBSVM or CSV text, plain, gzip or bzip2; npy")->required();
  file("--out", convert.out, "Appears once it is whole")->required();
  add_choice(*command, "--to", convert.to, format_names,
             "Of --out; auto: by its name, else libsvm");
  add_reading(*command, convert.reading, "Options");
  file("--labels", convert.labels, "The array of labels of npy data")->type_name("FILE.npy");
  file("--out-labels", convert.out_labels, "To npy: the labels")->type_name("FILE.npy");
  const auto set_positive = [&convert](const std::string& text) { convert.positive = text; };
  command
      ->add_option_function<std::string>("--positive", set_positive,
                                         "This label becomes 1, all others 0")
      ->type_name("LABEL");
  add_number(*command, "--index-base", convert.index_base, {0, 1, true, true, "0 or 1"},
             "Of LIBSVM; without it 0 if a 0 occurs, else 1");
  add_choice(*command, "--scale", convert.scaling, scaling_names, "Of the features");
  command->add_flag("--bias", convert.bias, "Add a feature that is always 1");
  add_number(*command, "--threads", convert.threads, nonnegative, "0: one a processor");
  command->add_flag("--json", convert.json, "The last line of the output is one object");
}

/// Line ends and the like in what a user typed must not make an error message of two lines.
std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

}  // namespace

Command parse(int argc, char** argv) {
  TrainOptions train;
  PredictOptions predict;
  ConvertOptions convert;
  InfoOptions info;
  CLI::App app(about, "randnla");
  app.get_formatter()->column_width(34);
  app.set_version_flag("--version", "randnla " RANDNLA_VERSION);
  app.require_subcommand(1);
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  add_train(app, train);
  add_predict(app, predict);
  add_convert(app, convert);
  app.add_subcommand("info", "Version, backends, devices, threads and libraries of this build")
      ->add_flag("--json", info.json, "One JSON object");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return Help{app.help()};
  } catch (const CLI::CallForVersion& version) {
    return Help{std::string(version.what()) + "\n"};
  } catch (const CLI::ParseError& error) {
    throw InvalidArgument(one_line(error.what()) + "; see randnla --help");
  }
  if (app.got_subcommand("train")) return train;
  if (app.got_subcommand("predict")) return predict;
  if (app.got_subcommand("convert")) return convert;
  return info;
}

}  // namespace randnla::app
