#include "options.hpp"

#include "data_options.hpp"
#include "lstsq_options.hpp"
#include "matrix_options.hpp"
#include "option_kinds.hpp"
#include "parsing.hpp"
#include "train_options.hpp"

#include <randnla/core/error.hpp>

namespace randnla::app {
namespace {

const char* const about =
    "Randomized linear algebra and second-order optimisation of finite sums and networks.\n"
    "Exit codes: 0 done, 1 a fault of randnla, 2 usage, 3 a file that cannot be read, understood\n"
    "or written, 4 device or memory, 130 interrupted.";

const char* const predict_about =
    "Applies a model to data.\n"
    "What a model that `randnla train --model` wrote says of data: probabilities of the positive\n"
    "class, of every class (a column each), or with --link identity the predicted numbers; and "
    "the\n"
    "accuracy, or the root mean square error, where the data have the labels for it. Data are "
    "taken\n"
    "as in their file, unscaled. Features that the model does not know are ignored.";

void add_predict(CLI::App& app, PredictOptions& predict) {
  CLI::App* const command = app.add_subcommand("predict", predict_about);
  command->footer("Example\n  randnla predict --model ijcnn1.npy --data ijcnn1.t.bz2 --json");
  command->add_option("--model", predict.model, "Written by train")
      ->required()
      ->type_name("FILE.npy");
  command->add_option("--data", predict.data, "LIBSVM or CSV text, plain, gzip or bzip2; npy")
      ->required()
      ->type_name("FILE");
  command->add_option("--out", predict.out, "The predictions, a row each")->type_name("FILE.npy");
  add_choice(*command, "--link", predict.link, link_names,
             "From w'a; auto: softmax for a model of several rows, else sigmoid");
  add_reading(*command, predict.reading, "Options");
  add_labels(*command, predict.classes, predict.labels, "Options");
  add_number(*command, "--index-base", predict.index_base, {0, 1, true, true, "0 or 1"},
             "Number of the first feature; without it 0 if a 0 occurs, else 1");
  add_number(*command, "--threads", predict.threads, nonnegative, "0: one a processor");
  command->add_flag("--json", predict.json, "The last line of the output is one object");
  command->final_callback([&predict] { check_classes(predict.classes); });
}

const char* const convert_about =
    "Rewrites data in another format.\n"
    "Labels stay as they are, unless --positive makes them 0 and 1; labels that are text become "
    "the\n"
    "numbers 0, 1, ... of the sorted names.";

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

const char* const figure1_about =
    "Compares the methods in a figure.\n"
    "Loss and test error against propagations for the variants of trust region and cubic\n"
    "regularisation in Yao's talk, with sampling by row norms, by leverage scores and with sample\n"
    "sizes driven by error estimates: traces, a table of median propagations to the best loss\n"
    "+ 1e-2, 1e-3, 1e-4 and 1e-6, and the figure as SVG and PNG.";

void add_figure1(CLI::App& app, Figure1Options& figure) {
  CLI::App* const command = app.add_subcommand("figure1", figure1_about);
  command->footer(
      "Examples\n"
      "  randnla figure1 --data ijcnn1.bz2 --test ijcnn1.t.bz2 --out figure\n"
      "  randnla figure1 --data covtype.data --positive 2 --scale standardize --test-fraction 0.2 "
      "\\\n"
      "                  --out figure\n"
      "\n"
      "Settings are those of arXiv 1802.06925 (train --preset inexact-gradient); the first sigma "
      "of\n"
      "cubic regularisation comes from the first model.");
  figure.stopping.eps_g = 1e-6;
  add_data_options(*command, figure.data);
  add_generator_options(*command, figure.data.generator);
  const auto number = [&](const char* name, auto& value, const Range& range, const char* help) {
    add_number(*command, name, value, range, help)->group("Figure");
  };
  command->add_option("--out", figure.out, "Folder of table, figure and traces; made if need be")
      ->required()
      ->type_name("FOLDER")
      ->group("Figure");
  number("--seeds", figure.seeds, at_least_one, "Runs of each variant, with seeds from 1");
  number("--max-passes", figure.max_passes, positive,
         "A run's propagations, in units of the training rows");
  add_choice(*command, "--loss", figure.loss, two_class_loss_names, "As in train")->group("Figure");
  number("--l2", figure.regulariser.l2, nonnegative, "As in train");
  number("--nonconvex", figure.regulariser.nonconvex, nonnegative, "As in train");
  number("--eps-g", figure.stopping.eps_g, nonnegative, "Runs end certified with this and");
  number("--eps-h", figure.stopping.eps_h, nonnegative, "this");
  add_choice(*command, "--device", figure.device, device_names, "Where the runs take place")
      ->group("Figure");
  number("--threads", figure.threads, nonnegative, "On the CPU; 0: one a processor");
  command->add_flag("--json", figure.json, "The table as one object")->group("Figure");
  command->add_flag("--quiet", figure.quiet, "No progress")->group("Figure");
  command->final_callback([command, &figure] {
    check_data_options(*command, figure.data);
    require(!figure.data.test.empty() || figure.data.test_fraction,
            "figure1 needs test data: --test or --test-fraction");
  });
}

const char* const complexity_about =
    "Counts iterations against the accuracy.\n"
    "Iterations against the accuracy asked for, eps_g or eps_H, on two functions of one variable\n"
    "that are as hard as a Lipschitz Hessian lets them be for cubic regularisation, and the "
    "exponent\n"
    "of eps that fits, beside the worst case in theory. Trust region runs on the same two: they "
    "are\n"
    "not its worst ones.";

void add_complexity(CLI::App& app, ComplexityOptions& complexity) {
  CLI::App* const command = app.add_subcommand("complexity", complexity_about);
  command->footer("Example\n  randnla complexity --plot complexity.svg");
  add_number(*command, "--max-iterations", complexity.max_iterations,
             {100, 1e8, true, true, "between 100 and 1e8"}, "Of the run with the smallest eps");
  command->add_option("--plot", complexity.plot, "Iterations against eps")->type_name("FILE.svg");
  command->add_flag("--json", complexity.json, "One object");
  command->add_flag("--quiet", complexity.quiet, "No progress");
}

}  // namespace

Command parse(int argc, char** argv) {
  TrainOptions train;
  PredictOptions predict;
  ConvertOptions convert;
  SketchCommand sketch;
  LstsqOptions lstsq;
  LeverageCommand leverage;
  Figure1Options figure;
  ComplexityOptions complexity;
  InfoOptions info;
  CLI::App app(about, "randnla");
  prepare(app);
  add_train(app, train);
  add_predict(app, predict);
  add_convert(app, convert);
  add_sketch(app, sketch);
  add_lstsq(app, lstsq);
  add_leverage(app, leverage);
  add_figure1(app, figure);
  add_complexity(app, complexity);
  app.add_subcommand("info", "Version, backends, devices, threads and libraries of this build")
      ->add_flag("--json", info.json, "One JSON object");
  app.add_subcommand("nn", "Networks of libtorch: spectrum of the Hessian, loss landscape");
  app.add_subcommand("figure3", "Batch sizes in training of networks: fixed, ABS and ABSA");
  if (const std::optional<Help> help = parse_with(app, argc, argv)) return *help;
  if (app.got_subcommand("train")) return train;
  if (app.got_subcommand("predict")) return predict;
  if (app.got_subcommand("convert")) return convert;
  if (app.got_subcommand("sketch")) return sketch;
  if (app.got_subcommand("lstsq")) return lstsq;
  if (app.got_subcommand("leverage")) return leverage;
  if (app.got_subcommand("figure1")) return figure;
  if (app.got_subcommand("complexity")) return complexity;
  return info;
}

}  // namespace randnla::app
