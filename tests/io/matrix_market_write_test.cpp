#include "io/matrix_market_reading.hpp"

#include <randnla/core/error.hpp>

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace randnla {
namespace {

template <class T>
class MatrixMarketWriting : public test::MatrixMarketReading<T> {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(MatrixMarketWriting, Scalars);

TYPED_TEST(MatrixMarketWriting, WrittenByHand) {
  using T = TypeParam;
  const std::string path = this->folder_.file("w.mtx");
  const std::vector<T> values = {1, -2.5, T(0.1), 0, T(1e20), 3};
  write_matrix_market<T>(path, DenseRows<T, Cpu>{values.data(), 2, 3});
  EXPECT_EQ(test::bytes_of(path),
            "%%MatrixMarket matrix array real general\n2 3\n1\n0\n-2.5\n1e+20\n0.1\n3\n");
  const std::vector<index_t> offsets = {0, 2, 2, 4};
  const std::vector<std::int32_t> columns = {0, 3, 1, 2};
  write_matrix_market<T>(path,
                         CsrRows<T, Cpu>{offsets.data(), columns.data(), values.data(), 3, 4, 4});
  EXPECT_EQ(test::bytes_of(path),
            "%%MatrixMarket matrix coordinate real general\n3 4 4\n"
            "1 1 1\n1 4 -2.5\n3 2 0.1\n3 3 0\n");
}

TYPED_TEST(MatrixMarketWriting, NumbersComeBackBitForBit) {
  using T = TypeParam;
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  std::mt19937_64 random(11);
  std::vector<T> values = {std::numeric_limits<T>::max(), std::numeric_limits<T>::denorm_min(),
                           -std::numeric_limits<T>::min(), T(1) / 3};
  while (values.size() < 40'000) {
    const T value = std::bit_cast<T>(static_cast<Bits>(random()));
    if (std::isfinite(value)) values.push_back(value);
  }
  const std::string path = this->folder_.file("w.mtx");
  write_matrix_market<T>(path, DenseRows<T, Cpu>{values.data(), 10'000, 4});
  EXPECT_TRUE(this->read_file(path, 2) == this->dense(10'000, 4, values));
  std::vector<index_t> offsets;
  std::vector<std::int32_t> columns;
  for (int i = 0; i < 10'000; ++i) {
    offsets.push_back(4 * i);
    for (const int j : {0, 3, 1'000'000, 2'147'483'646}) columns.push_back(j);
  }
  offsets.push_back(40'000);
  const CsrRows<T, Cpu> rows{offsets.data(), columns.data(), values.data(),
                             10'000,         2'147'483'647,  40'000};
  write_matrix_market<T>(path, rows);
  EXPECT_TRUE(this->read_file(path, 2) == this->sparse(2'147'483'647, offsets, columns, values));
}

TYPED_TEST(MatrixMarketWriting, EmptyMatricesComeBack) {
  using T = TypeParam;
  const std::string path = this->folder_.file("w.mtx");
  for (const auto& [rows, cols] : {std::pair<index_t, index_t>{0, 0}, {0, 3}, {3, 0}}) {
    write_matrix_market<T>(path, DenseRows<T, Cpu>{nullptr, rows, cols});
    EXPECT_TRUE(this->read_file(path) == this->dense(rows, cols, {}));
    const std::vector<index_t> offsets(static_cast<std::size_t>(rows) + 1, 0);
    write_matrix_market<T>(path, CsrRows<T, Cpu>{offsets.data(), nullptr, nullptr, rows, cols, 0});
    EXPECT_TRUE(this->read_file(path) == this->sparse(cols, offsets, {}, {}));
  }
}

TYPED_TEST(MatrixMarketWriting, AnOldFileStaysWhereTheNewOneFails) {
  using T = TypeParam;
  const std::string path = this->folder_.write("w.mtx", "old");
  const auto error_of = [&](const Rows<T, Cpu>& rows) -> std::string {
    try {
      write_matrix_market<T>(path, rows);
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  };
  std::vector<T> values = {1, 2, std::numeric_limits<T>::infinity(), 4};
  const DenseRows<T, Cpu> dense{values.data(), 2, 2};
  EXPECT_EQ(error_of(dense), path + ": cannot hold row 2: its column 1 is not finite");
  values[2] = std::numeric_limits<T>::quiet_NaN();
  const std::vector<index_t> offsets = {0, 1, 4};
  const std::vector<std::int32_t> columns = {5, 0, 3, 4};
  EXPECT_EQ(error_of(CsrRows<T, Cpu>{offsets.data(), columns.data(), values.data(), 2, 6, 4}),
            path + ": cannot hold row 2: its column 4 is not finite");
  values[2] = 3;
  EXPECT_THROW(write_matrix_market<T>(path, dense, [](index_t) { throw 1; }), int);
  EXPECT_EQ(test::bytes_of(path), "old");
  EXPECT_EQ(this->folder_.names(), std::vector<std::string>{"w.mtx"}) << "nothing is left over";
  index_t written = 0;
  write_matrix_market<T>(path, dense, [&](index_t so_far) { written = so_far; });
  EXPECT_EQ(written, 2);
}

}  // namespace
}  // namespace randnla
