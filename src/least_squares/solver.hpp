// One problem and the state of its solution.
#pragma once

#include "least_squares/direct.hpp"
#include "least_squares/steps.hpp"

namespace randnla {

template <Backend B, class T>
class Solver {
 public:
  using Stop = LeastSquaresStop;

  /// A: a RowSource or a LinearMapRef.
  template <class Matrix>
  Solver(Context<B>& ctx, const Matrix& A, MatrixView<const T, B> b,
         const LeastSquaresOptions& given)
      : options(given),
        system(ctx, A, b, given.ridge),
        X(ctx, system.cols * system.count),
        G(ctx, system.cols * system.count),
        side_norms_(system.side_norms(ctx)) {}

  index_t size() const { return system.cols * system.count; }

  void start(const Factored<B, T>& factor) { X.upload({factor.start.begin(), factor.start.end()}); }
  /// The residual at X.
  void look(Context<B>& ctx) { system.residual(ctx, X.data(), G.data()); }

  /// |A(x - x*)| that a forward stable method attains in the scaled problem, or `tolerance` times the residual
  /// if that is more; for each right-hand side, about the last residual. Waits.
  std::vector<double> attainable(const SmallFactor& small, double tolerance) const {
    const std::vector<double> residuals = system.residual_norms(), x = wide(X);
    std::vector<double> limits;
    for (index_t c = 0; c < system.count; ++c) {
      const double r = residuals[static_cast<std::size_t>(c)];
      const double forward = small.largest() * small.scaled_norm(x.data() + c * system.cols) +
                             0.04 * small.condition() * r;
      limits.push_back(std::max(10 * eps * forward, tolerance * r));
    }
    return limits;
  }

  /// What is known of X, from the last residual. Waits.
  std::vector<LeastSquaresColumn> certificate(const SmallFactor& small) const {
    const std::vector<double> residuals = system.residual_norms(), x = wide(X), g = wide(G);
    std::vector<LeastSquaresColumn> out;
    for (index_t c = 0; c < system.count; ++c) {
      const auto at = static_cast<std::size_t>(c);
      out.push_back(column(small, x.data() + c * system.cols, g.data() + c * system.cols,
                           residuals[at], side_norms_[at]));
    }
    return out;
  }

  static constexpr double eps = static_cast<double>(std::numeric_limits<T>::epsilon());

  const LeastSquaresOptions options;
  System<B, T> system;
  Buffer<T, B> X, G;  // solutions so far; A'(b - A X) - ridge X where a residual was last computed
  int iterations = 0;
  /// |P'A'r| over |A(x - x*)| in the mean, where P is a sketch's.
  double bias = 1;

 private:
  static std::vector<double> wide(const Buffer<T, B>& buffer) {
    const std::vector<T> host = buffer.download();
    return {host.begin(), host.end()};
  }

  LeastSquaresColumn column(const SmallFactor& small, const double* x, const double* g,
                            double residual, double side) const {
    LeastSquaresColumn out;
    out.residual_norm = residual;
    for (index_t j = 0; j < system.cols; ++j)
      out.solution_norm = std::hypot(out.solution_norm, x[j]);
    const double r =
        std::hypot(residual, std::sqrt(static_cast<double>(system.ridge)) * out.solution_norm);
    const double excess = small.whitened_norm(g);
    if (excess > 0) out.optimality = excess / r / bias;
    if (side > 0) out.backward_error = backward_error(small, small.scaled_norm(x), g, r, side);
    return out;
  }

  /// Karlson & Walden's estimate, with theta = |A| / |b|, over |A|.
  static double backward_error(const SmallFactor& small, double x, const double* g, double r,
                               double side) {
    const double theta = small.norm() / side, weight = std::hypot(1, theta * x);
    const double root_mu = theta / weight * r;
    if (!(root_mu > 0)) return 0;  // r = 0, or A = 0
    return theta / weight * small.damped_norm(g, root_mu * root_mu) / small.norm();
  }

  std::vector<double> side_norms_;
};

}  // namespace randnla
