#include "optimize/user_sums.hpp"

#include <randnla/core/error.hpp>
#include <randnla/learn/landscape.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace randnla {
namespace {

using test::UserSum, test::SaddleTerm, test::RosenbrockTerm;
using Values = std::vector<double>;
using Blocks = std::vector<ParameterBlock>;

VectorView<const double, Cpu> view(const Values& values) {
  return {values.data(), static_cast<index_t>(values.size())};
}

class Landscapes : public testing::Test {
 protected:
  double saddle(double a, double b, double c) const {
    return a * a / 2 - b * b / 2 + b * b * b * b / 4 + c * c;
  }

  Context<Cpu> ctx{1};
  UserSum<SaddleTerm> sum{};
  FiniteSumRef<Cpu, double> f = sum;
};

TEST_F(Landscapes, EvenStepsHaveBothEndsAndTheMiddle) {
  EXPECT_EQ(even_steps(-0.5, 0.5, 5), (Values{-0.5, -0.25, 0, 0.25, 0.5}));
  EXPECT_EQ(even_steps(-0.3, 0.3, 41)[20], 0);
  EXPECT_EQ(even_steps(-0.3, 0.3, 41)[40], 0.3);
  EXPECT_THROW(even_steps(0, 1, 1), InvalidArgument);
  EXPECT_THROW(even_steps(1, 1, 3), InvalidArgument);
  EXPECT_THROW(even_steps(0, INFINITY, 3), InvalidArgument);
}

TEST_F(Landscapes, ALineIsTheFunctionAlongIt) {
  const Values x{1, -0.5, 2}, u{0.5, 2, -1}, alphas = even_steps(-0.5, 0.5, 7);
  const Values got = loss_along<double>(ctx, f, view(x), view(u), alphas);
  ASSERT_EQ(got.size(), alphas.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double a = alphas[i];
    EXPECT_NEAR(got[i], saddle(1 + a / 2, -0.5 + 2 * a, 2 - a), 1e-14) << a;
  }
}

TEST_F(Landscapes, APlaneIsTheFunctionOverIt) {
  const Values x{1, -0.5, 2}, u{1, 0, 0}, v{0, 2, 1}, alphas{-1, 0, 3}, betas{0.5, -0.25};
  std::vector<index_t> seen;
  const Values got = loss_over<double>(ctx, f, view(x), view(u), view(v), alphas, betas,
                                       [&](index_t done) { seen.push_back(done); });
  ASSERT_EQ(got.size(), 6U);
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 2; ++j) {
      const double b = betas[j];
      EXPECT_NEAR(got[2 * i + j], saddle(1 + alphas[i], -0.5 + 2 * b, 2 + b), 1e-14);
    }
  }
  EXPECT_EQ(seen, (std::vector<index_t>{1, 2, 3, 4, 5, 6}));
  const auto stop = [](index_t done) {
    if (done == 2) throw DataError("stopped");
  };
  EXPECT_THROW(loss_along<double>(ctx, f, view(x), view(u), alphas, stop), DataError);
}

TEST_F(Landscapes, RefuseOtherSizes) {
  const Values x(3), two(2);
  EXPECT_THROW(loss_along<double>(ctx, f, view(two), view(x), {0}), InvalidArgument);
  EXPECT_THROW(loss_along<double>(ctx, f, view(x), view(two), {0}), InvalidArgument);
  EXPECT_THROW(sharpness<double>(ctx, f, view(two), {}), InvalidArgument);
  EXPECT_THROW(sharpness<double>(ctx, f, view(x), {}, {.radius = 0}), InvalidArgument);
  EXPECT_THROW(sharpness<double>(ctx, f, view(x), {}, {.radius = 1, .steps = -1}), InvalidArgument);
}

/// A 2 x 2 weight, its bias, and a kernel of 2 filters with 1 x 2 entries.
const Blocks blocks = {{"w", 0, {2, 2}}, {"b", 4, {2}}, {"k", 6, {2, 1, 2}}};

TEST_F(Landscapes, FiltersOfTheDirectionAreAsLongAsTheWeights) {
  const Values x{3, 4, 0, 5, 7, 8, 0, 0, 6, 8};
  Values d{1, 0, 2, 2, 1, 1, 3, 1, 0, -2};
  filter_normalise<double>(view(x), blocks, {d.data(), 10});
  const double h = 5 / std::sqrt(8.0);
  const Values want{5, 0, 2 * h, 2 * h, 0, 0, 0, 0, 0, -10};
  for (std::size_t i = 0; i < 10; ++i) EXPECT_NEAR(d[i], want[i], 1e-14) << i;
}

TEST_F(Landscapes, AFilterOfLengthZeroStaysSo) {
  const Values x{3, 4, 0, 5, 7, 8, 0, 0, 6, 8};
  Values d(10, 0);
  filter_normalise<double>(view(x), blocks, {d.data(), 10});
  EXPECT_EQ(d, Values(10, 0));
}

TEST_F(Landscapes, FiltersOfFloatsToo) {
  const std::vector<float> x{3, 4, 0, 5}, start{1, 0, 0, 2};
  std::vector<float> d = start;
  filter_normalise<float>({x.data(), 4}, {{"w", 0, {2, 2}}, {"none", 4, {0, 3}}}, {d.data(), 4});
  EXPECT_EQ(d, (std::vector<float>{5, 0, 0, 5}));
}

TEST_F(Landscapes, RefuseBlocksThatAreNotAllOfX) {
  const Values x(10, 1);
  Values d(10, 1), nine(9, 1);
  const auto refused = [&](const Blocks& given, Values& direction) {
    EXPECT_THROW(filter_normalise<double>(
                     view(x), given, {direction.data(), static_cast<index_t>(direction.size())}),
                 InvalidArgument);
  };
  refused({blocks[0], blocks[1]}, d);
  refused({blocks[0], blocks[2], blocks[1]}, d);
  refused(blocks, nine);
  EXPECT_EQ(d, Values(10, 1));
}

TEST_F(Landscapes, SharpnessAtAStationaryPointIsThatOfTheTopEigenvalue) {
  // Along the third axis, of curvature 2, the saddle is a parabola.
  const Values saddle_point(3, 0);
  for (const double radius : {0.05, 0.5}) {
    const Sharpness got = sharpness<double>(ctx, f, view(saddle_point), Rng{1, 0}, {radius, 60});
    EXPECT_NEAR(got.rise, radius * radius, 1e-9 * radius * radius);
    EXPECT_EQ(got.gradients, 62);
  }
}

TEST_F(Landscapes, SharpnessIsTheHighestPointOfTheBall) {
  const UserSum<RosenbrockTerm> valley{};
  const Values x{-0.5, 0.4};
  const auto value = [&](double a, double b) {
    const double r = b - a * a;
    return (100 * r * r + (1 - a) * (1 - a)) / 2;
  };
  constexpr double radius = 0.3;
  double highest = -INFINITY;
  for (int k = 0; k < 100'000; ++k) {
    const double angle = 2 * M_PI * k / 100'000;
    highest =
        std::max(highest, value(x[0] + radius * std::cos(angle), x[1] + radius * std::sin(angle)));
  }
  const double want = highest - value(x[0], x[1]);
  const Sharpness got = sharpness<double>(ctx, valley, view(x), Rng{1, 0}, {radius, 50});
  EXPECT_NEAR(got.rise, want, 1e-6 * want);
}

TEST_F(Landscapes, SharpnessWhereNothingRisesIsZero) {
  // The same upside down has its maximum in 0.
  struct Hill : UserSum<SaddleTerm> {
    void evaluate(Context<Cpu>& ctx, VectorView<const double, Cpu> x,
                  const Sample<Cpu, double>& sample, const Evaluation<Cpu, double>& out) const {
      UserSum::evaluate(ctx, x, sample, out);
      const double b = x.data[1];
      *out.value = -*out.value - b * b;
      for (int j = 0; j < 3; ++j) out.gradient[j] *= -1;
      out.gradient[1] -= 2 * b;
    }
  };
  const Hill hill{};
  EXPECT_EQ(sharpness<double>(ctx, hill, view(Values(3, 0)), Rng{1, 0}).rise, 0);
}

TEST_F(Landscapes, SharpnessOfNoFiniteLossIsNoNumber) {
  const Values x{0, std::numeric_limits<double>::quiet_NaN(), 0};
  EXPECT_TRUE(std::isnan(sharpness<double>(ctx, f, view(x), Rng{1, 0}).rise));
}

}  // namespace
}  // namespace randnla
