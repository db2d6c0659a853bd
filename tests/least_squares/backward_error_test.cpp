// Backward stability: no worse than ten times Householder QR by LAPACK.
#include "least_squares/battery.hpp"
#include "least_squares/lapack.hpp"
#include "least_squares/solving.hpp"

namespace randnla::test {
namespace {

class BackwardStable : public ::testing::TestWithParam<LeastSquaresMethod> {};

/// A correctly rounded x has a backward error of up to u = eps / 2, and LAPACK's is by luck below it.
constexpr double unit = std::numeric_limits<double>::epsilon() / 2;

/// By how much x is worse than ten times LAPACK's; at most 1 is as asked for.
real excess(const Problem& p, const std::vector<double>& x) {
  const Exact exact(p);
  const Worth got = exact.worth(x, p.targets, std::min(p.rows, p.cols));
  const Worth lapack = exact.worth(solve_by_qr(p), p.targets, std::min(p.rows, p.cols));
  return got.backward_error / (10 * std::max<real>(lapack.backward_error, unit));
}

TEST_P(BackwardStable, WithinTenTimesLapackOnTheBattery) {
  Context<Cpu> ctx(1);
  for (const Case& c : battery()) {
    if (!c.full_rank()) continue;
    for (const bool sparse : {false, true}) {
      SCOPED_TRACE(c.name + (sparse ? ", sparse" : ", dense"));
      const auto got =
          solve<double>(ctx, c.problem, {.method = GetParam(), .rng = {21, 0}}, sparse);
      EXPECT_EQ(got.result.stop, LeastSquaresStop::converged);
      EXPECT_LE(excess(c.problem, got.x), 1);
    }
  }
}

TEST_P(BackwardStable, WithinTenTimesLapackForManySeeds) {
  Context<Cpu> ctx(1);
  for (const double condition : {1e8, 1e14, 1e15}) {
    for (const double noise : {1e-12, 1e-3, 1.0}) {
      const Problem p = with_right_hand_side(matrix_of(31, 500, 20, condition, 30), noise);
      for (std::uint64_t seed = 0; seed < 10; ++seed) {
        SCOPED_TRACE(::testing::Message()
                     << "condition " << condition << ", noise " << noise << ", seed " << seed);
        const auto got = solve<double>(ctx, p, {.method = GetParam(), .rng = {seed, 0}});
        EXPECT_LE(excess(p, got.x), 1);
      }
    }
  }
}

/// Columns in units far apart, x in their units: its scaled parts grow along the directions that are hard to tell
/// from zero, and a method that cuts one of these off has not solved the problem.
TEST_P(BackwardStable, WithinTenTimesLapackNearTheLimitOfFullRank) {
  Context<Cpu> ctx(1);
  int problems = 0;
  for (const double condition : {1e14, 3e14, 8e14}) {
    for (const double decades : {0.0, 8.0, 20.0}) {
      for (std::uint64_t seed = 0; seed < 8; ++seed) {
        const Problem A =
            changed(matrix_of(40 + seed, 150, 12, condition), [&](index_t, index_t j, double v) {
              return v * std::pow(10.0, decades * (static_cast<double>(j) / 12 - 0.5));
            });
        const Problem p =
            with_right_hand_side(A, std::pow(10.0, 2.0 * static_cast<double>(seed) - 12));
        if (Exact(p).condition(12) > 1e15) continue;
        SCOPED_TRACE(::testing::Message()
                     << "condition " << condition << ", " << decades << " decades, seed " << seed);
        ++problems;
        const auto got = solve<double>(ctx, p, {.method = GetParam(), .rng = {seed, 0}});
        EXPECT_LE(excess(p, got.x), 1);
      }
    }
  }
  EXPECT_GE(problems, 50);
}

INSTANTIATE_TEST_SUITE_P(Methods, BackwardStable,
                         ::testing::Values(LeastSquaresMethod::qr, LeastSquaresMethod::fossils),
                         method_label);

}  // namespace
}  // namespace randnla::test
