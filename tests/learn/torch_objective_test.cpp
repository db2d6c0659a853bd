#include "learn/tiny_network.hpp"

#include <randnla/core/random.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace randnla {
namespace {

using test::Square, test::TinyCase, test::TinyProblem, test::Values;

double largest(const Values& values) {
  double most = 0;
  for (const double value : values) most = std::max(most, std::abs(value));
  return most;
}

void expect_near(const Values& got, const Values& want, double relative) {
  ASSERT_EQ(got.size(), want.size());
  const double tolerance = relative * largest(want);
  ASSERT_GT(tolerance, 0);
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], tolerance) << i;
}

Values flat(const Square& matrix) {
  Values all;
  for (const Values& row : matrix) all.insert(all.end(), row.begin(), row.end());
  return all;
}

class TorchObjectives : public testing::TestWithParam<TinyCase> {
 protected:
  using Objective = TorchObjective<Cpu, double>;

  Values start(const Objective& f) {
    Values x(static_cast<std::size_t>(f.dim()));
    f.get_parameters(ctx, {x.data(), f.dim()});
    return x;
  }
  static VectorView<const double, Cpu> view(const Values& x) {
    return {x.data(), static_cast<index_t>(x.size())};
  }
  double value(const Objective& f, const Values& x, const Sample<Cpu, double>& sample) {
    double value = std::nan("");
    f.evaluate(ctx, view(x), sample, {.value = &value});
    return value;
  }
  Values gradient(const Objective& f, const Values& x, const Sample<Cpu, double>& sample) {
    Values g(x.size(), std::nan(""));
    f.evaluate(ctx, view(x), sample, {.gradient = g.data()});
    return g;
  }
  /// Weights as the optimisers make them: the sample's times the curvature.
  Values weights(const Objective& f, const Values& x, const Sample<Cpu, double>& sample) {
    Values w(static_cast<std::size_t>(sample.bound), std::nan(""));
    f.evaluate(ctx, view(x), sample, {.curvature = w.data()});
    for (std::size_t k = 0; k < w.size(); ++k) {
      w[k] *= sample.weights != nullptr ? sample.weights[k] : 1 / static_cast<double>(sample.bound);
    }
    return w;
  }
  Values product(const Objective& f, const HessianSample<Cpu, double>& H, const Values& v) {
    Values out(v.size(), std::nan(""));
    f.hessian_product(ctx, H, view(v), {out.data(), f.dim()});
    return out;
  }
  Square matrix(const Objective& f, const HessianSample<Cpu, double>& H) {
    const auto d = static_cast<std::size_t>(f.dim());
    Values entries(d * d, std::nan(""));
    f.hessian_matrix(ctx, H, {entries.data(), f.dim(), f.dim(), f.dim()});
    Square rows(d, Values(d));
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = 0; j < d; ++j) rows[i][j] = entries[i + j * d];
    }
    return rows;
  }
  Values direction(const Values& x, std::uint64_t seed) {
    Values v(x.size());
    fill_normal(ctx, Rng{seed, 0}, 1.0, VectorView<double, Cpu>{v.data(), view(x).size});
    return v;
  }

  Context<Cpu> ctx{2};
  TinyProblem problem{GetParam()};
  std::vector<index_t> every = [] {
    std::vector<index_t> rows(TinyProblem::rows);
    std::iota(rows.begin(), rows.end(), 0);
    return rows;
  }();
  const Sample<Cpu, double> all = Sample<Cpu, double>::all(TinyProblem::rows);
  // A row twice, an order of its own, weights that do not sum to one.
  std::vector<index_t> chosen{5, 0, 11, 5, 7};
  Values chosen_weights{0.5, 1.25, 0.125, 2, 0.75};
  const Sample<Cpu, double> some{chosen.data(), chosen_weights.data(), 5, nullptr};
};

TEST_P(TorchObjectives, HessianIsTheExplicitOne) {
  const Objective f = problem.objective(ctx);
  ASSERT_EQ(f.dim(), 43);
  const Values x = start(f), w = weights(f, x, all);
  const Square H = matrix(f, {view(x), all, w.data()});
  expect_near(flat(H), flat(test::reference_hessian(problem, x, every, w)), 1e-10);
  for (std::size_t i = 0; i < H.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) EXPECT_NEAR(H[i][j], H[j][i], 1e-13 * largest(flat(H)));
  }
}

TEST_P(TorchObjectives, ProductIsTheDifferenceOfGradients) {
  const Objective f = problem.objective(ctx);
  const Values x = start(f), v = direction(x, 3), w = weights(f, x, all);
  // h^2 f''' / 6 against eps |g| / h.
  constexpr double h = 1e-5;
  Values above = x, below = x;
  for (std::size_t i = 0; i < x.size(); ++i) above[i] += h * v[i], below[i] -= h * v[i];
  Values difference = gradient(f, above, all);
  const Values lower = gradient(f, below, all);
  for (std::size_t i = 0; i < x.size(); ++i) difference[i] = (difference[i] - lower[i]) / (2 * h);
  expect_near(product(f, {view(x), all, w.data()}, v), difference, 1e-6);
}

TEST_P(TorchObjectives, GaussNewtonIsJacobianTimesLossHessian) {
  const Objective f = problem.objective(ctx);
  const Values x = start(f), w = weights(f, x, some);
  const Square G = matrix(f, {view(x), some, w.data(), Curvature::gauss_newton});
  expect_near(flat(G), flat(test::reference_gauss_newton(problem, x, chosen, w)), 1e-10);
}

TEST_P(TorchObjectives, SampledRowsAreALoopOverThem) {
  const Objective f = problem.objective(ctx);
  const Values x = start(f), w = weights(f, x, some);
  double sum = 0;
  Values g(x.size(), 0);
  for (std::size_t k = 0; k < chosen.size(); ++k) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      const test::HyperDual loss = test::reference_loss(
          problem, test::reference_outputs(problem, test::marked(x, i, i), chosen[k]), chosen[k]);
      g[i] += chosen_weights[k] * loss.d1;
      if (i == 0) sum += chosen_weights[k] * loss.value;
    }
  }
  EXPECT_NEAR(value(f, x, some), sum, 1e-13 * std::abs(sum));
  expect_near(gradient(f, x, some), g, 1e-12);
  EXPECT_EQ(w, chosen_weights);
  const Square H = matrix(f, {view(x), some, w.data()});
  expect_near(flat(H), flat(test::reference_hessian(problem, x, chosen, w)), 1e-10);
}

TEST_P(TorchObjectives, RowsBeyondTheCountAreNotThere) {
  const Objective f = problem.objective(ctx, 2);
  const Values x = start(f);
  const index_t three = 3, none = 0;
  const Sample<Cpu, double> first{chosen.data(), chosen_weights.data(), 3, nullptr};
  const Sample<Cpu, double> counted{chosen.data(), chosen_weights.data(), 5, &three};
  EXPECT_EQ(value(f, x, counted), value(f, x, first));
  EXPECT_EQ(gradient(f, x, counted), gradient(f, x, first));
  const Values v = direction(x, 4);
  EXPECT_EQ(product(f, {view(x), counted, chosen_weights.data()}, v),
            product(f, {view(x), first, chosen_weights.data()}, v));
  EXPECT_EQ(gradient(f, x, {chosen.data(), chosen_weights.data(), 5, &none}), Values(x.size(), 0));
}

TEST_P(TorchObjectives, MicroBatchesChangeRoundingOnly) {
  const Objective whole = problem.objective(ctx);
  const Values x = start(whole), v = direction(x, 5);
  for (const Sample<Cpu, double>& sample : {all, some}) {
    const Values w = weights(whole, x, sample);
    const HessianSample<Cpu, double> H{view(x), sample, w.data()};
    const HessianSample<Cpu, double> G{view(x), sample, w.data(), Curvature::gauss_newton};
    const double loss = value(whole, x, sample);
    const Values g = gradient(whole, x, sample);
    const Values Hv = product(whole, H, v), Gv = product(whole, G, v);
    for (const index_t size : {1, 2, 5, 12}) {
      const Objective f = problem.objective(ctx, size);
      EXPECT_NEAR(value(f, x, sample), loss, 1e-14 * loss);
      expect_near(gradient(f, x, sample), g, 1e-13);
      expect_near(product(f, H, v), Hv, 1e-13);
      expect_near(product(f, G, v), Gv, 1e-13);
    }
  }
}

TEST_P(TorchObjectives, L2IsAddedToAllButTheTermsNorms) {
  constexpr double l2 = 0.25;
  const Objective bare = problem.objective(ctx), f = problem.objective(ctx, 5, l2);
  const Values x = start(f), v = direction(x, 6), w = weights(bare, x, some);
  EXPECT_EQ(weights(f, x, some), w);
  double square = 0;
  Values g = gradient(bare, x, some);
  for (std::size_t j = 0; j < x.size(); ++j) square += x[j] * x[j], g[j] += l2 * x[j];
  const double loss = value(bare, x, some) + l2 / 2 * square;
  EXPECT_NEAR(value(f, x, some), loss, 1e-14 * loss);
  expect_near(gradient(f, x, some), g, 1e-13);
  for (const Curvature kind : {Curvature::hessian, Curvature::gauss_newton}) {
    const HessianSample<Cpu, double> H{view(x), some, w.data(), kind};
    Values want = product(bare, H, v);
    for (std::size_t j = 0; j < v.size(); ++j) want[j] += l2 * v[j];
    expect_near(product(f, H, v), want, 1e-13);
    Square matrix_want = matrix(bare, H);
    for (std::size_t j = 0; j < v.size(); ++j) matrix_want[j][j] += l2;
    expect_near(flat(matrix(f, H)), flat(matrix_want), 1e-13);
  }
  Values norms2(5, std::nan("")), norms2_want = norms2;
  f.evaluate(ctx, view(x), some, {.gradient_norms2 = norms2.data()});
  bare.evaluate(ctx, view(x), some, {.gradient_norms2 = norms2_want.data()});
  EXPECT_EQ(norms2, norms2_want);
}

TEST_P(TorchObjectives, GradientNormsAreThoseOfEachRow) {
  const Objective f = problem.objective(ctx);
  const Values x = start(f);
  Values norms2(chosen.size(), std::nan(""));
  f.evaluate(ctx, view(x), some, {.gradient_norms2 = norms2.data()});
  for (std::size_t k = 0; k < chosen.size(); ++k) {
    const Values g = gradient(f, x, {&chosen[k], nullptr, 1, nullptr});
    const double want = std::inner_product(g.begin(), g.end(), g.begin(), 0.0);
    EXPECT_NEAR(norms2[k], want, 1e-13 * want);
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, TorchObjectives,
                         testing::Values(TinyCase{NetworkLoss::cross_entropy, Activation::tanh},
                                         TinyCase{NetworkLoss::cross_entropy, Activation::softplus},
                                         TinyCase{NetworkLoss::mse, Activation::softplus},
                                         TinyCase{NetworkLoss::mse, Activation::relu}),
                         [](const auto& tested) {
                           const TinyCase& c = tested.param;
                           const std::string activation = c.activation == Activation::tanh ? "Tanh"
                                                          : c.activation == Activation::softplus
                                                              ? "Softplus"
                                                              : "Relu";
                           return activation +
                                  (c.loss == NetworkLoss::mse ? "Squares" : "CrossEntropy");
                         });

}  // namespace
}  // namespace randnla
