#include "io/matrix_market_reading.hpp"

#include <randnla/core/error.hpp>
#include <randnla/data/preprocess.hpp>
#include <randnla/io/csv.hpp>
#include <randnla/io/libsvm.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace randnla {
namespace {

template <class T>
class MatrixMarketErrors : public test::MatrixMarketReading<T> {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(MatrixMarketErrors, Scalars);

TYPED_TEST(MatrixMarketErrors, BadBanners) {
  const auto banner = [this](const std::string& line) { return this->read(line).error; };
  const std::string start = "%%MatrixMarket matrix coordinate ";
  EXPECT_EQ(banner("1 1:2\n"),
            "1:1: not a Matrix Market file: begins with \"1\", want %%MatrixMarket");
  EXPECT_EQ(banner("\n" + start + "real general\n"),
            "1:1: not a Matrix Market file: begins with \"\", want %%MatrixMarket");
  EXPECT_EQ(banner("%%MatrixMarkets matrix\n"),
            "1:1: not a Matrix Market file: begins with \"%%MatrixMarkets\", want %%MatrixMarket");
  EXPECT_EQ(banner("%%MatrixMarket vector coordinate real general\n"),
            "1:16: object is \"vector\", want matrix");
  EXPECT_EQ(banner("%%MatrixMarket\n"), "1:15: object is \"\", want matrix");
  EXPECT_EQ(banner("%%MatrixMarket matrix dense real general\n"),
            "1:23: format is \"dense\", want coordinate or array");
  EXPECT_EQ(banner(start + "complex general\n"),
            "1:34: field is \"complex\", want real or integer or pattern");
  EXPECT_EQ(banner(start + "reals general\n"),
            "1:34: field is \"reals\", want real or integer or pattern");
  EXPECT_EQ(banner(start + "real hermitian\n"),
            "1:39: symmetry is \"hermitian\", want general or symmetric or skew-symmetric");
  EXPECT_EQ(banner(start + "real\n"),
            "1:38: symmetry is \"\", want general or symmetric or skew-symmetric");
  EXPECT_EQ(banner(start + "real general x\n"), "1:47: text behind the banner: \"x\"");
  EXPECT_EQ(banner("%%MatrixMarket matrix array pattern general\n"),
            "1:29: an array cannot be a pattern");
  EXPECT_EQ(banner(start + "pattern skew-symmetric\n"), "1:42: a pattern cannot be skew-symmetric");
}

TYPED_TEST(MatrixMarketErrors, BadSizes) {
  const auto sizes = [this](const std::string& line, const std::string& kind = "real general") {
    return this->coordinate(kind, "%\n" + line).error;
  };
  EXPECT_EQ(sizes("-3 2 1\n"),
            "3:1: number of rows is \"-3\", want a whole number from 0 to 576460752303423487");
  EXPECT_EQ(sizes("2.0 2 1\n").rfind("3:1: number of rows is \"2.0\", want a whole", 0), 0U);
  EXPECT_EQ(sizes("99999999999999999999999 2 1\n").rfind("3:1: number of rows is \"999", 0), 0U);
  EXPECT_EQ(sizes("1 2147483648 0\n"),
            "3:3: number of columns is \"2147483648\", want a whole number from 0 to 2147483647");
  EXPECT_EQ(this->coordinate("real general", "1 2147483647 0\n").cols, 2147483647);
  EXPECT_EQ(sizes(" 1 2\r\n"), "3:6: number of entries missing");
  EXPECT_EQ(sizes("1\n"), "3:2: number of columns missing");
  EXPECT_EQ(sizes("1 2 3 4\n"), "3:7: text behind the sizes: \"4\"");
  EXPECT_EQ(sizes(" 3 4 1\n", "real symmetric"),
            "3:2: a symmetric or skew-symmetric matrix cannot be 3 x 4");
  EXPECT_EQ(this->array("real skew-symmetric", "4 3\n").error,
            "2:1: a symmetric or skew-symmetric matrix cannot be 4 x 3");
  EXPECT_EQ(this->array("real general", "576460752303423487 2147483647\n1\n").error,
            "2:1: an array cannot be 576460752303423487 x 2147483647");
  EXPECT_EQ(this->array("real general", "2 3 4\n").error, "2:5: text behind the sizes: \"4\"");
}

TYPED_TEST(MatrixMarketErrors, AnnouncedAndHeldMustAgree) {
  EXPECT_EQ(this->coordinate("real general", "%\n 2 2 3\n1 1 1\n2 2 2\n").error,
            "3:2: announces 3 entries, the file holds 2");
  EXPECT_EQ(this->coordinate("pattern general", "2 2 1\n1 1\n2 2\n").error,
            "2:1: announces 1 entries, the file holds 2");
  EXPECT_EQ(this->array("real general", "2 2\n1\n2\n3\n").error,
            "2:1: announces 4 entries, the file holds 3");
  EXPECT_EQ(this->array("real symmetric", "2 2\n1\n2\n3\n4\n").error,
            "2:1: announces 3 entries, the file holds 4");
  EXPECT_EQ(this->array("real skew-symmetric", "2 2\n").error,
            "2:1: announces 1 entries, the file holds 0");
  EXPECT_EQ(this->array("real general", "100000000000 2000000\n1\n").error,
            "2:1: announces 200000000000000000 entries, the file holds 1");
  EXPECT_EQ(this->read("").error, " is empty");
  EXPECT_EQ(this->coordinate("real general", "% no more\n\n").error, " ends before its size line");
}

TYPED_TEST(MatrixMarketErrors, BadEntries) {
  const auto entry = [this](const std::string& line, const std::string& kind = "real general") {
    return this->coordinate(kind, "3 3 2\n1 1 1\n" + line).error;
  };
  EXPECT_EQ(entry("4 1 1\n"), "4:1: row index is \"4\", want a whole number from 1 to 3");
  EXPECT_EQ(entry(" 0 1 1\n"), "4:2: row index is \"0\", want a whole number from 1 to 3");
  EXPECT_EQ(entry("1 4 1\n"), "4:3: column index is \"4\", want a whole number from 1 to 3");
  EXPECT_EQ(entry("1 -1 1\n"), "4:3: column index is \"-1\", want a whole number from 1 to 3");
  EXPECT_EQ(entry("1 18446744073709551618 1\n").rfind("4:3: column index is \"18446", 0), 0U);
  EXPECT_EQ(entry("1.5 1 1\n"), "4:1: row index is \"1.5\", want a whole number from 1 to 3");
  EXPECT_EQ(entry("2\n"), "4:2: column index missing");
  EXPECT_EQ(entry("2 3"), "4:4: value missing");
  EXPECT_EQ(entry("2 3 \r\n"), "4:6: value missing");
  EXPECT_EQ(entry("2 3 x\n"), "4:5: value is not a number: \"x\"");
  EXPECT_EQ(entry("2 3 1.5d3\n"), "4:5: value is not a number: \"1.5d3\"");
  EXPECT_EQ(entry("2 3 nan\n"), "4:5: value is nan or infinity: \"nan\"");
  EXPECT_EQ(entry("2 3 -Inf\n"), "4:5: value is nan or infinity: \"-Inf\"");
  EXPECT_EQ(entry("2 3 1e999\n"), "4:5: value is out of range: \"1e999\"");
  EXPECT_EQ(entry("2 3 1 2\n"), "4:7: text behind the entry: \"2\"");
  EXPECT_EQ(entry("2 3 1.5\n", "integer general"), "4:5: value is not an integer: \"1.5\"");
  EXPECT_EQ(entry("2 3 1e2\n", "integer general"), "4:5: value is not an integer: \"1e2\"");
  EXPECT_EQ(entry("2 3 1\n", "real symmetric"),
            "4:1: entry 2 3 is above the diagonal of a symmetric matrix");
  EXPECT_EQ(this->coordinate("pattern general", "2 2 1\n1 1 1\n").error,
            "3:5: text behind the entry: \"1\"");
  EXPECT_EQ(this->coordinate("real skew-symmetric", "2 2 1\n 2 2 0\n").error,
            "3:2: entry 2 2 is not below the diagonal of a skew-symmetric matrix");
  EXPECT_EQ(this->array("real general", "2 1\n1\n2 3\n").error,
            "4:3: text behind the entry: \"3\"");
  EXPECT_EQ(this->array("integer general", "2 1\n1\n2.5\n").error,
            "4:1: value is not an integer: \"2.5\"");
  EXPECT_EQ(this->array("real general", "2 1\n1\ninfinity\n").error,
            "4:1: value is nan or infinity: \"infinity\"");
}

TYPED_TEST(MatrixMarketErrors, WhatNeedsTargetsRefusesAMatrix) {
  auto data = read_matrix_market<TypeParam>(
      this->ctx_,
      this->folder_.write("m.mtx", "%%MatrixMarket matrix array real general\n2 1\n3\n4\n"));
  const std::string out = this->folder_.file("out");
  EXPECT_THROW(find_labels(data), InvalidArgument);
  EXPECT_THROW(map_labels(data, LabelPair{}), InvalidArgument);
  EXPECT_THROW(map_labels(data, 1.0), InvalidArgument);
  EXPECT_THROW(find_classes(data), InvalidArgument);
  EXPECT_THROW(map_classes(data, {0, 1}), InvalidArgument);
  EXPECT_THROW(check_targets(data), InvalidArgument);
  EXPECT_THROW(write_csv(out, data), InvalidArgument);
  try {
    write_libsvm(out, data);
    ADD_FAILURE() << "written";
  } catch (const InvalidArgument& error) {
    EXPECT_STREQ(error.what(), "write_libsvm: 0 targets for 2 rows");
  }
  EXPECT_EQ(this->folder_.names(), std::vector<std::string>{"m.mtx"});
  EXPECT_THROW(split(this->ctx_, std::move(data), 0.5, 1), InvalidArgument);
}

}  // namespace
}  // namespace randnla
