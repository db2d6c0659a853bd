#include "io/matrix_market_parser.hpp"

#include "io/number.hpp"
#include "io/printable.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace randnla {
namespace {

using Format = MatrixMarketHeader::Format;
using Field = MatrixMarketHeader::Field;
using Symmetry = MatrixMarketHeader::Symmetry;

template <Scalar T>
class Parser {
 public:
  Parser(std::string_view text, const MatrixMarketHeader& header) : text_(text), header_(header) {}

  MarketEntries<T> run() {
    const char* p = text_.data();
    const char* const end = p + text_.size();
    if (p < header_.entries_begin() && header_.entries_begin() <= end) {
      p = header_.entries_begin();
      result_.lines = std::count(text_.data(), p, '\n');
    }
    reserve(static_cast<std::size_t>(std::count(p, end, '\n')));
    const char* line = p;
    try {
      for (; p < end; line = ++p, ++result_.lines) {
        p = skip_market_blanks(p);
        if (*p == '%') {
          p = static_cast<const char*>(std::memchr(p, '\n', static_cast<std::size_t>(end - p)));
        } else if (*p != '\n') {
          p = parse_entry(p);
        }
      }
    } catch (const BadText& bad) {
      result_.fault = TextFault{result_.lines + 1, bad.at - line + 1, bad.what};
    }
    return std::move(result_);
  }

 private:
  void reserve(std::size_t entries) {
    result_.values.reserve(entries);
    if (header_.format() == Format::array) return;
    result_.rows.reserve(entries);
    result_.columns.reserve(entries);
  }

  /// Returns the place of the '\n'.
  const char* parse_entry(const char* p) {
    if (header_.format() == Format::coordinate) {
      const char* const at = p;
      const index_t row = read_whole(p, "row index", 1, header_.rows());
      const index_t column = read_whole(p, "column index", 1, header_.cols());
      check_triangle(at, row, column);
      result_.rows.push_back(row - 1);
      result_.columns.push_back(static_cast<std::int32_t>(column - 1));
    }
    result_.values.push_back(header_.field() == Field::pattern ? T(1) : read_value(p));
    return require_line_end(p, "entry");
  }

  /// A file that holds both halves would be taken twice.
  void check_triangle(const char* at, index_t row, index_t column) const {
    const bool skew = header_.symmetry() == Symmetry::skew_symmetric;
    if (header_.symmetry() == Symmetry::general || row > column || (row == column && !skew)) return;
    throw BadText{at, "entry " + std::to_string(row) + " " + std::to_string(column) +
                          (skew ? " is not below the diagonal of a skew-symmetric matrix"
                                : " is above the diagonal of a symmetric matrix")};
  }

  T read_value(const char*& p) const {
    p = skip_market_blanks(p);
    if (*p == '\n') throw BadText{p, "value missing"};
    const char* const begin = p;
    const std::string_view word = market_word(p);
    T value = 0;
    const NumberFault fault = parse_number(p, value);
    if (fault != NumberFault::none || p != begin + word.size()) {
      throw BadText{begin, std::string("value") + what_is_wrong(fault) + ": " + quoted(word)};
    }
    if (header_.field() == Field::integer && word.find_first_of(".eE") != std::string_view::npos) {
      throw BadText{begin, "value is not an integer: " + quoted(word)};
    }
    return value;
  }

  std::string_view text_;
  const MatrixMarketHeader& header_;
  MarketEntries<T> result_;
};

}  // namespace

template <Scalar T>
MarketEntries<T> parse_matrix_market(std::string_view text, const MatrixMarketHeader& header) {
  return Parser<T>(text, header).run();
}

template MarketEntries<float> parse_matrix_market(std::string_view, const MatrixMarketHeader&);
template MarketEntries<double> parse_matrix_market(std::string_view, const MatrixMarketHeader&);

}  // namespace randnla
