// Options and sizes that cannot be, and numbers that are not finite.
#include "least_squares/matrices.hpp"
#include "least_squares/solving.hpp"

#include <randnla/core/error.hpp>

namespace randnla::test {
namespace {

using Method = LeastSquaresMethod;
using Stop = LeastSquaresStop;

class Refusal : public ::testing::Test {
 protected:
  Context<Cpu> ctx{1};
  Problem p = with_right_hand_side(matrix_of(81, 100, 6, 10), 0.5);

  /// One message that has all of these words.
  void expect_refusal(const LeastSquaresOptions& options, const std::vector<std::string>& words) {
    try {
      solve<double>(ctx, p, options);
      ADD_FAILURE() << "accepted; want a refusal with " << words[0];
    } catch (const InvalidArgument& error) {
      for (const std::string& word : words) {
        EXPECT_NE(std::string(error.what()).find(word), std::string::npos)
            << error.what() << ": wants " << word;
      }
    }
  }
};

TEST_F(Refusal, OptionsOutOfRange) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  expect_refusal({.ridge = -1}, {"ridge", "-1"});
  expect_refusal({.ridge = nan}, {"ridge", "nan"});
  expect_refusal({.ridge = infinity}, {"ridge", "inf"});
  expect_refusal({.method = Method::fossils, .tolerance = -0.5}, {"tolerance", "-0.5"});
  expect_refusal({.method = Method::fossils, .tolerance = nan}, {"tolerance", "nan"});
  expect_refusal({.method = Method::fossils, .max_iterations = 0}, {"iterations", "0"});
  expect_refusal({.method = Method::fossils, .sketch_rows = -3}, {"rows", "-3"});
  expect_refusal({.method = Method::fossils, .nonzeros = 0}, {"nonzeros", "0"});
}

/// A sketch with fewer rows than A has columns cannot say anything of all of A.
TEST_F(Refusal, SketchesThatAreTooSmall) {
  for (const Method method : all_methods) {
    if (!is_sketched(method)) continue;
    expect_refusal({.method = method, .sketch_rows = 5}, {"5", "6"});
  }
}

TEST_F(Refusal, GivenScoresThatAreNone) {
  std::vector<double> scores(at(p.rows), 1);
  const auto expect = [&](const std::vector<std::string>& words) {
    for (const Sampling rule : {Sampling::given, Sampling::given_bernoulli}) {
      expect_refusal({.method = Method::sketch_and_solve, .sampling = rule, .scores = scores},
                     words);
    }
  };
  scores[3] = -0.5;
  expect({"row 3", "-0.5"});
  scores[3] = std::numeric_limits<double>::infinity();
  expect({"row 3", "inf"});
  scores.assign(scores.size(), 0);
  expect({"all scores are 0"});
  scores.pop_back();
  expect({"99", "100"});
}

TEST_F(Refusal, OptionsThatSayNothingToTheMethod) {
  for (const Method method : {Method::qr, Method::normal}) {
    expect_refusal({.method = method, .sketch_rows = 50}, {"rows", name(method)});
  }
  for (const Method method : all_methods) {
    if (method == Method::sketch_and_solve) continue;
    expect_refusal({.method = method, .sampling = Sampling::uniform}, {"sampled", name(method)});
  }
  const std::vector<double> ones(40, 1);
  expect_refusal({.method = Method::sketch_and_solve, .scores = ones}, {"scores", "given"});
}

/// x, b and their sizes.
TEST_F(Refusal, SizesThatDoNotAgree) {
  const auto data = dataset<Cpu, double>(ctx, p);
  std::vector<double> b(300), x(30);
  const auto expect = [&](index_t b_rows, index_t b_cols, index_t x_rows, index_t x_cols,
                          const std::string& got, const std::string& want) {
    try {
      least_squares(ctx, data.view(),
                    MatrixView<const double, Cpu>{b.data(), b_rows, b_cols, b_rows},
                    MatrixView<double, Cpu>{x.data(), x_rows, x_cols, x_rows});
      ADD_FAILURE() << "accepted";
    } catch (const InvalidArgument& error) {
      EXPECT_NE(std::string(error.what()).find(got), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find(want), std::string::npos) << error.what();
    }
  };
  expect(99, 1, 6, 1, "99", "100");
  expect(100, 1, 7, 1, "7", "6");
  expect(100, 2, 6, 3, "3", "2");
}

class NotFinite : public ::testing::TestWithParam<Method> {
 protected:
  Context<Cpu> ctx{1};
  Problem p = with_right_hand_side(matrix_of(82, 200, 6, 10), 0.5);

  void expect_not_finite(const Problem& q) {
    for (const bool sparse : {false, true}) {
      const auto got = solve<double>(ctx, q, {.method = GetParam()}, sparse);
      EXPECT_EQ(got.result.stop, Stop::not_finite) << name(got.result.stop);
      for (const double v : got.x) EXPECT_TRUE(std::isnan(v));
    }
  }
};

TEST_P(NotFinite, AnEntryOfA) {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
        -std::numeric_limits<double>::infinity()}) {
    for (const index_t row : {0, 131, 199}) {
      Problem q = p;
      q.values[at(row * 6 + 4)] = bad;
      expect_not_finite(q);
    }
  }
}

TEST_P(NotFinite, AnEntryOfB) {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    Problem q = p;
    q.targets[77] = bad;
    expect_not_finite(q);
  }
}

/// The others are solved or are NaN, too: never anything else.
TEST_P(NotFinite, OneOfSeveralRightHandSides) {
  std::vector<double> b = p.targets;
  b.insert(b.end(), p.targets.begin(), p.targets.end());
  b[at(200 + 13)] = std::numeric_limits<double>::quiet_NaN();
  b.insert(b.end(), p.targets.begin(), p.targets.end());
  const auto got = solve_all<double>(ctx, p, b, 3, {.method = GetParam()});
  EXPECT_EQ(got.result.stop, Stop::not_finite) << name(got.result.stop);
  for (const double v : column(got.x, 6, 1)) EXPECT_TRUE(std::isnan(v));
  const auto want = solve<double>(ctx, p, {.method = GetParam()}).x;
  for (const index_t k : {0, 2}) {
    const auto x = column(got.x, 6, k);
    for (std::size_t j = 0; j < 6; ++j) {
      EXPECT_TRUE(std::isnan(x[j]) == std::isnan(x[0]));
      EXPECT_TRUE(std::isnan(x[j]) || std::abs(x[j] - want[j]) <= 1e-12) << x[j];
    }
  }
}

/// Where the entries of x are no numbers of the type.
TEST_P(NotFinite, SolutionsBeyondTheRange) {
  const Problem far = scaled(p, 1e-200, 1e150);
  if (GetParam() == Method::normal) {  // A'A is zero
    const auto got = solve<double>(ctx, far, {.method = GetParam()});
    EXPECT_EQ(got.result.stop, Stop::ill_conditioned) << name(got.result.stop);
    EXPECT_TRUE(std::isnan(got.x.at(0)));
    return;
  }
  expect_not_finite(far);
}

INSTANTIATE_TEST_SUITE_P(Methods, NotFinite, ::testing::ValuesIn(all_methods), method_label);

}  // namespace
}  // namespace randnla::test
