// Several right-hand sides, numbers of threads, and the choice of a method.
#include "least_squares/matrices.hpp"
#include "least_squares/solving.hpp"

#include <cstring>

namespace randnla::test {
namespace {

using Method = LeastSquaresMethod;
using Stop = LeastSquaresStop;

/// Right-hand sides of all sorts: consistent, far from the range, zero, and in units far apart.
std::vector<double> many_sides(Problem A, index_t sides) {
  std::vector<double> out;
  for (index_t k = 0; k < sides; ++k) {
    set_right_hand_side(at(700 + k),
                        k % 3 == 0 ? 0 : std::pow(10.0, static_cast<double>(k % 7) - 3), A);
    const double unit = k % 5 == 4 ? 0 : std::pow(10.0, static_cast<double>(k % 4) * 20 - 30);
    for (const double v : A.targets) out.push_back(unit * v);
  }
  return out;
}

class Sides : public ::testing::TestWithParam<Method> {
 protected:
  /// Every column within the method's bound, and equal to its solution alone up to twice that.
  void expect_as_one_by_one(const Problem& A, index_t sides, bool sparse) {
    Context<Cpu> ctx(1);
    LeastSquaresOptions options{.method = GetParam(), .rng = {71, 0}};
    // So many that no right-hand side has bad luck.
    if (GetParam() == Method::sketch_and_solve) options.sketch_rows = 12 * A.cols;
    const auto b = many_sides(A, sides);
    const auto got = solve_all<double>(ctx, A, b, sides, options, sparse);
    EXPECT_EQ(got.result.stop, Stop::converged) << name(got.result.stop);
    ASSERT_EQ(got.result.columns.size(), at(sides));
    const Exact exact(A);
    const real eps = std::numeric_limits<double>::epsilon();
    for (index_t k = 0; k < sides; ++k) {
      SCOPED_TRACE("right-hand side " + std::to_string(k));
      Problem p = A;
      p.targets = column(b, A.rows, k);
      const auto x = column(got.x, A.cols, k);
      const Worth worth = exact.worth(x, p.targets, A.cols);
      const BoundCheck check = bound_of(GetParam(), exact, worth, A.cols, eps);
      EXPECT_LE(check.value, slack(GetParam()) * check.bound);
      const auto alone = solve<double>(ctx, p, options, sparse);
      const LeastSquaresColumn& together = got.result.columns[at(k)];
      EXPECT_NEAR(together.residual_norm, alone.result.columns.at(0).residual_norm,
                  1e-9 * together.residual_norm + 1e-12 * together.solution_norm);
      std::vector<double> off = x;
      for (std::size_t j = 0; j < off.size(); ++j) off[j] -= alone.x[j];
      const std::vector<double> zero(at(A.rows), 0);
      // |A (x - y)| for both: what two solutions of a forward stable method may differ by.
      EXPECT_LE(
          exact.worth(off, zero, A.cols).distance,
          2 * slack(Method::normal) * bound_of(Method::normal, exact, worth, A.cols, eps).bound);
    }
  }
};

TEST_P(Sides, AreSolvedAsOneByOne) {
  const Problem A = matrix_of(71, 300, 10, 1e4);
  for (const bool sparse : {false, true}) {
    SCOPED_TRACE(sparse ? "sparse" : "dense");
    expect_as_one_by_one(A, 9, sparse);
  }
}

/// More than the 128 that are worked on at a time.
TEST_P(Sides, InMoreThanOneGroup) { expect_as_one_by_one(matrix_of(72, 120, 4, 100), 131, false); }

/// What is small beside another right-hand side is as well known.
TEST_P(Sides, InUnitsFarApart) {
  Context<Cpu> ctx(1);
  const Problem A = matrix_of(80, 300, 10, 1e3);
  std::vector<double> b;
  for (const double unit : {1.0, 1e-150, 1e150}) {
    const Problem p = scaled(with_right_hand_side(A, 0.5), 1, unit);
    b.insert(b.end(), p.targets.begin(), p.targets.end());
  }
  const auto got = solve_all<double>(ctx, A, b, 3, {.method = GetParam(), .rng = {81, 0}});
  EXPECT_EQ(got.result.stop, Stop::converged) << name(got.result.stop);
  const LeastSquaresColumn& first = got.result.columns.at(0);
  for (const auto& [k, unit] : {std::pair<index_t, double>{1, 1e-150}, {2, 1e150}}) {
    const LeastSquaresColumn& other = got.result.columns.at(at(k));
    EXPECT_NEAR(other.residual_norm / unit, first.residual_norm, 1e-10 * first.residual_norm);
    EXPECT_NEAR(other.solution_norm / unit, first.solution_norm, 1e-10 * first.solution_norm);
    for (std::size_t j = 0; j < 10; ++j) {
      EXPECT_NEAR(got.x[j + at(k) * 10] / unit, got.x[j], 1e-10 * first.solution_norm);
    }
  }
}

TEST_P(Sides, None) {
  Context<Cpu> ctx(1);
  const auto got = solve_all<double>(ctx, matrix_of(73, 60, 4, 100), std::vector<double>{}, 0,
                                     {.method = GetParam()});
  EXPECT_EQ(got.result.stop, Stop::converged);
  EXPECT_TRUE(got.result.columns.empty());
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

template <class T>
void expect_bits_of_one_thread(Method method, const Problem& A, index_t sides) {
  const auto b = many_sides(A, sides);
  for (const bool sparse : {false, true}) {
    SCOPED_TRACE(sparse ? "sparse" : "dense");
    Context<Cpu> one(1);
    const LeastSquaresOptions options{.method = method, .rng = {74, 0}};
    const auto want = solve_all<T>(one, A, b, sides, options, sparse);
    for (const int threads : {2, 3}) {
      Context<Cpu> ctx(threads);
      const auto got = solve_all<T>(ctx, A, b, sides, options, sparse);
      EXPECT_TRUE(same_bits(got.x, want.x)) << threads << " threads";
      EXPECT_EQ(got.result.iterations, want.result.iterations);
      EXPECT_EQ(got.result.condition, want.result.condition);
      for (std::size_t k = 0; k < want.result.columns.size(); ++k) {
        EXPECT_EQ(got.result.columns[k].residual_norm, want.result.columns[k].residual_norm);
        EXPECT_EQ(got.result.columns[k].backward_error, want.result.columns[k].backward_error);
        EXPECT_EQ(got.result.columns[k].optimality, want.result.columns[k].optimality);
      }
    }
  }
}

TEST_P(Sides, BitsDoNotDependOnTheNumberOfThreads) {
  expect_bits_of_one_thread<double>(GetParam(), matrix_of(74, 7000, 13, 1e5), 1);
  expect_bits_of_one_thread<double>(GetParam(), matrix_of(75, 3000, 21, 1e3), 5);
  expect_bits_of_one_thread<float>(GetParam(), matrix_of(76, 3000, 9, 10), 1);
}

INSTANTIATE_TEST_SUITE_P(Methods, Sides, ::testing::ValuesIn(all_methods), method_label);

TEST(LeastSquaresChoice, ByShapeAndCondition) {
  Context<Cpu> ctx(1);
  const auto chosen = [&](index_t m, index_t n, double condition, bool sparse) {
    const Problem p = with_right_hand_side(matrix_of(77, m, n, condition), 0.5);
    const auto got = solve<double>(ctx, p, {}, sparse);
    EXPECT_EQ(got.result.stop, Stop::converged);
    return got.result.method;
  };
  for (const bool sparse : {false, true}) {
    for (const index_t m : {10, 79, 80}) EXPECT_EQ(chosen(m, 10, 10, sparse), Method::normal) << m;
    EXPECT_EQ(chosen(79, 10, 1e11, sparse), Method::qr);
    EXPECT_EQ(chosen(80, 10, 1e11, sparse), Method::fossils);
    EXPECT_EQ(chosen(4, 10, 10, sparse), Method::qr);
  }
}

/// There is a method that solves it, so that it is no excuse.
TEST(LeastSquaresChoice, FallsBackWhereTheGramMatrixOverflows) {
  Context<Cpu> ctx(1);
  const Problem p = with_right_hand_side(matrix_of(82, 300, 12, 10), 0.5);
  for (const double a : {1e-160, 1e160}) {
    const auto got = solve<double>(ctx, scaled(p, a, 1), {});
    EXPECT_EQ(got.result.stop, Stop::converged) << name(got.result.stop);
    EXPECT_EQ(got.result.method, Method::fossils);
  }
  for (const double a : {1e-25, 1e25}) {
    const auto got = solve<float>(ctx, scaled(p, a, 1), {});
    EXPECT_EQ(got.result.stop, Stop::converged) << name(got.result.stop);
    EXPECT_EQ(got.result.method, Method::fossils);
  }
}

/// From 256 columns on a sketch tells beforehand whether the Gram matrix would be of use. A matrix of normal
/// numbers, as orthogonal factors of this size take long.
TEST(LeastSquaresChoice, OfManyColumns) {
  Context<Cpu> ctx(1);
  Problem well{8 * 257, 257, normals(78, 8 * 257 * 257), {}};
  set_right_hand_side(79, 0.5, well);
  const auto noise = normals(80, well.rows, 1e-9);
  Problem ill = changed(well, [&](index_t i, index_t j, double v) {
    return j == 256 ? well.at(i, 3) + noise[at(i)] : v;
  });
  for (const bool sparse : {false, true}) {
    for (const auto& [p, method] : {std::pair{&well, Method::normal}, {&ill, Method::fossils}}) {
      const auto got = solve<double>(ctx, *p, {}, sparse);
      EXPECT_EQ(got.result.method, method) << name(got.result.method);
      EXPECT_EQ(got.result.stop, Stop::converged) << name(got.result.stop);
    }
  }
}

}  // namespace
}  // namespace randnla::test
