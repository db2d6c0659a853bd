// Leverage scores of weighted rows from a sketch, as the optimisers sample by, against exact ones of the weighted
// rows.
#include "sketch/leverage_ratio.hpp"

#include "support/backends.hpp"
#include "support/near.hpp"
#include "support/problems.hpp"

#include <randnla/objective/linear_model.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace randnla {
namespace {

using test::dataset;
using test::place;
using test::Problem;

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

/// A tenth of the rows 30 times as long, a column twice (the rank is cols - 1), the last row the first one again.
Problem rows_of_any_length(std::uint64_t seed, index_t rows, index_t cols) {
  Problem p = test::random_problem(seed, rows, cols);
  for (index_t i = 0; i < rows; ++i) {
    double* const row = p.values.data() + i * cols;
    for (index_t j = 0; j < cols && i % 10 == 3; ++j) row[j] *= 30;
    row[1] = row[0];
  }
  std::copy_n(p.values.begin(), cols, p.values.end() - cols);
  return p;
}

/// Positive, negative and, of a third of the rows, zero, the last one among them.
std::vector<double> some_weights(index_t n) {
  std::vector<double> D;
  for (index_t i = 0; i < n; ++i) {
    D.push_back(i % 3 == 2 ? 0
                           : (i % 2 == 0 ? 1.0 : -0.2) * (1 + std::sin(static_cast<double>(i))));
  }
  D[at(n - 1)] = 0;
  return D;
}

/// Leverage of the rows of |D|^(1/2) A, by Householder reflections.
std::vector<double> exact_scores(Problem p, const std::vector<double>& D) {
  Context<Cpu> ctx;
  for (index_t i = 0; i < p.rows; ++i) {
    for (index_t j = 0; j < p.cols; ++j)
      p.values[at(i * p.cols + j)] *= std::sqrt(std::abs(D[at(i)]));
  }
  const auto data = dataset<Cpu, double>(ctx, p, false);
  Buffer<double, Cpu> scores(ctx, p.rows);
  const auto result =
      leverage_scores(ctx, data.view(), {.method = LeverageMethod::qr}, scores.view());
  EXPECT_EQ(result.rank, p.cols - 1);
  return scores.download();
}

/// The share of rows of weight whose ratio times it is within `error` of the score.
double share_within(double error, const std::vector<double>& ratios, const std::vector<double>& D,
                    const std::vector<double>& exact) {
  int good = 0, all = 0;
  for (std::size_t i = 0; i < D.size(); ++i) {
    EXPECT_GE(ratios[i], 0) << i;
    if (D[i] == 0) continue;
    ++all;
    good += std::abs(ratios[i] * std::abs(D[i]) - exact[i]) <= error * exact[i] ? 1 : 0;
  }
  return static_cast<double>(good) / all;
}

template <class Instance>
class SketchedLeverageRatio : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(SketchedLeverageRatio, test::Instances, test::InstanceName);

TYPED_TEST(SketchedLeverageRatio, IsWithinTheErrorWhereItPays) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  const index_t n = 8000, d = 200;
  const Problem p = rows_of_any_length(1, n, d);
  const auto D = some_weights(n);
  const auto data = dataset<B, T>(ctx, p, false);
  const auto weights = place<T>(ctx, D);
  Buffer<T, B> out(ctx, n);
  const LeverageOptions options{.error = 1, .rng = {7, 0}};
  ASSERT_TRUE(sketched_leverage_ratio(ctx, RowSource<T, B>(data.view()), weights.data(), options,
                                      out.view()));
  const auto ratios = test::cast<double>(out.download());
  EXPECT_GE(share_within(1, ratios, D, exact_scores(p, D)), 0.99);
  EXPECT_EQ(ratios.front(), ratios.back());  // the same row, with and without a weight
}

TYPED_TEST(SketchedLeverageRatio, LeavesWhatIsCheapByTheGramMatrix) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  const auto data = dataset<B, T>(ctx, rows_of_any_length(2, 900, 30), false);
  const auto weights = place<T>(ctx, std::vector<double>(900, 1));
  Buffer<T, B> out = place<T>(ctx, std::vector<double>(900, -7));
  EXPECT_FALSE(sketched_leverage_ratio(ctx, RowSource<T, B>(data.view()), weights.data(),
                                       {.error = 1}, out.view()));
  EXPECT_EQ(test::cast<double>(out.download()), std::vector<double>(900, -7));
}

/// What the optimisers call.
TEST(LeverageRatioOfManyColumns, IsApproximateAndWithinAHalf) {
  Context<Cpu> ctx;
  const index_t n = 9000, d = 400;
  const Problem p = rows_of_any_length(3, n, d);
  const auto D = some_weights(n);
  const auto exact = exact_scores(p, D);
  for (const bool sparse : {false, true}) {
    SCOPED_TRACE(sparse ? "sparse" : "dense");
    const auto data = dataset<Cpu, double>(ctx, p, sparse);
    const LogisticRegression<Cpu, double> f(ctx, data);
    Buffer<double, Cpu> ratio(ctx, n);
    const auto curvature = place<double>(ctx, D);
    f.leverage_ratio(ctx, curvature.view(), ratio.view());
    std::vector<double> ratios = ratio.download();
    double off = 0;
    for (index_t i = 0; i < n; ++i) {
      double norm2 = 0;
      for (index_t j = 0; j < d; ++j) norm2 += p.at(i, j) * p.at(i, j);
      ratios[at(i)] *= norm2;
      if (D[at(i)] != 0)
        off = std::max(off, std::abs(ratios[at(i)] * std::abs(D[at(i)]) / exact[at(i)] - 1));
    }
    EXPECT_GE(share_within(0.5, ratios, D, exact), 0.99);
    EXPECT_GT(off, 1e-3);  // from a sketch
  }
}

TEST(LeverageRatioOfManyColumns, IsNaNWhereAWeightIs) {
  Context<Cpu> ctx;
  const index_t n = 9000, d = 400;
  const auto data = dataset<Cpu, double>(ctx, rows_of_any_length(4, n, d), false);
  const LogisticRegression<Cpu, double> f(ctx, data);
  auto D = some_weights(n);
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    D[77] = bad;
    Buffer<double, Cpu> ratio(ctx, n);
    const auto curvature = place<double>(ctx, D);
    f.leverage_ratio(ctx, curvature.view(), ratio.view());
    for (const double r : ratio.download()) ASSERT_TRUE(std::isnan(r));
  }
}

}  // namespace
}  // namespace randnla
