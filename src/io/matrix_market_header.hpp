// What the first lines of a Matrix Market file say about all others, and the words of its lines.
#pragma once

#include "io/parse_rounds.hpp"

#include <randnla/core/backend.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace randnla {

inline bool is_market_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

inline const char* skip_market_blanks(const char* p) {
  while (is_market_blank(*p)) ++p;
  return p;
}

/// What stands at p, up to a blank or the end of the line.
std::string_view market_word(const char* p);

/// Skips blanks, reads a whole number and moves p behind it. Throws BadText: `role` is missing or
/// not within [least, most].
index_t read_whole(const char*& p, const char* role, index_t least, index_t most);

/// Throws BadText where more than blanks stand between p and the end of the line, which it returns.
const char* require_line_end(const char* p, const char* behind);

class MatrixMarketHeader {
 public:
  enum class Format { coordinate, array };
  enum class Field { real, integer, pattern };
  enum class Symmetry { general, symmetric, skew_symmetric };

  explicit MatrixMarketHeader(const std::string& path) : path_(path) {}

  /// Looks at the blocks of a round until the sizes are known. Throws DataError: a fault of a line.
  void look_at(const std::vector<std::string_view>& blocks, index_t lines_before);
  /// To be called with the number of entries that the whole file holds. Throws DataError: another
  /// one is announced, or no banner or sizes have been found.
  void check_end(index_t held) const;

  Format format() const { return format_; }
  Field field() const { return field_; }
  Symmetry symmetry() const { return symmetry_; }
  index_t rows() const { return rows_; }
  index_t cols() const { return cols_; }
  /// Behind the size line where it is in this round's blocks, else null.
  const char* entries_begin() const { return entries_begin_; }

 private:
  void take(const char* line, index_t number);
  void take_banner(const char* p);
  void take_sizes(const char* p);
  index_t values_of_array() const;

  const std::string& path_;
  Format format_ = Format::coordinate;
  Field field_ = Field::real;
  Symmetry symmetry_ = Symmetry::general;
  index_t rows_ = 0, cols_ = 0;
  index_t announced_ = 0;                    // entries
  index_t size_line_ = 0, size_column_ = 0;  // where the sizes are, from 1; 0: not found yet
  bool banner_ = false;                      // whether it has been found
  const char* entries_begin_ = nullptr;
};

}  // namespace randnla
