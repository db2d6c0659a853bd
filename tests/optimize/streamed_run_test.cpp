// Optimisers over streamed rows: where the rows are in memory they end at the same point.
#include "optimize/runs.hpp"
#include "support/streamed.hpp"

#include <randnla/optimize/baselines.hpp>

namespace randnla {
namespace {

using test::Method;
using test::minimize;
using test::ThreeWays;

constexpr double l2 = 0.1;

template <class Instance>
class StreamedRun : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(StreamedRun, test::DoubleInstances, test::InstanceName);

SecondOrderOptions sampled(Sampling hessian, double fraction) {
  SecondOrderOptions options;
  options.hessian = {hessian, fraction, HessianOptions::Form::passes};
  return options;
}

TYPED_TEST(StreamedRun, SecondOrderMethodsEndAtTheSamePoint) {
  using B = typename TypeParam::Space;
  const test::Problem p = test::classes(21, 120, 6);
  for (const bool sparse : {false, true}) {
    const Method method = sparse ? Method::cubic : Method::trust_region;
    const ThreeWays<B, double> data(this->ctx(), p, sparse, 33);
    const LogisticRegression<B, double> resident(this->ctx(), data.resident, {.l2 = l2}),
        streamed(this->ctx(), data.streamed, data.resident.targets.view(), {.l2 = l2});
    for (const SecondOrderOptions& options :
         {sampled(Sampling::full, 1), sampled(Sampling::row_norm, 0.3),
          sampled(Sampling::row_norm_bernoulli, 0.3), sampled(Sampling::leverage, 0.3)}) {
      SCOPED_TRACE(::testing::Message() << test::name(method) << ", sparse " << sparse << ", rule "
                                        << static_cast<int>(options.hessian.sampling));
      const auto start = test::normals(22, 6, 0.4);
      const auto want = minimize<double, B>(method, this->ctx(), resident, start, options),
                 got = minimize<double, B>(method, this->ctx(), streamed, start, options);
      EXPECT_EQ(got.result.stop, want.result.stop);
      EXPECT_NEAR(got.result.loss, want.result.loss, 1e-9);
      // Within their gradients' norms over l2 of the one minimiser.
      const double apart =
          (got.result.certificate.gradient_norm + want.result.certificate.gradient_norm) / l2;
      for (std::size_t j = 0; j < want.x.size(); ++j) EXPECT_NEAR(got.x[j], want.x[j], apart);
    }
  }
}

template <Backend B>
std::vector<double> by_sgd(Context<B>& ctx, FiniteSumRef<B, double> f) {
  auto x = test::place<double>(ctx, test::normals(22, f.dim(), 0.4));
  SgdOptions options;
  options.batch = 30;
  options.stopping.max_iterations = 3;
  sgd<B, double>(ctx, f, x.view(), options);
  return x.download();
}

template <Backend B>
std::vector<double> by_lbfgs(Context<B>& ctx, FiniteSumRef<B, double> f) {
  auto x = test::place<double>(ctx, test::normals(22, f.dim(), 0.4));
  LbfgsOptions options;
  options.stopping.max_iterations = 4;
  lbfgs<B, double>(ctx, f, x.view(), options);
  return x.download();
}

// A few steps of a convex problem do not enlarge roundings.
TYPED_TEST(StreamedRun, BaselinesTakeTheSameSteps) {
  using B = typename TypeParam::Space;
  const ThreeWays<B, double> data(this->ctx(), test::classes(21, 200, 6), false, 33);
  const LogisticRegression<B, double> resident(this->ctx(), data.resident, {.l2 = l2}),
      streamed(this->ctx(), data.streamed, data.resident.targets.view(), {.l2 = l2});
  test::expect_sums(by_sgd<B>(this->ctx(), streamed), by_sgd<B>(this->ctx(), resident), 200, 10);
  test::expect_sums(by_lbfgs<B>(this->ctx(), streamed), by_lbfgs<B>(this->ctx(), resident), 200,
                    10);
}

}  // namespace
}  // namespace randnla
