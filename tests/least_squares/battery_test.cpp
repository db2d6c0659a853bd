// Every method on the battery: its bound holds, or `stop` says why not.
#include "least_squares/battery.hpp"

#include "least_squares/solving.hpp"

#include <gtest/gtest.h>

namespace randnla::test {
namespace {

using Method = LeastSquaresMethod;
using Stop = LeastSquaresStop;

class LeastSquaresBattery : public ::testing::TestWithParam<Method> {
 protected:
  Context<Cpu> ctx{1};

  template <class T>
  LeastSquaresSolution<T> solved(const Case& c, bool sparse) {
    LeastSquaresOptions options;
    options.method = GetParam();
    options.rng = Rng{11, 3};
    return solve<T>(ctx, c.problem, options, sparse);
  }
};

/// Singular values up to some 100 eps may count as zero, and those below eps must.
void expect_rank(const Exact& exact, index_t rank, real eps) {
  const Vector& sigma = exact.sigma();
  ASSERT_LE(at(rank), sigma.size());
  if (rank > 0) {
    EXPECT_GT(sigma[at(rank - 1)], eps / 4 * exact.norm());
  }
  if (at(rank) < sigma.size()) {
    EXPECT_LE(sigma[at(rank)], 200 * eps * exact.norm());
  }
}

template <class T>
void expect_all_nan(const std::vector<T>& x) {
  for (const T v : x) EXPECT_TRUE(std::isnan(v));
}

template <class T>
void expect_what_stop_says(const Case& c, const LeastSquaresSolution<T>& got) {
  const LeastSquaresResult& result = got.result;
  const auto eps = static_cast<real>(std::numeric_limits<T>::epsilon());
  switch (result.stop) {
    case Stop::ill_conditioned:
      EXPECT_EQ(result.method, Method::normal);
      EXPECT_TRUE(c.condition * c.condition * eps > 1e-5 || !c.full_rank())
          << "no reason to refuse";
      return expect_all_nan(got.x);
    case Stop::wide:
      EXPECT_TRUE(is_sketched(result.method) && c.wide());
      return expect_all_nan(got.x);
    case Stop::not_finite:
      ADD_FAILURE() << "all is finite";
      return;
    default:
      break;
  }
  const Exact exact(c.problem);
  expect_rank(exact, result.rank, eps);
  const Worth worth = exact.worth(got.x, c.problem.targets, result.rank);
  const BoundCheck check = bound_of(result.method, exact, worth, result.rank, eps);
  if (result.stop == Stop::converged) {
    EXPECT_LE(check.value, slack(result.method) * check.bound);
  } else {
    EXPECT_GT(check.value, check.bound / slack(result.method))
        << "the bound holds, and stop is " << name(result.stop);
  }
}

/// Where the method has to succeed. The forward stable methods are not asked for more than what a factor of S A
/// in double can precondition; normal's A'A has the square of the condition.
bool must_converge(Method method, const Case& c, double eps) {
  if (method == Method::qr) return true;
  if (c.wide()) return false;
  if (method == Method::normal) return c.full_rank() && c.condition * c.condition * eps < 1e-9;
  return true;
}

TEST_P(LeastSquaresBattery, MeetsItsBoundOrSaysWhyNot) {
  for (const Case& c : battery()) {
    for (const bool sparse : {false, true}) {
      SCOPED_TRACE(c.name + (sparse ? ", sparse" : ", dense"));
      const auto got = solved<double>(c, sparse);
      EXPECT_EQ(got.result.method, GetParam());
      ASSERT_EQ(got.result.columns.size(), 1U);
      expect_what_stop_says(c, got);
      if (must_converge(GetParam(), c, std::numeric_limits<double>::epsilon())) {
        EXPECT_EQ(got.result.stop, Stop::converged) << name(got.result.stop);
      }
    }
  }
}

TEST(LeastSquaresAutomatic, SolvesTheBattery) {
  Context<Cpu> ctx(1);
  for (const Case& c : battery()) {
    SCOPED_TRACE(c.name);
    const auto got = solve<double>(ctx, c.problem, {});
    EXPECT_NE(got.result.method, Method::automatic);
    expect_what_stop_says(c, got);
    EXPECT_EQ(got.result.stop, Stop::converged) << name(got.result.stop);
  }
}

/// Those whose sizes a float can hold.
TEST_P(LeastSquaresBattery, InFloatLikewise) {
  for (Case c : battery()) {
    if (c.name.find("e+150") != std::string::npos || c.name.find("e-150") != std::string::npos)
      continue;
    if (c.condition > 1e6) continue;
    c.problem = rounded<float>(c.problem);
    SCOPED_TRACE(c.name);
    const auto got = solved<float>(c, false);
    expect_what_stop_says(c, got);
    if (must_converge(GetParam(), c, std::numeric_limits<float>::epsilon())) {
      EXPECT_EQ(got.result.stop, Stop::converged) << name(got.result.stop);
    }
  }
}

/// Sketches of few columns have few rows, whose lengths spread most. No seed may fail, but for sketch_and_solve,
/// which has no second chance and says so.
TEST_P(LeastSquaresBattery, FewColumnsForEverySeed) {
  for (const index_t n : {1, 2, 4, 8, 12}) {
    const Case c{"", with_right_hand_side(matrix_of(91, 270, n, n == 1 ? 1 : 100), 1), n, 100};
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      SCOPED_TRACE(std::to_string(n) + " columns, seed " + std::to_string(seed));
      const auto got = solve<double>(ctx, c.problem, {.method = GetParam(), .rng = {seed, 0}});
      expect_what_stop_says(c, got);
      if (GetParam() != Method::sketch_and_solve) {
        EXPECT_EQ(got.result.stop, Stop::converged) << name(got.result.stop);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, LeastSquaresBattery, ::testing::ValuesIn(all_methods),
                         method_label);

}  // namespace
}  // namespace randnla::test
