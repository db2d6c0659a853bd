#include "support/dense_reference.hpp"
#include "support/near.hpp"
#include "support/problems.hpp"
#include "support/statistics.hpp"

#include <randnla/spectra/density.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

namespace randnla {
namespace {

using test::CountedMatrix;
using test::Dense;
using test::near;
using test::ramp;
using test::real;
using test::Vector;

template <class Instance>
class SpectralDensities : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(SpectralDensities, test::Instances, test::InstanceName);

template <Scalar T, Backend B>
SpectralDensity density_of(Context<B>& ctx, const Dense& A, const SpectralDensityOptions& options,
                           std::uint64_t seed = 1) {
  const CountedMatrix<B, T> H(ctx, A);
  const index_t waits = ctx.counters.host_waits;
  const SpectralDensity out = spectral_density<B, T>(ctx, H, Rng{seed, 0}, options);
  EXPECT_EQ(out.products, H.products);
  EXPECT_EQ(ctx.counters.host_waits - waits, options.starts);
  return out;
}

std::vector<double> isolated(int n, double value) {
  auto values = ramp(-1, 1, n);
  values.back() = value;
  return values;
}

TYPED_TEST(SpectralDensities, MomentsOfAStartAreExactUpToTwiceItsSteps) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const int n = 40;
  const Dense A = test::with_spectrum(2, isolated(n, 1.5));
  for (const int steps : {1, 2, 6}) {
    const SpectralDensity got = density_of<T>(this->ctx(), A, {steps, 2}, 9);
    ASSERT_EQ(got.starts.size(), 2U);
    for (std::uint64_t start = 0; start < 2; ++start) {
      const Quadrature& q = got.starts[start];
      ASSERT_EQ(q.nodes.size(), static_cast<std::size_t>(steps));
      ASSERT_EQ(q.weights.size(), q.nodes.size());
      EXPECT_TRUE(std::ranges::is_sorted(q.nodes));
      Buffer<T, B> buffer(this->ctx(), n);
      fill_normal(this->ctx(), Rng{9, start}, T(1), buffer.view());
      const Vector v = test::cast<real>(buffer.download());
      const real length = test::dot(v, v);
      Vector power = v;  // H^k v
      for (int k = 0; k <= 2 * steps; ++k) {
        real sum = 0;
        for (std::size_t i = 0; i < q.nodes.size(); ++i) {
          sum += q.weights[i] * std::pow(static_cast<real>(q.nodes[i]), k);
        }
        const real error = std::abs(sum - test::dot(v, power) / length);
        const real size = std::pow(1.5L, k) * 100 * std::numeric_limits<T>::epsilon();
        if (k < 2 * steps) {
          EXPECT_LE(error, size * (k + 1)) << steps << " steps, moment " << k;
        } else if (steps < 6) {  // not for ever; of six steps it hides behind a float's rounding
          EXPECT_GT(error, 10 * size * (k + 1));
        }
        power = A.times(power);
      }
    }
  }
}

TYPED_TEST(SpectralDensities, NoGhostsOfAnIsolatedEigenvalue) {
  using T = typename TypeParam::Real;
  const int n = 60;
  const Dense A = test::with_spectrum(3, isolated(n, 100));
  const test::Eigen want = test::eigen(A);
  const SpectralDensity got = density_of<T>(this->ctx(), A, {100, 3});
  const real rounding = 100 * 500 * std::numeric_limits<T>::epsilon();
  for (const Quadrature& q : got.starts) {
    ASSERT_EQ(q.nodes.size(), A.n);
    EXPECT_EQ(std::ranges::count_if(q.nodes, [](double x) { return x > 50; }), 1);
    EXPECT_TRUE(near(q.nodes.back(), want.values.back(), rounding));
    // Every node is an eigenvalue, and none appears twice.
    for (std::size_t i = 0; i < q.nodes.size(); ++i) {
      EXPECT_TRUE(near(q.nodes[i], want.values[i], rounding)) << i;
    }
    EXPECT_TRUE(near(std::accumulate(q.weights.begin(), q.weights.end(), 0.0), 1, 1e-14L));
  }
}

TYPED_TEST(SpectralDensities, TheFirstTwoMomentsAreTheTraces) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const int n = test::sized<B>(80, 30), starts = test::sized<B>(200, 10);
  const Dense A = test::with_spectrum(4, isolated(n, 3));
  const SpectralDensity got = density_of<T>(this->ctx(), A, {10, starts});
  std::vector<real> mean(5, 0);
  for (const real lambda : test::eigen(A).values) {
    for (int k = 0; k < 5; ++k) mean[static_cast<std::size_t>(k)] += std::pow(lambda, k) / n;
  }
  // v uniform on the sphere: v'f(H)v has variance 2 / (n + 2) times that of f over the spectrum.
  const real share = 2.0L / (n + 2) / starts;
  EXPECT_TRUE(near(got.moment(0), 1, 1e-14L));
  EXPECT_TRUE(near(got.moment(1), mean[1],
                   test::z_limit * std::sqrt(share * (mean[2] - mean[1] * mean[1]))));
  EXPECT_TRUE(near(got.moment(2), mean[2],
                   test::z_limit * std::sqrt(share * (mean[4] - mean[2] * mean[2]))));
  EXPECT_GT(std::abs(got.moment(2) - mean[2]), 1e-6L);  // an estimate, not all of it
}

TYPED_TEST(SpectralDensities, OfTinyAndDegenerateMatrices) {
  using T = typename TypeParam::Real;
  const SpectralDensity one = density_of<T>(this->ctx(), test::diagonal({-3}), {});
  EXPECT_EQ(one.products, 10);
  EXPECT_EQ(one.starts[4].nodes, std::vector<double>{-3});
  EXPECT_EQ(one.starts[4].weights, std::vector<double>{1});
  const SpectralDensity zero =
      density_of<T>(this->ctx(), test::diagonal(std::vector<double>(20, 0.0)), {5, 2});
  EXPECT_EQ(zero.starts[1].nodes, std::vector<double>{0});
  EXPECT_EQ(zero.default_width(), 1e-5);
  const SpectralDensity two = density_of<T>(this->ctx(), test::diagonal({1, 2}), {5, 1});
  ASSERT_EQ(two.starts[0].nodes.size(), 2U);
  EXPECT_TRUE(near(two.smallest(), 1, 1e-5L));
  EXPECT_TRUE(near(two.largest(), 2, 1e-5L));
  std::vector<double> values(30, 0.0);
  values[3] = 4;
  const SpectralDensity rank_one =
      density_of<T>(this->ctx(), test::with_spectrum(5, values), {8, 1});
  EXPECT_TRUE(near(rank_one.largest(), 4, 1e-4L));
  for (std::size_t i = 0; i + 1 < rank_one.starts[0].nodes.size(); ++i) {
    EXPECT_TRUE(near(rank_one.starts[0].nodes[i], 0, 1e-4L));
  }
}

TYPED_TEST(SpectralDensities, NanAndMisuse) {
  using T = typename TypeParam::Real;
  Dense A = test::diagonal({1, 2, 3});
  EXPECT_THROW(density_of<T>(this->ctx(), A, {0, 1}), InvalidArgument);
  EXPECT_THROW(density_of<T>(this->ctx(), A, {1, 0}), InvalidArgument);
  A(0, 0) = std::nan("");
  const SpectralDensity got = density_of<T>(this->ctx(), A, {2, 1});
  EXPECT_TRUE(got.not_finite);
  EXPECT_TRUE(got.starts.empty());
  EXPECT_THROW(got.smallest(), InvalidArgument);
}

/// Two starts with known nodes.
SpectralDensity known() { return {{{{0, 2}, {0.25, 0.75}}, {{1}, {1}}}, 3, false}; }

double integral(const std::vector<double>& grid, const std::vector<double>& density) {
  double sum = 0;
  for (std::size_t i = 0; i < grid.size(); ++i) {
    const double left = i > 0 ? grid[i] - grid[i - 1] : grid[1] - grid[0];
    const double right = i + 1 < grid.size() ? grid[i + 1] - grid[i] : left;
    sum += density[i] * (left + right) / 2;
  }
  return sum;
}

TEST(DensityOnAGrid, IsTheGaussiansWhereTheyAreWide) {
  const SpectralDensity d = known();
  const std::vector<double> grid = ramp(-5, 7, 4001);
  const double width = 0.4, spacing = 12.0 / 4000;
  const std::vector<double> got = d.density(grid, width);
  for (std::size_t i = 0; i < grid.size(); ++i) {
    const auto at = [&](double node) {
      const double z = (grid[i] - node) / width;
      return std::exp(-z * z / 2) / (width * std::sqrt(2 * std::acos(-1.0)));
    };
    // The mean over a cell differs by its size squared / 24 times the second derivative, < 1 / width^3.
    EXPECT_TRUE(near(got[i], 0.125 * at(0) + 0.375 * at(2) + 0.5 * at(1),
                     spacing * spacing / 24 / (width * width * width)))
        << grid[i];
  }
  EXPECT_TRUE(near(integral(grid, got), 1, 1e-13L));
}

TEST(DensityOnAGrid, IntegratesToOneHoweverNarrowTheGaussiansAre) {
  const SpectralDensity d = known();
  EXPECT_EQ(d.default_width(), 2e-5);
  const std::vector<double> grid = d.default_grid();
  ASSERT_EQ(grid.size(), 10'000U);
  EXPECT_DOUBLE_EQ(grid.front(), -2e-4);
  EXPECT_DOUBLE_EQ(grid.back(), 2 + 2e-4);
  const std::vector<double> got = d.density(grid, d.default_width());  // a tenth of a cell
  EXPECT_TRUE(near(integral(grid, got), 1, 1e-12L));
  EXPECT_TRUE(near(integral(d.default_grid(3), d.density(d.default_grid(3), 1e-9)), 1, 1e-12L));
  const std::vector<double> uneven = {-1, -0.1, 0.3, 1.9, 2.5};
  const std::vector<double> masses = d.density(uneven, 1e-3);
  EXPECT_TRUE(near(masses[1] * (0.1 + 0.55), 0.125, 1e-12L));  // 0 in (-0.55, 0.1)
  EXPECT_TRUE(near(masses[2] * (1.1 - 0.1), 0.5, 1e-12L));
  EXPECT_TRUE(near(masses[3] * (2.2 - 1.1), 0.375, 1e-12L));
  // The part within the grid only.
  EXPECT_TRUE(near(integral(ramp(5, 6, 9), d.density(ramp(5, 6, 9), 0.1)), 0, 1e-14L));
}

TEST(DensityOnAGrid, MomentsAndMisuse) {
  const SpectralDensity d = known();
  EXPECT_DOUBLE_EQ(d.moment(0), 1);
  EXPECT_DOUBLE_EQ(d.moment(1), 0.5 * 1.5 + 0.5);
  EXPECT_DOUBLE_EQ(d.moment(3), 0.5 * 6 + 0.5);
  const auto message = [](auto&& call) -> std::string {
    try {
      call();
    } catch (const InvalidArgument& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message([&] { d.moment(-1); }), "SpectralDensity::moment: power = -1");
  EXPECT_EQ(message([&] { d.density({0, 1}, 0); }), "SpectralDensity::density: width = 0.000000");
  EXPECT_EQ(message([&] { d.density({0}, 1); }), "SpectralDensity::density: a grid of 1 points");
  EXPECT_EQ(message([&] {
              d.density({0, 0}, 1);
            }),
            "SpectralDensity::density: the grid's 0.000000 comes before 0.000000");
  EXPECT_EQ(message([&] { d.default_grid(1); }), "SpectralDensity::default_grid: points = 1");
  EXPECT_EQ(message([] {
              SpectralDensity{}.density({0, 1}, 1);
            }),
            "SpectralDensity::density: there are no starts");
}

TEST(SpectralDensityThreads, SameBitsForAnyNumber) {
  const test::DiagonalOperator H{ramp(-1, 4, 20'000)};
  const auto run = [&](int threads) {
    Context<Cpu> ctx(threads);
    std::vector<double> out;
    for (const Quadrature& q : spectral_density<Cpu, double>(ctx, H, Rng{2, 0}, {20, 2}).starts) {
      out.insert(out.end(), q.nodes.begin(), q.nodes.end());
      out.insert(out.end(), q.weights.begin(), q.weights.end());
    }
    return out;
  };
  const auto one = run(1);
  EXPECT_EQ(one.size(), 80U);
  EXPECT_EQ(one, run(2));
  EXPECT_EQ(one, run(5));
}

}  // namespace
}  // namespace randnla
