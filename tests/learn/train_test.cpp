#include "learn/board.hpp"

#include <randnla/core/error.hpp>
#include <randnla/learn/torch_objective.hpp>
#include <randnla/learn/train.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

namespace randnla {
namespace {

using test::Board;
using torch::Tensor;

Tensor parameters_of(const Network& net) {
  std::vector<Tensor> parts;
  for (const Tensor& each : net.module->parameters()) parts.push_back(each.detach().flatten());
  return torch::cat(parts);
}

/// Training on the board; trains `net`.
TrainResult train_on(const Network& net, const TrainOptions& options) {
  Context<Cpu> ctx(1);
  const Board board;
  const NetworkData data{board.inputs, board.targets};
  return train(ctx, net, data, data, options);
}

TrainOptions for_board() {
  TrainOptions options;
  options.epochs = 3;
  options.learning_rate = 0.1;
  options.batch = 32;
  options.range = {.low = 0, .high = 3};
  return options;
}

TEST(Train, UpdatesAreMomentumsOnTheMeanLoss) {
  // One batch of all rows an epoch: its order does not matter but for rounding.
  TrainOptions options = for_board();
  options.batch = 1000, options.weight_decay = 0.05;
  options.decay_epochs = {2}, options.decay_factor = 0.5;
  const Board board;
  const Network net = board.net(), reference = board.net();
  Tensor v = torch::zeros_like(parameters_of(reference));
  for (int epoch = 0; epoch < 3; ++epoch) {
    const Tensor loss = torch::cross_entropy_loss(reference.forward(board.inputs), board.targets);
    reference.module->zero_grad();
    loss.backward();
    const torch::NoGradGuard no_graph;
    std::vector<Tensor> slopes;
    for (const Tensor& each : reference.module->parameters())
      slopes.push_back(each.grad().flatten());
    v = 0.9 * v + torch::cat(slopes) + 0.05 * parameters_of(reference);
    index_t at = 0;
    for (Tensor each : reference.module->parameters()) {
      each.sub_((epoch < 2 ? 0.1 : 0.05) * v.narrow(0, at, each.numel()).view(each.sizes()));
      at += each.numel();
    }
  }
  train_on(net, options);
  EXPECT_TRUE(torch::allclose(parameters_of(net), parameters_of(reference), 1e-12, 1e-13));
}

TEST(Train, MicroBatchesChangeNothingButRounding) {
  TrainOptions options = for_board();
  const Network whole = Board().net(), parts = Board().net();
  train_on(whole, options);
  options.micro_batch = 5;
  train_on(parts, options);
  EXPECT_TRUE(torch::allclose(parameters_of(whole), parameters_of(parts), 1e-10, 1e-11));
}

TEST(Train, RecordsWhatItDid) {
  TrainOptions options = for_board();
  options.epochs = 60;
  std::vector<std::int64_t> seen;
  options.progress = [&](const EpochRecord& row) {
    seen.push_back(row.epoch);
    return true;
  };
  const Network net = Board().net();
  const TrainResult result = train_on(net, options);
  EXPECT_EQ(result.stop, Stop::max_iterations);
  ASSERT_EQ(result.trace.size(), 60U);
  EXPECT_EQ(seen.back(), 60);
  const EpochRecord &first = result.trace.front(), &last = result.trace.back();
  EXPECT_EQ(first.updates, 10);  // 300 rows, the last batch has 12
  EXPECT_EQ(last.updates, 600);
  EXPECT_EQ(last.gradients, 60);
  EXPECT_EQ(last.batch, 32);
  EXPECT_NEAR(first.train_loss, std::log(2.0), 0.1);
  EXPECT_LT(last.train_loss, 0.45);  // a linear classifier stays above 0.68
  EXPECT_GT(last.test_accuracy, 0.8);
  EXPECT_TRUE(std::isnan(last.eigenvalue));
  const Board board;
  const Score at = score(net, {board.inputs, board.targets}, NetworkLoss::cross_entropy, 7);
  EXPECT_NEAR(at.loss, last.test_loss, 1e-14);
  EXPECT_EQ(at.accuracy, last.test_accuracy);
}

/// The largest eigenvalue of the Hessian of the mean loss, formed entry by entry.
double explicit_eigenvalue(const Network& net) {
  Context<Cpu> ctx(1);
  const Board board;
  const TorchObjective<Cpu, double> f(ctx, net, board.inputs, board.targets);
  const index_t d = f.dim();
  std::vector<double> x(static_cast<std::size_t>(d)), w(300, 1.0 / 300);
  f.get_parameters(ctx, {x.data(), d});
  const Tensor H = torch::empty({d, d}, torch::kDouble);
  f.hessian_matrix(ctx, {{x.data(), d}, Sample<Cpu, double>::all(300), w.data()},
                   {H.data_ptr<double>(), d, d, d});
  return torch::linalg_eigvalsh(H).max().item<double>();
}

TEST(Train, AbsFollowsTheScheduleOnTheHessiansLargestEigenvalue) {
  // A fresh batch of all rows, so that its eigenvalue is known.
  TrainOptions options = for_board();
  options.epochs = 8;
  options.abs = {.base_batch = 300, .max_ratio = 4, .max_epochs = 3};
  std::vector<double> want;
  const Network net = Board().net();
  options.progress = [&](const EpochRecord&) {
    want.push_back(explicit_eigenvalue(net));
    return true;
  };
  const TrainResult result = train_on(net, options);
  AbsSchedule schedule(*options.abs);
  ASSERT_EQ(result.trace.size(), 8U);
  int looks = 0;
  for (std::size_t k = 0; k < 8; ++k) {
    const EpochRecord& row = result.trace[k];
    EXPECT_EQ(row.learning_rate, 0.1 * static_cast<double>(schedule.ratio())) << k;
    if (schedule.wants_eigenvalue()) {
      EXPECT_NEAR(row.eigenvalue, want[k], 0.02 * std::abs(want[k])) << k;
      ++looks;
    } else {
      EXPECT_TRUE(std::isnan(row.eigenvalue)) << k;
    }
    schedule.end_epoch(row.eigenvalue);
  }
  EXPECT_EQ(schedule.ratio(), 4);
  EXPECT_GT(result.trace.back().gradients, 8 + 2 * looks);
}

TEST(Train, BatchesGrowAndAreMadeAdversarial) {
  TrainOptions options = for_board();
  options.epochs = 6;
  options.abs = {.base_batch = 50,
                 .max_ratio = 4,
                 .max_epochs = 1,
                 .adversarial_share = 0.2,
                 .adversarial_eps = 0.05,
                 .adversarial_epochs = 3};
  const Network net = Board().net();
  const TrainResult result = train_on(net, options);
  const std::vector<index_t> batches{50, 100, 200, 200, 200, 200};
  const std::vector<double> shares{0.2, 0.1, 0, 0, 0, 0};
  const std::vector<std::int64_t> updates{6, 9, 11, 13, 15, 17};
  for (std::size_t k = 0; k < 6; ++k) {
    EXPECT_EQ(result.trace[k].batch, batches[k]) << k;
    EXPECT_EQ(result.trace[k].adversarial_share, shares[k]) << k;
    EXPECT_EQ(result.trace[k].updates, updates[k]) << k;
  }
  TrainOptions plain = options;
  plain.abs->adversarial_share = 0;
  const Network other = Board().net();
  const TrainResult without = train_on(other, plain);
  // The first of the rows have a larger loss, by up to 0.05 times a slope.
  EXPECT_GT(result.trace[0].train_loss, without.trace[0].train_loss);
  EXPECT_FALSE(parameters_of(net).equal(parameters_of(other)));
}

TEST(Train, StopsWhereTheLossIsNotFinite) {
  Context<Cpu> ctx(1);
  const Board board;
  board.inputs[17][1] = std::nan("");
  const Network net = board.net();
  TrainOptions options = for_board();
  options.batch = 300;
  const TrainResult result = train(ctx, net, {board.inputs, board.targets}, {}, options);
  EXPECT_EQ(result.stop, Stop::not_finite);
  EXPECT_TRUE(result.trace.empty());
  EXPECT_TRUE(parameters_of(net).equal(parameters_of(board.net())));
}

TEST(Train, RefusesOptionsOutOfRange) {
  const std::vector<std::function<void(TrainOptions&)>> changes{
      [](auto& o) { o.epochs = -1; },
      [](auto& o) { o.learning_rate = 0; },
      [](auto& o) { o.momentum = 1; },
      [](auto& o) { o.weight_decay = -1; },
      [](auto& o) { o.decay_factor = 0; },
      [](auto& o) {
        o.decay_epochs = {3, 2};
      },
      [](auto& o) { o.batch = 0; },
      [](auto& o) { o.micro_batch = 0; },
      [](auto& o) { o.abs = {.max_ratio = 3}; }};
  for (const auto& change : changes) {
    TrainOptions options = for_board();
    change(options);
    EXPECT_THROW(train_on(Board().net(), options), InvalidArgument);
  }
}

}  // namespace
}  // namespace randnla
