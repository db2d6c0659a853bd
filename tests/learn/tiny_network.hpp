// A tiny perceptron, its data, and the same written down once more without libtorch: what the
// objective is compared with.
#pragma once

#include "learn/hyper_dual.hpp"

#include <randnla/learn/mlp.hpp>
#include <randnla/learn/torch_objective.hpp>

#include <torch/utils.h>

#include <string>
#include <utility>
#include <vector>

namespace randnla::test {

using Values = std::vector<double>;
using Square = std::vector<Values>;  // by rows

struct TinyCase {
  NetworkLoss loss;
  Activation activation;
};

/// 3 inputs, 4 and 3 hidden, 3 outputs: 43 parameters; 12 rows.
struct TinyProblem {
  static constexpr index_t rows = 12, inputs = 3, outputs = 3;

  explicit TinyProblem(TinyCase given) : what(given) {
    torch::manual_seed(7);
    net = mlp(sizes, what.activation, torch::kDouble);
    features = torch::randn({rows, inputs}, torch::kDouble);
    classes = torch::randint(outputs, {rows}, torch::kInt64);
    values = torch::randn({rows, outputs}, torch::kDouble);
  }

  const torch::Tensor& targets() const { return what.loss == NetworkLoss::mse ? values : classes; }
  TorchObjective<Cpu, double> objective(Context<Cpu>& ctx, index_t micro_batch = 1024,
                                        double l2 = 0) const {
    return {ctx, net, features, targets(), {what.loss, micro_batch, l2}};
  }

  TinyCase what;
  std::vector<index_t> sizes{inputs, 4, 3, outputs};
  Network net;
  torch::Tensor features, classes, values;
};

inline HyperDual activate(Activation activation, HyperDual x) {
  switch (activation) {
    case Activation::relu:
      return relu(x);
    case Activation::softplus:
      return softplus(x);
    case Activation::tanh:
      return tanh(x);
    case Activation::logistic:
      return logistic(x);
  }
  return {};
}

using Duals = std::vector<HyperDual>;

/// Outputs for one row; parameters layer by layer, weights (outputs x inputs) by rows, then biases.
inline Duals reference_outputs(const TinyProblem& p, const Duals& x, index_t row) {
  Duals layer;
  for (index_t j = 0; j < TinyProblem::inputs; ++j) {
    layer.push_back({p.features[row][j].item<double>()});
  }
  std::size_t at = 0;
  for (std::size_t k = 1; k < p.sizes.size(); ++k) {
    const auto in = static_cast<std::size_t>(p.sizes[k - 1]);
    const auto out = static_cast<std::size_t>(p.sizes[k]);
    Duals next(out);
    for (std::size_t i = 0; i < out; ++i) {
      for (std::size_t j = 0; j < in; ++j) next[i] = next[i] + x[at + i * in + j] * layer[j];
      next[i] = next[i] + x[at + out * in + i];
      if (k + 1 < p.sizes.size()) next[i] = activate(p.what.activation, next[i]);
    }
    at += out * (in + 1);
    layer = std::move(next);
  }
  return layer;
}

inline HyperDual reference_loss(const TinyProblem& p, const Duals& z, index_t row) {
  HyperDual sum;
  if (p.what.loss == NetworkLoss::cross_entropy) {
    for (const HyperDual& each : z) sum = sum + exp(each);
    return log(sum) - z[static_cast<std::size_t>(p.classes[row].item<index_t>())];
  }
  for (std::size_t j = 0; j < z.size(); ++j) {
    const HyperDual r = z[j] - HyperDual{p.values[row][static_cast<index_t>(j)].item<double>()};
    sum = sum + r * r;
  }
  return HyperDual{1.0 / static_cast<double>(z.size())} * sum;
}

/// With e1 and e2 set on two of the entries.
inline Duals marked(const Values& x, std::size_t first, std::size_t second) {
  Duals duals;
  for (const double value : x) duals.push_back({value});
  duals[first].d1 = 1;
  duals[second].d2 = 1;
  return duals;
}

/// sum_k weights[k] hess f_rows[k](x), entry by entry.
inline Square reference_hessian(const TinyProblem& p, const Values& x,
                                const std::vector<index_t>& rows, const Values& weights) {
  Square H(x.size(), Values(x.size(), 0));
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = 0; j < x.size(); ++j) {
      const Duals at = marked(x, i, j);
      for (std::size_t k = 0; k < rows.size(); ++k) {
        H[i][j] += weights[k] * reference_loss(p, reference_outputs(p, at, rows[k]), rows[k]).d12;
      }
    }
  }
  return H;
}

/// The same of J'HJ: the Jacobian of the outputs, and the loss's Hessian as it is in the textbook.
inline Square reference_gauss_newton(const TinyProblem& p, const Values& x,
                                     const std::vector<index_t>& rows, const Values& weights) {
  const std::size_t d = x.size(), m = TinyProblem::outputs;
  Square G(d, Values(d, 0));
  for (std::size_t k = 0; k < rows.size(); ++k) {
    Square J(m, Values(d));
    Duals z;
    for (std::size_t i = 0; i < d; ++i) {
      z = reference_outputs(p, marked(x, i, i), rows[k]);
      for (std::size_t c = 0; c < m; ++c) J[c][i] = z[c].d1;
    }
    double sum = 0;
    for (const HyperDual& each : z) sum += std::exp(each.value);
    for (std::size_t a = 0; a < m; ++a) {
      for (std::size_t b = 0; b < m; ++b) {
        const double pa = std::exp(z[a].value) / sum, pb = std::exp(z[b].value) / sum;
        const double H =
            p.what.loss == NetworkLoss::mse ? (a == b ? 2.0 / m : 0) : (a == b ? pa : 0) - pa * pb;
        for (std::size_t i = 0; i < d; ++i) {
          for (std::size_t j = 0; j < d; ++j) G[i][j] += weights[k] * J[a][i] * H * J[b][j];
        }
      }
    }
  }
  return G;
}

}  // namespace randnla::test
