// What the library says of a network's Hessian, against the matrix written out.
#include "learn/tiny_network.hpp"

#include <randnla/core/buffer.hpp>
#include <randnla/learn/landscape.hpp>
#include <randnla/operator/diagonal_block.hpp>
#include <randnla/spectra/density.hpp>
#include <randnla/spectra/eigenpairs.hpp>
#include <randnla/spectra/trace.hpp>

#include <gtest/gtest.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace randnla {
namespace {

using test::Values;

class NetworkSpectrum : public testing::Test {
 protected:
  static constexpr index_t d = 43;

  NetworkSpectrum() {
    f.get_parameters(ctx, {x.data(), d});
    Values entries(d * d);
    f.hessian_matrix(ctx, op.hessian, {entries.data(), d, d, d});
    H = torch::tensor(entries, torch::kDouble).view({d, d});
  }
  /// Ascending, of the rows and columns from `begin`.
  Values eigenvalues(index_t begin, index_t size) const {
    const torch::Tensor block = H.narrow(0, begin, size).narrow(1, begin, size).contiguous();
    const torch::Tensor values = torch::linalg_eigvalsh(block).contiguous();
    return {values.data_ptr<double>(), values.data_ptr<double>() + size};
  }
  /// The largest in magnitude come first.
  static Values by_magnitude(Values values) {
    std::sort(values.begin(), values.end(),
              [](double a, double b) { return std::abs(a) > std::abs(b); });
    return values;
  }
  void expect_top(OperatorRef<Cpu, double> A, const Values& all, int count) {
    Buffer<double, Cpu> V(ctx, A.dim() * count);
    const Eigenpairs got =
        top_eigenpairs(ctx, A, MatrixView<double, Cpu>{V.data(), A.dim(), count, A.dim()},
                       Rng{5, 0}, {.count = count, .tolerance = 1e-10});
    const Values want = by_magnitude(all);
    ASSERT_TRUE(got.converged);
    for (std::size_t k = 0; k < got.values.size(); ++k) {
      EXPECT_NEAR(got.values[k], want[k], 1e-9 * std::abs(want[0])) << k;
    }
  }

  Context<Cpu> ctx{1};
  const test::TinyProblem tiny{{NetworkLoss::cross_entropy, Activation::tanh}};
  const TorchObjective<Cpu, double> f = tiny.objective(ctx);
  Values x = Values(d), weights = Values(12, 1.0 / 12);
  const HessianOperator<Cpu, double> op{
      f, {{x.data(), d}, Sample<Cpu, double>::all(12), weights.data()}};
  torch::Tensor H;
};

TEST_F(NetworkSpectrum, BlocksAreTheParameters) {
  std::vector<std::string> names;
  index_t end = 0;
  for (const ParameterBlock& block : f.blocks()) {
    names.push_back(block.name);
    EXPECT_EQ(block.begin, end);
    end += block.size();
  }
  EXPECT_EQ(names, (std::vector<std::string>{"1.weight", "1.bias", "3.weight", "3.bias", "5.weight",
                                             "5.bias"}));
  EXPECT_EQ(end, d);
  EXPECT_EQ(f.blocks()[2].shape, (std::vector<index_t>{3, 4}));
}

TEST_F(NetworkSpectrum, TopEigenpairsAreTheMatrixs) { expect_top(op, eigenvalues(0, d), 6); }

TEST_F(NetworkSpectrum, OfALayerTheyAreItsBlocks) {
  for (const ParameterBlock& block : f.blocks()) {
    const DiagonalBlock<Cpu, double> layer(ctx, op, block.begin, block.size());
    ASSERT_EQ(layer.dim(), block.size());
    expect_top(layer, eigenvalues(block.begin, block.size()), 2);
  }
}

TEST_F(NetworkSpectrum, BlocksOutsideTheMapAreRefused) {
  using Block = DiagonalBlock<Cpu, double>;
  EXPECT_THROW(Block(ctx, op, 40, 4), InvalidArgument);
  EXPECT_THROW(Block(ctx, op, -1, 4), InvalidArgument);
  EXPECT_THROW(Block(ctx, op, 3, 0), InvalidArgument);
}

TEST_F(NetworkSpectrum, TraceIsTheMatrixs) {
  const double want = H.trace().item<double>();
  const TraceEstimate exact =
      trace_estimate<Cpu, double>(ctx, op, Rng{2, 0}, {.products = static_cast<int>(d)});
  EXPECT_TRUE(exact.exact);
  EXPECT_NEAR(exact.value, want, 1e-12 * std::abs(want));
  const TraceEstimate estimate = trace_estimate<Cpu, double>(ctx, op, Rng{2, 0}, {.products = 24});
  EXPECT_FALSE(estimate.exact);
  EXPECT_GT(estimate.error, 0);
  EXPECT_NEAR(estimate.value, want, 6 * estimate.error);
  EXPECT_LT(estimate.error, 0.5 * std::abs(want));
}

TEST_F(NetworkSpectrum, DensityIntegratesToOneWithTheMatrixsMoments) {
  constexpr int starts = 400;
  const SpectralDensity got =
      spectral_density<Cpu, double>(ctx, op, Rng{3, 0}, {.steps = 8, .starts = starts});
  // Of the drawn Gaussians on the grid.
  const double width = got.default_width();
  const Values grid = got.default_grid(), density = got.density(grid, width);
  const double cell = grid[1] - grid[0];
  Values moments(3, 0);
  for (std::size_t i = 0; i < grid.size(); ++i) {
    for (int k = 0; k < 3; ++k) {
      moments[static_cast<std::size_t>(k)] += cell * density[i] * std::pow(grid[i], k);
    }
  }
  EXPECT_NEAR(moments[0], 1, 1e-12);
  // The mean over starts of v'H^k v has root(2 / (starts (d + 2))) times the standard deviation of
  // the eigenvalues' k-th powers.
  const Values all = eigenvalues(0, d);
  const auto mean = [&](int k) {
    double sum = 0;
    for (const double value : all) sum += std::pow(value, k);
    return sum / static_cast<double>(d);
  };
  for (const int k : {1, 2}) {
    const double spread = std::sqrt(2.0 / (starts * (d + 2)) * (mean(2 * k) - mean(k) * mean(k)));
    EXPECT_NEAR(got.moment(k), mean(k), 5 * spread) << k;
    // A cell is far wider than a Gaussian: its middle stands for what is in it.
    const double off = k == 1 ? cell : 2 * cell * std::abs(by_magnitude(all)[0]);
    EXPECT_NEAR(moments[static_cast<std::size_t>(k)], got.moment(k), off) << k;
    EXPECT_LT(off + 5 * spread, 0.5 * std::abs(mean(k))) << "would not tell";
  }
}

TEST_F(NetworkSpectrum, LossAlongAnEigenvectorBendsByItsEigenvalue) {
  Values v(d);
  const Eigenpairs top = top_eigenpairs<Cpu, double>(ctx, op, {v.data(), d, 1, d}, Rng{5, 0},
                                                     {.count = 1, .tolerance = 1e-10});
  constexpr double h = 1e-4;
  const Values losses = loss_along<double>(ctx, f, {x.data(), d}, {v.data(), d}, {-h, 0, h});
  EXPECT_NEAR((losses[0] - 2 * losses[1] + losses[2]) / (h * h), top.values[0],
              1e-5 * std::abs(top.values[0]));
}

}  // namespace
}  // namespace randnla
