// What the Matrix Market tests share: matrices that can be compared, read in every way.
#pragma once

#include "io/matrix_market_reader.hpp"
#include "io/parse_rounds.hpp"
#include "support/temporary.hpp"

#include <randnla/core/error.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace randnla::test {

template <class T>
struct Matrix {
  std::string error;  // without the file's name
  index_t rows = 0, cols = 0, nonzeros = 0;
  std::vector<T> values;
  std::vector<index_t> offsets;
  std::vector<std::int32_t> columns;

  bool operator==(const Matrix&) const = default;
};

template <class T>
class MatrixMarketReading : public testing::Test {
 protected:
  Matrix<T> read_file(const std::string& path, int threads = 1,
                      std::size_t block_bytes = text_block_bytes) {
    Context<Cpu> ctx(threads);
    Matrix<T> matrix;
    try {
      const auto data = read_matrix_market_blocks<T>(ctx, path, nullptr, block_bytes);
      EXPECT_EQ(data.targets.size(), 0);
      matrix.rows = data.rows;
      matrix.cols = data.cols;
      matrix.nonzeros = data.nonzeros;
      matrix.values = data.values.download();
      matrix.offsets = data.offsets.download();
      matrix.columns = data.columns.download();
    } catch (const DataError& error) {
      matrix.error = error.what();
      EXPECT_EQ(matrix.error.rfind(path + ":", 0), 0U) << matrix.error;
      matrix.error.erase(0, path.size() + 1);
    }
    return matrix;
  }
  /// The outcome, which must not depend on blocks and threads.
  Matrix<T> read(const std::string& text) {
    const std::string path = folder_.write("m.mtx", text);
    const Matrix<T> matrix = read_file(path);
    for (const std::size_t bytes : {1, 2, 7, 40}) {
      EXPECT_TRUE(read_file(path, 1, bytes) == matrix) << bytes;
      EXPECT_TRUE(read_file(path, 3, bytes) == matrix) << bytes;
    }
    return matrix;
  }
  Matrix<T> coordinate(const std::string& kind, const std::string& rest) {
    return read("%%MatrixMarket matrix coordinate " + kind + "\n" + rest);
  }
  Matrix<T> array(const std::string& kind, const std::string& rest) {
    return read("%%MatrixMarket matrix array " + kind + "\n" + rest);
  }
  Matrix<T> sparse(index_t cols, std::vector<index_t> offsets, std::vector<std::int32_t> columns,
                   std::vector<T> values) {
    return {"",
            static_cast<index_t>(offsets.size()) - 1,
            cols,
            static_cast<index_t>(values.size()),
            std::move(values),
            std::move(offsets),
            std::move(columns)};
  }
  Matrix<T> dense(index_t rows, index_t cols, std::vector<T> values) {
    return {"", rows, cols, rows * cols, std::move(values), {}, {}};
  }

  Context<Cpu> ctx_{2};
  TemporaryFolder folder_;
};

}  // namespace randnla::test
