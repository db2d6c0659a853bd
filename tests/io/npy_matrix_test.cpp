#include "support/temporary.hpp"

#include <randnla/core/error.hpp>
#include <randnla/io/npy.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace randnla {
namespace {

/// The format by its published description (NumPy Enhancement Proposal 1).
template <class V>
std::string npy(const std::string& type, const std::string& shape, const std::vector<V>& values,
                const char* order = "False", int version = 1) {
  const std::string header =
      "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(version);
  bytes += '\0';
  for (std::size_t k = 0; k < (version == 1 ? 2U : 4U); ++k) {
    bytes += static_cast<char>(header.size() >> (8 * k) & 0xff);
  }
  std::string data(values.size() * sizeof(V), '\0');
  if (!values.empty()) std::memcpy(data.data(), values.data(), data.size());
  return bytes + header + data;
}

template <class T>
class NpyMatrices : public testing::Test {
 protected:
  NpyMatrix<T> read(const std::string& bytes) {
    return read_npy_matrix<T>(folder_.write("m.npy", bytes));
  }
  std::string error_of(const std::string& bytes) {
    const std::string path = folder_.write("m.npy", bytes);
    try {
      read_npy_matrix<T>(path);
    } catch (const DataError& error) {
      return std::string(error.what()).substr(path.size() + 2);
    }
    return "";
  }
  std::string dataset_error(const std::string& features, const std::string& labels) {
    try {
      read_npy_dataset<T>(ctx_, folder_.write("x.npy", features), folder_.write("y.npy", labels));
    } catch (const DataError& error) {
      return std::string(error.what()).substr(folder_.path().size() + 1);
    }
    return "";
  }

  Context<Cpu> ctx_{2};
  test::TemporaryFolder folder_;
};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(NpyMatrices, Scalars);

TYPED_TEST(NpyMatrices, BothOrdersAllVersions) {
  const std::vector<TypeParam> want = {1, 2, 3, 4, 5, 6};
  for (const int version : {1, 2, 3}) {
    const auto c = this->read(npy<double>("<f8", "(2, 3)", {1, 2, 3, 4, 5, 6}, "False", version));
    EXPECT_EQ(c.rows, 2);
    EXPECT_EQ(c.cols, 3);
    EXPECT_EQ(c.values, want);
    const auto f = this->read(npy<float>("<f4", "(2, 3)", {1, 4, 2, 5, 3, 6}, "True", version));
    EXPECT_EQ(f.values, want);
  }
}

TYPED_TEST(NpyMatrices, LargeInFortranOrder) {
  std::vector<double> columns;
  constexpr std::size_t rows = 30'011, cols = 7;
  for (std::size_t j = 0; j < cols; ++j) {
    for (std::size_t i = 0; i < rows; ++i) columns.push_back(static_cast<double>(10 * i + j));
  }
  const auto got = this->read(npy("<f8", "(30011, 7)", columns, "True"));
  ASSERT_EQ(got.values.size(), rows * cols);
  for (std::size_t k = 0; k < rows * cols; ++k) {
    ASSERT_EQ(got.values[k], static_cast<TypeParam>(10 * (k / cols) + k % cols));
  }
}

template <class V, class T>
void expect_type(const char* name, const auto& read) {
  const V low = std::numeric_limits<V>::lowest(), high = std::numeric_limits<V>::max();
  const std::vector<V> values = {low, 0, 1, high};
  const std::vector<T> got = read(npy(name, "(2, 2)", values)).values;
  for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(got[k], static_cast<T>(values[k])) << name;
}

TYPED_TEST(NpyMatrices, Types) {
  const auto read = [this](const std::string& bytes) { return this->read(bytes); };
  expect_type<std::int8_t, TypeParam>("|i1", read);
  expect_type<std::int16_t, TypeParam>("<i2", read);
  expect_type<std::int32_t, TypeParam>("<i4", read);
  expect_type<std::int64_t, TypeParam>("<i8", read);
  expect_type<std::uint8_t, TypeParam>("|u1", read);
  expect_type<std::uint16_t, TypeParam>("<u2", read);
  expect_type<std::uint32_t, TypeParam>("<u4", read);
  expect_type<std::uint64_t, TypeParam>("<u8", read);
  expect_type<float, TypeParam>("<f4", read);
  const std::vector<std::uint8_t> truth = {1, 0};
  EXPECT_EQ(this->read(npy("|b1", "(1, 2)", truth)).values, (std::vector<TypeParam>{1, 0}));
}

TYPED_TEST(NpyMatrices, WhatIsNoMatrixIsRefused) {
  const std::vector<double> four = {1, 2, 3, 4};
  for (const char* type : {">f8", "<f2", "<c16", "|S8", "<i9", "|O"}) {
    EXPECT_EQ(this->error_of(npy(type, "(2, 2)", four))
                  .rfind("holds no float32 or float64 values, integers or bools: ", 0),
              0U)
        << type;
  }
  for (const char* shape : {"(4,)", "()", "(2, 2, 1)", "(2 2)", "(2, -2)", "2, 2"}) {
    EXPECT_EQ(this->error_of(npy("<f8", shape, four)).rfind("is not two-dimensional: ", 0), 0U)
        << shape;
  }
  EXPECT_EQ(this->error_of(npy("<f8", "(2, 2)", four, "Maybe")).rfind("does not tell its order", 0),
            0U);
  EXPECT_EQ(this->error_of(npy("<f8", "(2, 3)", four)),
            "announces 2 x 3 values of 8 bytes and holds 32 bytes of data");
  EXPECT_EQ(this->error_of(npy("<f8", "(1, 3)", four)),
            "announces 1 x 3 values of 8 bytes and holds 32 bytes of data");
  // Products that wrap to 0 and to 4.
  for (const char* shape : {"(4294967296, 4294967296)", "(4611686018427387905, 4)"}) {
    EXPECT_EQ(this->error_of(npy("<f8", shape, four)).rfind("announces ", 0), 0U) << shape;
  }
  EXPECT_EQ(this->error_of(npy("<f8", "(4294967296, 4294967296)", std::vector<double>{}))
                .rfind("announces ", 0),
            0U);
  EXPECT_EQ(this->read(npy("<f8", "(0, 5)", std::vector<double>{})).cols, 5);
}

TYPED_TEST(NpyMatrices, WrittenMatricesComeBack) {
  using T = TypeParam;
  std::vector<T> values;
  for (int k = 0; k < 300'000; ++k) values.push_back(1 / (static_cast<T>(k) - T(0.3)));
  const std::string path = this->folder_.file("w.npy");
  write_npy_matrix<T>(path, DenseRows<T, Cpu>{values.data(), 100'000, 3});
  const std::string bytes = test::bytes_of(path);
  const std::size_t data = bytes.find('\n') + 1;
  EXPECT_EQ(data % 64, 0U);
  EXPECT_EQ(bytes.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  EXPECT_EQ(bytes.substr(10, data - 10)
                .find(std::string("{'descr': '") + (sizeof(T) == 4 ? "<f4" : "<f8") +
                      "', 'fortran_order': False, 'shape': (100000, 3), }"),
            0U);
  ASSERT_EQ(bytes.size() - data, values.size() * sizeof(T));
  EXPECT_EQ(std::memcmp(bytes.data() + data, values.data(), values.size() * sizeof(T)), 0);
  EXPECT_EQ(this->read(bytes).values, values);
}

TYPED_TEST(NpyMatrices, SparseRowsAreWrittenWithTheirZeros) {
  using T = TypeParam;
  const std::vector<index_t> offsets = {0, 2, 2, 3};
  const std::vector<std::int32_t> columns = {0, 3, 1};
  const std::vector<T> values = {5, 6, 7};
  const std::string path = this->folder_.file("w.npy");
  write_npy_matrix<T>(path,
                      CsrRows<T, Cpu>{offsets.data(), columns.data(), values.data(), 3, 4, 3});
  EXPECT_EQ(read_npy_matrix<T>(path).values, (std::vector<T>{5, 0, 0, 6, 0, 0, 0, 0, 0, 7, 0, 0}));
  EXPECT_THROW(
      write_npy_matrix<T>(path, DenseRows<T, Cpu>{values.data(), 1, 3}, [](index_t) { throw 1; }),
      int);
  EXPECT_EQ(read_npy_matrix<T>(path).rows, 3) << "the old file";
}

TYPED_TEST(NpyMatrices, DatasetFromTwoFiles) {
  const std::string x = npy<double>("<f8", "(2, 2)", {1, 2, 3, 4});
  const auto data = read_npy_dataset<TypeParam>(
      this->ctx_, this->folder_.write("x.npy", x),
      this->folder_.write("y.npy", npy<std::int64_t>("<i8", "(2,)", {-1, 1})));
  EXPECT_EQ(data.rows, 2);
  EXPECT_EQ(data.cols, 2);
  EXPECT_EQ(data.nonzeros, 4);
  EXPECT_FALSE(data.sparse());
  EXPECT_EQ(data.values.download(), (std::vector<TypeParam>{1, 2, 3, 4}));
  EXPECT_EQ(data.targets.download(), (std::vector<TypeParam>{-1, 1}));
  const auto bare =
      read_npy_dataset<TypeParam>(this->ctx_, this->folder_.file("x.npy"), std::nullopt);
  EXPECT_TRUE(std::isnan(bare.targets.read(0)) && std::isnan(bare.targets.read(1)));
  const double nan = std::nan("");
  EXPECT_EQ(this->dataset_error(x, npy<float>("<f4", "(3,)", {1, 2, 3})),
            "y.npy: holds 3 labels for 2 rows");
  EXPECT_EQ(this->dataset_error(x, npy<double>("<f8", "(2,)", {1, nan})),
            "y.npy: label 2 is nan or infinity");
  EXPECT_EQ(this->dataset_error(x, x).rfind("y.npy: is not one-dimensional", 0), 0U);
  const std::string y = npy<double>("<f8", "(2,)", {1, 0});
  EXPECT_EQ(this->dataset_error(npy<double>("<f8", "(2, 2)", {1, 2, nan, 4}), y),
            "x.npy: row 2, column 1 is nan or infinity");
  EXPECT_EQ(this->dataset_error(npy<double>("<f8", "(0, 2)", {}), y), "x.npy: no data rows");
  EXPECT_EQ(this->dataset_error(npy<double>("<f8", "(2, 0)", {}), y),
            "x.npy: no features in any row");
}

}  // namespace
}  // namespace randnla
