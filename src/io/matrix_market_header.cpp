#include "io/matrix_market_header.hpp"

#include "io/number.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <utility>

namespace randnla {
namespace {

/// So that an array of so many values has a size in bytes.
constexpr index_t most_values = std::numeric_limits<index_t>::max() / 16;

bool same_word(std::string_view word, std::string_view lower_case) {
  return std::equal(
      word.begin(), word.end(), lower_case.begin(), lower_case.end(),
      [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
}

/// Reads the word at p, which must be one of the names, and moves p behind it and its blanks.
template <class E>
E one_of(const char*& p, const char* role,
         std::initializer_list<std::pair<const char*, E>> choices) {
  const std::string_view word = market_word(p);
  std::string names;
  for (const auto& [name, value] : choices) {
    if (same_word(word, name)) {
      p = skip_market_blanks(p + word.size());
      return value;
    }
    names.append(names.empty() ? "" : " or ").append(name);
  }
  throw BadText{p, std::string(role) + " is " + quoted(word) + ", want " + names};
}

}  // namespace

std::string_view market_word(const char* p) {
  const char* end = p;
  while (*end != '\n' && !is_market_blank(*end)) ++end;
  return {p, static_cast<std::size_t>(end - p)};
}

index_t read_whole(const char*& p, const char* role, index_t least, index_t most) {
  const char* const begin = p = skip_market_blanks(p);
  if (*p == '\n') throw BadText{p, std::string(role) + " missing"};
  std::uint64_t number = 0;
  for (; is_digit(*p); ++p) {
    // Stays above all that is allowed once it is there.
    number = std::min<std::uint64_t>(10 * number + static_cast<std::uint64_t>(*p - '0'),
                                     std::uint64_t{1} << 60);
  }
  const std::string_view word = market_word(begin);
  const auto value = static_cast<index_t>(number);
  if (p != begin + word.size() || value < least || value > most) {
    throw BadText{begin, std::string(role) + " is " + quoted(word) + ", want a whole number from " +
                             std::to_string(least) + " to " + std::to_string(most)};
  }
  return value;
}

const char* require_line_end(const char* p, const char* behind) {
  p = skip_market_blanks(p);
  if (*p == '\n') return p;
  throw BadText{p, std::string("text behind the ") + behind + ": " + quoted(market_word(p))};
}

void MatrixMarketHeader::look_at(const std::vector<std::string_view>& blocks,
                                 index_t lines_before) {
  entries_begin_ = nullptr;
  for (std::string_view block : blocks) {
    while (size_line_ == 0 && !block.empty()) {
      take(block.data(), ++lines_before);
      block.remove_prefix(block.find('\n') + 1);
      if (size_line_ > 0) entries_begin_ = block.data();
    }
  }
}

void MatrixMarketHeader::take(const char* line, index_t number) {
  try {
    if (!banner_) return take_banner(line);
    const char* const p = skip_market_blanks(line);
    if (*p == '%' || *p == '\n') return;
    take_sizes(p);
    size_line_ = number;
    size_column_ = p - line + 1;
  } catch (const BadText& bad) {
    throw_fault(path_, number - 1, {1, bad.at - line + 1, bad.what});
  }
}

void MatrixMarketHeader::take_banner(const char* p) {
  const std::string_view mark = market_word(p);
  if (!same_word(mark, "%%matrixmarket")) {
    throw BadText{
        p, "not a Matrix Market file: begins with " + quoted(mark) + ", want %%MatrixMarket"};
  }
  p = skip_market_blanks(p + mark.size());
  one_of<bool>(p, "object", {{"matrix", true}});
  format_ =
      one_of<Format>(p, "format", {{"coordinate", Format::coordinate}, {"array", Format::array}});
  const char* const field = p;
  field_ = one_of<Field>(
      p, "field",
      {{"real", Field::real}, {"integer", Field::integer}, {"pattern", Field::pattern}});
  const char* const symmetry = p;
  symmetry_ = one_of<Symmetry>(p, "symmetry",
                               {{"general", Symmetry::general},
                                {"symmetric", Symmetry::symmetric},
                                {"skew-symmetric", Symmetry::skew_symmetric}});
  if (field_ == Field::pattern && format_ == Format::array) {
    throw BadText{field, "an array cannot be a pattern"};
  }
  if (field_ == Field::pattern && symmetry_ == Symmetry::skew_symmetric) {
    throw BadText{symmetry, "a pattern cannot be skew-symmetric"};
  }
  require_line_end(p, "banner");
  banner_ = true;
}

void MatrixMarketHeader::take_sizes(const char* p) {
  const char* const begin = p;
  rows_ = read_whole(p, "number of rows", 0, most_values);
  cols_ = read_whole(p, "number of columns", 0, std::numeric_limits<std::int32_t>::max());
  const std::string shape = std::to_string(rows_) + " x " + std::to_string(cols_);
  if (symmetry_ != Symmetry::general && rows_ != cols_) {
    throw BadText{begin, "a symmetric or skew-symmetric matrix cannot be " + shape};
  }
  if (format_ == Format::coordinate) {
    announced_ = read_whole(p, "number of entries", 0, most_values);
  } else if (rows_ > most_values / std::max<index_t>(cols_, 1)) {
    throw BadText{begin, "an array cannot be " + shape};
  } else {
    announced_ = values_of_array();
  }
  require_line_end(p, "sizes");
}

index_t MatrixMarketHeader::values_of_array() const {
  if (symmetry_ == Symmetry::symmetric) return rows_ * (rows_ + 1) / 2;
  if (symmetry_ == Symmetry::skew_symmetric) return rows_ * (rows_ - 1) / 2;
  return rows_ * cols_;
}

void MatrixMarketHeader::check_end(index_t held) const {
  if (!banner_) throw DataError(printable_path(path_) + ": is empty");
  if (size_line_ == 0) throw DataError(printable_path(path_) + ": ends before its size line");
  if (held != announced_) {
    throw_fault(path_, size_line_ - 1,
                {1, size_column_,
                 "announces " + std::to_string(announced_) + " entries, the file holds " +
                     std::to_string(held)});
  }
}

}  // namespace randnla
