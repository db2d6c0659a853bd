#include "learn/board.hpp"

#include <randnla/core/error.hpp>
#include <randnla/learn/adversarial.hpp>

#include <gtest/gtest.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
#include <torch/utils.h>

namespace randnla {
namespace {

using torch::Tensor;
constexpr auto loss = NetworkLoss::cross_entropy;

/// Outputs 0 and w'x, with w = (2, -1, 0): the slope of row's loss is (p - y) w, where p is the
/// probability of class 1, positive for class 0 and negative for class 1.
Network linear() {
  const torch::NoGradGuard no_graph;
  const Network net = mlp({3, 2}, Activation::relu, torch::kDouble);
  for (const Tensor& each : net.module->parameters()) each.zero_();
  net.module->parameters()[0][1].copy_(torch::tensor({2.0, -1.0, 0.0}, torch::kDouble));
  return net;
}

struct Rows {
  Tensor inputs =
      torch::tensor({{0.5, 0.5, 0.5}, {0.5, 0.25, 0.75}, {0.95, 0.05, 0.0}}, torch::kDouble);
  Tensor targets = torch::tensor({0, 1, 0}, torch::kInt64);
};

TEST(Fgsm, StepsAlongTheSignOfTheGradient) {
  const Rows rows;
  const Tensor want =
      torch::tensor({{0.6, 0.4, 0.5}, {0.4, 0.35, 0.75}, {1.0, 0.0, 0.0}}, torch::kDouble);
  EXPECT_TRUE(
      torch::allclose(fgsm(linear(), loss, rows.inputs, rows.targets, 0.1), want, 0, 1e-15));
  const Tensor wide = fgsm(linear(), loss, rows.inputs, rows.targets, 0.1, {-1, 2});
  EXPECT_NEAR(wide[2][0].item<double>(), 1.05, 1e-15);
  EXPECT_TRUE(fgsm(linear(), loss, rows.inputs, rows.targets, 0).equal(rows.inputs));
}

TEST(Fgsm, OfTheSquaredErrorStepsAwayFromTheTarget) {
  const Rows rows;
  // The outputs' errors are 0 and w'x - 1, which is negative for the first row only.
  const Tensor values = torch::tensor({{0.0, 1.0}, {0.0, 0.5}, {0.0, 1.0}}, torch::kDouble);
  const Tensor want =
      torch::tensor({{0.4, 0.6, 0.5}, {0.6, 0.15, 0.75}, {1.0, 0.0, 0.0}}, torch::kDouble);
  EXPECT_TRUE(
      torch::allclose(fgsm(linear(), NetworkLoss::mse, rows.inputs, values, 0.1), want, 0, 1e-15));
}

TEST(Fgsm, LeavesModesAndGradientsAsTheyAre) {
  const Rows rows;
  const Network inner = linear();
  torch::nn::Dropout dropout(0.5);
  const Network net{dropout.ptr(),
                    [&](const Tensor& inputs) { return inner.forward(dropout->forward(inputs)); }};
  dropout->train();
  const Tensor at = fgsm(net, loss, rows.inputs, rows.targets, 0.1);
  EXPECT_TRUE(at.equal(fgsm(inner, loss, rows.inputs, rows.targets, 0.1)));
  EXPECT_TRUE(dropout->is_training());
  EXPECT_FALSE(at.requires_grad());
  EXPECT_FALSE(inner.module->parameters()[0].grad().defined());
}

double mean_loss(const Network& net, const Tensor& inputs, const Tensor& targets) {
  return score(net, {inputs, targets}, loss).loss;
}

/// The board in the unit square, with a network that is curved.
struct Curved {
  test::Board board;
  Tensor inputs = board.inputs / 3;
  Network net = [this] {
    const Network steep = board.net();
    const torch::NoGradGuard no_graph;
    for (const Tensor& each : steep.module->parameters()) each.mul_(4);
    return steep;
  }();
};

TEST(Pgd, HasAtLeastTheLossOfFgsmAndStaysInBallAndRange) {
  const Curved c;
  for (const double eps : {0.02, 0.1, 0.3}) {
    const double plain = mean_loss(c.net, c.inputs, c.board.targets);
    const Tensor once = fgsm(c.net, loss, c.inputs, c.board.targets, eps);
    for (const std::optional<std::uint64_t>& seed : {std::optional<std::uint64_t>(), {7}}) {
      const Tensor at = pgd(c.net, loss, c.inputs, c.board.targets, eps,
                            {.steps = 20, .step = 0.1, .seed = seed});
      EXPECT_GT(mean_loss(c.net, once, c.board.targets), plain) << eps;
      EXPECT_GE(mean_loss(c.net, at, c.board.targets), mean_loss(c.net, once, c.board.targets))
          << eps;
      EXPECT_LE((at - c.inputs).abs().max().item<double>(), eps * (1 + 1e-12));
      EXPECT_GE(at.min().item<double>(), 0);
      EXPECT_LE(at.max().item<double>(), 1);
    }
  }
}

TEST(Pgd, OneFullStepIsFgsm) {
  const Curved c;
  EXPECT_TRUE(pgd(c.net, loss, c.inputs, c.board.targets, 0.1, {.steps = 1, .step = 1})
                  .equal(fgsm(c.net, loss, c.inputs, c.board.targets, 0.1)));
}

TEST(Pgd, StartsFromItsSeed) {
  const Curved c;
  const auto from = [&](std::uint64_t seed) {
    return pgd(c.net, loss, c.inputs, c.board.targets, 0.1,
               {.steps = 1, .step = 1e-3, .seed = seed});
  };
  torch::manual_seed(1);
  const Tensor first = from(3);
  torch::manual_seed(2);
  EXPECT_TRUE(first.equal(from(3)));
  EXPECT_FALSE(first.equal(from(4)));
  // Uniform in the ball: half of the entries are further away than eps / 2.
  const Tensor inside = c.inputs.gt(0.1).logical_and(c.inputs.lt(0.9));
  const Tensor far = (first - c.inputs).abs().gt(0.05).masked_select(inside).to(torch::kDouble);
  EXPECT_NEAR(far.mean().item<double>(), 0.5, 0.1);
}

TEST(RobustAccuracy, FallsWithEpsAndCountsRight) {
  const Rows rows;
  // w'x is 0.5, 0.75 and 1.85: of class 1 all three, and only the second row is. It changes with
  // eps 0.25 exactly, by 3 eps.
  const NetworkData data{rows.inputs, rows.targets};
  const std::vector<double> want{1.0 / 3, 1.0 / 3, 0};
  for (const index_t micro_batch : {1, 2, 1024}) {
    RobustnessOptions options;
    options.micro_batch = micro_batch;
    EXPECT_EQ(robust_accuracy(linear(), data, {0, 0.24, 0.26}, options), want);
    options.pgd = {.steps = 5, .step = 0.5, .seed = 1};
    EXPECT_EQ(robust_accuracy(linear(), data, {0, 0.24, 0.26}, options), want);
  }
}

TEST(RobustAccuracy, SaysHowFarItIs) {
  const Rows rows;
  std::vector<index_t> seen;
  robust_accuracy(linear(), {rows.inputs, rows.targets}, {0, 0.1},
                  {.micro_batch = 2, .progress = [&](index_t done) { seen.push_back(done); }});
  EXPECT_EQ(seen, (std::vector<index_t>{2, 3}));
}

TEST(Adversarial, RefusesWhatIsOutOfRange) {
  const Rows rows;
  const Network net = linear();
  EXPECT_THROW(fgsm(net, loss, rows.inputs, rows.targets, -0.1), InvalidArgument);
  EXPECT_THROW(fgsm(net, loss, rows.inputs, rows.targets, 0.1, {1, 1}), InvalidArgument);
  EXPECT_THROW(fgsm(net, loss, rows.inputs, rows.targets, 0.1, {0, 0.9}), InvalidArgument);
  EXPECT_THROW(fgsm(net, loss, rows.inputs, rows.targets.narrow(0, 0, 2), 0.1), InvalidArgument);
  EXPECT_THROW(pgd(net, loss, rows.inputs, rows.targets, 0.1, {.steps = 0}), InvalidArgument);
  EXPECT_THROW(pgd(net, loss, rows.inputs, rows.targets, 0.1, {.step = 0}), InvalidArgument);
  EXPECT_THROW(robust_accuracy(net, {rows.inputs, rows.targets}, {0.1}, {.micro_batch = 0}),
               InvalidArgument);
}

}  // namespace
}  // namespace randnla
