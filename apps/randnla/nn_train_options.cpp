#include "nn_train_options.hpp"

#include "nn_option_groups.hpp"
#include "option_kinds.hpp"
#include "second_order_options.hpp"

#include <randnla/core/error.hpp>

#include <string>

namespace randnla::app {
namespace {

const char* const about =
    "Trains a network by gradient descent or second-order methods.\n"
    "By stochastic gradient descent with momentum, where with --batches abs the batch grows\n"
    "as the Hessian's largest eigenvalue falls and absa trains on adversarial images besides\n"
    "(Yao et al. 2018); or by trust region or cubic regularisation with sub-sampled gradients\n"
    "and Hessians. After each epoch or accepted step the test images are looked at.";

const char* const footer =
    "Examples\n"
    "  randnla nn train --epochs 5 --save-weights w.npy\n"
    "  randnla nn train --method tr --max-iterations 50 --plot tr.svg\n"
    "  randnla nn train --data mnist:mnist --model autoencoder --rows 1000 --method tr\n"
    "  randnla nn train --data cifar10:cifar-10-batches-bin --model c1 --batches absa \\\n"
    "                   --epochs 90 --decay-epochs 30,60 --augment --checkpoint c1.run --resume\n"
    "\n"
    "Models\n"
    "  mlp           --sizes from pixels to classes, --activation between the layers\n"
    "  autoencoder   --sizes from pixels to the code (784,1000,500,250,30), and back; logistic\n"
    "                units. The loss is the mean square of outputs minus pixels: no accuracy\n"
    "  c1, resnet..  of sgd only: in training their batch normalisation makes a row's loss\n"
    "                depend on the others\n"
    "\n"
    "Methods\n"
    "  sgd           stochastic gradient descent, a line an epoch\n"
    "  tr            trust region, a line an iteration\n"
    "  arc           adaptive cubic regularisation, likewise\n"
    "  gauss-newton  tr, Hessian without what can make it negative\n"
    "  The last three begin as in arXiv 1802.06925 on MNIST; their samples have its numbers of\n"
    "  rows where there are 10,000 images.\n"
    "\n"
    "Work is in gradients of all images: a Hessian product counts 2, a trial value 1/2.\n"
    "Propagations (props): 2 |S_g| a gradient, 2 |S_H| a Hessian product, n a trial value.\n"
    "\n"
    "Ctrl-C finishes the update or the iteration, writes what there is, the checkpoint, too, and\n"
    "exits 130; a second one ends at once.";

/// Of arXiv 1802.06925 for MNIST and perceptrons, but for the limits. The samples have its numbers of
/// rows where there are 10,000.
void set_second_order_defaults(SecondOrderOptions& solver) {
  solver.gradient = {
      .rule = GradientOptions::Rule::adaptive, .fraction = 0.5, .factor = 1.2, .max_fraction = 1};
  solver.hessian = {.sampling = Sampling::uniform, .fraction = 0.1};
  solver.initial_radius = 1, solver.max_radius = 10;
  solver.inner_iterations = 250;
  solver.stopping.max_iterations = 100;
  solver.stopping.lanczos_steps = 30;  // each a pass over all images
}

/// Options that would silently do nothing are refused.
void check_method(const CLI::App& command, const NetworkTrainOptions& train) {
  const bool sgd = train.method == Method::sgd;
  for (const CLI::Option* option : command.get_options()) {
    const std::string group = option->get_group();
    const bool of_sgd = group == "Gradient descent",
               of_others = group == "Samples" || group == "Method" || group == "Stopping";
    if (sgd ? of_others : of_sgd) {
      refuse(command, train.method, {option->get_name().c_str()});
    }
  }
  if (!sgd) refuse_other_model(command, train.method);
}

void check_model(const CLI::App& command, const NetworkTrainOptions& train) {
  const NetworkModel model = train.network.model;
  const bool coding = model == NetworkModel::autoencoder;
  const bool plain = coding || model == NetworkModel::mlp;
  require(plain || (train.network.weights.empty() && train.network.save_weights.empty()),
          "--weights and --save-weights are about mlp and autoencoder: others have more than "
          "weights, which --checkpoint FILE holds");
  require(plain || train.method == Method::sgd,
          std::string("--model ") + name_in(network_model_names, model) +
              " is for --method sgd: with its batch normalisation the loss is no finite sum");
  if (!coding) return;
  require(command.count("--activation") == 0,
          "--activation is about mlp: an autoencoder's units are logistic");
  require(train.rule != BatchRule::absa,
          "--batches absa is about classes, which an autoencoder does not tell");
  require(!train.augment, "--augment moves images, and an autoencoder's targets do not follow");
}

}  // namespace

void add_network_train(CLI::App& app, NetworkTrainOptions& train) {
  set_second_order_defaults(train.solver);
  CLI::App* const command = app.add_subcommand("train", about);
  command->footer(footer);
  const auto group = [](CLI::Option* option) { return option->group("Training"); };
  add_network(*command, train.network, network_model_names);
  add_weights(*command, train.network);
  group(add_choice(*command, "--method", train.method, network_method_names, "See below"));
  group(
      command->add_option("--checkpoint", train.checkpoint, "Written once a minute and at the end"))
      ->type_name("FILE");
  group(command->add_flag("--resume", train.resume,
                          "Goes on from the checkpoint where there is one"));
  group(command->add_option("--plot", train.plot,
                            "Accuracy, loss and, with sgd, batch and eigenvalues"))
      ->type_name("FILE.svg");
  group(command->add_flag("--json", train.json, "The last line of the output is one object"));
  add_choice(*command, "--batches", train.rule, batch_rule_names, "Of one size, or adaptive")
      ->group("Gradient descent");
  add_training(*command, train);
  add_sample_options(*command, train.solver, network_sampling_names);
  add_model_options(*command, train.solver, train.subproblem);
  add_stopping_options(*command, train.solver.stopping, train.max_props);
  command->final_callback([command, &train] {
    require(!train.resume || !train.checkpoint.empty(), "--resume wants --checkpoint FILE");
    check_method(*command, train);
    check_model(*command, train);
    if (train.method == Method::sgd) return;
    set_curvature(train.method, train.solver);
    set_subproblem(train.subproblem, train.method, train.solver);
    train.solver.gradient.min_fraction = train.solver.gradient.fraction / 5;  // as in the paper
    train.solver.seed = train.network.seed;
    train.solver.stopping.max_props = to_count(train.max_props);
  });
}

}  // namespace randnla::app
