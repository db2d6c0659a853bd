#include "io/libsvm_reading.hpp"
#include "support/compress.hpp"
#include "support/data_path.hpp"
#include "support/peak_memory.hpp"
#include "support/temporary.hpp"

#include <randnla/io/libsvm.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace randnla {
namespace {

using test::bzip2;
using test::gzip;
using test::outcome;
using test::outcome_every_way;
using test::Reading;
using Storage = LibsvmOptions::Storage;

template <class T>
class Libsvm : public testing::Test {
 protected:
  std::string write(std::string_view bytes) { return folder_.write("data", bytes); }

  /// Reads `bytes` in every way and expects the DataError "path" + `tail`.
  void expect_error(std::string_view bytes, const std::string& tail,
                    const LibsvmOptions& options = {}) {
    const std::string path = write(bytes);
    EXPECT_EQ(outcome_every_way<T>(path, options).error, path + tail)
        << testing::PrintToString(bytes);
  }

  /// Reads `bytes` in every way and expects what the reference parser finds in `text`.
  void expect_rows(std::string_view bytes, const std::string& text, int base = 1) {
    const auto want = test::reference_parse<T>(text, base);
    ASSERT_TRUE(want.has_value());
    const auto got = outcome_every_way<T>(write(bytes), {.storage = Storage::sparse});
    EXPECT_TRUE(test::same_rows(got, *want, base)) << testing::PrintToString(text);
    EXPECT_EQ(got.index_base, base);
    if (got.error.empty()) {
      EXPECT_EQ(got.text_bytes, static_cast<index_t>(text.size()));
    }
  }

  test::TemporaryFolder folder_;
};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(Libsvm, Scalars);

/// Rows of `cols` features of which each is there with probability `density`.
std::string random_text(int rows, int cols, double density, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> unit(0, 1);
  std::string text;
  char token[64];
  for (int i = 0; i < rows; ++i) {
    text += unit(random) < 0.5 ? "-1" : "+1";
    for (int j = 1; j <= cols; ++j) {
      if (unit(random) >= density) continue;
      std::snprintf(token, sizeof token, " %d:%.6g", j, 4 * unit(random) - 2);
      text += token;
    }
    text += '\n';
  }
  return text;
}

TYPED_TEST(Libsvm, SmallFileByHand) {
  using T = TypeParam;
  const std::string path = this->write("+1 1:0.5 3:-2e1\n-1 2:.25\n");
  const Reading<T> sparse = outcome_every_way<T>(path, {.storage = Storage::sparse});
  EXPECT_EQ(sparse.error, "");
  EXPECT_EQ(sparse.rows, 2);
  EXPECT_EQ(sparse.cols, 3);
  EXPECT_EQ(sparse.nonzeros, 3);
  EXPECT_EQ(sparse.targets, (std::vector<T>{1, -1}));
  EXPECT_EQ(sparse.values, (std::vector<T>{0.5, -20, 0.25}));
  EXPECT_EQ(sparse.columns, (std::vector<std::int32_t>{0, 2, 1}));
  EXPECT_EQ(sparse.offsets, (std::vector<index_t>{0, 2, 3}));
  const Reading<T> dense = outcome_every_way<T>(path, {.storage = Storage::dense});
  EXPECT_FALSE(dense.sparse());
  EXPECT_EQ(dense.nonzeros, 6);
  EXPECT_EQ(dense.targets, (std::vector<T>{1, -1}));
  EXPECT_EQ(dense.values, (std::vector<T>{0.5, 0, -20, 0, 0.25, 0}));
}

TYPED_TEST(Libsvm, AcceptsWhatFilesHold) {
  for (const char* text : {
           "1 1:2\n",
           "1 1:2",                                       // no final newline
           "1 1:2\r\n\r\n-1 2:3\r\n",                     // CRLF
           "\n\n1 1:2\n   \n\t\n-1 2:3\n\n",              // blank lines
           "# head\n1 1:2 # tail\n#\n-1 2:3#glued\n# x",  // comments
           "1 1:2 # nan 1:1 \x01\xff\n",                  // anything within one
           "1 3:1 1:2 2:3\n-1 2:1 1:5\n",                 // unsorted
           "1 1:0 2:0.0 3:-0\n-1 1:1\n",                  // explicit zeros
           "  1\t1:2 \v\f 2:3  \n",                       // all kinds of blanks
           "3\n1 7:1\n-2.5e1\n",                          // rows without entries
           "1 00001:1 2:+4\n1 1:1. 2:.5 3:1e3 4:1E-3 5:1.e+0\n", "-0 1:1\n0 1:1\n",
           "1 2147483646:1\n",  // the largest index
       }) {
    this->expect_rows(text, text);
  }
  for (const char* text : {"1 0:2 1:3\n-1 2:1\n", "1 5:1\n1 3:1 0:1\n"}) {
    this->expect_rows(text, text, 0);
  }
}

TYPED_TEST(Libsvm, RandomFilesAgreeWithTheReference) {
  for (const double density : {0.02, 0.3, 1.0}) {
    const std::string text = random_text(300, 70, density, 17);
    this->expect_rows(text, text);
  }
}

TYPED_TEST(Libsvm, DenseAndSparseHoldTheSame) {
  using T = TypeParam;
  const std::string path = this->write(random_text(200, 70, 0.3, 18));
  const Reading<T> sparse = outcome<T>(path, {.storage = Storage::sparse}, 2);
  const Reading<T> dense = outcome_every_way<T>(path, {.storage = Storage::dense});
  std::vector<T> want(static_cast<std::size_t>(sparse.rows * sparse.cols), 0);
  for (index_t i = 0; i < sparse.rows; ++i) {
    for (auto k = static_cast<std::size_t>(sparse.offsets[static_cast<std::size_t>(i)]);
         k < static_cast<std::size_t>(sparse.offsets[static_cast<std::size_t>(i) + 1]); ++k) {
      want[static_cast<std::size_t>(i * sparse.cols + sparse.columns[k])] = sparse.values[k];
    }
  }
  EXPECT_EQ(dense.values, want);
  EXPECT_EQ(dense.targets, sparse.targets);
}

TYPED_TEST(Libsvm, Compressed) {
  const std::string text = random_text(30, 30, 0.4, 19), more = random_text(20, 30, 0.4, 20);
  this->expect_rows(gzip(text), text);
  this->expect_rows(bzip2(text), text);
  // Several members: also empty ones, and one that ends within a line.
  const std::string cut = text.substr(0, text.size() - 7), rest = text.substr(text.size() - 7);
  for (const auto& pack : {gzip, bzip2}) {
    this->expect_rows(pack(text) + pack(more), text + more);
    this->expect_rows(pack("") + pack(cut) + pack("") + pack(rest) + pack(more) + pack(""),
                      text + more);
  }
}

TYPED_TEST(Libsvm, CompressedInManyInputBlocks) {
  // More compressed bytes than the reader's input buffer of 256 KiB holds.
  using T = TypeParam;
  const std::string text = random_text(16'000, 22, 0.9, 21);
  const std::string plain = this->write(text);
  const Reading<T> want = outcome<T>(plain, {}, 2);
  ASSERT_EQ(want.rows, 16'000);
  for (const auto& pack : {gzip, bzip2}) {
    const std::string packed = pack(text);
    ASSERT_GT(packed.size(), std::size_t{3} << 18);
    const Reading<T> got = outcome<T>(this->write(packed), {}, 2);
    EXPECT_EQ(got.error, "");
    EXPECT_TRUE(got == want);
  }
}

TYPED_TEST(Libsvm, BaseIsDetectedOrGiven) {
  using T = TypeParam;
  const std::string one_based = this->folder_.write("one", "1 1:1 3:1\n");
  const std::string zero_based = this->folder_.write("zero", "1 1:1\n1 0:1 3:1\n");
  EXPECT_EQ(outcome<T>(one_based).index_base, 1);
  EXPECT_EQ(outcome<T>(one_based).cols, 3);
  EXPECT_EQ(outcome<T>(one_based, {.index_base = 0}).index_base, 0);
  EXPECT_EQ(outcome<T>(one_based, {.index_base = 0}).cols, 4);
  EXPECT_EQ(outcome<T>(zero_based).index_base, 0);
  EXPECT_EQ(outcome<T>(zero_based).cols, 4);
  EXPECT_EQ(outcome_every_way<T>(zero_based, {.index_base = 1}).error,
            zero_based + ":2:3: index 0 is below the base 1");
}

TYPED_TEST(Libsvm, DenseFromAQuarterOn) {
  using T = TypeParam;
  const std::string quarter = this->folder_.write("quarter", "1 4:1\n1 1:0\n");
  EXPECT_FALSE(outcome<T>(quarter).sparse());
  const std::string less = this->folder_.write("less", "1 4:1\n1 1:0\n1\n");
  EXPECT_TRUE(outcome<T>(less).sparse());
  EXPECT_EQ(outcome<T>(less).nonzeros, 2);
  // What is dropped does not count: two entries in 2 x 4, then one.
  const std::string wide = this->folder_.write("wide", "1 4:1\n1 1:0 5:1 6:1 7:1\n");
  EXPECT_FALSE(outcome<T>(wide, {.features = 4}).sparse());
  EXPECT_TRUE(outcome<T>(wide, {.features = 3}).sparse());
}

TYPED_TEST(Libsvm, LargerIndicesThanFeaturesAreDropped) {
  using T = TypeParam;
  const std::string path = this->write("1 1:1 2:2 3:3\n2 4:4 3:30\n3 2147483646:1\n4 2:5\n");
  const Reading<T> got = outcome_every_way<T>(path, {.storage = Storage::sparse, .features = 3});
  EXPECT_EQ(got.cols, 3);
  EXPECT_EQ(got.dropped, 2);
  EXPECT_EQ(got.values, (std::vector<T>{1, 2, 3, 30, 5}));
  EXPECT_EQ(got.columns, (std::vector<std::int32_t>{0, 1, 2, 2, 1}));
  EXPECT_EQ(got.offsets, (std::vector<index_t>{0, 3, 4, 4, 5}));
  EXPECT_EQ(got.targets, (std::vector<T>{1, 2, 3, 4}));
  const Reading<T> dense =
      outcome_every_way<T>(path, {.storage = Storage::dense, .index_base = 0, .features = 3});
  EXPECT_EQ(dense.dropped, 4);
  EXPECT_EQ(dense.values, (std::vector<T>{0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 5}));
  // More features than occur: empty columns.
  const Reading<T> wide = outcome_every_way<T>(this->write("1 2:1\n"), {.features = 4});
  EXPECT_EQ(wide.values, (std::vector<T>{0, 1, 0, 0}));
  EXPECT_EQ(wide.dropped, 0);
}

TYPED_TEST(Libsvm, LongLines) {
  // One row of 2.6 MB, more than a block, between short ones; then a comment that long.
  using T = TypeParam;
  std::string text = "1 1:1\n-1";
  for (int j = 1; j <= 200'000; ++j) {
    const std::string number = std::to_string(j);
    text.append(" ").append(number).append(":0.").append(number);
  }
  text += "\n1 2:1\n#" + std::string(3'000'000, 'x') + "\n-1 3:1\n";
  const auto want = test::reference_parse<T>(text, 1);
  const std::string path = this->write(text);
  for (const int threads : {1, 7}) {
    for (const std::size_t bytes : {std::size_t{5000}, text_block_bytes}) {
      const auto got = outcome<T>(path, {.storage = Storage::sparse}, threads, bytes);
      EXPECT_TRUE(test::same_rows(got, *want, 1)) << threads << " " << bytes;
    }
  }
}

TYPED_TEST(Libsvm, ErrorsNameTheirPlace) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"1 1:2\nx 1:2\n", ":2:1: label is not a number: \"x\""},
      {"1 1:2\n\n# c\n  1e 1:2\n", ":4:3: label is not a number: \"1e\""},
      {"nan 1:1\n", ":1:1: label is nan or infinity: \"nan\""},
      {"-Inf 1:1\n", ":1:1: label is nan or infinity: \"-Inf\""},
      {"1e999 1:1\n", ":1:1: label is out of range: \"1e999\""},
      {"1x 1:1\n", ":1:1: label is not a number: \"1x\""},
      {"1,2 1:1\n", ":1:1: label is not a number: \"1,2\""},
      {"1 1:nan\n", ":1:5: value is nan or infinity: \"nan\""},
      {"1 1:1 2:+INFINITY\n", ":1:9: value is nan or infinity: \"+INFINITY\""},
      {"1 1:-1e999\n", ":1:5: value is out of range: \"-1e999\""},
      {"1 1:0x10\n", ":1:5: value is not a number: \"0x10\""},
      {"1 1:--1\n", ":1:5: value is not a number: \"--1\""},
      {"1 1:.\n", ":1:5: value is not a number: \".\""},
      {"1 1:1e+\n", ":1:5: value is not a number: \"1e+\""},
      {"1 1:2:3\n", ":1:5: value is not a number: \"2:3\""},
      {"1 1:\x01\xff\n", ":1:5: value is not a number: \"\\x01\\xff\""},
      {"1 1:yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\n",
       ":1:5: value is not a number: \"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy...\""},
      {std::string("1 1:1\0\n", 7), ":1:5: value is not a number: \"1\\x00\""},
      {"1 1:\n", ":1:5: value missing after index 1"},
      {"1 12: 3:4\n", ":1:6: value missing after index 12"},
      {"1 1\n", ":1:3: not an index:value pair: \"1\""},
      {"1 1 :2\n", ":1:3: not an index:value pair: \"1\""},
      {"1 a:1\n", ":1:3: not an index:value pair: \"a:1\""},
      {"1 qid:7 1:1\n", ":1:3: not an index:value pair: \"qid:7\""},
      {"1 :1\n", ":1:3: not an index:value pair: \":1\""},
      {"1 +1:1\n", ":1:3: not an index:value pair: \"+1:1\""},
      {"1 1.0:1\n", ":1:3: not an index:value pair: \"1.0:1\""},
      {"1 -1:1\n", ":1:3: index -1 is negative"},
      {"1 1:1 2147483647:1\n", ":1:7: index 2147483647 is above 2147483646"},
      {"1 1099511627776:1\n", ":1:3: index 1099511627776 is above 2147483646"},
      {"1 18446744073709551617:1\n", ":1:3: index 18446744073709551617 is above 2147483646"},
      {"1 99999999999999999999999999999999999999999:1\n",
       ":1:3: index 99999999999999999999999999999999... is above 2147483646"},
      {"1 3:1 2:1 3:5\n", ":1:11: index 3 occurs twice in the row"},
      {"1 1:1\n1 2:1 2:1\n", ":2:7: index 2 occurs twice in the row"},
      {"1 2:1 1:1 1:2 2:1\n", ":1:11: index 1 occurs twice in the row"},
      {"1 2:1 2:1 x\n", ":1:7: index 2 occurs twice in the row"},
      {"1 2:1 x 2:1\n", ":1:7: not an index:value pair: \"x\""},
      {"1:1 2:1\n", ":1:1: label missing before \"1:1\""},
      {"1 1:1\n \t 1:1\n", ":2:4: label missing before \"1:1\""},
      {":1\n", ":1:1: label missing before \":1\""},
      {"1 1:1\r\n1 1:x\r\n", ":2:5: value is not a number: \"x\""},
      {"1 1:1 \n1 1:x", ":2:5: value is not a number: \"x\""},
      {"1 1:x\n1 1:y\n", ":1:5: value is not a number: \"x\""},
      {"BZh", ":1:1: label is not a number: \"BZh\""},
      {"", ": no data rows"},
      {"\n  \n# only comments\n#", ": no data rows"},
      {"1\n2\n", ": no features in any row"},
  };
  for (const auto& [text, tail] : cases) this->expect_error(text, tail);
  this->expect_error("1 0:1\n", ":1:3: index 0 is below the base 1", {.index_base = 1});
  this->expect_error("1 5:1\n1 3:1 00:1\n", ":2:7: index 0 is below the base 1", {.index_base = 1});
  this->expect_error(gzip(""), ": no data rows");
}

TYPED_TEST(Libsvm, FloatHasItsOwnRange) {
  const std::string path = this->write("1 1:1e39\n");
  const auto got = outcome_every_way<TypeParam>(path);
  if constexpr (sizeof(TypeParam) == 4) {
    EXPECT_EQ(got.error, path + ":1:5: value is out of range: \"1e39\"");
  } else {
    EXPECT_EQ(got.values, std::vector<double>{1e39});
  }
}

TYPED_TEST(Libsvm, TheFirstErrorOfALargeFileIsFound) {
  std::string text = random_text(20'000, 5, 0.5, 22);
  // Errors in lines 7,777 and 7,778 and far behind.
  std::size_t at = 0;
  for (int line = 1; line < 7777; ++line) at = text.find('\n', at) + 1;
  text.insert(at, "1 9:x\nyyy\n");
  text += "zzz\n";
  const std::string path = this->write(text);
  EXPECT_EQ(outcome_every_way<TypeParam>(path).error,
            path + ":7777:5: value is not a number: \"x\"");
}

TYPED_TEST(Libsvm, FilesThatCannotBeRead) {
  using T = TypeParam;
  const std::string& folder = this->folder_.path();
  EXPECT_EQ(outcome<T>(folder).error, folder + ": is a directory");
  EXPECT_EQ(outcome<T>(folder + "/none").error,
            folder + "/none: cannot be opened: No such file or directory");
  EXPECT_EQ(outcome<T>(folder + "/a\nb\xc3\xa4").error,
            folder + "/a\\x0ab\xc3\xa4: cannot be opened: No such file or directory");
  // Reading at the address 0 of one's own memory fails.
  EXPECT_EQ(outcome<T>("/proc/self/mem").error,
            "/proc/self/mem: cannot be read: Input/output error");
}

TYPED_TEST(Libsvm, TruncatedCompressionIsAnError) {
  using T = TypeParam;
  const std::string text = random_text(50, 10, 0.5, 23);
  // A check sum and a size end the members of the one, a magic number and a check sum the other's.
  for (const auto& [pack, trailer] : {std::pair{&gzip, 8u}, std::pair{&bzip2, 10u}}) {
    const std::string whole = pack(text);
    // Cut in the trailer, in the middle, near the head, and in a second member.
    for (const std::size_t keep :
         {whole.size() - 1, whole.size() - 5, whole.size() / 2, std::size_t{12}, std::size_t{4}}) {
      this->expect_error(whole.substr(0, keep), ": compressed data are truncated");
      this->expect_error(whole + whole.substr(0, keep), ": compressed data are truncated");
    }
    // An error in the text before the fault comes first, wherever blocks end: also in the last
    // line, which the decoder may hold back after its last input.
    for (const std::string& bad : {"1 1:x\n" + text, text + "1 1:x\n"}) {
      const std::string cut = pack(bad);
      const std::string path = this->write(cut.substr(0, cut.size() - trailer));
      const std::string line = bad[4] == 'x' ? "1" : "51";
      EXPECT_EQ(outcome_every_way<T>(path).error,
                path + ":" + line + ":5: value is not a number: \"x\"");
    }
  }
}

TYPED_TEST(Libsvm, CorruptCompressionIsAnError) {
  using T = TypeParam;
  const std::string text = random_text(100, 10, 0.5, 24);
  std::mt19937 random(1);
  for (const auto& pack : {gzip, bzip2}) {
    const std::string whole = pack(text);
    for (int round = 0; round < 12; ++round) {
      std::string damaged = whole;
      // Behind the header, whose time stamp and the like may say anything.
      const std::size_t at = 20 + random() % (whole.size() - 24);
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
      EXPECT_NE(outcome_every_way<T>(this->write(damaged)).error, "") << at;
    }
    std::string middle = whole;
    for (std::size_t k = 0; k < 40; ++k) middle[whole.size() / 2 + k] = '\xff';
    EXPECT_NE(outcome_every_way<T>(this->write(middle)).error, "");
    // The check sum alone: all text is fine.
    std::string sum = whole;
    sum[whole.size() - 5] = static_cast<char>(sum[whole.size() - 5] ^ 0x10);
    this->expect_error(sum, ": compressed data are corrupt");
    this->expect_error(whole + "junk behind", ": compressed data are corrupt");
  }
}

TYPED_TEST(Libsvm, NumbersAreRoundedCorrectly) {
  using T = TypeParam;
  std::mt19937_64 random(25);
  auto digits = [&](int n) {
    std::string s;
    while (n-- > 0) s += static_cast<char>('0' + random() % 10);
    return s;
  };
  auto up_to = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n + 1)); };
  std::vector<std::string> numbers = {"0",
                                      "-0",
                                      "0.0e5",
                                      "0e99999999999999999999999",
                                      "1e-99999999999999999999999",
                                      "4.9e-324",
                                      "2.4703282292062327e-324",
                                      "2.4703282292062328e-324",
                                      "2e-324",
                                      "1e-400",
                                      "1e-46",
                                      "7.006492321624085e-46",
                                      "7.006492321624086e-46",
                                      "1.17549435e-38",
                                      "2.2250738585072011e-308",
                                      "9007199254740993",
                                      "9007199254740992e22",
                                      "9007199254740993e22",
                                      "16777217",
                                      "33554433.0000000001",
                                      "0." + std::string(400, '0') + "1e400",
                                      "1" + std::string(400, '0') + "e-400",
                                      "0." + std::string(80'000, '0') + "1e80000",
                                      "1" + std::string(80'000, '0') + "e-80001",
                                      std::string(100, '0') + "1.5",
                                      "340282346638528859811704183484516925440",
                                      "1e22",
                                      "1e23",
                                      "123456789012345678901234567890"};
  for (int k = 0; k < 60'000; ++k) {  // of every length, around the fast path's limits
    numbers.push_back(digits(up_to(12)) + "." + digits(1 + up_to(12)));
    numbers.push_back(digits(1 + up_to(20)) + "e" + std::to_string(up_to(60) - 30));
    numbers.push_back("-" + digits(1) + "." + digits(up_to(25)) + "E" +
                      std::to_string(up_to(650) - 350));
  }
  char text[1200];
  for (int k = 0; k < 2'000; ++k) {
    // Halfway between two neighbours, exactly, and the least step to both sides: as a decimal
    // number a float's middle and a double's have at most 800 digits.
    std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t> bits =
        static_cast<decltype(bits)>(random()) & ~(decltype(bits){1} << (8 * sizeof(T) - 1));
    const T lower = std::bit_cast<T>(bits);
    const T upper = std::nextafter(lower, std::numeric_limits<T>::infinity());
    if (!std::isfinite(upper)) continue;
    const long double middle =
        static_cast<long double>(lower) +
        (static_cast<long double>(upper) - static_cast<long double>(lower)) / 2;
    std::snprintf(text, sizeof text, "%.800Le", middle);
    numbers.emplace_back(text);
    std::string above = text;
    above[above.find('e') - 1] = '1';
    numbers.push_back(above);
    std::snprintf(text, sizeof text, "%.17Le", middle);
    numbers.emplace_back(text);
    // Near a middle of floats so that the nearest double is the middle: rounding that once more
    // can go to the wrong side.
    const double near_one = 1 + static_cast<double>(2 * (bits >> 8 & 0x3fffff) + 1) / (1 << 24);
    std::snprintf(text, sizeof text, "%.15f", near_one);
    numbers.emplace_back(text);
    std::snprintf(text, sizeof text, "%.9e", static_cast<double>(lower));
    numbers.emplace_back(text);
  }
  // Middles of floats that are short: integers just above 2^24, and eighths.
  for (int k = 0; k < 2'000; ++k) {
    const long middle = (1L << 24) + 2 * up_to(1 << 22) + 1;
    numbers.push_back(std::to_string(middle));
    numbers.push_back(std::to_string(middle) + ".000000001");
    std::snprintf(text, sizeof text, "%.3f", static_cast<double>(middle) / 8);
    numbers.emplace_back(text);
  }
  std::string file = "0 1:0\n";
  std::vector<T> want = {0};
  for (const std::string& number : numbers) {
    const auto value = test::reference_number<T>(number);
    if (!value) continue;  // beyond the range
    file += number + "\n";
    want.push_back(*value);
  }
  ASSERT_GT(want.size(), 100'000u);
  const auto got = outcome<T>(this->write(file), {}, 2);
  ASSERT_EQ(got.error, "");
  ASSERT_EQ(got.targets.size(), want.size());
  for (std::size_t k = 0; k < want.size(); ++k) {
    ASSERT_EQ(got.targets[k], want[k]) << k;
    ASSERT_EQ(std::signbit(got.targets[k]), std::signbit(want[k])) << k;
  }
}

TYPED_TEST(Libsvm, OverflowIsAnError) {
  using T = TypeParam;
  // Halfway between the largest number and the next power of two the rounding goes up.
  const long double largest = std::numeric_limits<T>::max();
  const long double half_step =
      std::ldexp(1.0L, std::numeric_limits<T>::max_exponent - std::numeric_limits<T>::digits - 1);
  char middle[1200] = {};
  std::snprintf(middle, sizeof middle, "%.400Lf", largest + half_step);
  for (const std::string& number : std::vector<std::string>{
           "1e309", "1e99999999999999999999999", "0.000000000000000000000000000001e340", middle}) {
    const std::string path = this->write("1 1:" + number + "\n");
    EXPECT_EQ(outcome_every_way<T>(path).error.find(path + ":1:5: value is out of range"), 0u)
        << number;
  }
  const std::size_t last = std::string(middle).find('.') - 1;
  --middle[last];
  const std::string path = this->write(std::string("1 1:") + middle + "\n");
  EXPECT_EQ(outcome_every_way<T>(path).values, std::vector<T>{std::numeric_limits<T>::max()});
}

TYPED_TEST(Libsvm, MutatedTextParsesAsTheReferenceOrIsRefused) {
  using T = TypeParam;
  std::mt19937 random(26);
  const std::string alphabet = "0123456789012345678901234567890:.:.+-eE \t\r\n\n#nif,\v\x01\xff";
  auto any = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  int parsed = 0, refused = 0;
  for (int round = 0; round < 1500; ++round) {
    std::string text =
        random_text(1 + static_cast<int>(any(4)), 6, 0.5, static_cast<unsigned>(round));
    for (std::size_t edits = 1 + any(3); edits > 0 && !text.empty(); --edits) {
      const std::size_t at = any(text.size());
      const char c = any(20) == 0 ? static_cast<char>(random()) : alphabet[any(alphabet.size())];
      switch (any(4)) {
        case 0:
          text[at] = c;
          break;
        case 1:
          text.insert(at, 1, c);
          break;
        case 2:
          text.erase(at, 1);
          break;
        default:
          text.insert(at, text.substr(any(text.size()), any(8)));
      }
    }
    const bool zero = round % 2 == 0;
    LibsvmOptions options{.storage = Storage::sparse, .features = 2147483646};
    if (!zero) options.index_base = 1;
    const auto want = test::reference_parse<T>(text, zero ? 0 : 1);
    const std::string path = this->write(text);
    const auto got =
        round % 80 == 0 ? outcome_every_way<T>(path, options) : outcome<T>(path, options);
    if (want && !want->empty()) {
      ASSERT_TRUE(test::same_rows(got, *want, got.index_base)) << testing::PrintToString(text);
      ++parsed;
    } else {
      ASSERT_EQ(got.error.find(path + ":"), 0u) << testing::PrintToString(text);
      ++refused;
    }
  }
  EXPECT_GT(parsed, 200);
  EXPECT_GT(refused, 200);
}

TYPED_TEST(Libsvm, BinaryJunkIsRefused) {
  using T = TypeParam;
  std::mt19937 random(27);
  for (int round = 0; round < 150; ++round) {
    std::string junk(1 + random() % 5000, '\0');
    for (char& c : junk) c = static_cast<char>(random());
    if (round % 3 == 1) junk.insert(0, "\x1f\x8b\x08");
    if (round % 3 == 2) junk.insert(0, "BZh9");
    const std::string path = this->write(junk);
    const std::string error = outcome<T>(path, {}, 2, 700).error;
    ASSERT_EQ(error.find(path + ":"), 0u);
    ASSERT_EQ(outcome<T>(path).error, error);
    for (const char c : error) ASSERT_TRUE(c >= ' ' && c < '\x7f') << error;
  }
}

TYPED_TEST(Libsvm, NamedPipe) {
  using T = TypeParam;
  const std::string text = random_text(30'000, 10, 0.7, 28);
  const Reading<T> want = outcome<T>(this->write(text), {}, 2);
  for (const std::string& bytes : {text, gzip(text), bzip2(text)}) {
    const std::string pipe = this->folder_.file("pipe");
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    std::thread writer([&] {
      const int descriptor = ::open(pipe.c_str(), O_WRONLY);
      // The first bytes one by one: the kind of file must be told all the same.
      for (std::size_t done = 0; done < bytes.size();) {
        const std::size_t size = done < 6 ? 1 : bytes.size() - done;
        const ssize_t wrote = ::write(descriptor, bytes.data() + done, size);
        if (wrote <= 0) break;
        done += static_cast<std::size_t>(wrote);
        if (done <= 6) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      ::close(descriptor);
    });
    const Reading<T> got = outcome<T>(pipe, {}, 2);
    writer.join();
    EXPECT_TRUE(got == want) << got.error;
    ::unlink(pipe.c_str());
  }
}

TYPED_TEST(Libsvm, OptionsOutOfRange) {
  Context<Cpu> ctx(1);
  auto read = [&](const LibsvmOptions& options) {
    return read_libsvm<TypeParam>(ctx, this->folder_.file("none"), options);
  };
  EXPECT_THROW(read({.features = -1}), InvalidArgument);
  EXPECT_THROW(read({.features = index_t{1} << 31}), InvalidArgument);
  EXPECT_THROW(read({.index_base = -1}), InvalidArgument);
  EXPECT_THROW(read({.index_base = 2}), InvalidArgument);
  EXPECT_THROW(read({.features = (index_t{1} << 31) - 1}), DataError);  // the file is missing
}

TYPED_TEST(Libsvm, StatisticsSayWhatWasDone) {
  const std::string text = random_text(20'000, 10, 0.7, 29);
  Context<Cpu> ctx(2);
  LibsvmStatistics statistics;
  const auto data = read_libsvm<TypeParam>(ctx, this->write(gzip(text)), {}, &statistics);
  EXPECT_EQ(data.rows, 20'000);
  EXPECT_EQ(statistics.text_bytes, static_cast<index_t>(text.size()));
  EXPECT_GT(statistics.seconds_parsing, 0);
}

/// The same `period` rows over and over until `rows`.
void write_long(const std::string& path, const std::string& period, int times) {
  std::ofstream stream(path, std::ios::binary);
  for (int k = 0; k < times; ++k) stream << period;
}

/// Expects a peak below 1.3 times the arrays of the result.
void expect_low_peak(const std::string& period, int times, Storage storage) {
  if (RANDNLA_SANITIZED) GTEST_SKIP() << "sanitizers keep memory";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        test::TemporaryFolder folder;
        const std::string path = folder.file("data");
        write_long(path, period, times);
        test::exit_by_peak(1.3, [&] {
          Context<Cpu> ctx(2);
          const auto data = read_libsvm<double>(ctx, path, {.storage = storage});
          std::filesystem::remove_all(folder.path());
          return 8.0 * static_cast<double>(data.values.size() + data.offsets.size() + data.rows) +
                 4.0 * static_cast<double>(data.columns.size());
        });
      },
      testing::ExitedWithCode(0), "");
}

TEST(LibsvmMemory, DenseResultAndLittleMore) {
  expect_low_peak(random_text(1000, 22, 1.0, 30), 700, Storage::dense);
}

TEST(LibsvmMemory, SparseResultAndLittleMore) {
  expect_low_peak(random_text(1000, 2000, 0.01, 31), 500, Storage::sparse);
}

struct RealFile {
  const char* name;
  index_t rows, cols, positive;
  bool sparse;
  int base;
};

class LibsvmRealFile : public testing::TestWithParam<RealFile> {};

TEST_P(LibsvmRealFile, HasItsPublishedShape) {
  const RealFile& file = GetParam();
  const auto path = test::data_path(file.name);
  if (!path) GTEST_SKIP() << test::no_data(file.name);
  const auto got = outcome<double>(*path, {}, 2);
  ASSERT_EQ(got.error, "");
  EXPECT_EQ(got.rows, file.rows);
  EXPECT_EQ(got.cols, file.cols);
  EXPECT_EQ(std::count(got.targets.begin(), got.targets.end(), 1.0), file.positive);
  EXPECT_EQ(std::count(got.targets.begin(), got.targets.end(), -1.0), file.rows - file.positive);
  EXPECT_EQ(got.sparse(), file.sparse);
  EXPECT_EQ(got.index_base, file.base);
}

// LIBSVM's page gives rows, features and the classes of ijcnn1 and a9a; 7,841 of 32,561 and 3,846
// of 16,281 rows of Adult earn above 50K (adult.names).
INSTANTIATE_TEST_SUITE_P(Files, LibsvmRealFile,
                         testing::Values(RealFile{"ijcnn1.bz2", 49'990, 22, 4'853, false, 1},
                                         RealFile{"ijcnn1.t.bz2", 91'701, 22, 8'712, false, 1},
                                         RealFile{"a9a", 32'561, 123, 7'841, true, 1},
                                         RealFile{"adult.tst.bz2", 16'281, 123, 3'846, true, 0}),
                         [](const auto& file) {
                           std::string name = file.param.name;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

}  // namespace
}  // namespace randnla
