// The same runs in two arithmetics: on the CPU with formed and with applied Hessians, and in CUDA
// builds on the GPU. On 2,000 rows of ijcnn1, or synthetic ones where that is not at hand.
#include "optimize/runs.hpp"
#include "support/backends.hpp"
#include "support/data_path.hpp"

#include <randnla/data/preprocess.hpp>
#include <randnla/data/synthetic.hpp>
#include <randnla/io/libsvm.hpp>
#include <randnla/optimize/second_order.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

namespace randnla {
namespace {

using test::Method;
using test::minimize;

constexpr index_t rows = 2000;
constexpr std::int64_t iterations = 15;

/// Every 24th row of the 49,990.
test::Problem subset(Context<Cpu>& ctx) {
  test::Problem p{rows, 0, {}, {}};
  Dataset<double, Cpu> data;
  if (const auto path = test::data_path("ijcnn1.bz2")) {
    LibsvmOptions options;
    options.storage = LibsvmOptions::Storage::dense;
    data = read_libsvm<double>(ctx, *path, options);
    map_labels(data, {-1, 1});
  } else {
    SyntheticOptions options;
    options.rows = 24 * rows, options.cols = 22, options.condition = 10;
    data = synthetic<double>(ctx, options);
  }
  p.cols = data.cols;
  const auto values = data.values.download(), targets = data.targets.download();
  for (index_t i = 0; i < rows; ++i) {
    const auto from = values.begin() + 24 * i * p.cols;
    p.values.insert(p.values.end(), from, from + p.cols);
    p.targets.push_back(targets[static_cast<std::size_t>(24 * i)]);
  }
  return p;
}

SecondOrderOptions options_for(Sampling rule) {
  SecondOrderOptions options;
  options.hessian.sampling = rule;
  options.hessian.fraction = 0.05;
  options.initial_sigma = 10;
  options.stopping.max_iterations = iterations;
  return options;
}

std::vector<double> start_of(index_t d) {
  return test::normals(1, d, 1 / std::sqrt(static_cast<double>(d)));
}

void expect_agreement(const OptimizationResult& a, const OptimizationResult& b) {
  ASSERT_EQ(a.trace.size(), static_cast<std::size_t>(iterations));
  ASSERT_EQ(b.trace.size(), a.trace.size());
  for (std::size_t i = 0; i < a.trace.size(); ++i) {
    const Iteration &p = a.trace[i], &q = b.trace[i];
    EXPECT_EQ(p.hessian_sample, q.hessian_sample) << i;
    EXPECT_EQ(p.gradient_sample, q.gradient_sample) << i;
    EXPECT_EQ(p.accepted, q.accepted) << i;
    EXPECT_EQ(p.step, q.step) << i;
    EXPECT_EQ(p.size, q.size) << i;
    EXPECT_NEAR(p.loss, q.loss, 1e-10 * q.loss) << i;
    EXPECT_EQ(p.work.host_waits, q.work.host_waits) << i;
    EXPECT_EQ(p.work.host_waits, static_cast<std::int64_t>(i) + 2) << i;
  }
  EXPECT_EQ(a.certificate_work.host_waits, b.certificate_work.host_waits);
}

constexpr Sampling rules[] = {Sampling::row_norm, Sampling::uniform};

TEST(SubsetRuns, FormedAndAppliedHessiansAgree) {
  Context<Cpu> ctx(1);
  const test::Problem p = subset(ctx);
  const auto data = test::dataset<Cpu, double>(ctx, p);
  const NonlinearLeastSquares<Cpu, double> f(ctx, data);
  for (const Method method : test::methods) {
    for (const Sampling rule : rules) {
      SCOPED_TRACE(test::name(method));
      SecondOrderOptions options = options_for(rule);
      options.hessian.form = HessianOptions::Form::matrix;
      const auto formed = minimize<double, Cpu>(method, ctx, f, start_of(p.cols), options);
      options.hessian.form = HessianOptions::Form::passes;
      const auto passes = minimize<double, Cpu>(method, ctx, f, start_of(p.cols), options);
      expect_agreement(formed.result, passes.result);
    }
  }
}

#if defined(RANDNLA_TEST_CUDA)

class CudaAgreement : public ::testing::TestWithParam<std::tuple<Method, Sampling>> {};

TEST_P(CudaAgreement, WithTheCpu) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "no CUDA device answers";
  const auto [method, rule] = GetParam();
  Context<Cpu> cpu(1);
  Context<Cuda> cuda;
  const test::Problem p = subset(cpu);
  const auto data = test::dataset<Cpu, double>(cpu, p);
  const Dataset<double, Cuda> copy = copy_to(cuda, data);
  const NonlinearLeastSquares<Cpu, double> f(cpu, data);
  const NonlinearLeastSquares<Cuda, double> g(cuda, copy);
  const SecondOrderOptions options = options_for(rule);
  const auto here = minimize<double, Cpu>(method, cpu, f, start_of(p.cols), options);
  const auto there = minimize<double, Cuda>(method, cuda, g, start_of(p.cols), options);
  expect_agreement(here.result, there.result);
  EXPECT_EQ(here.result.work.launches, 0);
  // Whatever the number of inner iterations: with a formed Hessian these are one launch.
  int formed = 0;
  std::int64_t before = 0;
  for (const Iteration& row : there.result.trace) {
    EXPECT_GT(row.work.launches, before) << row.iteration;
    if (row.hessian_formed) {
      EXPECT_LE(row.work.launches - before, 30) << row.inner_iterations;
    }
    formed += row.hessian_formed;
    before = row.work.launches;
  }
  EXPECT_GT(formed, 0);
}

INSTANTIATE_TEST_SUITE_P(Methods, CudaAgreement,
                         ::testing::Combine(::testing::ValuesIn(test::methods),
                                            ::testing::ValuesIn(rules)));

#endif

}  // namespace
}  // namespace randnla
