// Runs of train() that stop and go on. The network has all that a checkpoint must hold: batch
// normalisation, dropout, images that are moved and made adversarial, a schedule.
#include "support/temporary.hpp"

#include <randnla/core/error.hpp>
#include <randnla/learn/train.hpp>

#include <gtest/gtest.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/utils.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

namespace randnla {
namespace {

using torch::Tensor;

NetworkData images() {
  torch::manual_seed(21);
  const Tensor inputs = torch::rand({90, 1, 6, 6});
  return {inputs, inputs.narrow(2, 0, 3).mean({1, 2, 3}).gt(0.5).to(torch::kInt64)};
}

Network net() {
  namespace nn = torch::nn;
  torch::manual_seed(22);
  return network(nn::Sequential(nn::Conv2d(nn::Conv2dOptions(1, 4, 3)), nn::BatchNorm2d(4),
                                nn::Softplus(), nn::Flatten(), nn::Dropout(0.2),
                                nn::Linear(64, 2)));
}

TrainOptions options() {
  TrainOptions options;
  options.epochs = 6;
  options.learning_rate = 0.05;
  options.weight_decay = 1e-3;
  options.decay_epochs = {4};
  options.abs = {.base_batch = 20,
                 .max_ratio = 4,
                 .max_epochs = 2,
                 .adversarial_share = 0.2,
                 .adversarial_eps = 0.05,
                 .adversarial_epochs = 5};
  options.micro_batch = 16;
  options.augmentation = {.padding = 1};
  options.seed = 5;
  return options;
}

/// The parameters and buffers after the run.
std::vector<Tensor> run(const TrainOptions& with, TrainResult* result = nullptr) {
  Context<Cpu> ctx(1);
  const NetworkData data = images();
  const Network network = net();
  TrainResult made = train(ctx, network, data, data, with);
  if (result != nullptr) *result = std::move(made);
  std::vector<Tensor> all = network.module->parameters();
  for (const Tensor& buffer : network.module->buffers()) all.push_back(buffer);
  return all;
}

void expect_same(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t k = 0; k < a.size(); ++k) EXPECT_TRUE(a[k].equal(b[k])) << "tensor " << k;
}

/// All but the seconds.
void expect_same(const std::vector<EpochRecord>& a, const std::vector<EpochRecord>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t k = 0; k < a.size(); ++k) {
    EXPECT_EQ(a[k].epoch, b[k].epoch);
    EXPECT_EQ(a[k].updates, b[k].updates);
    EXPECT_EQ(a[k].gradients, b[k].gradients);
    EXPECT_EQ(a[k].batch, b[k].batch);
    EXPECT_EQ(a[k].learning_rate, b[k].learning_rate);
    EXPECT_EQ(a[k].adversarial_share, b[k].adversarial_share);
    EXPECT_EQ(a[k].train_loss, b[k].train_loss);
    EXPECT_EQ(a[k].test_loss, b[k].test_loss);
    EXPECT_EQ(a[k].test_accuracy, b[k].test_accuracy);
    EXPECT_TRUE(a[k].eigenvalue == b[k].eigenvalue ||
                (std::isnan(a[k].eigenvalue) && std::isnan(b[k].eigenvalue)));
  }
}

/// The checkpoint of a run that stopped after so many updates, through a file.
TrainCheckpoint stopped_after(std::int64_t updates, TrainOptions with = options()) {
  const test::TemporaryFolder folder;
  std::int64_t done = 0;
  with.interrupted = [&] { return ++done == updates; };
  with.checkpoint = [&](const TrainCheckpoint& at) { save(folder.file("run"), at); };
  TrainResult result;
  run(with, &result);
  EXPECT_EQ(result.stop, Stop::interrupted);
  EXPECT_EQ(folder.names().size(), 1U);
  return load_train_checkpoint(folder.file("run"));
}

TEST(TrainCheckpoint, ARunGoesOnToTheSameBits) {
  TrainResult whole;
  const std::vector<Tensor> want = run(options(), &whole);
  ASSERT_EQ(whole.trace.back().batch, 80);  // the schedule did something
  const std::int64_t all = whole.trace.back().updates;
  for (const std::int64_t updates : {std::int64_t{1}, std::int64_t{5}, std::int64_t{12}, all}) {
    const TrainCheckpoint at = stopped_after(updates);
    EXPECT_EQ(at.updates, updates);
    TrainOptions with = options();
    with.resume = &at;
    TrainResult result;
    expect_same(run(with, &result), want);
    expect_same(result.trace, whole.trace);
  }
}

TEST(TrainCheckpoint, ARunGoesOnForMoreEpochs) {
  const std::vector<Tensor> want = run(options());
  TrainOptions some = options();
  TrainCheckpoint at;
  some.epochs = 3;
  some.checkpoint = [&](const TrainCheckpoint& given) { at = given; };
  run(some);
  EXPECT_EQ(at.trace.size(), 3U);
  TrainOptions with = options();
  with.resume = &at;
  expect_same(run(with), want);
}

TEST(TrainCheckpoint, ProgressMayStopARun) {
  TrainOptions with = options();
  TrainCheckpoint at;
  with.progress = [](const EpochRecord& row) { return row.epoch < 2; };
  with.checkpoint = [&](const TrainCheckpoint& given) { at = given; };
  TrainResult result;
  run(with, &result);
  EXPECT_EQ(result.stop, Stop::interrupted);
  EXPECT_EQ(result.trace.size(), 2U);
  with = options();
  with.resume = &at;
  expect_same(run(with), run(options()));
}

std::string refusal(const std::function<void()>& f) {
  try {
    f();
  } catch (const InvalidArgument& error) {
    return error.what();
  }
  return "";
}

TEST(TrainCheckpoint, OtherOptionsAreRefusedByName) {
  const TrainCheckpoint at = stopped_after(2);
  struct Case {
    const char *was, *is;
    std::function<void(TrainOptions&)> change;
  };
  const Case cases[] = {
      {"learning_rate = 0.05", "learning_rate = 0.5", [](auto& o) { o.learning_rate = 0.5; }},
      {"momentum = 0.9", "momentum = 0.5", [](auto& o) { o.momentum = 0.5; }},
      {"weight_decay = 0.001", "weight_decay = 0", [](auto& o) { o.weight_decay = 0; }},
      {"decay_factor = 0.2", "decay_factor = 0.5", [](auto& o) { o.decay_factor = 0.5; }},
      {"decay_epochs = 4", "decay_epochs = 5", [](auto& o) { o.decay_epochs = {5}; }},
      {"abs = 1", "abs = 0", [](auto& o) { o.abs.reset(); }},
      {"abs.base_batch = 20", "abs.base_batch = 10", [](auto& o) { o.abs->base_batch = 10; }},
      {"abs.max_ratio = 4", "abs.max_ratio = 8", [](auto& o) { o.abs->max_ratio = 8; }},
      {"abs.max_epochs = 2", "abs.max_epochs = 3", [](auto& o) { o.abs->max_epochs = 3; }},
      {"abs.adversarial_share = 0.2", "abs.adversarial_share = 0",
       [](auto& o) { o.abs->adversarial_share = 0; }},
      {"abs.adversarial_eps = 0.05", "abs.adversarial_eps = 0.5",
       [](auto& o) { o.abs->adversarial_eps = 0.5; }},
      {"abs.adversarial_epochs = 5", "abs.adversarial_epochs = 4",
       [](auto& o) { o.abs->adversarial_epochs = 4; }},
      {"micro_batch = 16", "micro_batch = 17", [](auto& o) { o.micro_batch = 17; }},
      {"augmentation = 1", "augmentation = 0", [](auto& o) { o.augmentation.reset(); }},
      {"augmentation.padding = 1", "augmentation.padding = 2",
       [](auto& o) { o.augmentation->padding = 2; }},
      {"augmentation.flip = 1", "augmentation.flip = 0",
       [](auto& o) { o.augmentation->flip = false; }},
      {"range.low = 0", "range.low = -1", [](auto& o) { o.range.low = -1; }},
      {"range.high = 1", "range.high = 2", [](auto& o) { o.range.high = 2; }},
      {"seed = 5", "seed = 6", [](auto& o) { o.seed = 6; }}};
  for (const Case& each : cases) {
    TrainOptions with = options();
    with.resume = &at;
    each.change(with);
    EXPECT_EQ(refusal([&] { run(with); }),
              std::string("the checkpoint is of a run with ") + each.was + ", not " + each.is);
  }
}

TEST(TrainCheckpoint, AnotherNetworkOrOtherDataAreRefused) {
  TrainCheckpoint at = stopped_after(2);
  TrainOptions with = options();
  with.resume = &at;
  at.rows = 91;
  EXPECT_NE(refusal([&] { run(with); }).find("91 rows"), std::string::npos);
  at.rows = 90;
  at.tensors[0].values = torch::zeros({4, 1, 3, 5});
  EXPECT_NE(refusal([&] { run(with); }).find("0.weight of Float [4, 1, 3, 5]"), std::string::npos);
  at.tensors.pop_back();
  EXPECT_NE(refusal([&] { run(with); }).find("tensors"), std::string::npos);
}

TEST(TrainCheckpoint, HasTheTrainedNetwork) {
  TrainOptions with = options();
  TrainCheckpoint at;
  with.checkpoint = [&](const TrainCheckpoint& given) { at = given; };
  const std::vector<Tensor> want = run(with);
  const Network other = net();
  const auto tensors = [&] {
    std::vector<Tensor> all = other.module->parameters();
    for (const Tensor& buffer : other.module->buffers()) all.push_back(buffer);
    return all;
  };
  torch::manual_seed(3);
  const Tensor next = torch::rand({4});
  torch::manual_seed(3);
  set_network(other, at);
  expect_same(tensors(), want);
  EXPECT_TRUE(torch::rand({4}).equal(next)) << "libtorch's random numbers go on";

  // Nothing of another network's is taken over.
  TrainCheckpoint bad = at;
  bad.tensors[0].values = torch::zeros_like(bad.tensors[0].values);
  bad.tensors[1].values = torch::zeros({5});
  EXPECT_NE(refusal([&] { set_network(other, bad); }).find("0.bias of Float [5]"),
            std::string::npos);
  expect_same(tensors(), want);
}

TEST(TrainCheckpoint, DamagedFilesAreRefused) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("run");
  save(path, stopped_after(2));
  const std::string whole = test::bytes_of(path);
  const auto refused = [&](const std::string& bytes) {
    try {
      load_train_checkpoint(folder.write("damaged", bytes));
    } catch (const DataError& error) {
      return std::string(error.what()).find("damaged") != std::string::npos;
    }
    return false;
  };
  EXPECT_TRUE(refused(""));
  EXPECT_TRUE(refused("randnla checkpoint, version 0\n"));
  EXPECT_TRUE(refused(whole.substr(0, whole.size() / 2)));
  EXPECT_TRUE(refused(whole + "x"));
  std::string flipped = whole;
  flipped[whole.size() / 2] ^= 1;
  EXPECT_TRUE(refused(flipped));
  EXPECT_FALSE(refused(whole));
}

}  // namespace
}  // namespace randnla
