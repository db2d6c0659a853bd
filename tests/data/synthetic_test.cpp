#include "support/statistics.hpp"

#include <randnla/core/error.hpp>
#include <randnla/data/synthetic.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

namespace randnla {
namespace {

constexpr double significance = 1e-6;  // of every statistical test here

template <class T>
class Synthetic : public testing::Test {
 protected:
  Context<Cpu> ctx_{2};
};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(Synthetic, Scalars);

using Matrix = std::vector<std::vector<long double>>;

/// A'A.
Matrix gram(const Dataset<double, Cpu>& data) {
  const auto n = static_cast<std::size_t>(data.cols);
  Matrix G(n, std::vector<long double>(n, 0));
  for (index_t i = 0; i < data.rows; ++i) {
    const double* const row = data.values.data() + i * data.cols;
    for (std::size_t j = 0; j < n; ++j) {
      const long double factor = row[j];
      for (std::size_t k = 0; k <= j; ++k) G[j][k] += factor * row[k];
    }
  }
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t k = 0; k < j; ++k) G[k][j] = G[j][k];
  }
  return G;
}

/// Eigenvalues of a symmetric matrix, ascending, by cyclic Jacobi rotations (Golub & Van Loan,
/// "Matrix Computations", 8.5); small enough entries off the diagonal end it.
std::vector<long double> eigenvalues(Matrix A) {
  const std::size_t n = A.size();
  for (int sweep = 0; sweep < 30; ++sweep) {
    long double off = 0, diagonal = 0;
    for (std::size_t p = 0; p < n; ++p) {
      diagonal += A[p][p] * A[p][p];
      for (std::size_t q = 0; q < p; ++q) off += A[p][q] * A[p][q];
    }
    if (off <= 1e-36L * diagonal) break;
    for (std::size_t p = 0; p < n; ++p) {
      for (std::size_t q = p + 1; q < n; ++q) {
        if (A[p][q] == 0) continue;
        const long double tau = (A[q][q] - A[p][p]) / (2 * A[p][q]);
        const long double t = (tau >= 0 ? 1 : -1) / (std::abs(tau) + std::sqrt(1 + tau * tau));
        const long double c = 1 / std::sqrt(1 + t * t), s = t * c;
        for (std::size_t k = 0; k < n; ++k) {
          const long double x = A[k][p], y = A[k][q];
          A[k][p] = c * x - s * y, A[k][q] = s * x + c * y;
        }
        for (std::size_t k = 0; k < n; ++k) {
          const long double x = A[p][k], y = A[q][k];
          A[p][k] = c * x - s * y, A[q][k] = s * x + c * y;
        }
      }
    }
  }
  std::vector<long double> values(n);
  for (std::size_t p = 0; p < n; ++p) values[p] = A[p][p];
  std::sort(values.begin(), values.end());
  return values;
}

/// x with A x = b, A symmetric and positive definite: Cholesky.
std::vector<long double> solve(Matrix A, std::vector<long double> b) {
  const std::size_t n = A.size();
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t k = 0; k < j; ++k) A[j][j] -= A[j][k] * A[j][k];
    A[j][j] = std::sqrt(A[j][j]);
    for (std::size_t i = j + 1; i < n; ++i) {
      for (std::size_t k = 0; k < j; ++k) A[i][j] -= A[i][k] * A[j][k];
      A[i][j] /= A[j][j];
    }
    for (std::size_t k = 0; k < j; ++k) b[j] -= A[j][k] * b[k];
    b[j] /= A[j][j];
  }
  for (std::size_t j = n; j-- > 0;) {
    for (std::size_t k = j + 1; k < n; ++k) b[j] -= A[k][j] * b[k];
    b[j] /= A[j][j];
  }
  return b;
}

TYPED_TEST(Synthetic, HasTheShapeAsked) {
  using T = TypeParam;
  for (const index_t rows : {1, 31, 4097}) {
    for (const index_t cols : {1, 2, 33}) {
      const auto data = synthetic<T>(this->ctx_, {.rows = rows, .cols = cols});
      EXPECT_EQ(data.rows, rows);
      EXPECT_EQ(data.cols, cols);
      EXPECT_FALSE(data.sparse());
      EXPECT_EQ(data.nonzeros, rows * cols);
      EXPECT_EQ(data.values.size(), rows * cols);
      EXPECT_EQ(data.targets.size(), rows);
      for (const T y : data.targets.download()) ASSERT_TRUE(y == 0 || y == 1);
      for (const T x : data.values.download()) ASSERT_TRUE(std::isfinite(x));
    }
  }
}

TYPED_TEST(Synthetic, SameBitsForAnyNumberOfThreadsAndRows) {
  using T = TypeParam;
  Context<Cpu> one(1), seven(7);
  for (const index_t cols : {1, 7, 50}) {
    const auto all = synthetic<T>(one, {.rows = 10'007, .cols = cols, .seed = 3});
    const auto again = synthetic<T>(seven, {.rows = 10'007, .cols = cols, .seed = 3});
    EXPECT_EQ(all.values.download(), again.values.download());
    EXPECT_EQ(all.targets.download(), again.targets.download());
    const auto first = synthetic<T>(seven, {.rows = 913, .cols = cols, .seed = 3});
    const auto values = all.values.download(), targets = all.targets.download();
    EXPECT_TRUE(std::equal(values.begin(), values.begin() + 913 * cols, first.values.data()));
    EXPECT_TRUE(std::equal(targets.begin(), targets.begin() + 913, first.targets.data()));
  }
}

TEST(SyntheticFloat, IsTheDoubleRounded) {
  Context<Cpu> ctx(2);
  const auto exact = synthetic<double>(ctx, {.rows = 5000, .cols = 23});
  const auto rounded = synthetic<float>(ctx, {.rows = 5000, .cols = 23});
  for (index_t k = 0; k < exact.values.size(); ++k) {
    ASSERT_EQ(rounded.values.data()[k], static_cast<float>(exact.values.data()[k])) << k;
  }
  for (index_t i = 0; i < exact.rows; ++i) {
    ASSERT_EQ(rounded.targets.data()[i], static_cast<float>(exact.targets.data()[i])) << i;
  }
}

TYPED_TEST(Synthetic, SeedsGiveDifferentProblems) {
  using T = TypeParam;
  const auto a = synthetic<T>(this->ctx_, {.rows = 100, .cols = 5, .seed = 1});
  const auto b = synthetic<T>(this->ctx_, {.rows = 100, .cols = 5, .seed = 2});
  for (index_t k = 0; k < a.values.size(); ++k) EXPECT_NE(a.values.data()[k], b.values.data()[k]);
  EXPECT_NE(a.targets.download(), b.targets.download());
}

TEST(SyntheticSpectrum, HasTheConditionAsked) {
  // A = G diag(c) Q with a normal matrix G of n x d: its singular values lie in
  // sqrt(n) (1 -+ (sqrt(d) + t) / sqrt(n)), each side failing with probability exp(-t^2 / 2)
  // (Davidson & Szarek, 2001), and those of A within these factors of the sorted c.
  Context<Cpu> ctx(2);
  constexpr index_t n = 20'000;
  const double t = std::sqrt(2 * std::log(2 / significance));
  for (const double condition : {1.0, 100.0, 1e5}) {
    for (const index_t d : {1, 2, 20}) {
      const auto data =
          synthetic<double>(ctx, {.rows = n, .cols = d, .condition = condition, .coherence = 1});
      const double off = (std::sqrt(static_cast<double>(d)) + t) / std::sqrt(n);
      const auto squares = eigenvalues(gram(data));
      for (index_t j = 0; j < d; ++j) {
        // Largest first: c falls geometrically from 1 to 1 / condition.
        const auto singular =
            static_cast<double>(std::sqrt(squares[static_cast<std::size_t>(d - 1 - j)] / n));
        const double c =
            d == 1 ? 1 : std::pow(condition, -static_cast<double>(j) / static_cast<double>(d - 1));
        EXPECT_GT(singular, c * (1 - off)) << condition << " " << d << " " << j;
        EXPECT_LT(singular, c * (1 + off)) << condition << " " << d << " " << j;
      }
    }
  }
}

TEST(SyntheticSpectrum, NoFeatureIsASingularDirection) {
  // The Gram matrix of A is Q' diag(c^2) Q, about: were Q the identity, its entries off the
  // diagonal would be those of noise, below 6 / sqrt(n) times the diagonal's root product.
  Context<Cpu> ctx(2);
  const auto data =
      synthetic<double>(ctx, {.rows = 20'000, .cols = 10, .condition = 100, .coherence = 1});
  const Matrix G = gram(data);
  for (std::size_t j = 0; j < 10; ++j) {
    long double largest = 0;
    for (std::size_t k = 0; k < 10; ++k) {
      if (k != j) largest = std::max(largest, std::abs(G[j][k]) / std::sqrt(G[j][j] * G[k][k]));
    }
    EXPECT_GT(largest, 6 / std::sqrt(20'000.0L)) << j;
  }
}

/// r_i for all rows: with coherence 1 the same seed gives the same rows of length factor 1.
std::vector<long double> lengths_of(const Dataset<double, Cpu>& data,
                                    const Dataset<double, Cpu>& plain) {
  std::vector<long double> lengths;
  for (index_t i = 0; i < data.rows; ++i) {
    long double a = 0, b = 0;
    for (index_t j = 0; j < data.cols; ++j) {
      const long double x = data.values.data()[i * data.cols + j];
      const long double y = plain.values.data()[i * data.cols + j];
      a += x * x, b += y * y;
    }
    lengths.push_back(std::sqrt(a / b));
  }
  return lengths;
}

TEST(SyntheticRows, LengthsAreLogUniform) {
  Context<Cpu> ctx(2);
  SyntheticOptions options{.rows = 20'000, .cols = 8, .coherence = 5};
  const auto data = synthetic<double>(ctx, options);
  options.coherence = 1;
  const auto plain = synthetic<double>(ctx, options);
  std::vector<long double> position;  // of log r in its interval
  for (const long double r : lengths_of(data, plain)) {
    // A few roundings of the 8 entries each: 1e-14 leaves 45 eps.
    ASSERT_GE(r, 0.2L * (1 - 1e-14L));
    ASSERT_LE(r, 5 * (1 + 1e-14L));
    position.push_back(std::log(r) / (2 * std::log(5.0L)) + 0.5L);
  }
  std::sort(position.begin(), position.end());
  const auto n = static_cast<double>(position.size());
  double distance = 0;
  for (std::size_t k = 0; k < position.size(); ++k) {
    const auto p = static_cast<double>(position[k]);
    distance = std::max({distance, std::abs(p - static_cast<double>(k) / n),
                         std::abs(p - static_cast<double>(k + 1) / n)});
  }
  EXPECT_LT(distance, test::kolmogorov_limit(n, significance));
}

TEST(SyntheticRows, CoherenceIsMeasured) {
  // Leverage scores l_i = a_i' (A'A)^-1 a_i. With lengths 1, l_i n / d is about a chi-square over
  // d; lengths in [1/5, 5] multiply it by r^2 / E r^2. With r^2 = 25^s, s uniform in [-1, 1], and
  // L = log 25: E r^2 = sinh(L) / L, E r^4 = sinh(2 L) / (2 L), E r^4 / (E r^2)^2 = L coth L.
  Context<Cpu> ctx(2);
  constexpr index_t n = 20'000, d = 8;
  auto second_moment = [&](double coherence) {
    const auto data = synthetic<double>(ctx, {.rows = n, .cols = d, .coherence = coherence});
    const Matrix G = gram(data);
    long double sum = 0, squares = 0;
    for (index_t i = 0; i < n; ++i) {
      const double* const row = data.values.data() + i * d;
      const std::vector<long double> a(row, row + d);
      const auto x = solve(G, a);
      long double leverage = 0;
      for (std::size_t j = 0; j < d; ++j) leverage += a[j] * x[j];
      sum += leverage, squares += leverage * leverage;
    }
    EXPECT_NEAR(static_cast<double>(sum), d, 1e-9);  // the trace of a projection
    return static_cast<double>(squares / n * (n / static_cast<long double>(d)) *
                               (n / static_cast<long double>(d)));
  };
  // E (chi-square_d / d)^2 = 1 + 2 / d. The square roots of the relative variances of the two means
  // in it, of l_i^2 and (twice) of r^2, are below 4 and 3, together 5, over sqrt(n): five times
  // that is allowed, and d / n for the estimated Gram matrix.
  const double slack = 25 / std::sqrt(static_cast<double>(n)) + static_cast<double>(d) / n;
  EXPECT_NEAR(second_moment(1) / (1 + 2.0 / d), 1, slack);
  const double spread = std::log(25.0) / std::tanh(std::log(25.0));
  EXPECT_NEAR(second_moment(5) / (1 + 2.0 / d) / spread, 1, slack);
}

TEST(SyntheticLabels, NoiseFlipsAtTheRateAsked) {
  Context<Cpu> ctx(2);
  constexpr index_t n = 100'000;
  SyntheticOptions options{.rows = n, .cols = 3, .label_noise = 0};
  const auto clean = synthetic<double>(ctx, options);
  for (const double rate : {0.05, 0.3, 0.49}) {
    options.label_noise = rate;
    const auto noisy = synthetic<double>(ctx, options);
    EXPECT_EQ(clean.values.download(), noisy.values.download());
    double flips = 0, up = 0;
    for (index_t i = 0; i < n; ++i) {
      if (clean.targets.data()[i] == noisy.targets.data()[i]) continue;
      ++flips;
      up += noisy.targets.data()[i];
    }
    const double limit = test::hoeffding_limit(static_cast<double>(n), significance);
    EXPECT_NEAR(flips / static_cast<double>(n), rate, limit);
    EXPECT_NEAR(up / flips, 0.5, test::hoeffding_limit(flips, significance));
  }
}

TEST(SyntheticLabels, BothClassesAreEquallyLikely) {
  Context<Cpu> ctx(2);
  const auto data = synthetic<double>(ctx, {.rows = 100'000, .cols = 3});
  double positive = 0;
  for (const double y : data.targets.download()) positive += y;
  EXPECT_NEAR(positive / 1e5, 0.5, test::hoeffding_limit(1e5, significance));
}

TEST(SyntheticLabels, TellTheSideOfAPlantedDirection) {
  // Least squares on the labels -1, 1 finds a multiple of the planted direction w = Q' diag(1/c) u:
  // a_i'w = r_i g_i'u. The estimate's direction is off by an angle of about sqrt(d / n) = 0.03, so
  // that a share of it over pi of the rows falls on the wrong side; four times that is allowed.
  Context<Cpu> ctx(2);
  constexpr index_t n = 20'000, d = 20;
  SyntheticOptions options{.rows = n, .cols = d, .condition = 1000, .coherence = 3};
  options.label_noise = 0;
  const auto data = synthetic<double>(ctx, options);
  options.coherence = 1;
  const auto plain = synthetic<double>(ctx, options);
  EXPECT_EQ(data.targets.download(), plain.targets.download());  // the length does not matter
  std::vector<long double> b(d, 0);
  auto row = [&](index_t i) { return plain.values.data() + i * d; };
  for (index_t i = 0; i < n; ++i) {
    const double y = 2 * plain.targets.data()[i] - 1;
    for (std::size_t j = 0; j < d; ++j) b[j] += y * row(i)[j];
  }
  const auto w = solve(gram(plain), b);
  int wrong = 0;
  for (index_t i = 0; i < n; ++i) {
    long double side = 0;
    for (std::size_t j = 0; j < d; ++j) side += row(i)[j] * w[j];
    wrong += (side > 0) != (plain.targets.data()[i] == 1) ? 1 : 0;
  }
  EXPECT_LT(wrong, 4 * n * std::sqrt(static_cast<double>(d) / n) / std::numbers::pi);
  // All singular directions take part: in their coordinates u = diag(c) Q w is a random direction,
  // and the last quarter of it (smallest c) holds more than nothing. Seen without Q: the Gram
  // matrix weighs w'A'A w = n |u|^2 evenly, whereas |A'A w|^2 / n^2 = sum c^2 u^2 would be
  // |u|^2 if only the directions with c = 1 mattered.
  long double even = 0, weighed = 0;
  for (std::size_t j = 0; j < d; ++j) even += w[j] * b[j] / n, weighed += b[j] * b[j] / n / n;
  EXPECT_LT(weighed, even / 2);
}

TYPED_TEST(Synthetic, OptionsOutOfRange) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<SyntheticOptions> wrong;
  for (const index_t rows : {index_t{0}, index_t{-1}}) wrong.push_back({.rows = rows});
  for (const index_t cols : {index_t{0}, index_t{-1}, index_t{1} << 31}) {
    wrong.push_back({.cols = cols});
  }
  wrong.push_back({.rows = (index_t{1} << 46) + 1, .cols = 4});
  for (const double x : {0.99, -1.0, infinity, nan}) {
    wrong.push_back({.condition = x});
    wrong.push_back({.coherence = x});
  }
  for (const double x : {-0.01, 0.5, 1.0, nan}) wrong.push_back({.label_noise = x});
  for (const SyntheticOptions& options : wrong) {
    EXPECT_THROW(synthetic<TypeParam>(this->ctx_, options), InvalidArgument)
        << options.rows << " x " << options.cols << ", " << options.condition << ", "
        << options.coherence << ", " << options.label_noise;
  }
}

}  // namespace
}  // namespace randnla
