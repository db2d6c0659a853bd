// Whole solves, waits for the host and all; least squares and leverage scores beside cuSOLVER's QR. GB/s and %copy are
// of one read of A. Not for nvcc, which refuses the constraints of FiniteSumRef.
#include "cublas.cuh"
#include "cusolver.cuh"
#include "problem.cuh"

#include <randnla/least_squares/least_squares.hpp>
#include <randnla/objective/linear_model.hpp>
#include <randnla/optimize/second_order.hpp>
#include <randnla/sketch/leverage.hpp>

#include <algorithm>
#include <vector>

namespace randnla {
namespace {

/// Logistic regression from zero, Hessians from a twentieth of the rows, eight a column at least, drawn by their
/// lengths.
template <bool cubic>
void minimise(benchmark::State& state) {
  bench::Problem<double> p(state, false);
  const LogisticRegression<Cuda, double> f(p.ctx, p.data, {.l2 = 1e-4});
  Buffer<double, Cuda> x(p.ctx, p.cols);
  SecondOrderOptions options;
  options.hessian.sampling = Sampling::row_norm;
  options.hessian.fraction =
      std::min(1.0, std::max(0.05, 8 * static_cast<double>(p.cols) / static_cast<double>(p.rows)));
  OptimizationResult result;
  bench::measure(state, p.ctx, p.bytes(p.rows), [&] {
    x.upload(std::vector<double>(static_cast<std::size_t>(p.cols)));
    result = cubic ? cubic_newton<Cuda, double>(p.ctx, f, x.view(), options)
                   : trust_region<Cuda, double>(p.ctx, f, x.view(), options);
  });
  state.counters["iterations"] = static_cast<double>(result.iterations);
  state.counters["passes"] = result.work.data_passes + result.certificate_work.data_passes;
  if (!result.certificate.eps_g_met) state.SkipWithError("the gradient is not small");
}

/// cuSOLVER's QR of A by columns, which every call needs a copy of.
class Qr {
 public:
  explicit Qr(bench::Problem<double>& p)
      : ctx_(p.ctx),
        m_(static_cast<int>(p.rows)),
        n_(static_cast<int>(p.cols)),
        solver_(p.ctx.stream()),
        A_(p.ctx, by_columns(p)),
        Q_(p.ctx, A_.size()),
        tau_(p.ctx, p.cols),
        info_(p.ctx, 1) {
    int factor = 0, form = 0, apply = 0;
    check(cusolverDnDgeqrf_bufferSize(solver_, m_, n_, Q_.data(), m_, &factor));
    check(cusolverDnDorgqr_bufferSize(solver_, m_, n_, n_, Q_.data(), m_, tau_.data(), &form));
    check(cusolverDnDormqr_bufferSize(solver_, CUBLAS_SIDE_LEFT, CUBLAS_OP_T, m_, 1, n_, Q_.data(),
                                      m_, tau_.data(), tau_.data(), m_, &apply));
    work_ = Buffer<double, Cuda>(p.ctx, std::max({factor, form, apply}));
  }

  void factor() {
    ctx_.copy(Q_.data(), A_.data(), static_cast<std::size_t>(A_.size()) * sizeof(double));
    check(cusolverDnDgeqrf(solver_, m_, n_, Q_.data(), m_, tau_.data(), work_.data(), length(),
                           info_.data()));
  }
  /// Explicit columns of Q.
  void form() {
    check(cusolverDnDorgqr(solver_, m_, n_, n_, Q_.data(), m_, tau_.data(), work_.data(), length(),
                           info_.data()));
  }
  /// b becomes Q'b and then its first numbers R^-1 Q'b.
  void solve(double* b) {
    check(cusolverDnDormqr(solver_, CUBLAS_SIDE_LEFT, CUBLAS_OP_T, m_, 1, n_, Q_.data(), m_,
                           tau_.data(), b, m_, work_.data(), length(), info_.data()));
    check(cublasDtrsv(ctx_.blas(), CUBLAS_FILL_MODE_UPPER, CUBLAS_OP_N, CUBLAS_DIAG_NON_UNIT, n_,
                      Q_.data(), m_, b, 1));
  }

 private:
  static std::vector<double> by_columns(const bench::Problem<double>& p) {
    const std::vector<double> rows = p.data.values.download();
    std::vector<double> out(rows.size());
    for (index_t i = 0; i < p.rows; ++i) {
      for (index_t j = 0; j < p.cols; ++j)
        out[static_cast<std::size_t>(i + j * p.rows)] =
            rows[static_cast<std::size_t>(i * p.cols + j)];
    }
    return out;
  }
  int length() const { return static_cast<int>(work_.size()); }

  Context<Cuda>& ctx_;
  int m_, n_;
  SolverHandle solver_;
  Buffer<double, Cuda> A_, Q_, tau_, work_;
  Buffer<int, Cuda> info_;
};

template <LeverageMethod method>
void leverage(benchmark::State& state) {
  bench::Problem<double> p(state, false);
  Buffer<double, Cuda> scores(p.ctx, p.rows);
  Qr qr(p);
  const auto geqrf_orgqr = [&] { qr.factor(), qr.form(); };
  bench::measure(
      state, p.ctx, p.bytes(p.rows),
      [&] {
        leverage_scores<Cuda, double>(p.ctx, p.data.view(), {.method = method}, scores.view());
      },
      bench::Peer{"geqrf_orgqr", geqrf_orgqr});
}

template <LeastSquaresMethod method>
void solve(benchmark::State& state) {
  bench::Problem<double> p(state, false);
  Buffer<double, Cuda> x(p.ctx, p.cols), b(p.ctx, p.rows);
  Qr qr(p);
  const auto geqrf_ormqr = [&] {
    p.ctx.copy(b.data(), p.data.targets.data(), static_cast<std::size_t>(p.rows) * sizeof(double));
    qr.factor(), qr.solve(b.data());
  };
  LeastSquaresResult result;
  bench::measure(
      state, p.ctx, p.bytes(2 * p.rows),
      [&] {
        result = least_squares<Cuda, double>(p.ctx, p.data.view(), p.data.targets.view(), x.view(),
                                             {.method = method});
      },
      bench::Peer{"geqrf_ormqr", geqrf_ormqr});
  if (result.stop != LeastSquaresStop::converged) state.SkipWithError(name(result.stop));
}

#define RANDNLA_SOLVE_BENCH(call, label) \
  BENCHMARK(call)->Name("solve_" label "<double>")->Apply(bench::dense_shapes)

RANDNLA_SOLVE_BENCH(minimise<false>, "trust_region");
RANDNLA_SOLVE_BENCH(minimise<true>, "cubic_newton");
RANDNLA_SOLVE_BENCH(solve<LeastSquaresMethod::automatic>, "least_squares_auto");
RANDNLA_SOLVE_BENCH(solve<LeastSquaresMethod::sketch_and_precondition>, "least_squares_lsqr");
RANDNLA_SOLVE_BENCH(solve<LeastSquaresMethod::fossils>, "least_squares_fossils");
RANDNLA_SOLVE_BENCH(leverage<LeverageMethod::automatic>, "leverage_auto");
RANDNLA_SOLVE_BENCH(leverage<LeverageMethod::approximate>, "leverage_approximate");

}  // namespace
}  // namespace randnla
