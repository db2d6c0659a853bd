#include <randnla/core/error.hpp>
#include <randnla/io/images.hpp>
#include <randnla/learn/image_tensors.hpp>
#include <randnla/learn/mlp.hpp>

#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>

namespace randnla {
namespace {

/// All parameters 0.5: with inputs (a, b) both hidden units are h = phi((a + b + 1) / 2), the
/// output h + 0.5.
double output(Activation activation, double a, double b) {
  const torch::NoGradGuard no_graph;
  const Network net = mlp({2, 2, 1}, activation, torch::kDouble);
  for (const torch::Tensor& parameter : net.module->parameters()) parameter.fill_(0.5);
  const torch::Tensor input = torch::tensor({a, b}, torch::kDouble).view({1, 2, 1});
  return net.forward(input).item<double>();
}

TEST(Mlp, IsWhatItsNameSays) {
  for (const double a : {0.75, -3.0}) {
    const double z = (a + 0.25 + 1) / 2;
    EXPECT_NEAR(output(Activation::tanh, a, 0.25), std::tanh(z) + 0.5, 1e-15);
    EXPECT_NEAR(output(Activation::softplus, a, 0.25), std::log1p(std::exp(z)) + 0.5, 1e-15);
    EXPECT_NEAR(output(Activation::logistic, a, 0.25), 1 / (1 + std::exp(-z)) + 0.5, 1e-15);
    EXPECT_NEAR(output(Activation::relu, a, 0.25), std::max(z, 0.0) + 0.5, 1e-15);
  }
}

TEST(Mlp, WithTwoSizesIsLinear) {
  const Network net = mlp({3, 2}, Activation::tanh);
  const torch::Tensor x = torch::ones({1, 3}), zero = net.forward(0 * x);
  EXPECT_TRUE(torch::allclose(net.forward(4 * x) - zero, 4 * (net.forward(x) - zero), 1e-5));
}

TEST(Mlp, StartsFromTheSeed) {
  const auto weights = [](std::uint64_t seed) {
    torch::manual_seed(seed);
    return mlp({4, 3}, Activation::relu).module->parameters()[0].clone();
  };
  EXPECT_TRUE(weights(1).equal(weights(1)));
  EXPECT_FALSE(weights(1).equal(weights(2)));
}

TEST(Mlp, RefusesSizes) {
  EXPECT_THROW(mlp({3}, Activation::relu), InvalidArgument);
  EXPECT_THROW(mlp({3, 0, 1}, Activation::relu), InvalidArgument);
}

TEST(ImageTensors, AreThePixelsOver255) {
  const Images images{2, 1, 1, 2, {0, 255, 51, 102}, {7, 0}};
  const torch::Tensor pixels = pixel_tensor(images, torch::kDouble);
  EXPECT_TRUE(torch::allclose(
      pixels, torch::tensor({0.0, 1.0, 0.2, 0.4}, torch::kDouble).view({2, 1, 1, 2}), 1e-15));
  EXPECT_TRUE(label_tensor(images).equal(torch::tensor({7, 0}, torch::kInt64)));
  EXPECT_EQ(pixel_tensor(images).scalar_type(), torch::kFloat);
}

}  // namespace
}  // namespace randnla
