// A user's objective whose terms have two numbers of curvature. On the CPU.
#include "optimize/terms.hpp"

#include <randnla/sketch/row_sampling.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace randnla {
namespace {

using test::Method;
using test::methods;
using test::minimize;
using test::Problem;
using test::real;
using test::Vector;

/// Softmax regression with two classes, x = (u, v): f_i = log(e^(a'u) + e^(a'v)) - a'(u or v). A
/// term's curvature is its two probabilities c, whose Hessian is (diag(c) - cc'/(c_1 + c_2)) on the
/// two margins: of degree one in c, so that weights may be multiplied in.
struct TwoClasses {
  const Problem& p;
  double l2;

  index_t dim() const { return 2 * p.cols; }
  index_t terms() const { return p.rows; }
  index_t curvature_size() const { return 2; }
  HessianCosts hessian_costs() const {
    const auto d = static_cast<double>(dim());
    return {2 * d, d * (d + 1) / 2};
  }
  double margin(index_t row, const double* part) const {
    double z = 0;
    for (index_t j = 0; j < p.cols; ++j) z += p.at(row, j) * part[j];
    return z;
  }

  void evaluate(Context<Cpu>&, VectorView<const double, Cpu> x, const Sample<Cpu, double>& sample,
                const Evaluation<Cpu, double>& out) const {
    double value = 0;
    std::vector<double> g(static_cast<std::size_t>(dim()), 0);
    for (index_t j = 0; j < dim(); ++j) {
      value += l2 / 2 * x.data[j] * x.data[j];
      g[static_cast<std::size_t>(j)] = l2 * x.data[j];
    }
    for_rows(sample, [&](index_t k, index_t row) {
      const double weight =
          sample.weights != nullptr ? sample.weights[k] : 1 / static_cast<double>(sample.bound);
      const double z[] = {margin(row, x.data), margin(row, x.data + p.cols)};
      const double top = std::max(z[0], z[1]);
      const double e[] = {std::exp(z[0] - top), std::exp(z[1] - top)};
      const bool first = p.targets[static_cast<std::size_t>(row)] == 1;
      value += weight * (top + std::log(e[0] + e[1]) - (first ? z[0] : z[1]));
      double norm2 = 0;
      for (int c = 0; c < 2; ++c) {
        const double share = e[c] / (e[0] + e[1]), slope = share - (first == (c == 0) ? 1 : 0);
        if (out.curvature != nullptr) out.curvature[2 * k + c] = share;
        for (index_t j = 0; j < p.cols; ++j) {
          g[static_cast<std::size_t>(c * p.cols + j)] += weight * slope * p.at(row, j);
          norm2 += slope * slope * p.at(row, j) * p.at(row, j);
        }
      }
      if (out.gradient_norms2 != nullptr) out.gradient_norms2[k] = norm2;
    });
    if (out.value != nullptr) *out.value = value;
    if (out.gradient != nullptr) std::copy(g.begin(), g.end(), out.gradient);
  }
  void hessian_product(Context<Cpu>&, const HessianSample<Cpu, double>& H,
                       VectorView<const double, Cpu> v, VectorView<double, Cpu> out) const {
    for (index_t j = 0; j < dim(); ++j) out.data[j] = l2 * v.data[j];
    for_rows(H.sample, [&](index_t k, index_t row) {
      const double factor =
          coupling(H.curvature + 2 * k) * (margin(row, v.data) - margin(row, v.data + p.cols));
      for (index_t j = 0; j < p.cols; ++j) {
        out.data[j] += factor * p.at(row, j);
        out.data[p.cols + j] -= factor * p.at(row, j);
      }
    });
  }
  void hessian_matrix(Context<Cpu>& ctx, const HessianSample<Cpu, double>& H,
                      MatrixView<double, Cpu> out) const {
    for (index_t j = 0; j < dim(); ++j) {
      std::vector<double> unit(static_cast<std::size_t>(dim()), 0);
      unit[static_cast<std::size_t>(j)] = 1;
      hessian_product(ctx, H, {unit.data(), dim()}, out.col(j));
    }
  }
  void importance(Context<Cpu>&, VectorView<const double, Cpu> curvature,
                  VectorView<double, Cpu> out) const {
    ASSERT_EQ(curvature.size, 2 * terms());
    for (index_t i = 0; i < terms(); ++i) {
      double norm2 = 0;
      for (index_t j = 0; j < p.cols; ++j) norm2 += p.at(i, j) * p.at(i, j);
      out.data[i] = 2 * coupling(curvature.data + 2 * i) * norm2;
    }
  }

 private:
  static double coupling(const double* c) { return c[0] * c[1] / (c[0] + c[1]); }
  template <class F>
  static void for_rows(const Sample<Cpu, double>& sample, F f) {
    const index_t count = sample.count != nullptr ? *sample.count : sample.bound;
    for (index_t k = 0; k < count; ++k) f(k, sample.rows != nullptr ? sample.rows[k] : k);
  }
};

/// The optimum, by Newton's method in long double on what it is in w = u - v: logistic regression
/// with half the regulariser, for u = -v = w/2 is the shortest pair of that difference.
Vector optimum(const Problem& p, double l2) {
  std::vector<double> w(static_cast<std::size_t>(p.cols), 0);
  Vector exact_w(w.size(), 0);
  for (int step = 0; step < 30; ++step) {
    w = test::cast<double>(exact_w);
    const test::ExactPoint at = exact(LogisticLoss{}, p, l2 / 2, w);
    const Vector s = test::solve(test::eigen(at.hessian), at.gradient);
    for (std::size_t j = 0; j < w.size(); ++j) exact_w[j] = w[j] - s[j];
  }
  return exact_w;
}

TEST(TwoNumbersOfCurvature, ReachTheOptimumFromEverySample) {
  const Problem p = test::classes(5, 200, 4);
  constexpr double l2 = 0.03125, eps_g = 1e-9;
  const Vector w = optimum(p, l2);
  const TwoClasses f{p, l2};
  Context<Cpu> ctx(1);
  for (const Method method : methods) {
    for (const Sampling rule :
         {Sampling::full, Sampling::uniform, Sampling::row_norm, Sampling::row_norm_bernoulli}) {
      for (const auto form : {HessianOptions::Form::passes, HessianOptions::Form::matrix}) {
        for (const auto size : {HessianOptions::Size::fixed, HessianOptions::Size::error_driven}) {
          SCOPED_TRACE(std::string(test::name(method)) + std::to_string(static_cast<int>(rule)));
          SecondOrderOptions options;
          options.hessian.sampling = rule, options.hessian.fraction = 0.5;
          options.hessian.form = form, options.hessian.size = size;
          options.stopping.eps_g = eps_g, options.stopping.max_iterations = 200;
          const auto run = minimize<double, Cpu>(method, ctx, f, test::normals(2, 8), options);
          EXPECT_EQ(run.result.stop, Stop::optimal);
          // Strongly convex: |x - x*| <= |g| / l2.
          for (std::size_t j = 0; j < w.size(); ++j) {
            EXPECT_NEAR(run.x[j], static_cast<double>(w[j] / 2), eps_g / l2);
            EXPECT_NEAR(run.x[j + 4], static_cast<double>(-w[j] / 2), eps_g / l2);
          }
          // The sum u + v has the regulariser's curvature only.
          EXPECT_NEAR(run.result.certificate.lambda_min, l2, 1e-2 * l2);
        }
      }
    }
  }
}

TEST(TwoNumbersOfCurvature, AreWeighedAsTheSampleSays) {
  // The true error of the sampled Hessian, from two matrices that the test adds up itself.
  const Problem p = test::classes(5, 60, 2);
  const TwoClasses f{p, 0};
  Context<Cpu> ctx(1);
  const std::vector<double> start{0.5, -0.25, 0.75, 1};
  std::vector<double> c(2 * 60), q(60);
  Evaluation<Cpu, double> wanted{.curvature = c.data()};
  f.evaluate(ctx, {start.data(), 4}, Sample<Cpu, double>::all(60), wanted);
  f.importance(ctx, {c.data(), 120}, {q.data(), 60});
  for (const Sampling rule : {Sampling::uniform, Sampling::uniform_with_replacement,
                              Sampling::row_norm, Sampling::row_norm_bernoulli}) {
    for (const auto form : {HessianOptions::Form::passes, HessianOptions::Form::matrix}) {
      SecondOrderOptions options;
      options.hessian.sampling = rule, options.hessian.fraction = 0.2501, options.seed = 4;
      options.hessian.form = form;
      options.errors = SecondOrderOptions::Errors::exact, options.stopping.max_iterations = 1;
      const auto run = minimize<double, Cpu>(Method::cubic, ctx, f, start, options);
      RowSampler<Cpu, double> sampler(ctx, 60);
      const auto sample = sampler.draw(ctx, rule, 15, {q.data(), 60}, Rng{4, 0});
      test::Dense error(4);
      const auto add = [&](index_t row, real weight) {
        const real u = c[static_cast<std::size_t>(2 * row)], v = 1 - u;
        for (std::size_t i = 0; i < 4; ++i) {
          for (std::size_t j = 0; j < 4; ++j) {
            error(i, j) += weight * u * v * ((i < 2) == (j < 2) ? 1 : -1) *
                           p.at(row, static_cast<index_t>(i % 2)) *
                           p.at(row, static_cast<index_t>(j % 2));
          }
        }
      };
      for (index_t row = 0; row < 60; ++row) add(row, -1 / 60.0L);
      const index_t count = sample.count != nullptr ? *sample.count : sample.bound;
      for (index_t k = 0; k < count; ++k) {
        add(sample.rows[k], sample.weights != nullptr ? sample.weights[k] : 1 / real(15));
      }
      const real want = test::spectral_norm(error);
      EXPECT_NEAR(run.result.trace.at(0).true_hessian_error, static_cast<double>(want),
                  static_cast<double>(4e-6L * want))
          << static_cast<int>(rule);
    }
  }
}

}  // namespace
}  // namespace randnla
