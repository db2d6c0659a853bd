// `randnla sketch`, as a user's shell starts it.
#include "app/program.hpp"

#include <randnla/io/npy.hpp>
#include <randnla/sketch/sketch.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace randnla::test {
namespace {

using Words = std::vector<std::string>;

class SketchProgram : public testing::Test {
 protected:
  /// 3,000 x 5, and as a file without labels.
  void SetUp() override {
    for (int e = 0; e < rows * cols; ++e) values.push_back(std::cos(1.7 * e * e + e % 13));
    write_npy_matrix<double>(matrix, DenseRows<double, Cpu>{values.data(), rows, cols});
  }
  Words command(const Words& more) const {
    Words words = {"sketch", "--matrix", matrix, "--out", out};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  static constexpr int rows = 3000, cols = 5;
  TemporaryFolder folder;
  std::string matrix = folder.file("A.npy"), out = folder.file("SA.npy");
  std::vector<double> values;
};

TEST_F(SketchProgram, WritesWhatTheLibraryComputes) {
  const Outcome outcome = run(command({"--rows", "40", "--nonzeros", "3", "--seed", "7", "--sketch",
                                       "sparse-sign", "--json", "--threads", "2"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  Context<Cpu> ctx(1);
  const Sketch S{
      .kind = SketchKind::sparse_sign, .rows = 40, .cols = rows, .nonzeros = 3, .rng = {7, 0}};
  std::vector<double> SA(40 * cols);
  apply(ctx, S, Rows<double, Cpu>(DenseRows<double, Cpu>{values.data(), rows, cols}),
        MatrixView<double, Cpu>{SA.data(), 40, cols, 40});
  const NpyMatrix<double> written = read_npy_matrix<double>(out);
  ASSERT_EQ(written.rows, 40);
  ASSERT_EQ(written.cols, cols);
  double sum = 0;
  for (std::size_t i = 0; i < 40; ++i) {
    for (std::size_t j = 0; j < cols; ++j) {
      EXPECT_EQ(written.values[i * cols + j], SA[i + j * 40]) << i << ", " << j;
      sum += SA[i + j * 40] * SA[i + j * 40];
    }
  }
  const auto json = outcome.json();
  EXPECT_EQ(json["sketch"], "sparse-sign");
  EXPECT_EQ(json["sketch_rows"], 40);
  EXPECT_EQ(json["nonzeros"], 3);
  EXPECT_NEAR(json["sketch_frobenius_norm"].get<double>(), std::sqrt(sum), 1e-12 * std::sqrt(sum));
}

TEST_F(SketchProgram, HasFourRowsAColumnAndOneNonzeroInACountSketch) {
  const Outcome outcome = run(command({"--sketch", "count-sketch", "--json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.json()["sketch_rows"], 4 * cols);
  EXPECT_EQ(outcome.json()["nonzeros"], 1);
  EXPECT_EQ(read_npy_matrix<double>(out).rows, 4 * cols);
}

TEST_F(SketchProgram, WritesSketchesWithoutZeros) {
  for (const auto& [name, kind] :
       {std::pair{"gaussian", SketchKind::gaussian},
        std::pair{"rademacher", SketchKind::rademacher}, std::pair{"srht", SketchKind::srht}}) {
    const Outcome outcome =
        run(command({"--rows", "40", "--seed", "7", "--sketch", name, "--json"}));
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.json()["sketch"], name);
    EXPECT_EQ(outcome.json()["nonzeros"], 40);
    Context<Cpu> ctx(1);
    const Sketch S{.kind = kind, .rows = 40, .cols = rows, .rng = {7, 0}};
    std::vector<double> SA(40 * cols);
    apply(ctx, S, Rows<double, Cpu>(DenseRows<double, Cpu>{values.data(), rows, cols}),
          MatrixView<double, Cpu>{SA.data(), 40, cols, 40});
    const NpyMatrix<double> written = read_npy_matrix<double>(out);
    for (std::size_t e = 0; e < SA.size(); ++e) {
      ASSERT_EQ(written.values[e % 40 * cols + e / 40], SA[e]) << name << ", " << e;
    }
  }
  expect_refusal(command({"--sketch", "srht", "--rows", "5000"}), 2, "want 1 to 4096", folder);
  expect_refusal(command({"--sketch", "gaussian", "--nonzeros", "2"}), 2, "gaussian", folder);
}

TEST_F(SketchProgram, LeavesTheLabelsOfAFileOut) {
  const std::string svm = folder.write("A.svm", "1 1:2 3:4\n-1 2:1\n1 1:1\n");
  const Outcome outcome = run({"sketch", "--matrix", svm, "--rows", "4", "--out", out, "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.json()["cols"], 3);
  EXPECT_DOUBLE_EQ(outcome.json()["frobenius_norm"].get<double>(), std::sqrt(22.0));
}

TEST_F(SketchProgram, ReadsMatrixMarket) {
  const std::string mtx = folder.write(
      "A.mtx", "%%MatrixMarket matrix coordinate real general\n3 2 3\n1 1 2\n3 2 -4\n2 1 1\n");
  const Outcome outcome = run({"sketch", "--matrix", mtx, "--out", out, "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.json()["rows"], 3);
  EXPECT_EQ(outcome.json()["cols"], 2);
  EXPECT_EQ(outcome.json()["storage"], "sparse");
  EXPECT_DOUBLE_EQ(outcome.json()["frobenius_norm"].get<double>(), std::sqrt(21.0));
  expect_refusal({"sketch", "--matrix", mtx, "--out", folder.file("B.npy"), "--label-column", "0"},
                 2, "Matrix Market", folder);
}

TEST_F(SketchProgram, RefusesWhatCannotBe) {
  expect_refusal(command({"--rows", "3"}), 2, "3 rows, want 4", folder);
  expect_refusal(command({"--sketch", "count-sketch", "--nonzeros", "2"}), 2, "count-sketch",
                 folder);
  expect_refusal({"sketch", "--matrix", matrix, "--out", matrix}, 2, matrix, folder);
  expect_refusal({"sketch", "--matrix", folder.file("none.npy"), "--out", out}, 3, "none.npy",
                 folder);
}

}  // namespace
}  // namespace randnla::test
