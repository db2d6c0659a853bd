#include "io/libsvm_reading.hpp"
#include "io/output_file.hpp"
#include "io/parse_rounds.hpp"
#include "support/data_path.hpp"
#include "support/temporary.hpp"

#include <randnla/core/error.hpp>
#include <randnla/io/csv.hpp>
#include <randnla/io/format.hpp>
#include <randnla/io/libsvm.hpp>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace randnla {
namespace {

template <class T>
class Writing : public testing::Test {
 protected:
  Dataset<T, Cpu> dense(index_t rows, index_t cols, const std::vector<T>& values,
                        const std::vector<T>& targets) {
    Dataset<T, Cpu> data;
    data.rows = rows;
    data.cols = cols;
    data.nonzeros = rows * cols;
    data.values = Buffer<T, Cpu>(ctx_, values);
    data.targets = Buffer<T, Cpu>(ctx_, targets);
    return data;
  }
  Dataset<T, Cpu> from_text(const std::string& text, LibsvmOptions::Storage storage) {
    return read_libsvm<T>(ctx_, folder_.write("from", text), {.storage = storage});
  }
  template <class Write>
  std::string error_of(Write write) {
    try {
      write(folder_.file("out"));
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  }

  Context<Cpu> ctx_{2};
  test::TemporaryFolder folder_;
};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(Writing, Scalars);

TYPED_TEST(Writing, SmallTextByHand) {
  const auto data =
      this->dense(3, 3, {1, 0, -2.5, 0, 0, 0, TypeParam(0.1), 3, 1000}, {1, -1, TypeParam(0.5)});
  const std::string out = this->folder_.file("out");
  write_libsvm(out, data);
  EXPECT_EQ(test::bytes_of(out), "1 1:1 3:-2.5\n-1\n0.5 1:0.1 2:3 3:1000\n");
  write_csv(out, data);
  EXPECT_EQ(test::bytes_of(out), "1,0,-2.5,1\n0,0,0,-1\n0.1,3,1000,0.5\n");
  const auto sparse = this->from_text("1 2:0 4:-3\n2\n3 1:5\n", LibsvmOptions::Storage::sparse);
  write_libsvm(out, sparse);
  EXPECT_EQ(test::bytes_of(out), "1 2:0 4:-3\n2\n3 1:5\n");
  write_csv(out, sparse);
  EXPECT_EQ(test::bytes_of(out), "0,0,0,-3,1\n0,0,0,0,2\n5,0,0,0,3\n");
}

TYPED_TEST(Writing, ALastFeatureOfZerosIsKept) {
  const std::string out = this->folder_.file("out");
  write_libsvm(out, this->dense(2, 3, {1, 0, 0, 2, 3, 0}, {1, 2}));
  EXPECT_EQ(test::bytes_of(out), "1 1:1 3:0\n2 1:2 2:3\n");
  EXPECT_EQ(read_libsvm<TypeParam>(this->ctx_, out).cols, 3);
  const auto wide = read_libsvm<TypeParam>(
      this->ctx_, out, {.storage = LibsvmOptions::Storage::sparse, .features = 5});
  write_libsvm(out, wide);
  EXPECT_EQ(test::bytes_of(out), "1 1:1 3:0 5:0\n2 1:2 2:3\n");
}

TYPED_TEST(Writing, NumbersComeBackBitForBit) {
  using T = TypeParam;
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  std::mt19937_64 random(11);
  std::vector<T> values = {std::numeric_limits<T>::max(), std::numeric_limits<T>::denorm_min(),
                           -std::numeric_limits<T>::min(), T(1) / 3};
  while (values.size() < 40'000) {
    const T value = std::bit_cast<T>(static_cast<Bits>(random()));
    if (std::isfinite(value) && value != 0) values.push_back(value);
  }
  const std::vector<T> targets(values.begin(), values.begin() + 10'000);
  const auto data = this->dense(10'000, 4, values, targets);
  const std::string out = this->folder_.file("out");
  write_libsvm(out, data);
  const auto reference = test::reference_parse<T>(test::bytes_of(out), 1);
  ASSERT_TRUE(reference);
  for (std::size_t i = 0; i < 10'000; ++i) {
    ASSERT_EQ((*reference)[i].label, targets[i]);
    for (std::size_t j = 0; j < 4; ++j) {
      ASSERT_EQ((*reference)[i].entries.at(static_cast<long>(j) + 1), values[4 * i + j]);
    }
  }
  EXPECT_EQ(read_libsvm<T>(this->ctx_, out).values.download(), values);
  write_csv(out, data);
  const auto again = read_csv<T>(this->ctx_, out);
  EXPECT_EQ(again.values.download(), values);
  EXPECT_EQ(again.targets.download(), targets);
}

TYPED_TEST(Writing, WhatIsNotFiniteIsRefusedWithNothingLeft) {
  using T = TypeParam;
  const T nan = std::numeric_limits<T>::quiet_NaN(), inf = std::numeric_limits<T>::infinity();
  const auto value = this->dense(2, 2, {1, 2, 3, inf}, {1, 2});
  const auto label = this->dense(2, 1, {1, 2}, {1, nan});
  const std::string out = this->folder_.file("out");
  const auto both = [&](const Dataset<T, Cpu>& data, const std::string& reason) {
    EXPECT_EQ(this->error_of([&](const std::string& path) { write_libsvm(path, data); }),
              out + reason);
    EXPECT_EQ(this->error_of([&](const std::string& path) { write_csv(path, data); }),
              out + reason);
  };
  both(value, ": cannot hold row 2: its feature 2 is not finite");
  both(label, ": cannot hold row 2: its label is not finite");
  EXPECT_EQ(this->folder_.names().size(), 0U);
}

TYPED_TEST(Writing, WhatProgressThrowsLeavesTheOldFile) {
  const auto data = this->dense(2, 1, {1, 2}, {1, 2});
  const std::string out = this->folder_.write("out", "old");
  index_t rows = 0;
  EXPECT_THROW(write_libsvm(out, data, [](index_t) { throw 1; }), int);
  EXPECT_THROW(write_csv(out, data, [](index_t) { throw 1; }), int);
  EXPECT_EQ(test::bytes_of(out), "old");
  EXPECT_EQ(this->folder_.names().size(), 1U);
  write_csv(out, data, [&](index_t written) { rows = written; });
  EXPECT_EQ(rows, 2);
}

TEST(WriteReal, Ijcnn1ComesBack) {
  const auto path = test::data_path("ijcnn1.bz2");
  if (!path) GTEST_SKIP() << test::no_data("ijcnn1.bz2");
  const test::TemporaryFolder folder;
  Context<Cpu> ctx(2);
  const LibsvmOptions sparse{.storage = LibsvmOptions::Storage::sparse};
  const auto data = read_libsvm<double>(ctx, *path, sparse);
  write_libsvm(folder.file("out"), data);
  const auto again = read_libsvm<double>(ctx, folder.file("out"), sparse);
  EXPECT_EQ(again.values.download(), data.values.download());
  EXPECT_EQ(again.columns.download(), data.columns.download());
  EXPECT_EQ(again.offsets.download(), data.offsets.download());
  EXPECT_EQ(again.targets.download(), data.targets.download());
}

TEST(OutputFile, WritersOfOnePathDoNotMeet) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("shared");
  std::vector<std::thread> writers;
  for (char c = 'a'; c < 'i'; ++c) {
    writers.emplace_back([&path, c] {
      for (int k = 0; k < 50; ++k) {
        OutputFile file(path);
        const std::string bytes(100'000, c);
        file.write(bytes.data(), bytes.size());
        file.finish();
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  const std::string bytes = test::bytes_of(path);
  EXPECT_EQ(bytes, std::string(100'000, bytes.at(0)));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"shared"});
}

TEST(OutputFile, HasThePermissionsOfAnyNewFile) {
  const test::TemporaryFolder folder;
  const mode_t before = ::umask(027);
  OutputFile file(folder.file("new"));
  file.finish();
  ::umask(before);
  struct stat info {};
  ASSERT_EQ(::stat(folder.file("new").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640U);
}

TEST(Format, IsToldByContentThenByName) {
  const test::TemporaryFolder folder;
  const auto guess = [&](const std::string& name, const std::string& bytes) {
    return guess_format(folder.write(name, bytes));
  };
  EXPECT_EQ(guess("a.csv", "\x93NUMPY\x01"), FileFormat::npy);
  EXPECT_EQ(guess("a.csv", "1 1:2 3:4\n"), FileFormat::libsvm);
  EXPECT_EQ(guess("a", "# comment, with commas\n\n +1\t1:2\n"), FileFormat::libsvm);
  EXPECT_EQ(guess("a.npy", "1,2,3\n"), FileFormat::csv);
  EXPECT_EQ(guess("a", "\n1;2\n"), FileFormat::csv);
  EXPECT_EQ(guess("a", "x\ty\n1\t2\n"), FileFormat::csv);
  EXPECT_EQ(guess("a", "12:30,5\n"), FileFormat::csv);
  EXPECT_EQ(guess("a", "1\n1:2,3\n"), FileFormat::libsvm) << "a row without entries";
  EXPECT_EQ(guess("a.CSV.gz", "1\n"), FileFormat::csv);
  EXPECT_EQ(guess("a.tsv", ""), FileFormat::csv);
  EXPECT_EQ(guess("a", ""), FileFormat::libsvm);
  EXPECT_THROW(guess_format(folder.file("none")), DataError);
  EXPECT_THROW(guess_format(folder.path()), DataError);
  const std::string pipe = folder.file("pipe.csv");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(guess_format(pipe), FileFormat::csv) << "and does not wait for a writer";
}

}  // namespace
}  // namespace randnla
