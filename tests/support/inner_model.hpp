// A model around a point and a solver that keeps what it learned of it: one harness for all of
// them.
#pragma once

#include "support/dense_reference.hpp"
#include "support/problems.hpp"

#include <randnla/core/random.hpp>
#include <randnla/krylov/inner_result.hpp>

#include <cmath>
#include <vector>

namespace randnla::test {

template <class T>
struct Solved {
  std::vector<T> bits;
  Vector s;
  InnerResult result;
};

/// One model, solved with one option after another in the space of the first; checks that no solve
/// waits, and that solve_again() takes no product.
template <class Solver, class Options, Scalar T, Backend B>
class InnerModel {
 public:
  /// `arguments` of the solver's constructor, after the dimension.
  template <class... Arguments>
  InnerModel(Context<B>& ctx, const Dense& A, const std::vector<double>& g, Arguments... arguments)
      : ctx_(ctx),
        H(ctx, A),
        g_(place<T>(ctx, g)),
        s_(ctx, H.dim()),
        result_(ctx, 1),
        solver_(ctx, H.dim(), arguments...) {}

  Solved<T> solve(const Options& options) {
    const index_t waits = ctx_.counters.host_waits;
    solver_.solve(ctx_, H, g_.view(), s_.view(), result_.data(), Rng{5, 2}, options);
    EXPECT_EQ(ctx_.counters.host_waits, waits);
    return read();
  }
  Solved<T> solve_again(const Options& options) {
    const index_t waits = ctx_.counters.host_waits;
    const int products = H.products;
    solver_.solve_again(ctx_, s_.view(), result_.data(), options);
    EXPECT_EQ(ctx_.counters.host_waits, waits);
    EXPECT_EQ(H.products, products);
    const Solved<T> got = read();
    EXPECT_EQ(got.result.iterations, 0);
    EXPECT_EQ(got.result.products, 0);
    return got;
  }

 private:
  Solved<T> read() {
    const auto bits = s_.download();
    return {bits, cast<real>(bits), result_.read(0)};
  }
  Context<B>& ctx_;

 public:
  CountedMatrix<B, T> H;

 private:
  Buffer<T, B> g_, s_;
  Buffer<InnerResult, B> result_;
  Solver solver_;
};

/// Whatever the lag of the stop flag, `solve` with one option and then `again` with another give the
/// same bits, for a definite and an indefinite H.
template <class Model, Backend B, class Options>
void expect_late_reads_change_no_bit(Context<B>& ctx, const Options& solve, const Options& again) {
  for (const double low : {-5.0, 0.5}) {
    const Dense A = with_spectrum(9, ramp(low, 8, 60));
    const auto g = normals(4, 60);
    ctx.poll_lag = 0;
    Model first(ctx, A, g);
    const auto want = first.solve(solve), want_again = first.solve_again(again);
    EXPECT_EQ(first.H.products, want.result.products);
    for (const int lag : {1, 4}) {
      ctx.poll_lag = lag;
      Model model(ctx, A, g);
      const auto got = model.solve(solve);
      EXPECT_EQ(got.bits, want.bits);
      EXPECT_EQ(got.result.decrease, want.result.decrease);
      EXPECT_EQ(got.result.iterations, want.result.iterations);
      EXPECT_EQ(got.result.products, want.result.products);
      EXPECT_EQ(model.H.products, first.H.products + lag);
      const auto got_again = model.solve_again(again);
      EXPECT_EQ(got_again.bits, want_again.bits);
      EXPECT_EQ(got_again.result.decrease, want_again.result.decrease);
    }
  }
}

/// A gradient or a Hessian that is not finite is an outcome, with a zero step.
template <class Model, Backend B, class Options>
void expect_not_finite_is_an_outcome(Context<B>& ctx, const Options& options) {
  ctx.poll_lag = 4;  // what is queued meanwhile holds NaN, and has no part in the step
  for (const double bad : {std::nan(""), HUGE_VAL}) {
    Dense A = diagonal({1, 2, 3, 4});
    Model gradient(ctx, A, {1, bad, 1, 1});
    EXPECT_EQ(gradient.solve(options).result.stop, InnerStop::not_finite);
    A(1, 1) = bad;
    Model hessian(ctx, A, {1, 1, 1, 1});
    const auto got = hessian.solve(options);
    EXPECT_EQ(got.result.stop, InnerStop::not_finite);
    EXPECT_EQ(got.result.iterations, 1);
    EXPECT_EQ(got.result.decrease, 0);
    EXPECT_EQ(norm2(got.s), 0);
  }
}

}  // namespace randnla::test
