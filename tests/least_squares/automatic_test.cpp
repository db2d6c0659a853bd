// What `automatic` chooses, by shape and condition.
#include <randnla/data/synthetic.hpp>
#include <randnla/least_squares/least_squares.hpp>

#include <gtest/gtest.h>

namespace randnla {
namespace {

using Method = LeastSquaresMethod;

struct Shape {
  index_t rows, cols;
  double condition;
};

template <class T>
LeastSquaresResult chosen(Shape shape) {
  Context<Cpu> ctx;
  auto data =
      synthetic<T>(ctx, {.rows = shape.rows, .cols = shape.cols, .condition = shape.condition});
  Buffer<T, Cpu> x(ctx, shape.cols);
  return least_squares<Cpu, T>(ctx, data.view(), data.targets.view(), x.view());
}

void expect(Method want, const LeastSquaresResult& got) {
  EXPECT_EQ(got.method, want) << name(got.method);
  EXPECT_EQ(got.stop, LeastSquaresStop::converged) << name(got.stop);
}

TEST(LeastSquaresAutomatic, TakesTheNormalEquationsWhereTheyServe) {
  expect(Method::normal, chosen<double>({3'000, 30, 1e3}));
  expect(Method::normal, chosen<double>({3'000, 300, 1e3}));
  expect(Method::normal, chosen<double>({4'800, 300, 1e3}));
}

TEST(LeastSquaresAutomatic, RefusesThemWhereAIsIllConditioned) {
  for (const Shape shape : {Shape{3'000, 30, 1e9}, {3'000, 300, 1e9}, {4'800, 300, 1e9}}) {
    expect(Method::fossils, chosen<double>(shape));
  }
  expect(Method::qr, chosen<double>({2'000, 300, 1e9}));
}

TEST(LeastSquaresAutomatic, TakesFossilsForManyDenseColumns) {
  expect(Method::fossils, chosen<float>({28'800, 900, 1}));
  expect(Method::normal, chosen<double>({28'799, 900, 1}));
}

}  // namespace
}  // namespace randnla
