#include "io/csv_reader.hpp"
#include "io/parse_rounds.hpp"
#include "support/compress.hpp"
#include "support/data_path.hpp"
#include "support/peak_memory.hpp"
#include "support/temporary.hpp"

#include <randnla/core/error.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace randnla {
namespace {

using Header = CsvOptions::Header;
using Strings = std::vector<std::string>;

/// For nan, which does not equal itself.
constexpr double no_label = -12345;

struct Table {
  std::string error;  // without the file's name
  index_t rows = 0, cols = 0;
  std::vector<double> values, targets;
  Strings names, labels;
  char delimiter = 0;
  bool header = false;

  bool operator==(const Table&) const = default;
};

class Csv : public testing::Test {
 protected:
  template <class T = double>
  Table read_file(const std::string& path, const CsvOptions& options, int threads = 1,
                  std::size_t block_bytes = text_block_bytes) {
    Context<Cpu> ctx(threads);
    Table table;
    try {
      CsvStatistics found;
      const auto data = read_csv_blocks<T>(ctx, path, options, &found, block_bytes);
      EXPECT_FALSE(data.sparse());
      EXPECT_EQ(data.nonzeros, data.rows * data.cols);
      table.rows = data.rows;
      table.cols = data.cols;
      for (const T value : data.values.download()) table.values.push_back(value);
      for (const T target : data.targets.download()) {
        table.targets.push_back(std::isnan(target) ? no_label : target);
      }
      table.names = found.names;
      table.labels = found.labels;
      table.delimiter = found.delimiter;
      table.header = found.header;
    } catch (const DataError& error) {
      table.error = error.what();
      EXPECT_EQ(table.error.rfind(path, 0), 0U) << table.error;
      table.error.erase(0, path.size() + 1);
    }
    return table;
  }
  /// The outcome, which must not depend on blocks and threads.
  Table read(const std::string& text, const CsvOptions& options = {}) {
    const std::string path = folder_.write("table", text);
    const Table table = read_file(path, options);
    for (const std::size_t bytes : {1, 2, 7, 40}) {
      EXPECT_TRUE(read_file(path, options, 1, bytes) == table) << bytes;
      EXPECT_TRUE(read_file(path, options, 3, bytes) == table) << bytes;
    }
    return table;
  }
  std::string error_of(const std::string& text, const CsvOptions& options = {}) {
    return read(text, options).error;
  }

  test::TemporaryFolder folder_;
};

const std::vector<double> values = {1, 2, 0, -4.5};
const std::vector<double> targets = {7, 8};

TEST_F(Csv, LastColumnIsTheLabel) {
  const Table table = read("1,2,7\n0,-4.5,8\n");
  EXPECT_EQ(table.error, "");
  EXPECT_EQ(table.rows, 2);
  EXPECT_EQ(table.cols, 2);
  EXPECT_EQ(table.values, values);
  EXPECT_EQ(table.targets, targets);
  EXPECT_FALSE(table.header);
  EXPECT_EQ(table.names, Strings());
  EXPECT_EQ(table.labels, Strings());
}

TEST_F(Csv, WaysToWriteTheSame) {
  for (const char* text : {
           "1,2,7\n0,-4.5,8",                          // no line end at the end
           "1,2,7\r\n0,-4.5,8\r\n",                    // CRLF
           "\n\n1,2,7\n \t\n0,-4.5,8\n\r\n\n",         // blank lines
           "1;2;7\n0;-4.5;8\n",                        // semicolons
           "1\t2\t7\n0\t-4.5\t8\n",                    // tabs
           " 1 ,2, 7\n0\t, -4.5 ,\t8 \n",              // blanks
           "1,2,7,\n0,-4.5,8,\n",                      // delimiter behind the last field
           "1,2,7,\r\n0,-4.5,8\n",                     // behind some
           "\"1\",\"2\",7\n\"0\", \"-4.5\" ,\"8\"\n",  // quotes
           "\xef\xbb\xbf"                              // byte order mark
           "1,2,7\n0,-4.5,8\n",
           "+1e0,.2e1,7.\n0.0,-45e-1,0.8E+1\n",  // numbers
       }) {
    const Table table = read(text);
    EXPECT_EQ(table.error, "") << text;
    EXPECT_EQ(table.values, values) << text;
    EXPECT_EQ(table.targets, targets) << text;
    EXPECT_FALSE(table.header) << text;
  }
  EXPECT_EQ(read("1|2|7\n0|-4.5|8\n", {.delimiter = '|'}).values, values);
  EXPECT_EQ(read("1 2 7\n0 -4.5 8\n", {.delimiter = ' '}).values, values);
  EXPECT_EQ(read("1;2;7\n0;-4.5;8\n").delimiter, ';');
}

TEST_F(Csv, Compressed) {
  const std::string text = "1,2,7\n0,-4.5,8\n";
  for (const std::string& packed : {test::gzip(text), test::bzip2(text)}) {
    EXPECT_EQ(read_file(folder_.write("packed", packed), {}).values, values);
    EXPECT_NE(read_file(folder_.write("packed", packed.substr(0, packed.size() - 3)), {}).error,
              "");
  }
}

TEST_F(Csv, HeaderIsFound) {
  for (const char* head : {"a,b c,y\n", "\"a\",\"b c\",\"y\"\n", " a , b c ,y,\r\n", "\na,b c,y\n",
                           "\xef\xbb\xbf"
                           "a,b c,y\n"}) {
    const Table table = read(std::string(head) + "1,2,7\n\n0,-4.5,8\n");
    EXPECT_EQ(table.error, "") << head;
    EXPECT_TRUE(table.header) << head;
    EXPECT_EQ(table.names, (Strings{"a", "b c"})) << head;
    EXPECT_EQ(table.values, values) << head;
  }
  EXPECT_EQ(read("x \"\"q\"\",y\n1,2\n").names, Strings{"x \"\"q\"\""});
  EXPECT_EQ(read("\"x \"\"q\"\", z\",y\n1,2\n").names, Strings{"x \"q\", z"});
  // Numbers that are names, and text that the user knows to be none.
  const Table years = read("1990,1991,1992\n1,2,3\n", {.header = Header::present});
  EXPECT_EQ(years.names, (Strings{"1990", "1991"}));
  EXPECT_EQ(years.rows, 1);
  EXPECT_EQ(error_of("a,b,y\n1,2,7\n", {.header = Header::absent}),
            "1:1: field 1 is not a number: \"a\"");
  // A missing value in the first row makes no header of it.
  EXPECT_EQ(error_of("1,,7\n1,2,7\n"), "1:3: field 2 is empty");
  EXPECT_EQ(error_of("1,NA,7\n1,2,7\n"), "1:3: field 2 is not a number: \"NA\"");
  EXPECT_EQ(error_of("1,nan,7\n1,2,7\n"), "1:3: field 2 is nan or infinity: \"nan\"");
}

TEST_F(Csv, LabelColumnByNumberAndName) {
  const std::string text = "y,a,b\n7,1,2\n8,0,-4.5\n";
  const std::string other_text = "a,y,b\n1,7,2\n0,8,-4.5\n";
  for (const CsvOptions& options : {CsvOptions{.label_column = 1}, CsvOptions{.label_column = -3},
                                    CsvOptions{.label_column = "y"}}) {
    const Table table = read(text, options);
    EXPECT_EQ(table.values, values);
    EXPECT_EQ(table.targets, targets);
    EXPECT_EQ(table.names, (Strings{"a", "b"}));
  }
  EXPECT_EQ(read(other_text, {.label_column = 2}).values, values);
  EXPECT_EQ(read(other_text, {.label_column = "y"}).targets, targets);
  EXPECT_EQ(read("1,2,3\n4,5,6\n", {.label_column = "2"}).targets, std::vector<double>{5});
  EXPECT_EQ(error_of(text, {.label_column = 4}), " line 1 has 3 fields, no column 4");
  EXPECT_EQ(error_of(text, {.label_column = -4}), " line 1 has 3 fields, no column -4");
  EXPECT_EQ(error_of("\n" + text, {.label_column = "z"}), " line 2 has no column \"z\"");
}

TEST_F(Csv, WithoutLabels) {
  const Table table = read("1,2\n0,-4.5\n", {.label_column = 0});
  EXPECT_EQ(table.values, values);
  EXPECT_EQ(table.targets, (std::vector<double>{no_label, no_label}));
}

TEST_F(Csv, TextLabelsAreTheirRankInOrder) {
  const Table table = read("a,y\n1,yes\n2,no\n3,\"maybe, no\"\n4, yes\n5,no \n");
  EXPECT_EQ(table.error, "");
  EXPECT_EQ(table.labels, (Strings{"maybe, no", "no", "yes"}));
  EXPECT_EQ(table.targets, (std::vector<double>{2, 1, 0, 2, 1}));
  EXPECT_EQ(table.values, (std::vector<double>{1, 2, 3, 4, 5}));
  EXPECT_EQ(read("1,b\n2,a\n3,17\n").labels, (Strings{"17", "a", "b"})) << "no header";
  const CsvOptions known{.classes = {"maybe", "no", "yes"}};
  EXPECT_EQ(read("1,yes\n2,no\n", known).targets, (std::vector<double>{2, 1}));
  EXPECT_EQ(error_of("1,yes\n2,No\n", known), "2:3: label is none of the known classes: \"No\"");
  EXPECT_EQ(error_of("1,2\n2,no\n", known), "1:3: label is none of the known classes: \"2\"");
  EXPECT_EQ(error_of("1,1\n2,no\n"), "2:3: label is not a number: \"no\"");
  EXPECT_EQ(error_of("1,yes\n2,\n"), "2:3: label is empty");
}

TEST_F(Csv, AThousandTextLabelsAreEnough) {
  std::string text;
  for (int k = 0; k < 1000; ++k) text += "1,c" + std::to_string(k) + "\n";
  EXPECT_EQ(read_file(folder_.write("t", text), {}).labels.size(), 1000U);
  text += "1,one more\n";
  EXPECT_EQ(read_file(folder_.write("t", text), {}).error,
            "1001:3: more than 1000 different labels");
  EXPECT_EQ(read_file(folder_.write("t", text), {}, 1, 500).error,
            " more than 1000 different labels");
}

TEST_F(Csv, FaultsAreNamedByPlace) {
  EXPECT_EQ(error_of("1,2,7\n0,,8\n"), "2:3: field 2 is empty");
  EXPECT_EQ(error_of("1,2,7\n\n0, ,8\n"), "3:4: field 2 is empty");
  EXPECT_EQ(error_of("1,2,7\n0,\"\",8\n"), "2:3: field 2 is empty");
  EXPECT_EQ(error_of("a,b,y\n1,2,7\n0,,8\n"), "3:3: field 2 (\"b\") is empty");
  EXPECT_EQ(error_of("a,b,y\n1,2,7\n0,1,\n"), "3:5: label (\"y\") is empty");
  EXPECT_EQ(error_of("1,2,7\n0,x1,8\n"), "2:3: field 2 is not a number: \"x1\"");
  EXPECT_EQ(error_of("1,2,7\n0,1x,8\n"), "2:3: field 2 is not a number: \"1x\"");
  EXPECT_EQ(error_of("1,2,7\n0,1 2,8\n"), "2:3: field 2 is not a number: \"1 2\"");
  EXPECT_EQ(error_of("1,2,7\n0,-inf,8\n"), "2:3: field 2 is nan or infinity: \"-inf\"");
  EXPECT_EQ(error_of("1,2,7\n0,1e999,8\n"), "2:3: field 2 is out of range: \"1e999\"");
  EXPECT_EQ(error_of("1,2,7\n0,1,nan\n"), "2:5: label is nan or infinity: \"nan\"");
  EXPECT_EQ(error_of("1,2,7\n0,8\n"), "2:4: 2 fields, want 3 as in line 1");
  EXPECT_EQ(error_of("1,2,7\n8\n"), "2:2: 1 field, want 3 as in line 1");
  EXPECT_EQ(error_of("\n1,2,7\n0,1,8,9,10\n"), "3:7: 5 fields, want 3 as in line 2");
  EXPECT_EQ(error_of("1,2,7\n0,1,8,,\n"), "2:7: 5 fields, want 3 as in line 1");
  EXPECT_EQ(error_of("1,2,7\n0,\"1,8\n"), "2:3: the quote is not closed on its line");
  EXPECT_EQ(error_of("\"1,2,7\n"), "1:1: the quote is not closed on its line");
  EXPECT_EQ(error_of("1,2,7\n0,\"1\"2,8\n"), "2:6: text behind a closing quote");
  EXPECT_EQ(error_of("1;2;7\n0;5,2;7\n"), "2:3: field 2 is not a number: \"5,2\"")
      << "decimal comma";
  EXPECT_EQ(error_of("\xef\xbb\xbf"
                     "1,2,7\n0,,8\n"),
            "2:3: field 2 is empty");
  EXPECT_EQ(error_of("\xef\xbb\xbf"
                     "1,,7\n"),
            "1:6: field 2 is empty");
}

TEST_F(Csv, FilesWithoutATable) {
  EXPECT_EQ(error_of(""), " no data rows");
  EXPECT_EQ(error_of("\n \n"), " no data rows");
  EXPECT_EQ(error_of("a,b,y\n"), " no data rows");
  EXPECT_EQ(error_of("1\n2\n"), " line 1 has one field, parted at \",\": no features");
  EXPECT_EQ(read_file(folder_.file("none"), {}).error,
            " cannot be opened: No such file or directory");
}

TEST_F(Csv, DelimitersThatNumbersHaveAreRefused) {
  const std::string path = folder_.write("table", "1,2\n");
  Context<Cpu> ctx(1);
  for (const char c : {'1', 'e', 'X', '+', '-', '.', '"', '\n', '\r', '\x7f'}) {
    EXPECT_THROW(read_csv<double>(ctx, path, {.delimiter = c}), InvalidArgument) << c;
  }
}

TEST_F(Csv, WhatProgressThrowsEndsTheReading) {
  const std::string path = folder_.write("table", "1,2\n3,4\n");
  Context<Cpu> ctx(1);
  index_t seen = 0;
  read_csv<double>(ctx, path, {.progress = [&](index_t bytes) { seen = bytes; }});
  EXPECT_EQ(seen, 8);
  EXPECT_THROW(read_csv<double>(ctx, path, {.progress = [](index_t) { throw 1; }}), int);
}

/// Any text of numbers against the C library, field by field.
template <class T>
std::vector<T> reference(const std::string& text) {
  std::vector<T> numbers;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    for (std::string field; std::getline(fields, field, ',');) {
      numbers.push_back(sizeof(T) == 4 ? static_cast<T>(std::strtof(field.c_str(), nullptr))
                                       : static_cast<T>(std::strtod(field.c_str(), nullptr)));
    }
  }
  return numbers;
}

std::string random_table(int rows, int fields, unsigned seed) {
  std::mt19937 bits(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::ostringstream text;
  for (int i = 0; i < rows; ++i) {
    for (int f = 0; f < fields; ++f) {
      text.precision(static_cast<int>(bits() % 19 + 1));
      text << (f > 0 ? "," : "");
      if (bits() % 3 == 0) {
        text << "0";
      } else {
        text << std::pow(10.0, 20 * uniform(bits)) * uniform(bits);
      }
    }
    text << "\n";
  }
  return text.str();
}

TEST_F(Csv, RandomTablesAreThoseOfTheCLibrary) {
  for (const int fields : {2, 3, 9, 130}) {
    const std::string text = random_table(200, fields, static_cast<unsigned>(fields));
    const std::string path = folder_.write("random", text);
    for (const int threads : {1, 4}) {
      for (const std::size_t bytes : {std::size_t{300}, text_block_bytes}) {
        const auto check = [&]<class T>(T) {
          const Table got = read_file<T>(path, {}, threads, bytes);
          ASSERT_EQ(got.error, "");
          const std::vector<T> want = reference<T>(text);
          const auto cols = static_cast<std::size_t>(fields - 1);
          ASSERT_EQ(got.values.size(), 200 * cols);
          for (std::size_t i = 0; i < 200; ++i) {
            for (std::size_t j = 0; j < cols; ++j) {
              ASSERT_EQ(got.values[i * cols + j], want[i * (cols + 1) + j]) << i << " " << j;
            }
            ASSERT_EQ(got.targets[i], want[i * (cols + 1) + cols]);
          }
        };
        check(double{});
        check(float{});
      }
    }
  }
}

TEST_F(Csv, NegativeZeroKeepsItsSign) {
  EXPECT_TRUE(std::signbit(read("-0,1\n").values.at(0)));
  EXPECT_FALSE(std::signbit(read("0,1\n").values.at(0)));
}

TEST_F(Csv, Covtype) {
  const auto path = test::data_path("covtype.20k.data");
  if (!path) GTEST_SKIP() << test::no_data("covtype.20k.data");
  const Table table = read_file(*path, {}, 2);
  EXPECT_EQ(table.rows, 20'000);
  EXPECT_EQ(table.cols, 54);
  EXPECT_FALSE(table.header);
  const std::vector<double> want = reference<double>(test::bytes_of(*path));
  for (std::size_t i = 0; i < 20'000; ++i) {
    for (std::size_t j = 0; j < 54; ++j) ASSERT_EQ(table.values[54 * i + j], want[55 * i + j]);
    ASSERT_EQ(table.targets[i], want[55 * i + 54]);
  }
}

TEST_F(Csv, PeakMemoryIsThatOfTheResult) {
  if (RANDNLA_SANITIZED) GTEST_SKIP() << "sanitizers keep memory";
  // 400,000 rows of 40 one-digit features: 32 MB of text, 128 MB of values.
  const std::string path = folder_.file("large");
  {
    std::ofstream stream(path);
    for (int i = 0; i < 400'000; ++i) {
      for (int j = 0; j < 40; ++j) stream << (i + j) % 7 << ',';
      stream << i % 2 << '\n';
    }
  }
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        Context<Cpu> ctx(2);
        test::exit_by_peak(1.25, [&] {
          const auto data = read_csv<double>(ctx, path);
          return 8.0 * static_cast<double>(data.values.size() + data.rows);
        });
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace randnla
