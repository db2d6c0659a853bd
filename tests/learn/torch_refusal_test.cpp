// What the objective refuses, and what it leaves as it was.
#include "learn/tiny_network.hpp"

#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include <string>

namespace randnla {
namespace {

using test::TinyProblem;
using Objective = TorchObjective<Cpu, double>;

class TorchObjectiveRefuses : public testing::Test {
 protected:
  std::string error_of(const Network& net, const torch::Tensor& inputs,
                       const torch::Tensor& targets, TorchObjectiveOptions options = {}) {
    try {
      const Objective f(ctx, net, inputs, targets, options);
    } catch (const InvalidArgument& error) {
      return error.what();
    }
    return "";
  }

  Context<Cpu> ctx{1};
  TinyProblem tiny{{NetworkLoss::cross_entropy, Activation::tanh}};
};

TEST_F(TorchObjectiveRefuses, DataThatDoNotFit) {
  EXPECT_EQ(error_of(tiny.net, tiny.features, tiny.classes), "");
  EXPECT_EQ(error_of(tiny.net, tiny.features.to(torch::kFloat), tiny.classes),
            "TorchObjective: inputs is Float on cpu, want Double on cpu");
  EXPECT_EQ(error_of(tiny.net, tiny.features, tiny.values),
            "TorchObjective: targets is Double on cpu, want Long on cpu");
  EXPECT_EQ(error_of(tiny.net, tiny.features, {}), "TorchObjective: targets is undefined");
  EXPECT_EQ(error_of(tiny.net, tiny.features.narrow(0, 0, 0), tiny.classes),
            "TorchObjective: inputs of shape [0, 3], want rows");
  EXPECT_EQ(error_of(tiny.net, tiny.features, tiny.classes.narrow(0, 0, 11)),
            "TorchObjective: targets of shape [11], want [12]");
  EXPECT_EQ(
      error_of(tiny.net, tiny.features, tiny.values.narrow(1, 0, 2), {.loss = NetworkLoss::mse}),
      "TorchObjective: targets of shape [12, 2], want [12, 3]");
  EXPECT_EQ(error_of(tiny.net, tiny.features, tiny.classes, {.micro_batch = 0}),
            "TorchObjective: micro_batch = 0, want at least 1");
  EXPECT_EQ(error_of(tiny.net, tiny.features, tiny.classes, {.l2 = -0.5}),
            "TorchObjective: l2 = -0.500000, want at least 0 and finite");
}

TEST_F(TorchObjectiveRefuses, ClassesThatAreNone) {
  for (const index_t bad : {-1, 3}) {
    torch::Tensor classes = tiny.classes.clone();
    classes[4] = bad;
    EXPECT_EQ(error_of(tiny.net, tiny.features, classes),
              "TorchObjective: the target of row 4 is " + std::to_string(bad) +
                  ", want a class from 0 to 2");
  }
}

TEST_F(TorchObjectiveRefuses, NetworksOfAnotherType) {
  EXPECT_EQ(error_of(mlp({3, 2, 3}, Activation::relu), tiny.features, tiny.classes),
            "TorchObjective: parameter 1.weight is Float on cpu, want Double on cpu");
  const Network nothing = network(torch::nn::Sequential(torch::nn::Dropout()));
  EXPECT_EQ(error_of(nothing, tiny.features, tiny.classes),
            "TorchObjective: the network has no parameters to train");
}

TEST_F(TorchObjectiveRefuses, ViewsOfAnotherSizeAndImportance) {
  const Objective f = tiny.objective(ctx);
  std::vector<double> x(43), out(43);
  const HessianSample<Cpu, double> H{{x.data(), 43}, Sample<Cpu, double>::all(12)};
  EXPECT_THROW(f.evaluate(ctx, {x.data(), 42}, H.sample, {}), InvalidArgument);
  EXPECT_THROW(f.hessian_product(ctx, H, {x.data(), 42}, {out.data(), 43}), InvalidArgument);
  EXPECT_THROW(f.hessian_product(ctx, H, {x.data(), 43}, {out.data(), 42}), InvalidArgument);
  EXPECT_THROW(f.hessian_matrix(ctx, H, {out.data(), 43, 1, 43}), InvalidArgument);
  EXPECT_THROW(f.importance(ctx, {x.data(), 12}, {out.data(), 12}), InvalidArgument);
}

TEST(TorchObjectiveKeeps, TheModeOfEveryModuleAndTheRunningMeans) {
  using torch::nn::BatchNorm1d, torch::nn::Linear, torch::nn::Sequential;
  Context<Cpu> ctx(1);
  const TinyProblem tiny({NetworkLoss::cross_entropy, Activation::tanh});
  Sequential net(Linear(3, 4), BatchNorm1d(4), Linear(4, 3));
  net->to(torch::kDouble);
  net->train();
  net[1]->eval();
  const Objective f(ctx, network(net), tiny.features, tiny.classes);
  EXPECT_TRUE(net->is_training());
  EXPECT_TRUE(net[2]->is_training());
  EXPECT_FALSE(net[1]->is_training());
  EXPECT_EQ(f.dim(), 3 * 4 + 4 + 4 + 4 + 4 * 3 + 3);
  const torch::Tensor mean = net[1]->named_buffers()["running_mean"];
  std::vector<double> x(static_cast<std::size_t>(f.dim()), 1.0), g = x;
  f.evaluate(ctx, {x.data(), f.dim()}, Sample<Cpu, double>::all(12), {.gradient = g.data()});
  EXPECT_TRUE(mean.equal(torch::zeros_like(mean)));
  net[1]->train();
  f.evaluate(ctx, {x.data(), f.dim()}, Sample<Cpu, double>::all(12), {.gradient = g.data()});
  EXPECT_FALSE(mean.equal(torch::zeros_like(mean)));
}

TEST(TorchObjectiveKeeps, FrozenParametersAndMakesTheOthersOneVector) {
  Context<Cpu> ctx(1);
  const TinyProblem tiny({NetworkLoss::cross_entropy, Activation::tanh});
  const auto weight = tiny.net.module->named_parameters()["1.weight"];
  weight.set_requires_grad(false);
  const torch::Tensor before = weight.clone();
  const Objective f = tiny.objective(ctx);
  EXPECT_EQ(f.dim(), 43 - 12);
  const std::vector<double> x(31, 0.25);
  f.set_parameters(ctx, {x.data(), 31});
  EXPECT_TRUE(weight.equal(before));
  EXPECT_TRUE(
      tiny.net.module->named_parameters()["1.bias"].equal(torch::full({4}, 0.25, torch::kDouble)));
  // One tensor of all others.
  std::vector<const double*> at;
  for (const torch::Tensor& p : tiny.net.module->parameters()) {
    if (p.requires_grad()) at.push_back(p.data_ptr<double>());
  }
  EXPECT_EQ(at[1] - at[0], 4);   // after the bias of 4
  EXPECT_EQ(at[2] - at[1], 12);  // after the weights, 3 x 4
}

}  // namespace
}  // namespace randnla
