// What the command line of `randnla nn` says.
#pragma once

#include "options.hpp"

#include <randnla/learn/activation.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace randnla::app {

enum class NetworkModel { mlp, c1, resnet20, resnet18, autoencoder };
enum class Along { eigenvectors, random };

enum class BatchRule { fixed, abs, absa };

inline const Names<NetworkModel> network_model_names = {{"mlp", NetworkModel::mlp},
                                                        {"c1", NetworkModel::c1},
                                                        {"resnet20", NetworkModel::resnet20},
                                                        {"resnet18", NetworkModel::resnet18},
                                                        {"autoencoder", NetworkModel::autoencoder}};
/// Those that tell classes.
inline const Names<NetworkModel> classifier_names = {{"mlp", NetworkModel::mlp},
                                                     {"c1", NetworkModel::c1},
                                                     {"resnet20", NetworkModel::resnet20},
                                                     {"resnet18", NetworkModel::resnet18}};
inline const Names<Method> network_method_names = {{"sgd", Method::sgd},
                                                   {"tr", Method::trust_region},
                                                   {"arc", Method::cubic},
                                                   {"gauss-newton", Method::gauss_newton}};
/// Nothing bounds the Hessian of a network's term: there are no scores to sample by.
inline const Names<Sampling> network_sampling_names = {{"full", Sampling::full},
                                                       {"uniform", Sampling::uniform}};
inline const Names<BatchRule> batch_rule_names = {
    {"fixed", BatchRule::fixed}, {"abs", BatchRule::abs}, {"absa", BatchRule::absa}};
inline const Names<Activation> activation_names = {{"relu", Activation::relu},
                                                   {"softplus", Activation::softplus},
                                                   {"tanh", Activation::tanh},
                                                   {"logistic", Activation::logistic}};
inline const Names<Along> along_names = {{"eigenvectors", Along::eigenvectors},
                                         {"random", Along::random}};

/// A network and the images it sees.
struct NetworkOptions {
  std::string data = "synthetic";  // or mnist:FOLDER, cifar10:FOLDER, folder:FOLDER
  index_t rows = 1000;             // drawn from them, or all where there are fewer
  NetworkModel model = NetworkModel::mlp;
  std::vector<index_t> sizes;  // of the layers; empty: the model's own
  Activation activation = Activation::relu;
  std::string weights, save_weights;  // files; empty: none
  std::uint64_t seed = 1;
  int threads = 0;
};

struct SpectrumOptions {
  NetworkOptions network;
  int top = 5;
  int trace_products = 40;
  int steps = 100, starts = 10;
  int points = 10'000;
  std::optional<double> width;
  bool layers = false;
  std::string plot;  // a file; empty: none
  bool json = false;
};

struct LandscapeOptions {
  NetworkOptions network;
  Along along = Along::eigenvectors;
  int dimensions = 1;
  double extent = 0.5;
  std::optional<int> points;  // none: 41 on a line, 21 a side of a plane
  double radius = 0.05;
  std::string plot, surface;  // files; empty: none
  bool json = false;

  int points_a_side() const { return points.value_or(dimensions == 1 ? 41 : 21); }
};

struct NetworkTrainOptions {
  NetworkOptions network;
  Method method = Method::sgd;
  std::int64_t epochs = 10;
  double learning_rate = 0.02, momentum = 0.9, weight_decay = 0;
  std::vector<std::int64_t> decay_epochs;
  double decay_factor = 0.2;
  BatchRule rule = BatchRule::fixed;
  index_t batch = 128, micro_batch = 1024;
  std::int64_t max_ratio = 128, patience = 10;
  bool augment = false;
  // Of the other methods.
  Subproblem subproblem = Subproblem::automatic;
  SecondOrderOptions solver;  // its seed is the network's
  double max_props = std::numeric_limits<double>::infinity();
  std::string checkpoint;  // a file; empty: none
  bool resume = false;
  std::string plot;  // a file; empty: none
  bool json = false;
};

struct AttackOptions {
  NetworkOptions network;
  std::string checkpoint;                                    // a file; empty: the network's weights
  std::vector<double> eps = {0.005, 0.01, 0.02, 0.05, 0.1};  // ascending
  int steps = 10;
  double step_size = 0.25;  // of eps
  bool random_start = false;
  index_t micro_batch = 1024;
  std::string plot;  // a file; empty: none
  bool json = false;
};

struct Figure3Options {
  NetworkTrainOptions training;  // of the small batch; its max_ratio is also that of the large one
  int seeds = 3;
  std::vector<double> eps = {0.005, 0.01, 0.02};  // of attacks, ascending
  index_t eigenvalue_rows = 1000;
  std::string out = "figure3";
  bool json = false, quiet = false;
};

using NetworkCommand = std::variant<Help, SpectrumOptions, LandscapeOptions, NetworkTrainOptions,
                                    AttackOptions, Figure3Options>;

/// Throws InvalidArgument with one line for the user.
NetworkCommand parse_network_command(int argc, char** argv);

int spectrum(const SpectrumOptions& options);
int landscape(const LandscapeOptions& options);
int train_network(const NetworkTrainOptions& options);
int robustness(const AttackOptions& options);
int figure3(const Figure3Options& options);

}  // namespace randnla::app
