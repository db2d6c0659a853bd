// A trained network under attacks.
#include "interrupt.hpp"
#include "nn_images.hpp"
#include "nn_training.hpp"
#include "outputs.hpp"
#include "progress.hpp"

#include <randnla/core/error.hpp>
#include <randnla/learn/adversarial.hpp>
#include <randnla/version.hpp>

#include <torch/utils.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

namespace randnla::app {
namespace {

/// Accuracies with one eps.
struct Attacked {
  double eps, fgsm, pgd;
};

/// The training images decide how a network that is no perceptron normalises, and so must be the same.
void require_same_images(const TrainCheckpoint& checkpoint, const NetworkOptions& options,
                         const Images& images) {
  require(checkpoint.rows == images.count, "it is of a run on " + std::to_string(checkpoint.rows) +
                                               " images, and --rows gives " +
                                               std::to_string(images.count));
  const std::string seed = "seed = " + std::to_string(options.seed);
  require(("\n" + checkpoint.options).find("\n" + seed + "\n") != std::string::npos,
          "it is of a run with another --seed than " + std::to_string(options.seed));
}

Network trained_network(const AttackOptions& options, const Images& images) {
  const Network network = make_network(options.network, images);
  if (options.checkpoint.empty()) {
    set_weights(network, options.network.weights);
    return network;
  }
  const TrainCheckpoint checkpoint = load_train_checkpoint(options.checkpoint);
  try {
    require_same_images(checkpoint, options.network, images);
    set_network(network, checkpoint);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument("--checkpoint " + options.checkpoint + ": " + error.what());
  }
  return network;
}

/// f(attacked) after each eps.
template <class F>
std::vector<Attacked> attack(const Network& network, const NetworkData& test,
                             const AttackOptions& options, F f) {
  StatusLine status(stderr);
  const auto accuracy = [&](const char* name, double eps, std::optional<PgdOptions> pgd) {
    const auto progress = [&](index_t rows) { status.show(name, rows, "images"); };
    return robust_accuracy(
        network, test, {eps},
        {.pgd = pgd, .micro_batch = options.micro_batch, .progress = progress})[0];
  };
  PgdOptions pgd{.steps = options.steps, .step = options.step_size};
  if (options.random_start) pgd.seed = options.network.seed;
  std::vector<Attacked> all;
  for (const double eps : options.eps) {
    all.push_back({eps, accuracy("FGSM", eps, std::nullopt), accuracy("PGD", eps, pgd)});
    status.clear();
    f(all.back());
  }
  return all;
}

Json to_json(const Attacked& row) {
  return {{"eps", row.eps}, {"fgsm", row.fgsm}, {"pgd", row.pgd}};
}

Json to_json(const AttackOptions& options, const Images& images, const NetworkData& test,
             const Score& clean, const std::vector<Attacked>& attacked) {
  Json rows = Json::array();
  for (const Attacked& row : attacked) rows.push_back(to_json(row));
  const auto file = [](const std::string& name) { return name.empty() ? Json() : Json(name); };
  return {{"data", options.network.data},
          {"rows", images.count},
          {"test_rows", test.inputs.size(0)},
          {"model", name_in(network_model_names, options.network.model)},
          {"weights", file(options.network.weights)},
          {"checkpoint", file(options.checkpoint)},
          {"seed", options.network.seed},
          {"steps", options.steps},
          {"step_size", options.step_size},
          {"random_start", options.random_start},
          {"loss", clean.loss},
          {"accuracy", clean.accuracy},
          {"attacked", rows}};
}

std::string picture_of(const Score& clean, const std::vector<Attacked>& attacked) {
  Curve fgsm{"FGSM", {0}, {clean.accuracy}}, pgd{"PGD", {0}, {clean.accuracy}};
  for (const Attacked& row : attacked) {
    fgsm.x.push_back(row.eps), fgsm.y.push_back(row.fgsm);
    pgd.x.push_back(row.eps), pgd.y.push_back(row.pgd);
  }
  const Axis accuracy{.label = "accuracy", .least = 0, .most = 1};
  return to_svg({{"Accuracy under attacks", {.label = "eps"}, accuracy, {fgsm, pgd}}});
}

}  // namespace

int robustness(const AttackOptions& options) {
  check_outputs({options.plot}, {options.network.weights, options.checkpoint});
  Context<Cpu> ctx(options.network.threads);
  at::set_num_threads(ctx.threads());
  const auto begin = std::chrono::steady_clock::now();
  const Images images = load_images(ctx, options.network);
  const Network network = trained_network(options, images);
  const NetworkData test = tensors_of(load_test_images(ctx, options.network));
  const Score clean = score(network, test, NetworkLoss::cross_entropy, options.micro_batch);
  if (!std::isfinite(clean.loss)) {
    throw DataError(options.checkpoint + options.network.weights +
                    ": the loss of this network is not finite");
  }
  if (!options.json) {
    std::printf("%lld test images of %s, loss %.6g\n%10s %9s %9s\n%10d %9.4f %9.4f\n",
                static_cast<long long>(test.inputs.size(0)), options.network.data.c_str(),
                clean.loss, "eps", "FGSM", "PGD", 0, clean.accuracy, clean.accuracy);
  }
  const std::vector<Attacked> attacked = attack(network, test, options, [&](const Attacked& row) {
    if (options.json) {
      std::printf("%s\n", one_line(to_json(row)).c_str());
    } else {
      std::printf("%10.4g %9.4f %9.4f\n", row.eps, row.fgsm, row.pgd);
    }
    std::fflush(stdout);
  });
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;

  // From here on an interrupt must remove what is half written.
  finish_work_on_interrupt();
  if (!options.plot.empty()) write_text(options.plot, picture_of(clean, attacked));
  if (options.json) {
    Json json = to_json(options, images, test, clean, attacked);
    json["seconds"] = seconds.count();
    json["threads"] = ctx.threads();
    json["version"] = RANDNLA_VERSION;
    std::printf("%s\n", one_line(json).c_str());
  }
  return 0;
}

}  // namespace randnla::app
