#include "io/csv_parser.hpp"

#include "io/number.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <utility>

namespace randnla {
namespace {

template <Scalar T>
class Parser {
 public:
  Parser(std::string_view text, const CsvLayout& layout, const std::vector<std::string>& classes,
         RowScratch<T>& scratch)
      : text_(text),
        layout_(layout),
        delimiter_(layout.delimiter()),
        rows_(scratch),
        closed_(!classes.empty()) {
    for (const std::string& name : classes) add_label(name);
    // A field and what ends it are two bytes at least: no check is needed while parsing.
    const std::size_t most_fields = text.size() / 2 + 1;
    const std::size_t most_rows =
        most_fields / static_cast<std::size_t>(std::max<index_t>(layout.fields(), 1)) + 1;
    reserve(rows_.labels, most_rows);
    reserve(rows_.counts, most_rows);
    reserve(rows_.indices, most_fields);
    reserve(rows_.values, most_fields);
    rows_.rows = rows_.entries = 0;
    rows_.width = static_cast<std::int32_t>(layout.features());
  }

  ParsedCsv<T> run() {
    ParsedCsv<T> result;
    const char* p = text_.data();
    const char* const end = p + text_.size();
    const char* line = p;
    if (p < layout_.rows_begin() && layout_.rows_begin() <= end) {
      p = layout_.rows_begin();
      result.lines = std::count(text_.data(), p, '\n');
      if (p[-1] == '\n') line = p;
    }
    try {
      for (; p < end; line = ++p, ++result.lines) {
        p = skip_csv_blanks(p, delimiter_);
        if (*p != '\n') p = parse_row(p);
      }
      result.rows.emplace(rows_);
      result.labels = std::move(labels_);
    } catch (const BadText& bad) {
      result.fault = TextFault{result.lines + 1, bad.at - line + 1, bad.what};
    }
    return result;
  }

 private:
  template <class V>
  static void reserve(std::vector<V>& values, std::size_t n) {
    if (values.size() < n) values.resize(n);
  }

  /// Returns the place of the '\n'.
  const char* parse_row(const char* p) {
    const index_t begin = rows_.entries;
    T label = std::numeric_limits<T>::quiet_NaN();
    index_t feature = 0;
    for (index_t field = 0; field < layout_.fields(); ++field, ++p) {
      if (field > 0 && p[-1] == '\n') too_few(p - 1, field);
      if (field == layout_.label()) {
        label = layout_.text_labels() ? text_label(p, field) : number(p, field);
        continue;
      }
      const T value = number(p, field);
      // Zeros are what a block of rows need not store; a negative one is told from them.
      if (value != 0 || std::signbit(value)) {
        rows_.indices[static_cast<std::size_t>(rows_.entries)] = static_cast<std::int32_t>(feature);
        rows_.values[static_cast<std::size_t>(rows_.entries++)] = value;
      }
      ++feature;
    }
    p = expect_end(p - 1);
    rows_.labels[static_cast<std::size_t>(rows_.rows)] = label;
    rows_.counts[static_cast<std::size_t>(rows_.rows++)] =
        static_cast<std::int32_t>(rows_.entries - begin);
    return p;
  }

  [[noreturn]] void too_few(const char* at, index_t found) const {
    throw BadText{at, std::to_string(found) + (found == 1 ? " field" : " fields") + wanted()};
  }

  std::string wanted() const {
    return ", want " + std::to_string(layout_.fields()) + " as in line " +
           std::to_string(layout_.first_line());
  }

  /// p is behind the last field; a delimiter there may end the line.
  const char* expect_end(const char* p) const {
    if (*p == '\n') return p;
    const char* const surplus = skip_csv_blanks(p + 1, delimiter_);
    if (*surplus == '\n') return surplus;
    index_t fields = layout_.fields();
    for (const char* q = p; *q != '\n'; ++fields) read_csv_field(++q, delimiter_);
    throw BadText{surplus, std::to_string(fields) + " fields" + wanted()};
  }

  /// Moves p to the delimiter or line end behind the field.
  T number(const char*& p, index_t field) const {
    p = skip_csv_blanks(p, delimiter_);
    const char* const begin = p;
    T value = 0;
    const NumberFault fault = parse_number(p, value);
    p = skip_csv_blanks(p, delimiter_);
    if (fault == NumberFault::none && (*p == delimiter_ || *p == '\n')) return value;
    p = begin;
    return number_with_care(p, field);
  }

  /// Quoted numbers, and all that is none.
  T number_with_care(const char*& p, index_t field) const {
    const CsvField text = read_csv_field(p, delimiter_);
    if (text.content.empty()) throw BadText{text.at, layout_.role(field) + " is empty"};
    T value = 0;
    const char* q = text.content.c_str();
    const NumberFault fault = parse_number(q, value);
    if (fault == NumberFault::none && q == text.content.c_str() + text.content.size()) return value;
    throw BadText{text.at,
                  layout_.role(field) + what_is_wrong(fault) + ": " + quoted(text.content)};
  }

  T text_label(const char*& p, index_t field) {
    const CsvField text = read_csv_field(p, delimiter_);
    if (text.content.empty()) throw BadText{text.at, layout_.role(field) + " is empty"};
    const auto found = index_of_.find(text.content);
    if (found != index_of_.end()) return static_cast<T>(found->second);
    if (closed_)
      throw BadText{text.at,
                    layout_.role(field) + " is none of the known classes: " + quoted(text.content)};
    if (labels_.size() == most_classes) {
      throw BadText{text.at, "more than " + std::to_string(most_classes) + " different labels"};
    }
    return static_cast<T>(add_label(text.content));
  }

  std::size_t add_label(const std::string& name) {
    index_of_.emplace(name, labels_.size());
    labels_.push_back(name);
    return labels_.size() - 1;
  }

  std::string_view text_;
  const CsvLayout& layout_;
  char delimiter_;
  RowScratch<T>& rows_;
  bool closed_;  // no further labels
  std::vector<std::string> labels_;
  std::unordered_map<std::string, std::size_t> index_of_;
};

}  // namespace

template <Scalar T>
ParsedCsv<T> parse_csv(std::string_view text, const CsvLayout& layout,
                       const std::vector<std::string>& classes, RowScratch<T>& scratch) {
  return Parser<T>(text, layout, classes, scratch).run();
}

template ParsedCsv<float> parse_csv(std::string_view, const CsvLayout&,
                                    const std::vector<std::string>&, RowScratch<float>&);
template ParsedCsv<double> parse_csv(std::string_view, const CsvLayout&,
                                     const std::vector<std::string>&, RowScratch<double>&);

}  // namespace randnla
