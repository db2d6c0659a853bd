#include <randnla/core/error.hpp>
#include <randnla/learn/image_preparation.hpp>
#include <randnla/learn/models.hpp>
#include <randnla/learn/train.hpp>

#include <gtest/gtest.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace randnla {
namespace {

using torch::Tensor;

index_t parameters(const Network& net) {
  index_t count = 0;
  for (const Tensor& each : net.module->parameters()) count += each.numel();
  return count;
}

TEST(Models, HaveTheParametersOfTheirPapers) {
  // Convolutions with bias, normalisations, 4096-384-192-10.
  const index_t c1_count = (75 + 1) * 64 + 128 + (1600 + 1) * 64 + 128 + (4096 + 1) * 384 +
                           (384 + 1) * 192 + (192 + 1) * 10;
  EXPECT_EQ(parameters(c1()), c1_count);
  EXPECT_EQ(c1_count, 1'756'682);
  // 0.27 million in the paper's table, whose shortcuts have no parameters; these have 2,752.
  EXPECT_EQ(parameters(resnet(resnet20)), 269'722 + (16 + 2) * 32 + (32 + 2) * 64);
  EXPECT_EQ(parameters(autoencoder()), 2'837'314);
}

TEST(Models, MakeClassesOfImages) {
  const torch::NoGradGuard no_graph;
  const Tensor images = torch::rand({2, 3, 32, 32});
  EXPECT_EQ(c1().forward(images).sizes(), (std::vector<index_t>{2, 10}));
  EXPECT_EQ(resnet(resnet18, 7).forward(images).sizes(), (std::vector<index_t>{2, 7}));
  EXPECT_EQ(c1(torch::kDouble).forward(images.to(torch::kDouble)).scalar_type(), torch::kDouble);
  EXPECT_THROW(resnet({{}, 1}), InvalidArgument);
  EXPECT_THROW(resnet({{16, 0}, 1}), InvalidArgument);
  EXPECT_THROW(resnet({{16}, 0}), InvalidArgument);
}

TEST(Models, ABlockAddsItsInputs) {
  // Without its convolutions a network is the mean of its first layer's images.
  const torch::NoGradGuard no_graph;
  torch::manual_seed(3);
  const Network net = resnet({{4}, 1}, 2, torch::kDouble);
  net.module->eval();
  for (const auto& each : net.module->named_parameters()) {
    if (each.key().find("layers") != std::string::npos) each.value().zero_();
  }
  const Tensor images = torch::randn({2, 3, 8, 8}, torch::kDouble);
  const auto all = net.module->named_parameters();
  const Tensor first = torch::conv2d(images, all["0.weight"], {}, 1, 1) / std::sqrt(1 + 1e-5);
  const std::string last = std::to_string(net.module->children().size() - 1);
  const Tensor want =
      torch::linear(first.relu().mean({2, 3}), all[last + ".weight"], all[last + ".bias"]);
  EXPECT_TRUE(torch::allclose(net.forward(images), want, 1e-12, 1e-12));
}

TEST(Models, AnAutoencoderLearnsItsInputs) {
  // All parameters 0.5, sizes 2, 1: a linear code and logistic outputs.
  const torch::NoGradGuard no_graph;
  const Network net = autoencoder({2, 1}, torch::kDouble);
  for (const Tensor& each : net.module->parameters()) each.fill_(0.5);
  const double code = (0.25 + 0.5 + 1) / 2, want = 1 / (1 + std::exp(-(code + 1) / 2));
  const Tensor out = net.forward(torch::tensor({{0.25, 0.5}}, torch::kDouble));
  EXPECT_NEAR(out[0][0].item<double>(), want, 1e-15);
  EXPECT_NEAR(out[0][1].item<double>(), want, 1e-15);
  EXPECT_THROW(autoencoder({3}), InvalidArgument);
  EXPECT_THROW(autoencoder({3, 0}), InvalidArgument);
}

TEST(Models, UnitsOfAnAutoencoderBeginWithFifteenWeights) {
  torch::manual_seed(7);
  const Network net = autoencoder({40, 20, 10});
  int seen = 0;
  for (const auto& each : net.module->named_parameters()) {
    const bool bias = each.key().find("bias") != std::string::npos;
    const index_t inputs = bias ? 0 : each.value().size(1);
    const Tensor nonzero = (each.value() != 0).sum(-1);
    EXPECT_TRUE((nonzero == std::min<index_t>(inputs, 15)).all().item<bool>()) << each.key();
    seen += bias ? 0 : 1;
  }
  EXPECT_EQ(seen, 4);
  torch::manual_seed(7);
  EXPECT_TRUE(
      torch::equal(autoencoder({40, 20, 10}).module->parameters()[2], net.module->parameters()[2]));
}

TEST(Models, AResNetTrains) {
  // Bright above or below.
  torch::manual_seed(5);
  const Tensor classes = torch::randint(2, {64}, torch::kInt64),
               images = torch::rand({64, 3, 8, 8});
  images.narrow(2, 0, 4).add_(classes.view({-1, 1, 1, 1}).to(torch::kFloat).mul(0.5));
  Context<Cpu> ctx(1);
  TrainOptions options;
  options.epochs = 16, options.batch = 16, options.learning_rate = 0.05;
  options.abs = {.base_batch = 16, .max_ratio = 2};
  const Network net = resnet({{4, 8}, 1}, 2);
  const TrainResult result = train(ctx, net, {images, classes}, {images, classes}, options);
  EXPECT_LT(result.trace.back().train_loss, 0.5 * result.trace.front().train_loss);
  EXPECT_GT(result.trace.back().test_accuracy, 0.9);
  EXPECT_TRUE(std::isfinite(result.trace.front().eigenvalue));
}

TEST(ImagePreparation, NormalisesEachChannel) {
  torch::manual_seed(6);
  const Tensor images = torch::rand({5, 3, 4, 4}, torch::kDouble);
  images.select(1, 1).mul_(3).add_(7);
  const Network identity{nullptr, [](const Tensor& inputs) { return inputs; }};
  const Tensor out = normalised(identity, channel_statistics(images)).forward(images);
  EXPECT_TRUE(torch::allclose(out.mean({0, 2, 3}), torch::zeros({3}, torch::kDouble), 0, 1e-13));
  EXPECT_TRUE(torch::allclose(out.square().mean({0, 2, 3}), torch::ones({3}, torch::kDouble)));
  images.select(1, 2).fill_(4);
  EXPECT_THROW(channel_statistics(images), InvalidArgument);
  EXPECT_THROW(channel_statistics(images[0]), InvalidArgument);
}

TEST(ImagePreparation, CropsAndFlipsAsChosen) {
  const Augmentation augmentation{.padding = 1};
  ASSERT_EQ(choices(augmentation), 18);
  const Tensor image = torch::arange(1, 5, torch::kDouble).view({1, 1, 2, 2});  // 1 2; 3 4
  std::vector<index_t> all(18);
  std::iota(all.begin(), all.end(), 0);
  const Tensor out =
      crop_and_flip(image.expand({18, 1, 2, 2}), torch::tensor(all), augmentation).flatten(1);
  const auto row = [&](index_t k) {
    const auto* const p = out[k].data_ptr<double>();
    return std::vector<double>(p, p + 4);
  };
  EXPECT_EQ(row(0), (std::vector<double>{0, 0, 0, 1}));
  EXPECT_EQ(row(1), (std::vector<double>{0, 0, 1, 2}));
  EXPECT_EQ(row(4), (std::vector<double>{1, 2, 3, 4}));
  EXPECT_EQ(row(8), (std::vector<double>{4, 0, 0, 0}));
  EXPECT_EQ(row(9), (std::vector<double>{0, 0, 1, 0}));
  EXPECT_EQ(row(13), (std::vector<double>{2, 1, 4, 3}));
  std::set<std::vector<double>> different;
  for (index_t k = 0; k < 18; ++k) different.insert(row(k));
  EXPECT_EQ(different.size(), 18U);
  const Tensor one = torch::tensor(std::vector<index_t>{18});
  EXPECT_THROW(crop_and_flip(image, one, augmentation), InvalidArgument);
  EXPECT_THROW(crop_and_flip(image, one - 19, augmentation), InvalidArgument);
  EXPECT_THROW(crop_and_flip(image, torch::tensor(all), augmentation), InvalidArgument);
  EXPECT_THROW(choices({.padding = -1}), InvalidArgument);
  EXPECT_EQ(choices({.padding = 4, .flip = false}), 81);
}

}  // namespace
}  // namespace randnla
