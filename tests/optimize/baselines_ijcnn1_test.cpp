// The baselines on the papers' problem with the real data, where that is at hand.
#include "optimize/baseline_runs.hpp"
#include "support/data_path.hpp"

#include <randnla/data/preprocess.hpp>
#include <randnla/io/libsvm.hpp>
#include <randnla/optimize/baselines.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace randnla {
namespace {

using test::Baseline;
using test::BaselineOptions;

constexpr double best_loss = 0.05154837396;  // by an independent program

Dataset<double, Cpu> read(Context<Cpu>& ctx, const std::string& path) {
  auto data = read_libsvm<double>(ctx, path, {});
  map_labels(data, {-1, 1});
  return data;
}

/// Median over seeds 1 to 5 of the propagations to best_loss + gap, from N(0, 1 / d) starts.
double median_props(Context<Cpu>& ctx, const Dataset<double, Cpu>& data, Baseline method,
                    double gap, BaselineOptions options) {
  const NonlinearLeastSquares<Cpu, double> f(ctx, data);
  std::vector<double> props;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Buffer<double, Cpu> start(ctx, data.cols);
    fill_normal(ctx, Rng{seed, 0}, 1 / std::sqrt(static_cast<double>(data.cols)), start.view());
    options.all([&](auto& o) {
      o.seed = seed, o.stopping.target_loss = best_loss + gap, o.stopping.max_props = 30'000'000;
    });
    const auto run = test::minimize<double, Cpu>(method, ctx, f, start.download(), options);
    EXPECT_EQ(run.result.stop, Stop::target_loss) << test::name(method) << ", seed " << seed;
    props.push_back(static_cast<double>(run.result.work.props));
  }
  std::sort(props.begin(), props.end());
  return props[2];
}

TEST(BaselinesOnIjcnn1, ScrNeedsWhatTheReferenceNeeds) {
  const auto path = test::data_path("ijcnn1.bz2");
  if (!path) GTEST_SKIP() << test::no_data("ijcnn1.bz2");
  Context<Cpu> ctx(1);
  const auto data = read(ctx, *path);
  BaselineOptions options;
  options.scr.inner_tolerance = 1e-15;  // as the reference, an independent program
  // Not above 1.3 of it. Below it by what our solvers save, which end at the rounding of the model's
  // gradient: a third is the least that the gradients alone cost.
  const double lanczos = median_props(ctx, data, Baseline::scr_lanczos, 1e-2, options);
  EXPECT_LE(lanczos, 1.3 * 5.4e6);
  EXPECT_GE(lanczos, 5.4e6 / 3);
  const double descent = median_props(ctx, data, Baseline::scr_descent, 1e-2, options);
  EXPECT_LE(descent, 1.3 * 1.5e7);
  EXPECT_GE(descent, 1.5e7 / 3);
  RecordProperty("lanczos", std::to_string(lanczos));
  RecordProperty("descent", std::to_string(descent));
}

TEST(BaselinesOnIjcnn1, LbfgsReachesTheOptimum) {
  const auto path = test::data_path("ijcnn1.bz2");
  if (!path) GTEST_SKIP() << test::no_data("ijcnn1.bz2");
  Context<Cpu> ctx(1);
  const auto data = read(ctx, *path);
  // Measured: 4.5e6, 30 evaluations. Steepest descent, say with all pairs left out, is far beyond.
  const double props = median_props(ctx, data, Baseline::lbfgs, 1e-6, {});
  EXPECT_LE(props, 6e6);
  RecordProperty("lbfgs", std::to_string(props));
}

TEST(BaselinesOnIjcnn1, SgdComesClose) {
  const auto path = test::data_path("ijcnn1.bz2");
  if (!path) GTEST_SKIP() << test::no_data("ijcnn1.bz2");
  Context<Cpu> ctx(1);
  const auto data = read(ctx, *path);
  BaselineOptions options;
  options.sgd.learning_rate = 1;
  const double props = median_props(ctx, data, Baseline::sgd, 1e-3, options);
  EXPECT_LE(props, 2e6);  // measured: 9e5, 9 epochs
  RecordProperty("sgd", std::to_string(props));
}

}  // namespace
}  // namespace randnla
