// The numbers of the certificate against the reference's, and what iterations and passes are counted.
#include "least_squares/battery.hpp"
#include "least_squares/solving.hpp"
#include "support/near.hpp"

namespace randnla::test {
namespace {

using Method = LeastSquaresMethod;
using Stop = LeastSquaresStop;

constexpr double eps = std::numeric_limits<double>::epsilon();

/// got within this factor of want, or both below the rounding.
::testing::AssertionResult within(double got, real want, real factor, real rounding) {
  if (got <= rounding && want <= rounding) return ::testing::AssertionSuccess();
  if (got <= factor * want + rounding && got >= want / factor - rounding) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure()
         << "got " << got << ", want " << want << " within a factor of " << factor;
}

class CertificateOfLeastSquares : public ::testing::TestWithParam<Method> {
 protected:
  Context<Cpu> ctx{1};

  LeastSquaresOptions options(int max_iterations = 100) const {
    return {.method = GetParam(), .max_iterations = max_iterations, .rng = {91, 0}};
  }

  void expect_numbers(const Case& c, const LeastSquaresSolution<double>& got) {
    const Exact exact(c.problem);
    const index_t rank = got.result.rank;
    const Worth worth = exact.worth(got.x, c.problem.targets, rank);
    const LeastSquaresColumn& column = got.result.columns.at(0);
    // The product's rounding is that of each entry of b, too.
    const real b = norm2(cast<real>(c.problem.targets));
    const real rounding = 8 * eps * (exact.frobenius() * worth.scaled_solution + b);
    EXPECT_TRUE(near(column.residual_norm, worth.residual, rounding));
    EXPECT_TRUE(near(column.solution_norm, worth.solution, 1e-14 * worth.solution));
    EXPECT_TRUE(within(column.backward_error, worth.karlson_walden, 3, 3 * eps));
    if (worth.residual > 1e-6 * b) {
      EXPECT_TRUE(within(column.optimality, worth.distance / worth.extended, 3,
                         100 * rounding / worth.residual));
    }
    if (rank > 0) {
      EXPECT_TRUE(within(got.result.condition, exact.condition(rank), 4, 0));
    }
  }
};

/// Ranks and conditions of the battery are those as built where these are clear.
TEST_P(CertificateOfLeastSquares, OfTheBattery) {
  for (const Case& c : battery()) {
    SCOPED_TRACE(c.name);
    const auto got = solve<double>(ctx, c.problem, options());
    if (std::isnan(got.x[0])) continue;
    expect_numbers(c, got);
    if (c.condition <= 1e12) {
      EXPECT_EQ(got.result.rank, c.rank);
    }
  }
}

/// Methods that iterate.
class CertificateOfIterations : public CertificateOfLeastSquares {};

/// x is far off where iterations end early, so that the estimates have something to say.
TEST_P(CertificateOfIterations, ThatEndEarly) {
  for (const double noise : {1e-4, 1.0}) {
    const Case c{"", with_right_hand_side(matrix_of(91, 400, 12, 1e5), noise), 12, 1e5};
    for (const int most : {1, 2, 4}) {
      SCOPED_TRACE(::testing::Message() << "noise " << noise << ", at most " << most);
      const auto got = solve<double>(ctx, c.problem, options(most));
      expect_numbers(c, got);
      EXPECT_EQ(got.result.stop, Stop::iteration_limit) << name(got.result.stop);
      EXPECT_GE(got.result.iterations, most);
      EXPECT_LE(got.result.iterations,
                3 * most);  // of each loop, and no method has more than three
    }
  }
}

/// Documented: a pass an iteration and few besides; of the Hessian sketch's a second one for its sketch.
TEST_P(CertificateOfLeastSquares, CountsPassesAndRows) {
  const Problem p = with_right_hand_side(matrix_of(92, 400, 12, 1e3), 1);
  const auto got = solve<double>(ctx, p, options());
  EXPECT_GE(got.result.passes, 2);  // one to solve, one for the certificate
  EXPECT_GE(got.result.passes, got.result.iterations);
  const int passes = GetParam() == Method::iterative_hessian_sketch ? 2 : 1;
  EXPECT_LE(got.result.passes, passes * got.result.iterations + 8);
  const auto rows = [&](index_t n) -> index_t {
    switch (GetParam()) {
      case Method::sketch_and_solve:
      case Method::sketch_and_precondition:
        return 40 + 4 * n;
      case Method::iterative_hessian_sketch:
        return 40 + 8 * n;
      case Method::iterative_sketching:
      case Method::fossils:
        return 200 + 12 * n;
      default:
        return 0;
    }
  };
  EXPECT_EQ(got.result.sketch_rows, rows(12));
  if (!is_sketched(GetParam())) return;
  const auto few = solve<double>(ctx, with_right_hand_side(matrix_of(93, 400, 1, 1), 1), options());
  EXPECT_EQ(few.result.sketch_rows, rows(1));
  auto more = options();
  more.sketch_rows = 200;
  EXPECT_EQ(solve<double>(ctx, p, more).result.sketch_rows, 200);
}

TEST_P(CertificateOfIterations, ToleranceEndsThemEarlier) {
  const Problem p = with_right_hand_side(matrix_of(94, 400, 12, 1e3), 1);
  auto loose = options();
  loose.tolerance = 1e-3;
  const auto got = solve<double>(ctx, p, loose), full = solve<double>(ctx, p, options());
  EXPECT_EQ(got.result.stop, Stop::converged);
  EXPECT_LT(got.result.iterations, full.result.iterations);
  const Worth worth = Exact(p).worth(got.x, p.targets, 12);
  EXPECT_LE(worth.distance, 3 * 1e-3 * worth.residual);
  EXPECT_GT(worth.distance, 1e-9 * worth.residual);  // it did end early
}

TEST_P(CertificateOfLeastSquares, SeedsAreTheRandomness) {
  const Problem p = with_right_hand_side(matrix_of(95, 400, 12, 1e3), 1);
  auto other = options();
  other.rng.seed = 92;
  const auto a = solve<double>(ctx, p, options()), b = solve<double>(ctx, p, options()),
             c = solve<double>(ctx, p, other);
  EXPECT_EQ(a.x, b.x);
  if (GetParam() == Method::sketch_and_solve) {
    EXPECT_NE(a.x, c.x);
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, CertificateOfLeastSquares, ::testing::ValuesIn(all_methods),
                         method_label);

INSTANTIATE_TEST_SUITE_P(Methods, CertificateOfIterations,
                         ::testing::Values(Method::sketch_and_precondition,
                                           Method::iterative_sketching, Method::fossils,
                                           Method::iterative_hessian_sketch),
                         method_label);

TEST(NamesOfLeastSquares, AreAllDifferent) {
  std::vector<std::string> names = {name(Method::automatic)};
  for (const Method method : all_methods) names.emplace_back(name(method));
  for (const Stop stop : {Stop::converged, Stop::iteration_limit, Stop::stagnated,
                          Stop::ill_conditioned, Stop::wide, Stop::not_finite}) {
    names.emplace_back(name(stop));
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::unique(names.begin(), names.end()), names.end());
}

}  // namespace
}  // namespace randnla::test
