// `randnla lstsq`, as a user's shell starts it.
#include "app/program.hpp"

#include <randnla/io/npy.hpp>
#include <randnla/least_squares/least_squares.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

namespace randnla::test {
namespace {

using Words = std::vector<std::string>;

class LstsqProgram : public ::testing::Test {
 protected:
  /// 500 x 4 and two right-hand sides, b = A (1, -2, 3, 0.5) + a little and another.
  void SetUp() override {
    for (int e = 0; e < rows * cols; ++e) A.push_back(std::cos(1.7 * e * e + e % 13));
    for (int i = 0; i < rows; ++i) {
      const double* const a = A.data() + static_cast<std::ptrdiff_t>(i) * cols;
      b.push_back(a[0] - 2 * a[1] + 3 * a[2] + 0.5 * a[3] + 0.1 * std::sin(3.1 * i * i));
      both.push_back(b.back()), both.push_back(std::sin(0.3 * i));
    }
    write_npy_matrix<double>(matrix, DenseRows<double, Cpu>{A.data(), rows, cols});
    write_npy_matrix<double>(sides, DenseRows<double, Cpu>{both.data(), rows, 2});
    write_npy(side, b);
  }
  Words command(const Words& more) const {
    Words words = {"lstsq", "--matrix", matrix, "--out", out};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  LeastSquaresResult in_library(const LeastSquaresOptions& options, std::vector<double>& x) const {
    Context<Cpu> ctx(1);
    x.resize(cols);
    return least_squares(ctx, Rows<double, Cpu>(DenseRows<double, Cpu>{A.data(), rows, cols}),
                         VectorView<const double, Cpu>{b.data(), rows},
                         VectorView<double, Cpu>{x.data(), cols}, options);
  }

  static constexpr int rows = 500, cols = 4;
  TemporaryFolder folder;
  std::string matrix = folder.file("A.npy"), side = folder.file("b.npy"),
              sides = folder.file("B.npy"), out = folder.file("x.npy");
  std::vector<double> A, b, both;
};

TEST_F(LstsqProgram, WritesWhatTheLibraryComputes) {
  const Outcome outcome = run(command(
      {"--rhs", side, "--method", "fossils", "--sketch", "sparse-sign", "--sketch-rows", "60",
       "--nonzeros", "5", "--ridge", "0.25", "--seed", "9", "--threads", "2", "--json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  std::vector<double> want;
  const LeastSquaresResult result = in_library({.method = LeastSquaresMethod::fossils,
                                                .ridge = 0.25,
                                                .sketch = SketchKind::sparse_sign,
                                                .sketch_rows = 60,
                                                .nonzeros = 5,
                                                .rng = {9, 0}},
                                               want);
  EXPECT_EQ(read_npy(out), want);
  const auto json = outcome.json();
  EXPECT_EQ(json["rows"], rows);
  EXPECT_EQ(json["cols"], cols);
  EXPECT_EQ(json["method"], "fossils");
  EXPECT_EQ(json["stop"], "converged");
  EXPECT_EQ(json["rank"], cols);
  EXPECT_EQ(json["sketch"], "sparse-sign");
  EXPECT_EQ(json["sketch_rows"], 60);
  EXPECT_EQ(json["nonzeros"], 5);
  EXPECT_EQ(json["condition"], result.condition);
  EXPECT_EQ(json["iterations"], result.iterations);
  EXPECT_EQ(json["passes"], result.passes);
  ASSERT_EQ(json["right_hand_sides"].size(), 1U);
  const auto& column = json["right_hand_sides"][0];
  EXPECT_EQ(column["residual_norm"], result.columns[0].residual_norm);
  EXPECT_EQ(column["solution_norm"], result.columns[0].solution_norm);
  EXPECT_EQ(column["optimality"], result.columns[0].optimality);
  EXPECT_EQ(column["backward_error"], result.columns[0].backward_error);
}

TEST_F(LstsqProgram, ChoosesAMethodAndShowsTheCertificate) {
  const Outcome outcome = run(command({"--rhs", side}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  std::vector<double> want;
  const LeastSquaresResult result = in_library({.rng = {1, 0}}, want);
  EXPECT_EQ(read_npy(out), want);
  const auto lines = outcome.out_lines();
  ASSERT_EQ(lines.size(), 6U) << outcome.out;
  EXPECT_EQ(lines[0], matrix + ": 500 x 4, dense; right-hand side: " + side);
  EXPECT_EQ(lines[1].rfind("normal: converged in ", 0), 0U) << lines[1];
  EXPECT_EQ(lines[2].rfind("rank 4, condition ", 0), 0U) << lines[2];
  char residual[32];
  std::snprintf(residual, sizeof(residual), "%14.6g ", result.columns[0].residual_norm);
  EXPECT_EQ(lines[4].rfind(residual, 0), 0U) << lines[4];
  EXPECT_EQ(lines[5], "x is written to " + out);
}

TEST_F(LstsqProgram, SolvesForEveryColumnOfAFile) {
  const Outcome outcome = run(command({"--rhs", sides, "--method", "qr", "--json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.json()["right_hand_sides"].size(), 2U);
  const NpyMatrix<double> x = read_npy_matrix<double>(out);
  ASSERT_EQ(x.rows, cols);
  ASSERT_EQ(x.cols, 2);
  std::vector<double> want;
  in_library({.method = LeastSquaresMethod::qr}, want);
  for (std::size_t j = 0; j < cols; ++j) EXPECT_NEAR(x.values[2 * j], want[j], 1e-13);
}

/// 1, 2, 4 = x1 + x2 t at t = 0, 1, 2: x = (5/6, 3/2).
TEST_F(LstsqProgram, ReadsTextAndMatrixMarket) {
  const std::string mtx = folder.write(
      "A.mtx",
      "%%MatrixMarket matrix coordinate real general\n3 2 5\n1 1 1\n2 1 1\n3 1 1\n2 2 1\n3 2 2\n");
  const std::string text = folder.write("b.txt", "1\n2\n4\n");
  const Outcome outcome = run({"lstsq", "--matrix", mtx, "--rhs", text, "--out", out, "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.json()["storage"], "sparse");
  const auto x = read_npy(out);
  ASSERT_EQ(x.size(), 2U);
  EXPECT_NEAR(x[0], 5.0 / 6, 1e-14);
  EXPECT_NEAR(x[1], 1.5, 1e-14);
  EXPECT_NEAR(outcome.json()["right_hand_sides"][0]["residual_norm"].get<double>(),
              std::sqrt(1.0 / 6), 1e-14);
}

TEST_F(LstsqProgram, TakesLabelsOrAColumnOfTheMatrix) {
  const std::string csv = folder.write("A.csv", "one,t,y\n1,0,1\n1,1,2\n1,2,4\n");
  const std::string svm = folder.write("A.svm", "1 1:1\n2 1:1 2:1\n4 1:1 2:2\n");
  const std::string mtx =
      folder.write("A.mtx",
                   "%%MatrixMarket matrix coordinate real general\n3 3 8\n1 1 1\n"
                   "1 2 1\n2 1 2\n2 2 1\n2 3 1\n3 1 4\n3 2 1\n3 3 2\n");
  for (const Words& words : {Words{csv, "--rhs", "targets"}, Words{svm, "--rhs", "targets"},
                             Words{csv, "--label-column", "0", "--rhs", "column", "3"},
                             Words{mtx, "--rhs", "column", "1"}}) {
    Words all = {"lstsq", "--out", out, "--json", "--matrix"};
    all.insert(all.end(), words.begin(), words.end());
    const Outcome outcome = run(all);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.json()["cols"], 2);
    const auto x = read_npy(out);
    ASSERT_EQ(x.size(), 2U);
    EXPECT_NEAR(x[0], 5.0 / 6, 1e-14);
    EXPECT_NEAR(x[1], 1.5, 1e-14);
  }
}

TEST_F(LstsqProgram, GeneratesData) {
  const Outcome outcome = run({"lstsq", "--matrix", "synthetic", "--rows", "2000", "--cols", "6",
                               "--rhs", "targets", "--method", "sketch-and-solve", "--sampling",
                               "leverage", "--sketch-rows", "300", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.json()["rows"], 2000);
  EXPECT_EQ(outcome.json()["sampling"], "leverage");
  EXPECT_TRUE(outcome.json()["sketch"].is_null());
  EXPECT_TRUE(outcome.json()["out"].is_null());
}

/// Not an error: `stop` says it, and x is nan.
TEST_F(LstsqProgram, EndsWithWhatStopSays) {
  const std::string csv = folder.write("wide.csv", "1,2,3,1\n4,5,6,2\n");
  const Outcome outcome = run({"lstsq", "--matrix", csv, "--rhs", "targets", "--method", "fossils",
                               "--out", out, "--json"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.json()["stop"], "wide");
  for (const double v : read_npy(out)) EXPECT_TRUE(std::isnan(v));
}

TEST_F(LstsqProgram, RefusesOptionsThatSayNothing) {
  expect_refusal(command({"--rhs", side, "--method", "qr", "--sketch-rows", "50"}), 2,
                 "--sketch-rows says nothing to --method qr", folder);
  expect_refusal(command({"--rhs", side, "--sampling", "uniform"}), 2,
                 "--sampling says nothing to --method auto", folder);
  expect_refusal(command({"--rhs", side, "--method", "sketch-and-solve", "--sampling", "uniform",
                          "--nonzeros", "3"}),
                 2, "--nonzeros", folder);
  expect_refusal(command({"--rhs", side, "--method", "fossils", "--sketch", "count-sketch",
                          "--nonzeros", "3"}),
                 2, "count-sketch", folder);
  expect_refusal(command({"--rhs", side, "--cols", "3"}), 2, "--cols is about synthetic data",
                 folder);
  expect_refusal({"lstsq", "--matrix", "synthetic", "--rhs", "targets", "--format", "csv"}, 2,
                 "--format is about files", folder);
  expect_refusal(command({"--rhs", side, "--ridge", "-1"}), 2, "-1", folder);
  expect_refusal(command({"--rhs", side, "--method", "fossils", "--sketch-rows", "3"}), 2, "3",
                 folder);
}

TEST_F(LstsqProgram, RefusesRightHandSidesThatDoNotFit) {
  const std::string text = folder.write("b.txt", "1\n2\n"), bad = folder.write("bad.txt", "1\nx\n");
  const std::string names = folder.write("names.csv", "1,2,red\n3,4,blue\n5,6,red\n");
  write_npy(folder.file("nan.npy"), {1, std::nan("")});
  expect_refusal(command({"--rhs", "colum", "1"}), 2, "'colum 1' is none of", folder);
  expect_refusal(command({"--rhs", "column", "0"}), 2, "'column 0' is none of", folder);
  expect_refusal(command({"--rhs", "column", "5"}), 2, matrix + " has 4 columns", folder);
  expect_refusal(command({"--rhs", text}), 3, text + ": has 2 rows, the matrix has 500", folder);
  expect_refusal(command({"--rhs", bad}), 3, bad + ":2:1", folder);
  expect_refusal(command({"--rhs", folder.file("nan.npy")}), 3, "row 2, column 1 is nan", folder);
  expect_refusal(command({"--rhs", folder.file("none.npy")}), 3, "none.npy", folder);
  expect_refusal(command({"--rhs", "targets"}), 3, matrix + ": has no labels", folder);
  expect_refusal({"lstsq", "--matrix", names, "--rhs", "targets"}, 3, "text", folder);
  expect_refusal({"lstsq", "--matrix", matrix, "--rhs", side, "--out", side}, 2, side, folder);
}

TEST_F(LstsqProgram, HelpHasAnExample) {
  const Outcome outcome = run({"lstsq", "--help"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_NE(outcome.out.find("randnla lstsq --matrix A.npy --rhs b.npy"), std::string::npos);
}

}  // namespace
}  // namespace randnla::test
