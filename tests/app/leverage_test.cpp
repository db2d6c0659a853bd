// `randnla leverage`, as a user's shell starts it.
#include "app/program.hpp"
#include "app/xml.hpp"

#include <randnla/io/npy.hpp>
#include <randnla/sketch/leverage.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace randnla::test {
namespace {

using Words = std::vector<std::string>;

class LeverageProgram : public testing::Test {
 protected:
  /// 3,000 x 5; row 41 stands out.
  void SetUp() override {
    for (int e = 0; e < rows * cols; ++e) {
      values.push_back((e / cols == 41 ? 50 : 1) * std::cos(1.7 * e * e + e % 13));
    }
    write_npy_matrix<double>(matrix, DenseRows<double, Cpu>{values.data(), rows, cols});
  }
  Words command(const Words& more) const {
    Words words = {"leverage", "--matrix", matrix};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  std::vector<double> from_library(const LeverageOptions& options) const {
    Context<Cpu> ctx(1);
    std::vector<double> scores(rows);
    leverage_scores(ctx, Rows<double, Cpu>(DenseRows<double, Cpu>{values.data(), rows, cols}),
                    options, VectorView<double, Cpu>{scores.data(), rows});
    return scores;
  }

  static constexpr int rows = 3000, cols = 5;
  TemporaryFolder folder;
  std::string matrix = folder.file("A.npy"), out = folder.file("scores.npy");
  std::vector<double> values;
};

TEST_F(LeverageProgram, WritesWhatTheLibraryComputes) {
  const Outcome outcome = run(command({"--method", "approx", "--error", "0.5", "--seed", "7",
                                       "--ridge", "2", "--out", out, "--top", "3", "--json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto scores = from_library(
      {.method = LeverageMethod::approximate, .ridge = 2, .error = 0.5, .rng = {7, 0}});
  EXPECT_EQ(read_npy(out), scores);
  const auto json = outcome.json();
  EXPECT_EQ(json["used"], "approx");
  EXPECT_EQ(json["rank"], 5);
  EXPECT_EQ(json["passes"], 2);
  EXPECT_EQ(json["top"].size(), 3U);
  EXPECT_EQ(json["top"][0]["row"], 41);
  EXPECT_EQ(json["top"][0]["score"], scores[41]);
  EXPECT_EQ(json["coherence"], scores[41]);
}

TEST_F(LeverageProgram, IsExactForFewColumnsAndSaysSoInWords) {
  const Outcome outcome = run(command({"--top", "2", "--out", out}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(read_npy(out), from_library({}));
  const auto lines = outcome.out_lines();
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_NE(lines[0].find("3000 x 5, dense; scores by cholesky"), std::string::npos) << lines[0];
  EXPECT_NE(lines[1].find("rank 5"), std::string::npos) << lines[1];
  EXPECT_NE(lines[2].find("41  "), std::string::npos) << lines[2];
  const Outcome asked = run(command({"--method", "exact", "--json"}));
  ASSERT_EQ(asked.exit_code, 0) << asked.err;
  EXPECT_EQ(asked.json()["used"], "cholesky");
}

TEST_F(LeverageProgram, ReadsMatrixMarketAndSaysThatItFellBack) {
  const std::string mtx =
      folder.write("A.mtx", "%%MatrixMarket matrix coordinate real general\n3 2 2\n1 1 2\n3 1 2\n");
  const Outcome outcome = run({"leverage", "--matrix", mtx, "--out", out, "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.json()["used"], "qr");
  EXPECT_EQ(outcome.json()["fell_back"], true);
  EXPECT_EQ(outcome.json()["rank"], 1);
  const std::vector<double> scores = read_npy(out);
  ASSERT_EQ(scores.size(), 3U);
  EXPECT_NEAR(scores[0], 0.5, 1e-14);
  EXPECT_EQ(scores[1], 0);
  EXPECT_NEAR(scores[2], 0.5, 1e-14);
}

TEST_F(LeverageProgram, PlotsTheScoresInOrder) {
  const std::string svg = folder.file("scores.svg");
  const Outcome outcome = run(command({"--plot", svg}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::string text = bytes_of(svg);
  EXPECT_TRUE(is_well_formed(text));
  EXPECT_EQ(count(text, "<polyline"), 2U);
  EXPECT_NE(text.find("Leverage scores of"), std::string::npos);
  EXPECT_NE(text.find(">mean</text>"), std::string::npos);
}

TEST_F(LeverageProgram, RefusesWhatCannotBe) {
  expect_refusal(command({"--method", "qr", "--error", "0.1"}), 2, "--error", folder);
  expect_refusal(command({"--method", "approx", "--error", "0"}), 2, "error = 0", folder);
  expect_refusal(command({"--ridge", "-1"}), 2, "--ridge", folder);
  expect_refusal(command({"--out", matrix}), 2, matrix, folder);
  expect_refusal(command({"--out", out, "--plot", out}), 2, out, folder);
  expect_refusal({"leverage", "--matrix", folder.file("none.npy")}, 3, "none.npy", folder);
}

}  // namespace
}  // namespace randnla::test
