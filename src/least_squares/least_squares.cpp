#include "least_squares/choices.hpp"
#include "least_squares/lsqr.hpp"
#include "least_squares/methods.hpp"
#include "sketch/srht.hpp"

#include <randnla/core/error.hpp>
#include <randnla/core/streamed_rows.hpp>
#include <randnla/least_squares/least_squares.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <variant>

namespace randnla {
namespace {

using Method = LeastSquaresMethod;
using Stop = LeastSquaresStop;

/// The whole of one call: `method` on a solver, its factor kept for the certificate.
template <Backend B, class T>
class Run {
 public:
  /// A: a RowSource or a LinearMapRef.
  template <class Matrix>
  Run(Context<B>& ctx, const Matrix& A, MatrixView<const T, B> b,
      const LeastSquaresOptions& options)
      : ctx_(ctx), solver_(ctx, A, b, options) {
    result_.method = options.method;
    if (options.method == Method::automatic) result_.method = first_choice(solver_.system);
  }

  LeastSquaresResult run(MatrixView<T, B> x) {
    solve();
    result_.iterations = solver_.iterations;
    result_.passes = solver_.system.passes;
    if (factor_ && factor_->small.finite()) {
      result_.rank = factor_->small.rank();
      result_.condition = factor_->small.condition();
      result_.columns = solver_.certificate(factor_->small);
      result_.stop = judged();
      if (result_.stop != Stop::not_finite && write(x)) return result_;
    }
    if (factor_) result_.stop = Stop::not_finite;
    fill_nan(x);
    return result_;
  }

 private:
  void solve() {
    auto& system = solver_.system;
    if (uses_sketch(result_.method) && system.rows < system.cols) {
      result_.stop = Stop::wide;
      return;
    }
    switch (result_.method) {
      case Method::qr:
        return solve_qr();
      case Method::normal:
        return solve_normal();
      default:
        return solve_sketched();
    }
  }

  void solve_qr() {
    const auto& system = solver_.system;
    factor_.emplace(system.rows < system.cols && system.ridge == 0
                        ? factored_wide(ctx_, solver_.system)
                        : factored_whole(ctx_, solver_.system));
    look_from_start();
  }

  /// With A'A well enough conditioned that two refinements make up for its rounding.
  void solve_normal() {
    auto& system = solver_.system;
    const bool may_change = solver_.options.method == Method::automatic;
    const bool refused = may_change && worth_a_look(system) &&
                         too_ill_conditioned(ctx_, system, solver_.options.rng);
    if (system.rows >= system.cols && !refused) factor_ = factored_normal(ctx_, system);
    if (may_change && !(factor_ && factor_->small.finite())) {  // also where A'A overflows
      result_.method = system.rows < 8 * system.cols ? Method::qr : Method::fossils;
      return solve();
    }
    if (!factor_) {
      result_.stop = Stop::ill_conditioned;
      return;
    }
    look_from_start();
    if (factor_->small.finite()) {
      newton_steps(ctx_, solver_, [&](int) -> const Factored<B, T>& { return *factor_; });
    }
  }

  void solve_sketched() {
    const auto& options = solver_.options;
    const index_t cols = solver_.system.cols;
    result_.sketch_rows = wanted_rows();
    if (options.sampling) {
      if (options.sketch_rows == 0)
        result_.sketch_rows = std::min(result_.sketch_rows, solver_.system.rows);
      return solve_sampled();
    }
    factor_ = sketched(ctx_, solver_.system, sketch(0, result_.sketch_rows));
    if (!factor_->small.finite()) return;
    const auto momentum = Momentum::of(cols, result_.sketch_rows);
    expect_bias(momentum);
    switch (result_.method) {
      case Method::sketch_and_precondition:
        return precondition();
      case Method::iterative_sketching:
        return iterative_sketching(ctx_, solver_, *factor_, momentum);
      case Method::fossils:
        return fossils(ctx_, solver_, *factor_, momentum);
      case Method::iterative_hessian_sketch:
        look_from_start();
        return newton_steps(ctx_, solver_, [&](int k) -> const Factored<B, T>& {
          if (k > 0) factor_ = sketched(ctx_, solver_.system, sketch(k, result_.sketch_rows));
          return *factor_;
        });
      default:
        look_from_start();
    }
  }

  /// A sample's own factor would be blind to what it missed: a sketch judges.
  void solve_sampled() {
    const auto& options = solver_.options;
    const Factored<B, T> sample = sampled(ctx_, solver_.system, options, result_.sketch_rows);
    const index_t rows = sketch_rows({}, result_.method, solver_.system.cols);
    factor_ = sketched(ctx_, solver_.system, sketch(1, rows));
    expect_bias(Momentum::of(solver_.system.cols, rows));
    if (!factor_->small.finite() || !sample.small.finite()) return;
    solver_.start(sample);
    solver_.look(ctx_);
  }

  /// The mean of (A P)'(A P), of a Gaussian sketch an inverse Wishart matrix, is I over 1 - cols / rows.
  void expect_bias(Momentum momentum) {
    solver_.bias = 1 / std::sqrt(std::max(0.1, 1 - momentum.momentum));
  }

  /// The k-th sketch, each of a stream of its own.
  Sketch sketch(int k, index_t rows) const {
    const auto& options = solver_.options;
    const std::uint64_t stream = options.rng.counter + static_cast<std::uint64_t>(k);
    return {.kind = options.sketch,
            .rows = rows,
            .cols = solver_.system.rows,
            .nonzeros = std::min(options.nonzeros, rows),
            .rng = {options.rng.seed, stream}};
  }

  /// Of the sketch. A Hadamard transform of A has no more rows than it pads A's to.
  index_t wanted_rows() const {
    const auto& options = solver_.options;
    const index_t rows = sketch_rows(options, result_.method, solver_.system.cols);
    const bool capped = options.sketch_rows == 0 && options.sketch == SketchKind::srht;
    return capped ? std::min(rows, padded_rows(sketch(0, rows))) : rows;
  }

  void precondition() {
    look_from_start();
    Lsqr<B, T> lsqr(ctx_, solver_, *factor_);
    Buffer<T, B> Y(ctx_, solver_.size());
    // What is attainable depends on the solution, which is not known well before the first round.
    for (int round = 0; round < 3 && !arrived(ctx_, solver_, *factor_, Y.data()); ++round) {
      const auto limits = solver_.attainable(factor_->small, solver_.options.tolerance);
      int iterations = 0;
      for (index_t c = 0; c < solver_.system.count; ++c) {
        const double limit = limits[static_cast<std::size_t>(c)] / 2;
        iterations = std::max(iterations, lsqr.solve(ctx_, c, limit));
      }
      solver_.iterations += iterations;
      solver_.look(ctx_);
    }
  }

  void look_from_start() {
    if (!factor_->small.finite()) return;
    solver_.start(*factor_);
    solver_.look(ctx_);
  }

  Stop judged() {
    const auto limits = solver_.attainable(factor_->small, 0);
    bool holds = true;
    for (std::size_t c = 0; c < limits.size(); ++c) {
      const LeastSquaresColumn& column = result_.columns[c];
      if (!std::isfinite(column.residual_norm) || !std::isfinite(column.solution_norm))
        return Stop::not_finite;
      holds = holds && within_bound(column, limits[c]);
    }
    if (holds) return Stop::converged;
    return solver_.iterations >= solver_.options.max_iterations ? Stop::iteration_limit
                                                                : Stop::stagnated;
  }

  bool within_bound(const LeastSquaresColumn& column, double forward) const {
    const double eps = Solver<B, T>::eps;
    const double excess =
        column.optimality *
        std::hypot(column.residual_norm, std::sqrt(solver_.options.ridge) * column.solution_norm);
    if (solver_.options.tolerance > 0 && column.optimality <= solver_.options.tolerance)
      return true;
    switch (result_.method) {
      case Method::qr:
        return column.backward_error <= 100 * eps;
      case Method::fossils:
        return column.backward_error <= 10 * eps;
      case Method::sketch_and_solve:
        return column.optimality <= std::sqrt(0.5) || excess <= forward;
      default:
        return excess <= forward;
    }
  }

  /// The solution, without the scales of the right-hand sides; whether it has only numbers.
  bool write(MatrixView<T, B> x) {
    std::vector<T> host = solver_.X.download();
    for (index_t c = 0; c < x.cols; ++c) {
      const int exponent = solver_.system.exponent(c);
      T* const column = host.data() + c * x.rows;
      for (index_t j = 0; j < x.rows; ++j) column[j] = std::scalbn(column[j], -exponent);
      ctx_.upload(x.data + c * x.ld, column, static_cast<std::size_t>(x.rows) * sizeof(T));
      LeastSquaresColumn& known = result_.columns[static_cast<std::size_t>(c)];
      known.residual_norm = std::scalbn(known.residual_norm, -exponent);
      known.solution_norm = std::scalbn(known.solution_norm, -exponent);
    }
    return std::ranges::all_of(host, [](T value) { return std::isfinite(value); });
  }

  void fill_nan(MatrixView<T, B> x) {
    const std::vector<T> nan(static_cast<std::size_t>(x.rows), std::numeric_limits<T>::quiet_NaN());
    for (index_t c = 0; c < x.cols; ++c)
      ctx_.upload(x.data + c * x.ld, nan.data(), nan.size() * sizeof(T));
    result_.columns.assign(static_cast<std::size_t>(x.cols), LeastSquaresColumn{});
    for (LeastSquaresColumn& column : result_.columns) {
      column.residual_norm = column.solution_norm = column.optimality = column.backward_error =
          std::numeric_limits<double>::quiet_NaN();
    }
  }

  Context<B>& ctx_;
  Solver<B, T> solver_;
  std::optional<Factored<B, T>> factor_;
  LeastSquaresResult result_;
};

/// Adds the results of further right-hand sides.
void append(LeastSquaresResult& all, LeastSquaresResult more) {
  all.columns.insert(all.columns.end(), more.columns.begin(), more.columns.end());
  all.stop = std::max(all.stop, more.stop);
  all.iterations = std::max(all.iterations, more.iterations);
  all.passes += more.passes;
}

/// `together` right-hand sides at a time.
template <Backend B, class T, class Matrix>
LeastSquaresResult solve_all(Context<B>& ctx, const Matrix& A, MatrixView<const T, B> b,
                             MatrixView<T, B> x, const LeastSquaresOptions& options,
                             index_t together) {
  LeastSquaresResult result;
  for (index_t c = 0; c < b.cols || c == 0; c += together) {
    const index_t count = std::min(together, b.cols - c);
    Run<B, T> run(ctx, A, {b.data + c * b.ld, b.rows, count, b.ld}, options);
    LeastSquaresResult more = run.run({x.data + c * x.ld, x.rows, count, x.ld});
    if (c == 0) {
      result = std::move(more);
    } else {
      append(result, std::move(more));
    }
  }
  return result;
}

}  // namespace

template <Backend B, Scalar T>
LeastSquaresResult least_squares(Context<B>& ctx, const Rows<T, B>& A, MatrixView<const T, B> b,
                                 MatrixView<T, B> x, const LeastSquaresOptions& options) {
  const RowSource<T, B> source(A);
  check<B, T>(source.rows, source.cols, b, x, options);
  return solve_all<B, T>(ctx, source, b, x, options, max_pass_vectors);
}

template <Backend B, Scalar T>
LeastSquaresResult least_squares(Context<B>& ctx, const StreamedRows<T, B>& A,
                                 MatrixView<const T, B> b, MatrixView<T, B> x,
                                 const LeastSquaresOptions& options) {
  const RowSource<T, B> source(A);
  check<B, T>(source.rows, source.cols, b, x, options);
  const bool direct = options.method == Method::qr || options.method == Method::automatic;
  require(source.rows >= source.cols || !direct,
          "least_squares: streamed rows, " + std::to_string(source.rows) + " of " +
              std::to_string(source.cols) + " columns: want as many rows as columns");
  return solve_all<B, T>(ctx, source, b, x, options, max_pass_vectors);
}

template <Backend B, Scalar T>
LeastSquaresResult least_squares(Context<B>& ctx, LinearMapRef<B, T> A, MatrixView<const T, B> b,
                                 MatrixView<T, B> x, const LeastSquaresOptions& options) {
  check<B, T>(A.rows(), A.cols(), b, x, options);
  LeastSquaresOptions used = options;
  if (used.method == Method::automatic) used.method = Method::sketch_and_precondition;
  require(uses_sketch(used.method) && !used.sampling,
          std::string("least_squares: a map has no rows for ") +
              (used.sampling ? "a sample" : name(used.method)));
  return solve_all<B, T>(ctx, A, b, x, used, 1);
}

template <Backend B, Scalar T>
LeastSquaresResult least_squares(Context<B>& ctx, MatrixView<const T, B> A,
                                 MatrixView<const T, B> b, MatrixView<T, B> x,
                                 const LeastSquaresOptions& options) {
  Buffer<T, B> rows(ctx, A.rows * A.cols);
  T* const to = rows.data();
  for_each(ctx, A.rows * A.cols,
           [=] RANDNLA_FN(index_t e) { to[e] = A.data[e / A.cols + e % A.cols * A.ld]; });
  return least_squares<B, T>(ctx, DenseRows<T, B>{to, A.rows, A.cols}, b, x, options);
}

template LeastSquaresResult least_squares(Context<ThisBackend>&,
                                          const StreamedRows<float, ThisBackend>&,
                                          MatrixView<const float, ThisBackend>,
                                          MatrixView<float, ThisBackend>,
                                          const LeastSquaresOptions&);
template LeastSquaresResult least_squares(Context<ThisBackend>&,
                                          const StreamedRows<double, ThisBackend>&,
                                          MatrixView<const double, ThisBackend>,
                                          MatrixView<double, ThisBackend>,
                                          const LeastSquaresOptions&);
template LeastSquaresResult least_squares(Context<ThisBackend>&, LinearMapRef<ThisBackend, float>,
                                          MatrixView<const float, ThisBackend>,
                                          MatrixView<float, ThisBackend>,
                                          const LeastSquaresOptions&);
template LeastSquaresResult least_squares(Context<ThisBackend>&, LinearMapRef<ThisBackend, double>,
                                          MatrixView<const double, ThisBackend>,
                                          MatrixView<double, ThisBackend>,
                                          const LeastSquaresOptions&);
template LeastSquaresResult least_squares(Context<ThisBackend>&,
                                          MatrixView<const float, ThisBackend>,
                                          MatrixView<const float, ThisBackend>,
                                          MatrixView<float, ThisBackend>,
                                          const LeastSquaresOptions&);
template LeastSquaresResult least_squares(Context<ThisBackend>&,
                                          MatrixView<const double, ThisBackend>,
                                          MatrixView<const double, ThisBackend>,
                                          MatrixView<double, ThisBackend>,
                                          const LeastSquaresOptions&);
template LeastSquaresResult least_squares(Context<ThisBackend>&, const Rows<float, ThisBackend>&,
                                          MatrixView<const float, ThisBackend>,
                                          MatrixView<float, ThisBackend>,
                                          const LeastSquaresOptions&);
template LeastSquaresResult least_squares(Context<ThisBackend>&, const Rows<double, ThisBackend>&,
                                          MatrixView<const double, ThisBackend>,
                                          MatrixView<double, ThisBackend>,
                                          const LeastSquaresOptions&);

}  // namespace randnla
