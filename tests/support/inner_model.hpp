// A model around a point and a solver that keeps what it learned of it: one harness for all of
// them.
#pragma once

#include "support/dense_reference.hpp"

#include <randnla/core/random.hpp>
#include <randnla/krylov/inner_result.hpp>

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

}  // namespace randnla::test
