#include "io/matrix_market_reading.hpp"
#include "support/compress.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace randnla {
namespace {

template <class T>
class MatrixMarket : public test::MatrixMarketReading<T> {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(MatrixMarket, Scalars);

TYPED_TEST(MatrixMarket, EntriesInAnyOrder) {
  const auto want = this->sparse(4, {0, 2, 2, 5}, {1, 3, 0, 2, 3}, {-0.5, 1500, 7, 0, 0.25});
  EXPECT_TRUE(this->coordinate("real general",
                               "3 4 5\n1 2 -0.5\n1 4 1.5e3\n3 1 7\n3 3 0\n3 4 .25\n") == want);
  EXPECT_TRUE(this->coordinate("real general",
                               "3 4 5\n3 4 .25\n3 1 +7\n1 4 15E+2\n3 3 0.0\n1 2 -5e-1\n") == want);
}

TYPED_TEST(MatrixMarket, WaysToWriteTheSame) {
  const auto want = this->sparse(2, {0, 1, 2}, {1, 0}, {3, 4});
  const std::string banner = "%%MatrixMarket matrix coordinate real general\n";
  for (const std::string& text : {
           banner + "2 2 2\n1 2 3\n2 1 4\n",
           banner + "2 2 2\n1 2 3\n2 1 4",  // no line end at the end
           banner + "% by hand\n%\n\n %x\n2 2 2\n1 2 3\n\n% 9 9 9\n \t\n2 1 4\n\n",
           banner + "  2\t2  2 \n\t1  2\t3 \n 2 1 4\t\n",
           std::string("%%matrixmarket MATRIX Coordinate  REAL\tgeneral \n2 2 2\n1 2 3\n2 1 4\n"),
           std::string("%%MatrixMarket matrix coordinate real general\r\n%\r\n2 2 2\r\n\r\n"
                       "1 2 3\r\n2 1 4\r\n"),
       }) {
    EXPECT_TRUE(this->read(text) == want) << text;
  }
}

TYPED_TEST(MatrixMarket, EveryFieldAndSymmetryOfCoordinates) {
  EXPECT_TRUE(this->coordinate("integer general", "2 3 2\n2 3 -12\n1 1 +7\n") ==
              this->sparse(3, {0, 1, 2}, {0, 2}, {7, -12}));
  EXPECT_TRUE(this->coordinate("pattern general", "2 3 3\n2 3\n2 1\n1 2\n") ==
              this->sparse(3, {0, 1, 3}, {1, 0, 2}, {1, 1, 1}));
  const auto symmetric =
      this->sparse(3, {0, 3, 4, 6}, {0, 1, 2, 0, 0, 2}, {1, 2, -3.5, 2, -3.5, 4});
  EXPECT_TRUE(this->coordinate("real symmetric", "3 3 4\n1 1 1\n3 1 -3.5\n2 1 2\n3 3 4\n") ==
              symmetric);
  EXPECT_TRUE(this->coordinate("integer symmetric", "2 2 2\n2 1 5\n2 2 6\n") ==
              this->sparse(2, {0, 1, 3}, {1, 0, 1}, {5, 5, 6}));
  EXPECT_TRUE(this->coordinate("pattern symmetric", "2 2 2\n2 1\n1 1\n") ==
              this->sparse(2, {0, 2, 3}, {0, 1, 0}, {1, 1, 1}));
  EXPECT_TRUE(this->coordinate("real skew-symmetric", "3 3 2\n3 2 1.5\n2 1 -2\n") ==
              this->sparse(3, {0, 1, 3, 4}, {1, 0, 2, 1}, {2, -2, -1.5, 1.5}));
  EXPECT_TRUE(this->coordinate("integer skew-symmetric", "2 2 1\n2 1 3\n") ==
              this->sparse(2, {0, 1, 2}, {1, 0}, {-3, 3}));
}

TYPED_TEST(MatrixMarket, EveryFieldAndSymmetryOfArrays) {
  EXPECT_TRUE(this->array("real general", "2 3\n1\n2\n\n3e0\n% half\n4\n5\n-6.5\n") ==
              this->dense(2, 3, {1, 3, 5, 2, 4, -6.5}));
  EXPECT_TRUE(this->array("integer general", "3 1\n1\n-2\n3\n") == this->dense(3, 1, {1, -2, 3}));
  EXPECT_TRUE(this->array("real symmetric", "3 3\n1\n2\n3\n4\n5\n6\n") ==
              this->dense(3, 3, {1, 2, 3, 2, 4, 5, 3, 5, 6}));
  EXPECT_TRUE(this->array("integer symmetric", "2 2\n1\n2\n3\n") ==
              this->dense(2, 2, {1, 2, 2, 3}));
  EXPECT_TRUE(this->array("real skew-symmetric", "3 3\n1\n2\n3\n") ==
              this->dense(3, 3, {0, -1, -2, 1, 0, -3, 2, 3, 0}));
  EXPECT_TRUE(this->array("integer skew-symmetric", "2 2\n-4\n") ==
              this->dense(2, 2, {0, 4, -4, 0}));
}

TYPED_TEST(MatrixMarket, SizesZeroAndOne) {
  EXPECT_TRUE(this->coordinate("real general", "0 0 0\n") == this->sparse(0, {0}, {}, {}));
  EXPECT_TRUE(this->coordinate("real general", "0 5 0\n") == this->sparse(5, {0}, {}, {}));
  EXPECT_TRUE(this->coordinate("pattern symmetric", "0 0 0") == this->sparse(0, {0}, {}, {}));
  EXPECT_TRUE(this->coordinate("real general", "2 0 0\n") == this->sparse(0, {0, 0, 0}, {}, {}));
  EXPECT_TRUE(this->coordinate("real general", "2 3 0\n%\n") == this->sparse(3, {0, 0, 0}, {}, {}));
  EXPECT_TRUE(this->coordinate("real symmetric", "1 1 1\n1 1 9\n") ==
              this->sparse(1, {0, 1}, {0}, {9}));
  EXPECT_TRUE(this->coordinate("real skew-symmetric", "1 1 0\n") ==
              this->sparse(1, {0, 0}, {}, {}));
  EXPECT_TRUE(this->array("real general", "0 0\n") == this->dense(0, 0, {}));
  EXPECT_TRUE(this->array("real general", "0 3\n") == this->dense(0, 3, {}));
  EXPECT_TRUE(this->array("real general", "3 0\n") == this->dense(3, 0, {}));
  EXPECT_TRUE(this->array("real symmetric", "0 0\n") == this->dense(0, 0, {}));
  EXPECT_TRUE(this->array("real skew-symmetric", "0 0\n") == this->dense(0, 0, {}));
  EXPECT_TRUE(this->array("real general", "1 1\n9\n") == this->dense(1, 1, {9}));
  EXPECT_TRUE(this->array("real symmetric", "1 1\n9\n") == this->dense(1, 1, {9}));
  EXPECT_TRUE(this->array("real skew-symmetric", "1 1\n") == this->dense(1, 1, {0}));
}

TYPED_TEST(MatrixMarket, EntriesOfOnePlaceAreAddedUp) {
  EXPECT_TRUE(
      this->coordinate("real general", "3 2 6\n3 2 8\n1 2 1\n3 2 0.5\n1 1 4\n1 2 2\n3 2 -2\n") ==
      this->sparse(2, {0, 2, 2, 3}, {0, 1, 1}, {4, 3, 6.5}));
  EXPECT_TRUE(this->coordinate("pattern general", "1 1 3\n1 1\n1 1\n1 1\n") ==
              this->sparse(1, {0, 1}, {0}, {3}));
  EXPECT_TRUE(this->coordinate("real skew-symmetric", "2 2 2\n2 1 1\n2 1 2\n") ==
              this->sparse(2, {0, 1, 2}, {1, 0}, {-3, 3}));
  // In the order of the file: another one would give 2^-30.
  const auto sum = this->coordinate("real general",
                                    "1 2 4\n1 1 1180591620717411303424\n1 1 9.313225746154785e-10\n"
                                    "1 2 1\n1 1 -1180591620717411303424\n");
  EXPECT_TRUE(sum == this->sparse(2, {0, 2}, {0, 1}, {0, 1}));
  const std::string most = sizeof(TypeParam) == 4 ? "3e38" : "1e308";
  EXPECT_EQ(this->coordinate("real general", "2 3 2\n2 3 " + most + "\n2 3 " + most + "\n").error,
            " row 2, column 3: the sum of its entries is nan or infinity");
}

TYPED_TEST(MatrixMarket, CompressedFiles) {
  const std::string text = "%%MatrixMarket matrix coordinate pattern general\n2 2 2\n2 1\n1 2\n";
  const auto want = this->sparse(2, {0, 1, 2}, {1, 0}, {1, 1});
  EXPECT_TRUE(this->read(test::gzip(text)) == want);
  EXPECT_TRUE(this->read(test::bzip2(text)) == want);
  const std::string packed = test::gzip(text);
  EXPECT_EQ(this->read(packed.substr(0, packed.size() - 9)).error,
            " compressed data are truncated");
  EXPECT_EQ(this->read_file(this->folder_.file("none")).error.rfind(" cannot be opened", 0), 0U);
  EXPECT_EQ(this->read_file(this->folder_.path()).error, " is a directory");
}

/// Against a map of all entries, with several rounds of blocks.
TYPED_TEST(MatrixMarket, ManyEntriesInRandomOrder) {
  using T = TypeParam;
  std::mt19937 random(5);
  std::map<std::pair<index_t, std::int32_t>, T> want;
  std::string text;
  constexpr int count = 60'000;
  for (int k = 0; k < count; ++k) {
    const auto i = static_cast<index_t>(random() % 700);
    const auto j = static_cast<std::int32_t>(random() % 300);
    const auto value = static_cast<T>(static_cast<int>(random() % 2001) - 1000);
    want[{i, j}] += value;  // exact in any order
    text += std::to_string(i + 1) + " " + std::to_string(j + 1) + " " +
            std::to_string(static_cast<int>(value)) + "\n";
  }
  ASSERT_LT(want.size(), std::size_t{count}) << "some places occur twice";
  const std::string path =
      this->folder_.write("m.mtx", "%%MatrixMarket matrix coordinate integer general\n700 300 " +
                                       std::to_string(count) + "\n" + text);
  test::Matrix<TypeParam> expected = this->sparse(300, std::vector<index_t>(701, 0), {}, {});
  for (const auto& [place, value] : want) {
    ++expected.offsets[static_cast<std::size_t>(place.first) + 1];
    expected.columns.push_back(place.second);
    expected.values.push_back(value);
  }
  for (std::size_t i = 0; i < 700; ++i) expected.offsets[i + 1] += expected.offsets[i];
  expected.nonzeros = static_cast<index_t>(want.size());
  EXPECT_TRUE(this->read_file(path) == expected);
  EXPECT_TRUE(this->read_file(path, 3, 10'000) == expected);
}

TYPED_TEST(MatrixMarket, ProgressCountsTheText) {
  const std::string text = "%%MatrixMarket matrix array real general\n1 2\n3\n4\n";
  const std::string path = this->folder_.write("m.mtx", text);
  index_t bytes = 0;
  read_matrix_market<TypeParam>(this->ctx_, path, [&](index_t so_far) { bytes = so_far; });
  EXPECT_EQ(bytes, static_cast<index_t>(text.size()));
  EXPECT_THROW(read_matrix_market<TypeParam>(this->ctx_, path, [](index_t) { throw 1; }), int);
}

}  // namespace
}  // namespace randnla
