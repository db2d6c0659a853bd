// What the first lines of a table say about all others.
#pragma once

#include "io/printable.hpp"

#include <randnla/core/backend.hpp>
#include <randnla/io/csv.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace randnla {

/// One field of a line. In quotes, `content` is what they hold; otherwise it has no blanks around.
struct CsvField {
  const char* at = nullptr;  // where it begins in the text
  std::string content;
  bool quoted = false;
};

inline bool is_csv_blank(char c, char delimiter) {
  return (c == ' ' || c == '\t' || c == '\r') && c != delimiter;
}

inline const char* skip_csv_blanks(const char* p, char delimiter) {
  while (is_csv_blank(*p, delimiter)) ++p;
  return p;
}

/// Reads the field at p and moves p to the delimiter or the '\n' behind it. Throws BadText.
CsvField read_csv_field(const char*& p, char delimiter);

class CsvLayout {
 public:
  CsvLayout(const CsvOptions& options, const std::string& path) : options_(options), path_(path) {}

  /// Looks at the blocks of a round until the layout is known. Throws DataError: a fault of a line,
  /// a column that does not exist.
  void look_at(const std::vector<std::string_view>& blocks, index_t lines_before);

  char delimiter() const { return delimiter_; }
  index_t fields() const { return fields_; }
  index_t label() const { return label_; }  // from 0; -1: none
  index_t features() const { return fields_ - (label_ >= 0 ? 1 : 0); }
  bool text_labels() const { return text_labels_; }
  index_t first_line() const { return first_line_; }  // from 1, of the file
  /// Behind the header or the byte order mark where it is in this round's blocks, else null.
  const char* rows_begin() const { return rows_begin_; }
  bool header() const { return header_; }

  /// "label" or "field 3", with its name where there is one.
  std::string role(index_t field) const;
  std::vector<std::string> feature_names() const;

 private:
  void take(std::string_view line, index_t line_number);
  void take_first_line(std::string_view line);
  void take_first_row(std::string_view line);
  std::vector<CsvField> fields_of(std::string_view line) const;
  void find_label();
  bool is_header(const std::vector<CsvField>& fields) const;
  [[noreturn]] void fail(const std::string& what) const;

  const CsvOptions& options_;
  const std::string& path_;
  char delimiter_ = 0;
  index_t fields_ = 0, label_ = -1, first_line_ = 0;
  bool header_ = false, text_labels_ = false, complete_ = false;
  const char* rows_begin_ = nullptr;
  std::vector<std::string> names_;
};

}  // namespace randnla
