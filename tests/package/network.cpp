// A user's network and an optimiser of an installed randnla. Exits with 1 where the loss does not fall.
#include <randnla/core/buffer.hpp>
#include <randnla/learn/image_tensors.hpp>
#include <randnla/learn/mlp.hpp>
#include <randnla/learn/torch_objective.hpp>
#include <randnla/optimize/second_order.hpp>

#include <torch/utils.h>

#include <cstdio>

int main() {
  torch::manual_seed(1);
  const torch::Tensor inputs = torch::randn({64, 2});
  const torch::Tensor targets = (inputs.prod(1) > 0).to(torch::kInt64);
  randnla::Context<randnla::Cpu> ctx(2);
  const randnla::TorchObjective<randnla::Cpu, float> f(
      ctx, randnla::mlp({2, 8, 2}, randnla::Activation::tanh), inputs, targets);
  randnla::Buffer<float, randnla::Cpu> x(ctx, f.dim());
  f.get_parameters(ctx, x.view());
  const auto result = randnla::trust_region(ctx, f, x.view(), {.stopping = {.max_iterations = 20}});
  std::printf("loss %g after %d iterations\n", result.loss, static_cast<int>(result.iterations));
  return result.loss < 0.3 ? 0 : 1;
}
