#include "nn_options.hpp"

#include "option_kinds.hpp"
#include "parsing.hpp"

#include <randnla/core/error.hpp>

#include <algorithm>

namespace randnla::app {
namespace {

const char* const about =
    "Networks of libtorch, looked at where a solver has left them.\n"
    "Images, a network and its weights: the same options in every command. Without any, small\n"
    "synthetic images and a perceptron with random weights.";

/// Those whose weights are all that they are: no running means of a normalisation.
const Names<NetworkModel> perceptron_names = {{"mlp", NetworkModel::mlp}};

std::vector<index_t> sizes_in(const std::string& text) {
  std::vector<index_t> sizes;
  for (const std::string& word : CLI::detail::split(text, ',')) {
    index_t size = 0;
    if (!CLI::detail::lexical_cast(word, size) || size < 1) {
      throw CLI::ValidationError("--sizes", "'" + text + "' is no list of sizes such as 64,16,10");
    }
    sizes.push_back(size);
  }
  return sizes;
}

void add_network(CLI::App& command, NetworkOptions& network,
                 const Names<NetworkModel>& models = perceptron_names) {
  const auto group = [](CLI::Option* option) { return option->group("Network and images"); };
  group(command.add_option("--data", network.data,
                           "Folder of the training files, plain or gzip; or the word synthetic"))
      ->type_name("mnist:FOLDER|cifar10:FOLDER|synthetic")
      ->capture_default_str()
      ->check([](const std::string& text) -> std::string {
        const bool known =
            text == "synthetic" || text.starts_with("mnist:") || text.starts_with("cifar10:");
        return known ? "" : "'" + text + "' is none of mnist:FOLDER, cifar10:FOLDER, synthetic";
      });
  group(add_number(command, "--rows", network.rows, at_least_one,
                   "Images, drawn without replacement; all where there are fewer"));
  group(add_choice(command, "--model", network.model, models, "mlp: a multilayer perceptron"));
  const auto set_sizes = [&network](const std::string& text) { network.sizes = sizes_in(text); };
  group(command.add_option_function<std::string>("--sizes", set_sizes,
                                                 "Of its layers; without it a pixel each, 16, 10"))
      ->type_name("N,N,...");
  group(add_choice(command, "--activation", network.activation, activation_names,
                   "Between its layers"));
  group(add_number(command, "--seed", network.seed, nonnegative,
                   "Of weights, images and everything else at random"));
  group(add_number(command, "--threads", network.threads, nonnegative, "0: one a processor"));
}

void add_weights(CLI::App& command, NetworkOptions& network) {
  command
      .add_option("--weights", network.weights,
                  "All parameters as one vector; without it random ones")
      ->type_name("FILE.npy")
      ->group("Network and images");
  command.add_option("--save-weights", network.save_weights, "The parameters in the end")
      ->type_name("FILE.npy")
      ->group("Network and images");
}

const char* const spectrum_about =
    "Eigenvalues of the loss's Hessian.\n"
    "The eigenvalues of largest magnitude, the trace, and the spectral density by stochastic "
    "Lanczos\n"
    "quadrature: of the Hessian with respect to all parameters, and with --layers of its block "
    "for\n"
    "each parameter tensor.";

void add_spectrum(CLI::App& app, SpectrumOptions& spectrum) {
  CLI::App* const command = app.add_subcommand("spectrum", spectrum_about);
  command->footer(
      "Examples\n"
      "  randnla nn spectrum --layers --plot density.svg\n"
      "  randnla nn spectrum --data mnist:mnist --sizes 784,16,10 --weights w.npy --json");
  add_network(*command, spectrum.network);
  add_weights(*command, spectrum.network);
  const auto number = [&](const char* name, auto& value, const Range& range, const char* help) {
    add_number(*command, name, value, range, help)->group("Spectrum");
  };
  number("--top", spectrum.top, at_least_one, "Eigenvalues, the largest in magnitude first");
  number("--trace-products", spectrum.trace_products, {4, infinite, true, false, "at least 4"},
         "Hessian products for the trace; exact with as many as parameters");
  number("--steps", spectrum.steps, at_least_one, "Of each Lanczos process for the density");
  number("--starts", spectrum.starts, at_least_one, "Lanczos processes, from random vectors");
  number("--points", spectrum.points, {2, infinite, true, false, "at least 2"},
         "Of the density's curve");
  number("--width", spectrum.width, positive,
         "Of the Gaussian at each node; without it 1e-5 max(1, range)");
  command->add_flag("--layers", spectrum.layers, "Each parameter tensor's block, too")
      ->group("Spectrum");
  command->add_option("--plot", spectrum.plot, "The density on a logarithmic axis")
      ->type_name("FILE.svg")
      ->group("Spectrum");
  command->add_flag("--json", spectrum.json, "The last line of the output is one object")
      ->group("Spectrum");
}

const char* const landscape_about =
    "The loss around a network's weights.\n"
    "Along one or two directions: the eigenvectors of the Hessian's largest eigenvalues, by\n"
    "magnitude, or random ones whose filters are as long as the weights' (Li et al. 2018); and "
    "how\n"
    "far the loss rises in a small ball (Foret et al. 2021).";

void add_landscape(CLI::App& app, LandscapeOptions& landscape) {
  CLI::App* const command = app.add_subcommand("landscape", landscape_about);
  command->footer(
      "Examples\n"
      "  randnla nn landscape --plot curve.svg\n"
      "  randnla nn landscape --along random --dimensions 2 --plot contours.svg \\\n"
      "                       --surface surface.svg --json");
  add_network(*command, landscape.network);
  add_weights(*command, landscape.network);
  const auto number = [&](const char* name, auto& value, const Range& range, const char* help) {
    add_number(*command, name, value, range, help)->group("Landscape");
  };
  const auto picture = [&](const char* name, std::string& file, const char* help) {
    command->add_option(name, file, help)->type_name("FILE.svg")->group("Landscape");
  };
  add_choice(*command, "--along", landscape.along, along_names, "The directions")
      ->group("Landscape");
  number("--dimensions", landscape.dimensions, {1, 2, true, true, "1 or 2"}, "A line, or a plane");
  number("--extent", landscape.extent, positive, "Steps are from -extent to extent");
  number("--points", landscape.points, {2, infinite, true, false, "at least 2"},
         "On the line (41), or on a side of the plane (21)");
  number("--radius", landscape.radius, positive, "Of the ball");
  picture("--plot", landscape.plot, "The curve, or the level lines");
  picture("--surface", landscape.surface, "Of a plane: the surface");
  command->add_flag("--json", landscape.json, "The last line of the output is one object")
      ->group("Landscape");
  command->final_callback([&landscape] {
    require(landscape.surface.empty() || landscape.dimensions == 2,
            "--surface is about a plane: --dimensions 2");
  });
}

const char* const train_about =
    "Trains a network by stochastic gradient descent with momentum.\n"
    "With --batches abs the batch grows as the Hessian's largest eigenvalue falls, absa trains on\n"
    "adversarial images besides (Yao et al. 2018). After each epoch the accuracy on the test "
    "images.";

void add_training(CLI::App& command, NetworkTrainOptions& train) {
  const auto number = [&](const char* name, auto& value, const Range& range, const char* help) {
    add_number(command, name, value, range, help)->group("Training");
  };
  number("--epochs", train.epochs, nonnegative, "Each takes every image once");
  number("--learning-rate", train.learning_rate, positive, "Of the first epochs and batches");
  number("--momentum", train.momentum, {0, 1, true, false, "at least 0 and below 1"}, "");
  number("--weight-decay", train.weight_decay, nonnegative, "Times a weight, added to its slope");
  number("--decay-factor", train.decay_factor, fraction, "Of the learning rate");
  command.add_option("--decay-epochs", train.decay_epochs, "After these the learning rate decays")
      ->delimiter(',')
      ->type_name("N,N,...")
      ->check(in(nonnegative))
      ->group("Training");
  number("--batch", train.batch, at_least_one, "Images of an update; adaptive: of the first ones");
  number("--max-ratio", train.max_ratio, at_least_one,
         "Adaptive: of a batch to the first ones, a power of 2");
  number("--micro-batch", train.micro_batch, at_least_one, "Images in memory at a time");
  command.add_flag("--augment", train.augment, "Images are moved and reflected at random")
      ->group("Training");
}

void add_train(CLI::App& app, NetworkTrainOptions& train) {
  CLI::App* const command = app.add_subcommand("train", train_about);
  command->footer(
      "Examples\n"
      "  randnla nn train --epochs 5 --save-weights w.npy\n"
      "  randnla nn train --data cifar10:cifar-10-batches-bin --model c1 --batches absa \\\n"
      "                   --epochs 90 --decay-epochs 30,60 --augment --checkpoint c1.run --resume");
  add_network(*command, train.network, network_model_names);
  add_weights(*command, train.network);
  add_choice(*command, "--batches", train.rule, batch_rule_names, "Of one size, or adaptive")
      ->group("Training");
  add_training(*command, train);
  command->add_option("--checkpoint", train.checkpoint, "Written once a minute and at the end")
      ->type_name("FILE")
      ->group("Training");
  command->add_flag("--resume", train.resume, "Goes on from the checkpoint where there is one")
      ->group("Training");
  command->add_flag("--json", train.json, "The last line of the output is one object")
      ->group("Training");
  command->final_callback([&train] {
    require(!train.resume || !train.checkpoint.empty(), "--resume wants --checkpoint FILE");
    require(train.network.model == NetworkModel::mlp ||
                (train.network.weights.empty() && train.network.save_weights.empty()),
            "--weights and --save-weights are about mlp: others have more than weights, which "
            "--checkpoint FILE holds");
  });
}

const char* const figure3_about =
    "Batch sizes in training, compared.\n"
    "A small batch, a large one (--max-ratio times as large) with the same learning rate and with "
    "one\n"
    "that is larger by the same factor, ABS and ABSA (Yao et al. 2018), with several seeds and the "
    "same\n"
    "number of epochs: updates, accuracy on clean and on attacked images, and the Hessian's "
    "largest\n"
    "eigenvalue in the end, as a table and as pictures.";

void add_figure3(CLI::App& app, Figure3Options& figure) {
  CLI::App* const command = app.add_subcommand("figure3", figure3_about);
  command->footer(
      "Examples\n"
      "  randnla figure3 --out figure\n"
      "  randnla figure3 --data cifar10:cifar-10-batches-bin --model c1 --rows 50000 --epochs 90 "
      "\\\n"
      "                  --decay-epochs 30,60 --augment --max-ratio 128 --out figure");
  add_network(*command, figure.training.network, network_model_names);
  add_training(*command, figure.training);
  const auto group = [](CLI::Option* option) { return option->group("Figure"); };
  group(add_number(*command, "--seeds", figure.seeds, at_least_one, "Runs of each"));
  group(command->add_option("--eps", figure.eps, "How far attacks move a pixel, of 1; ascending"))
      ->delimiter(',')
      ->type_name("X,X,...")
      ->check(in(positive));
  group(command->add_option("--out", figure.out, "Table, pictures and traces"))
      ->type_name("FOLDER")
      ->capture_default_str();
  group(command->add_flag("--json", figure.json, "The table as one object"));
  group(command->add_flag("--quiet", figure.quiet, "No progress"));
  command->final_callback(
      [&figure] { require(std::ranges::is_sorted(figure.eps), "--eps: want ascending numbers"); });
}

}  // namespace

NetworkCommand parse_network_command(int argc, char** argv) {
  SpectrumOptions spectrum;
  LandscapeOptions landscape;
  NetworkTrainOptions train;
  train.network.rows = 10'000;
  Figure3Options figure;
  figure.training.network.rows = 10'000;
  figure.training.epochs = 20;
  figure.training.max_ratio = 16;
  CLI::App app(about, "randnla nn");
  prepare(app);
  add_train(app, train);
  add_spectrum(app, spectrum);
  add_landscape(app, landscape);
  add_figure3(app, figure);
  if (const std::optional<Help> help = parse_with(app, argc, argv)) return *help;
  if (app.got_subcommand("train")) return train;
  if (app.got_subcommand("spectrum")) return spectrum;
  if (app.got_subcommand("figure3")) return figure;
  return landscape;
}

}  // namespace randnla::app
