#include "nn_option_groups.hpp"

#include "option_kinds.hpp"

namespace randnla::app {
namespace {

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

}  // namespace

void add_network(CLI::App& command, NetworkOptions& network, const Names<NetworkModel>& models) {
  const auto group = [](CLI::Option* option) { return option->group("Network and images"); };
  group(command.add_option("--data", network.data,
                           "Folder of the files, plain or gzip; folder: has train/CLASS/*.ppm\n"
                           "and val/CLASS/*.ppm; or the word synthetic"))
      ->type_name("mnist:FOLDER|cifar10:FOLDER|folder:FOLDER|synthetic")
      ->capture_default_str()
      ->check([](const std::string& text) -> std::string {
        const bool known = text == "synthetic" || text.starts_with("mnist:") ||
                           text.starts_with("cifar10:") || text.starts_with("folder:");
        return known ? ""
                     : "'" + text +
                           "' is none of mnist:FOLDER, cifar10:FOLDER, folder:FOLDER, synthetic";
      });
  group(add_number(command, "--rows", network.rows, at_least_one,
                   "Images, drawn without replacement; all where there are fewer"));
  group(add_choice(command, "--model", network.model, models, "mlp: a multilayer perceptron"));
  const auto set_sizes = [&network](const std::string& text) { network.sizes = sizes_in(text); };
  group(command.add_option_function<std::string>(
            "--sizes", set_sizes, "Of its layers; without it a pixel each, 16, a class each"))
      ->type_name("N,N,...");
  group(add_choice(command, "--activation", network.activation, activation_names,
                   "Between its layers"));
  group(add_number(command, "--seed", network.seed, nonnegative,
                   "Of weights, images and everything else at random"));
  group(add_number(command, "--threads", network.threads, nonnegative, "0: one a processor"));
}

void add_weights(CLI::App& command, NetworkOptions& network) {
  add_read_weights(command, network, "All parameters as one vector; without it random ones");
  command.add_option("--save-weights", network.save_weights, "The parameters in the end")
      ->type_name("FILE.npy")
      ->group("Network and images");
}

void add_read_weights(CLI::App& command, NetworkOptions& network, const char* help) {
  command.add_option("--weights", network.weights, help)
      ->type_name("FILE.npy")
      ->group("Network and images");
}

void add_training(CLI::App& command, NetworkTrainOptions& train) {
  const auto number = [&](const char* name, auto& value, const Range& range, const char* help) {
    add_number(command, name, value, range, help)->group("Gradient descent");
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
      ->group("Gradient descent");
  number("--batch", train.batch, at_least_one, "Images of an update; adaptive: of the first ones");
  number("--max-ratio", train.max_ratio, at_least_one,
         "Adaptive: of a batch to the first ones, a power of 2");
  number("--patience", train.patience, at_least_one,
         "Adaptive: epochs without a change after which the batch grows");
  add_number(command, "--micro-batch", train.micro_batch, at_least_one,
             "Images in memory at a time")
      ->group("Network and images");
  command.add_flag("--augment", train.augment, "Images are moved and reflected at random")
      ->group("Gradient descent");
}

}  // namespace randnla::app
