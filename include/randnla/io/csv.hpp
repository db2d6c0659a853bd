#pragma once

#include <randnla/data/dataset.hpp>

#include <functional>
#include <string>
#include <variant>
#include <vector>

namespace randnla {

struct CsvOptions {
  enum class Header { automatic, present, absent };
  /// 0: found in the first line, the first of tab, semicolon and comma that occurs outside quotes.
  char delimiter = 0;
  /// automatic: the first line is a header where a field other than the label is text (an empty one
  /// or nan is a missing value, not text).
  Header header = Header::automatic;
  /// Where the label is: a column counted from 1, or from the end (-1 is the last), or the name in
  /// the header; 0: nowhere, the targets become nan.
  std::variant<int, std::string> label_column = -1;
  /// Names that the labels must be among; empty: numbers, or names to be found. Test data are read
  /// with those of the training data.
  std::vector<std::string> classes = {};
  /// Called now and then with the bytes of text parsed so far. What it throws ends the reading.
  std::function<void(index_t)> progress = nullptr;
};

struct CsvStatistics {
  index_t text_bytes = 0;           // after decompression
  char delimiter = ',';             // as used
  bool header = false;              // whether the first line is one
  std::vector<std::string> names;   // of the features; empty without a header
  std::vector<std::string> labels;  // text labels, ascending: target k is labels[k]; empty: numbers
  double seconds_parsing = 0;       // without decompression and reading
};

/// Reads a table of numbers, plain, gzip or bzip2 (told by content), one row a line and one column
/// of labels, to dense data. Blanks around fields, fields in double quotes ("" within stands for
/// one), CRLF, a byte order mark, blank lines and one delimiter behind the last field are accepted.
/// Labels are numbers, or, where the first row has another label, names: then targets 0, 1, ... are
/// the distinct names in ascending order of bytes, 1,000 at most.
///
/// Cost    one pass in blocks, parsed by ctx.threads() threads; the text is never held whole. Peak
///         memory: the result and little more
/// Throws  DataError, beginning with file:line:column: an empty field, one that is not a number or
///         is nan or infinite, another number of fields than in the first line, a label that is
///         none of options.classes, a quote that its line does not close; and with file: no such
///         column, no feature, no data rows, and what concerns the whole file as in read_libsvm;
///         InvalidArgument: a delimiter that can be part of a number or quotes fields
template <Scalar T>
Dataset<T, Cpu> read_csv(Context<Cpu>& ctx, const std::string& path, const CsvOptions& options = {},
                         CsvStatistics* statistics = nullptr);

/// Writes the features and, last, the target of every row, separated by commas, without a header,
/// as the shortest numbers that read_csv<T> gives back exactly. The file appears whole or not at
/// all.
///
/// Throws  DataError: not finite (names row and column), cannot be written; what `progress` throws,
///         which gets the number of rows written now and then
template <Scalar T>
void write_csv(const std::string& path, const Dataset<T, Cpu>& data,
               const std::function<void(index_t)>& progress = nullptr);

}  // namespace randnla
