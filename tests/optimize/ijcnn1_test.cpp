// The settings and numbers of the papers on the real data, where they are at hand.
#include "optimize/runs.hpp"
#include "support/backends.hpp"
#include "support/data_path.hpp"
#include "support/near.hpp"

#include <randnla/data/preprocess.hpp>
#include <randnla/io/libsvm.hpp>
#include <randnla/optimize/second_order.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace randnla {
namespace {

using test::data_path;
using test::Method;
using test::minimize;
using test::near;
using test::real;

constexpr double best_loss = 0.05154837396;  // by an independent program, all settings

Dataset<double, Cpu> read(Context<Cpu>& ctx, const std::string& path, index_t features = 0) {
  LibsvmOptions options;
  options.features = features;
  auto data = read_libsvm<double>(ctx, path, options);
  map_labels(data, {-1, 1});
  return data;
}

/// N(0, 1 / d) entries of the library's own generator.
std::vector<double> normal_start(Context<Cpu>& ctx, index_t d, std::uint64_t seed) {
  Buffer<double, Cpu> x(ctx, d);
  fill_normal(ctx, Rng{seed, 0}, 1 / std::sqrt(static_cast<double>(d)), x.view());
  return x.download();
}

/// Share of rows on whose side of the plane the label says.
double accuracy(const Dataset<double, Cpu>& data, const std::vector<double>& x) {
  index_t right = 0;
  const bool sparse = data.sparse();
  for (index_t i = 0; i < data.rows; ++i) {
    double z = 0;
    const index_t begin = sparse ? data.offsets.data()[i] : i * data.cols;
    const index_t end = sparse ? data.offsets.data()[i + 1] : begin + data.cols;
    for (index_t k = begin; k < end; ++k) {
      const index_t j = sparse ? data.columns.data()[k] : k - begin;
      z += data.values.data()[k] * x[static_cast<std::size_t>(j)];
    }
    right += (z > 0) == (data.targets.data()[i] == 1);
  }
  return static_cast<double>(right) / static_cast<double>(data.rows);
}

struct Variant {
  Method method;
  Sampling hessian;
  double reference;  // median propagations of an independent program, seeds 1 to 5
};

TEST(Ijcnn1, PropagationsToTheOptimum) {
  const auto path = data_path("ijcnn1.bz2");
  if (!path) GTEST_SKIP() << test::no_data("ijcnn1.bz2");
  Context<Cpu> ctx(1);
  const auto data = read(ctx, *path);
  ASSERT_EQ(data.rows, 49'990);
  ASSERT_EQ(data.cols, 22);
  const NonlinearLeastSquares<Cpu, double> f(ctx, data);
  for (const Variant& v : {Variant{Method::trust_region, Sampling::full, 1.93e7},
                           Variant{Method::trust_region, Sampling::uniform, 5.9e6},
                           Variant{Method::trust_region, Sampling::row_norm, 2.35e6},
                           Variant{Method::cubic, Sampling::full, 5.4e7},
                           Variant{Method::cubic, Sampling::uniform, 1.07e7},
                           Variant{Method::cubic, Sampling::row_norm, 4.9e6}}) {
    std::vector<double> props;
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      SecondOrderOptions options;
      options.hessian.sampling = v.hessian;
      options.initial_sigma = 10;  // the paper's
      options.seed = seed;
      options.stopping.target_loss = best_loss + 1e-4;
      const auto run =
          minimize<double, Cpu>(v.method, ctx, f, normal_start(ctx, data.cols, seed), options);
      EXPECT_EQ(run.result.stop, Stop::target_loss) << test::name(v.method) << ", seed " << seed;
      EXPECT_EQ(run.result.work.host_waits, run.result.iterations + 1);
      props.push_back(static_cast<double>(run.result.work.props));
    }
    std::sort(props.begin(), props.end());
    EXPECT_LE(props[2], 1.3 * v.reference)
        << test::name(v.method) << ", sampling " << static_cast<int>(v.hessian);
    RecordProperty(std::string(test::name(v.method)) + std::to_string(static_cast<int>(v.hessian)),
                   std::to_string(props[2] / v.reference));
  }
}

/// The certificate of a full run, on data whose Hessian is formed here in long double.
template <class Loss>
std::vector<double> expect_certified(Context<Cpu>& ctx, const Dataset<double, Cpu>& data,
                                     Method method) {
  const LinearModel<Loss, Cpu, double> f(ctx, data);
  SecondOrderOptions options;
  const auto run = minimize<double, Cpu>(method, ctx, f, normal_start(ctx, data.cols, 1), options);
  EXPECT_EQ(run.result.stop, Stop::optimal) << test::name(method) << "\n" << summary(run.result);
  const Certificate& c = run.result.certificate;
  EXPECT_TRUE(c.eps_g_met && c.eps_h_met);
  EXPECT_LE(c.gradient_norm, 1e-5);
  EXPECT_GE(c.lambda_min_bound, -1e-3);

  test::Problem p{data.rows, data.cols, {}, data.targets.download()};
  p.values.assign(static_cast<std::size_t>(p.rows * p.cols), 0.0);
  for (index_t i = 0; i < p.rows; ++i) {
    const index_t begin = data.sparse() ? data.offsets.data()[i] : i * data.cols;
    const index_t end = data.sparse() ? data.offsets.data()[i + 1] : begin + data.cols;
    for (index_t k = begin; k < end; ++k) {
      const index_t j = data.sparse() ? data.columns.data()[k] : k - begin;
      p.values[static_cast<std::size_t>(i * p.cols + j)] = data.values.data()[k];
    }
  }
  const test::ExactPoint at = exact(Loss{}, p, 0, run.x);
  const test::Eigen e = test::eigen(at.hessian);
  const real rounding = 10 * std::sqrt(static_cast<real>(p.rows)) *
                        std::numeric_limits<double>::epsilon() * std::max<real>(1, e.values.back());
  EXPECT_TRUE(near(run.result.loss, at.value, rounding));
  EXPECT_TRUE(near(c.gradient_norm, at.gradient_norm, rounding));
  EXPECT_GE(c.lambda_min, e.values[0] - rounding);
  EXPECT_LE(c.lambda_min_bound, e.values[0] + rounding);
  return run.x;
}

TEST(Ijcnn1, FullRunsAreCertifiedAndPredictTheTestSet) {
  const auto path = data_path("ijcnn1.bz2"), test_path = data_path("ijcnn1.t.bz2");
  if (!path || !test_path) GTEST_SKIP() << test::no_data("ijcnn1.bz2 and ijcnn1.t.bz2");
  Context<Cpu> ctx(1);
  const auto data = read(ctx, *path), held_out = read(ctx, *test_path, data.cols);
  for (const Method method : test::methods) {
    const auto x = expect_certified<SigmoidSquares>(ctx, data, method);
    EXPECT_GE(accuracy(held_out, x), 0.937) << test::name(method);
  }
  expect_certified<LogisticLoss>(ctx, data, Method::trust_region);
}

TEST(Ijcnn1, A9aIsCertifiedToo) {
  const auto path = data_path("a9a");
  if (!path) GTEST_SKIP() << test::no_data("a9a");
  Context<Cpu> ctx(1);
  const auto data = read(ctx, *path);
  expect_certified<SigmoidSquares>(ctx, data, Method::trust_region);
  expect_certified<LogisticLoss>(ctx, data, Method::trust_region);
  expect_certified<LogisticLoss>(ctx, data, Method::cubic);
}

}  // namespace
}  // namespace randnla
