// Objectives over streamed rows are those over rows in memory, to the rounding of sums in another order.
#include "support/streamed.hpp"

#include <randnla/objective/linear_model.hpp>
#include <randnla/objective/softmax.hpp>

#include <gtest/gtest.h>

namespace randnla {
namespace {

using test::expect_sums;
using test::ThreeWays;

constexpr index_t rows = 90, cols = 5;
constexpr double most = 20;  // above |weight| |a_ij|, |a_i|^2 and their products with x here

template <class Instance>
class StreamedObjective : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(StreamedObjective, test::Instances, test::InstanceName);

/// All that one evaluation of a sample gives, and H v.
template <class T>
struct Seen {
  double value = 0;
  std::vector<T> gradient, curvature, norms2, product;
};

template <Backend B, class T, class F>
Seen<T> seen(Context<B>& ctx, const F& f, const Sample<B, T>& sample, Curvature kind) {
  const auto each = FiniteSumRef<B, T>(f).curvature_size();
  const auto x = test::place<T>(ctx, test::normals(11, f.dim(), 0.5));
  const auto v = test::place<T>(ctx, test::normals(12, f.dim()));
  Buffer<double, B> value(ctx, 1);
  Buffer<T, B> gradient(ctx, f.dim()), product(ctx, f.dim()), norms2(ctx, sample.bound),
      curvature(ctx, std::vector<T>(static_cast<std::size_t>(sample.bound * each), T(0)));
  f.evaluate(ctx, x.view(), sample,
             {value.data(), gradient.data(), curvature.data(), norms2.data(), kind});
  // Curvatures are used as they are, as if every weight were one.
  f.hessian_product(ctx, {x.view(), sample, curvature.data(), kind}, v.view(), product.view());
  index_t count = sample.bound;
  if (sample.count != nullptr) ctx.download(&count, sample.count, sizeof count);
  return {value.read(0), gradient.download(), test::fetch(ctx, curvature.data(), count * each),
          test::fetch(ctx, norms2.data(), count), product.download()};
}

template <Backend B, class T, class F>
void expect_same(Context<B>& ctx, const F& got_from, const F& want_from, const Sample<B, T>& sample,
                 Curvature kind = Curvature::hessian) {
  const Seen<T> got = seen<B, T>(ctx, got_from, sample, kind),
                want = seen<B, T>(ctx, want_from, sample, kind);
  EXPECT_NEAR(got.value, want.value,
              2.0 * rows * static_cast<double>(std::numeric_limits<T>::epsilon()) * most);
  expect_sums(got.gradient, want.gradient, rows, most);
  expect_sums(got.curvature, want.curvature, cols, most);
  expect_sums(got.norms2, want.norms2, cols, most);
  expect_sums(got.product, want.product, rows, rows * most);
}

/// Full passes, samples by every kind of rule, and one sample after the other in the same memory.
template <Backend B, class T, class F>
void expect_same_on_samples(Context<B>& ctx, const F& streamed, const F& resident) {
  const auto all = Sample<B, T>::all(rows);
  expect_same<B, T>(ctx, streamed, resident, all);
  expect_same<B, T>(ctx, streamed, resident, all, Curvature::gauss_newton);
  const auto scores = test::place<T>(ctx, std::vector<double>(rows, 1.0));
  for (const Sampling rule : {Sampling::uniform, Sampling::uniform_with_replacement,
                              Sampling::row_norm, Sampling::row_norm_bernoulli}) {
    RowSampler<B, T> sampler(ctx, rows);
    for (std::uint64_t seed = 1; seed < 4; ++seed) {
      const auto sample = sampler.draw(ctx, rule, 17, scores.view(), Rng{seed});
      SCOPED_TRACE(::testing::Message() << "rule " << static_cast<int>(rule) << ", seed " << seed);
      expect_same<B, T>(ctx, streamed, resident, sample);
      expect_same<B, T>(ctx, streamed, resident, sample);  // the rows are there already
      if (seed > 1) continue;
      // A part of a draw, and a list that is nobody's draw.
      Sample<B, T> part = sample;
      part.rows += 3, part.bound = 10, part.weights = nullptr, part.count = nullptr;
      expect_same<B, T>(ctx, streamed, resident, part);
      part.draw = 0, part.bound = 4;
      expect_same<B, T>(ctx, streamed, resident, part);
      expect_same<B, T>(ctx, streamed, resident, all);
    }
  }
}

template <Backend B, class T, class F>
void expect_same_on_all_terms(Context<B>& ctx, const F& streamed, const F& resident) {
  const auto each = FiniteSumRef<B, T>(streamed).curvature_size();
  const auto x = test::place<T>(ctx, test::normals(13, streamed.dim()));
  std::vector<double> shares(static_cast<std::size_t>(rows * each));
  for (std::size_t e = 0; e < shares.size(); ++e) shares[e] = 0.25 + 0.5 * double(e % 7) / 7;
  const auto curvature = test::place<T>(ctx, shares);
  const index_t d = streamed.dim();
  const auto of = [&](const F& f) {
    Buffer<T, B> H(ctx, d * d), importance(ctx, rows), leverage(ctx, rows);
    f.hessian_matrix(ctx, {x.view(), Sample<B, T>::all(rows), curvature.data()},
                     {H.data(), d, d, d});
    f.importance(ctx, curvature.view(), importance.view());
    f.leverage_ratio(ctx, curvature.view(), leverage.view());
    return std::vector{H.download(), importance.download(), leverage.download()};
  };
  const auto got = of(streamed), want = of(resident);
  expect_sums(got[0], want[0], rows, rows * most);
  expect_sums(got[1], want[1], cols, most);
  expect_sums(got[2], want[2], rows, most);
}

TYPED_TEST(StreamedObjective, LinearModelIsTheSame) {
  using T = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  const Regulariser regulariser{.l2 = 0.1, .nonconvex = 0.01};
  for (const bool sparse : {false, true}) {
    const test::Problem p = test::random_problem(8, rows, cols, sparse ? 0.3 : 0);
    for (const index_t length : test::chunk_lengths(rows)) {
      SCOPED_TRACE(::testing::Message() << "sparse " << sparse << ", chunks of " << length);
      const ThreeWays<B, T> data(this->ctx(), p, sparse, length);
      const NonlinearLeastSquares<B, T> resident(this->ctx(), data.resident, regulariser),
          streamed(this->ctx(), data.streamed, data.resident.targets.view(), regulariser);
      EXPECT_EQ(streamed.hessian_costs().product, resident.hessian_costs().product);
      expect_same<B, T>(this->ctx(), streamed, resident, Sample<B, T>::all(rows));
      if (length == 7) expect_same_on_samples<B, T>(this->ctx(), streamed, resident);
      expect_same_on_all_terms<B, T>(this->ctx(), streamed, resident);
    }
  }
}

TYPED_TEST(StreamedObjective, SoftmaxIsTheSame) {
  using T = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  for (const bool sparse : {false, true}) {
    test::Problem p = test::random_problem(9, rows, cols, sparse ? 0.3 : 0);
    for (std::size_t i = 0; i < p.targets.size(); ++i) p.targets[i] = static_cast<double>(i % 3);
    for (const index_t length : {index_t{7}, rows + 5}) {
      SCOPED_TRACE(::testing::Message() << "sparse " << sparse << ", chunks of " << length);
      const ThreeWays<B, T> data(this->ctx(), p, sparse, length);
      const SoftmaxRegression<B, T> resident(this->ctx(), data.resident, 3, {.l2 = 0.1}),
          streamed(this->ctx(), data.streamed, data.resident.targets.view(), 3, {.l2 = 0.1});
      expect_same_on_samples<B, T>(this->ctx(), streamed, resident);
      expect_same_on_all_terms<B, T>(this->ctx(), streamed, resident);
    }
  }
}

TYPED_TEST(StreamedObjective, TargetsOfAnotherNumberOrKindAreRefused) {
  using T = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  const ThreeWays<B, T> data(this->ctx(), test::random_problem(10, 30, 4), false, 7);
  const VectorView<const T, B> targets = data.resident.targets.view();
  EXPECT_THROW((LogisticRegression<B, T>(this->ctx(), data.streamed, {targets.data, 29})),
               InvalidArgument);
  const auto bad = test::place<T>(this->ctx(), std::vector<double>(30, 2.5));
  EXPECT_THROW((SoftmaxRegression<B, T>(this->ctx(), data.streamed, bad.view(), 3)),
               InvalidArgument);
}

}  // namespace
}  // namespace randnla
