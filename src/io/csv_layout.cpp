#include "io/csv_layout.hpp"

#include "io/number.hpp"
#include "io/parse_rounds.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <variant>

namespace randnla {
namespace {

char find_delimiter(std::string_view line) {
  for (const char candidate : {'\t', ';', ','}) {
    bool within_quotes = false;
    for (const char c : line) {
      if (c == '"') within_quotes = !within_quotes;
      if (c == candidate && !within_quotes) return candidate;
    }
  }
  return ',';
}

NumberFault fault_of(const std::string& content) {
  double value = 0;
  const char* p = content.c_str();
  const NumberFault fault = parse_number(p, value);
  const bool whole = p == content.c_str() + content.size();
  return fault == NumberFault::none && !whole ? NumberFault::not_a_number : fault;
}

/// What a header has and a row of numbers has not.
bool is_text(const CsvField& field) {
  for (const char* missing : {"", "?", "NA", "N/A", "NULL", "null", "None"}) {
    if (field.content == missing) return false;
  }
  return fault_of(field.content) == NumberFault::not_a_number;
}

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

}  // namespace

CsvField read_csv_field(const char*& p, char delimiter) {
  p = skip_csv_blanks(p, delimiter);
  CsvField field{p, {}, *p == '"'};
  if (!field.quoted) {
    while (*p != delimiter && *p != '\n') ++p;
    const char* end = p;
    while (end > field.at && is_csv_blank(end[-1], delimiter)) --end;
    field.content.assign(field.at, end);
    return field;
  }
  for (++p;; ++p) {
    if (*p == '\n') throw BadText{field.at, "the quote is not closed on its line"};
    if (*p == '"' && *++p != '"') break;
    field.content += *p;
  }
  p = skip_csv_blanks(p, delimiter);
  if (*p != delimiter && *p != '\n') throw BadText{p, "text behind a closing quote"};
  return field;
}

std::vector<CsvField> CsvLayout::fields_of(std::string_view line) const {
  std::vector<CsvField> fields;
  for (const char* p = line.data();; ++p) {
    fields.push_back(read_csv_field(p, delimiter_));
    if (*p == '\n') break;
  }
  const CsvField& last = fields.back();
  if (fields.size() > 1 && last.content.empty() && !last.quoted) fields.pop_back();
  return fields;
}

void CsvLayout::look_at(const std::vector<std::string_view>& blocks, index_t lines_before) {
  rows_begin_ = nullptr;
  index_t line_number = lines_before;
  for (const std::string_view block : blocks) {
    for (std::size_t begin = 0; begin < block.size() && !complete_;) {
      const std::size_t end = block.find('\n', begin) + 1;
      take(block.substr(begin, end - begin), ++line_number);
      begin = end;
    }
  }
}

void CsvLayout::take(std::string_view line, index_t line_number) {
  const char* const begin = line.data();
  if (line_number == 1 && line.starts_with(byte_order_mark)) {
    line.remove_prefix(byte_order_mark.size());
    rows_begin_ = line.data();
  }
  const char delimiter = fields_ > 0 ? delimiter_ : options_.delimiter;
  if (*skip_csv_blanks(line.data(), delimiter) == '\n') return;
  try {
    if (fields_ > 0) return take_first_row(line);
    first_line_ = line_number;
    take_first_line(line);
  } catch (const BadText& bad) {
    throw_fault(path_, line_number, {0, bad.at - begin + 1, bad.what});
  }
}

void CsvLayout::take_first_line(std::string_view line) {
  delimiter_ = options_.delimiter != 0 ? options_.delimiter : find_delimiter(line);
  const std::vector<CsvField> fields = fields_of(line);
  fields_ = static_cast<index_t>(fields.size());
  for (const CsvField& field : fields) names_.push_back(field.content);
  find_label();
  header_ = is_header(fields);
  if (header_) {
    rows_begin_ = line.data() + line.size();
  } else {
    names_.clear();
    take_first_row(line);
  }
}

bool CsvLayout::is_header(const std::vector<CsvField>& fields) const {
  if (std::holds_alternative<std::string>(options_.label_column)) return true;
  if (options_.header != CsvOptions::Header::automatic) {
    return options_.header == CsvOptions::Header::present;
  }
  for (std::size_t f = 0; f < fields.size(); ++f) {
    if (static_cast<index_t>(f) != label_ && is_text(fields[f])) return true;
  }
  return false;
}

void CsvLayout::find_label() {
  if (const auto* name = std::get_if<std::string>(&options_.label_column)) {
    const auto found = std::find(names_.begin(), names_.end(), *name);
    if (found == names_.end()) fail("has no column " + quoted(*name, 80));
    label_ = found - names_.begin();
  } else {
    const index_t column = std::get<int>(options_.label_column);
    if (column > fields_ || column < -fields_) {
      fail("has " + std::to_string(fields_) + " fields, no column " + std::to_string(column));
    }
    label_ = column < 0 ? fields_ + column : column - 1;
  }
  if (features() == 0)
    fail("has one field, parted at " + quoted({&delimiter_, 1}) + ": no features");
  if (fields_ > std::numeric_limits<std::int32_t>::max()) {
    fail("has " + std::to_string(fields_) + " fields");
  }
}

void CsvLayout::fail(const std::string& what) const {
  throw DataError(printable_path(path_) + ": line " + std::to_string(first_line_) + " " + what);
}

void CsvLayout::take_first_row(std::string_view line) {
  complete_ = true;
  if (label_ < 0) return;
  const std::vector<CsvField> fields = fields_of(line);
  const auto label = static_cast<std::size_t>(label_);
  text_labels_ = !options_.classes.empty() || (label < fields.size() && is_text(fields[label]));
}

std::string CsvLayout::role(index_t field) const {
  const std::string name =
      header_ ? " (" + quoted(names_[static_cast<std::size_t>(field)]) + ")" : std::string();
  return (field == label_ ? "label" : "field " + std::to_string(field + 1)) + name;
}

std::vector<std::string> CsvLayout::feature_names() const {
  std::vector<std::string> features = names_;
  if (header_ && label_ >= 0) features.erase(features.begin() + label_);
  return features;
}

}  // namespace randnla
