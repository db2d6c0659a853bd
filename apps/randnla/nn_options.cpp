#include "nn_options.hpp"

#include "nn_option_groups.hpp"
#include "nn_train_options.hpp"
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

const char* const robustness_about =
    "The accuracy of a trained network on attacked test images.\n"
    "Every pixel may move by eps, within 0 to 1: once along the sign of the loss's gradient "
    "(FGSM,\n"
    "Goodfellow et al. 2015), or by projected steps along it (PGD, Madry et al. 2018).";

void add_robustness(CLI::App& app, AttackOptions& attack) {
  CLI::App* const command = app.add_subcommand("robustness", robustness_about);
  command->footer(
      "Examples\n"
      "  randnla nn train --save-weights w.npy\n"
      "  randnla nn robustness --weights w.npy --plot robustness.svg\n"
      "  randnla nn robustness --data cifar10:cifar-10-batches-bin --model c1 --checkpoint c1.run "
      "\\\n"
      "                        --eps 0.005,0.01,0.02 --steps 20 --random-start --json");
  add_network(*command, attack.network, classifier_names);
  add_read_weights(*command, attack.network, "Of mlp: all parameters as one vector");
  command
      ->add_option("--checkpoint", attack.checkpoint,
                   "In its place, of any model: what nn train has left, with its --rows and --seed")
      ->type_name("FILE")
      ->group("Network and images");
  const auto group = [](CLI::Option* option) { return option->group("Attacks"); };
  group(command->add_option("--eps", attack.eps, "How far a pixel may move, of 1; ascending"))
      ->delimiter(',')
      ->type_name("X,X,...")
      ->capture_default_str()
      ->check(in(positive));
  group(add_number(*command, "--steps", attack.steps, at_least_one, "Of PGD"));
  group(add_number(*command, "--step-size", attack.step_size, positive, "Of PGD, times eps"));
  group(command->add_flag("--random-start", attack.random_start,
                          "PGD begins anywhere within eps, not at the image"));
  group(add_number(*command, "--micro-batch", attack.micro_batch, at_least_one,
                   "Images in memory at a time"));
  group(command->add_option("--plot", attack.plot, "Accuracy against eps"))->type_name("FILE.svg");
  group(command->add_flag("--json", attack.json,
                          "A line of the output for each eps, the last one for all"));
  command->final_callback([&attack] {
    require(attack.network.weights.empty() != attack.checkpoint.empty(),
            "robustness is that of a trained network: --weights FILE.npy or --checkpoint FILE");
    require(attack.network.model == NetworkModel::mlp || attack.network.weights.empty(),
            "--weights is about mlp: others have more than weights, which --checkpoint FILE holds");
    require(std::ranges::is_sorted(attack.eps), "--eps: want ascending numbers");
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
  add_network(*command, figure.training.network, classifier_names);
  add_training(*command, figure.training);
  const auto group = [](CLI::Option* option) { return option->group("Figure"); };
  group(add_number(*command, "--seeds", figure.seeds, at_least_one, "Runs of each"));
  group(command->add_option("--eps", figure.eps, "How far attacks move a pixel, of 1; ascending"))
      ->delimiter(',')
      ->type_name("X,X,...")
      ->check(in(positive));
  group(add_number(*command, "--eigenvalue-rows", figure.eigenvalue_rows, at_least_one,
                   "Images for the Hessian in the end, which of a large network cost most"));
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
  AttackOptions attack;
  attack.network.rows = train.network.rows;
  Figure3Options figure;
  figure.training.network.rows = 10'000;
  figure.training.epochs = 20;
  figure.training.max_ratio = 16;
  CLI::App app(about, "randnla nn");
  prepare(app);
  add_network_train(app, train);
  add_spectrum(app, spectrum);
  add_landscape(app, landscape);
  add_robustness(app, attack);
  add_figure3(app, figure);
  if (const std::optional<Help> help = parse_with(app, argc, argv)) return *help;
  if (app.got_subcommand("train")) return train;
  if (app.got_subcommand("spectrum")) return spectrum;
  if (app.got_subcommand("robustness")) return attack;
  if (app.got_subcommand("figure3")) return figure;
  return landscape;
}

}  // namespace randnla::app
