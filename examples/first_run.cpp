#include <randnla/data/synthetic.hpp>
#include <randnla/objective/linear_model.hpp>
#include <randnla/optimize/second_order.hpp>

#include <iostream>

int main() {
  using namespace randnla;
  Context<Cpu> ctx;
  const auto data = synthetic<double>(ctx, {.rows = 20'000, .cols = 20, .condition = 10});
  const NonlinearLeastSquares<Cpu, double> loss(ctx, data);
  Buffer<double, Cpu> x(ctx, std::vector<double>(20, 0.0));
  SecondOrderOptions options;
  options.hessian = {.sampling = Sampling::row_norm, .fraction = 0.05};
  std::cout << summary(trust_region(ctx, loss, x.view(), options));
}
