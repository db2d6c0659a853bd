#include "io/libsvm_parser.hpp"

#include "io/number.hpp"
#include "io/printable.hpp"

#include <array>
#include <cstring>
#include <limits>
#include <numeric>

namespace randnla {
namespace {

// One less than the largest 32-bit integer, so that the number of features is one, too.
constexpr std::uint64_t largest_index = std::numeric_limits<std::int32_t>::max() - 1;

enum : std::uint8_t { blank = 1, token_end = 2 };

constexpr std::array<std::uint8_t, 256> character_classes = [] {
  std::array<std::uint8_t, 256> classes{};
  for (const char c : {' ', '\t', '\r', '\v', '\f'}) {
    classes[static_cast<unsigned char>(c)] = blank | token_end;
  }
  for (const char c : {'\n', '#'}) classes[static_cast<unsigned char>(c)] = token_end;
  return classes;
}();

bool is_blank(char c) { return (character_classes[static_cast<unsigned char>(c)] & blank) != 0; }
bool ends_token(char c) {
  return (character_classes[static_cast<unsigned char>(c)] & token_end) != 0;
}

const char* skip_blanks(const char* p) {
  while (is_blank(*p)) ++p;
  return p;
}
const char* skip_token(const char* p) {
  while (!ends_token(*p)) ++p;
  return p;
}
std::string quoted_token(const char* p) {
  return quoted({p, static_cast<std::size_t>(skip_token(p) - p)});
}

[[noreturn]] void bad_number(NumberFault fault, const char* at, const std::string& role) {
  throw BadText{at, role + what_is_wrong(fault) + ": " + quoted_token(at)};
}

[[noreturn]] void bad_index(const char* at, int least_index) {
  const char* p = at + (*at == '-' ? 1 : 0);
  const char* const digits = p;
  bool zero = true;
  for (; is_digit(*p); ++p) zero = zero && *p == '0';
  if (p == digits || *p != ':') throw BadText{at, "not an index:value pair: " + quoted_token(at)};
  const std::string index = printable({at, static_cast<std::size_t>(p - at)}, 32);
  if (digits > at) throw BadText{at, "index " + index + " is negative"};
  if (zero) {
    throw BadText{at, "index 0 is below the base " + std::to_string(least_index)};
  }
  throw BadText{at, "index " + index + " is above " + std::to_string(largest_index)};
}

template <Scalar T>
class Parser {
 public:
  Parser(std::string_view text, int least_index, RowScratch<T>& scratch)
      : text_(text), least_index_(static_cast<std::uint64_t>(least_index)), rows_(scratch) {
    // The shortest row is "0\n", the shortest entry " 0:0": no check is needed while parsing.
    reserve(rows_.labels, text.size() / 2 + 1);
    reserve(rows_.counts, text.size() / 2 + 1);
    reserve(rows_.indices, text.size() / 4 + 1);
    reserve(rows_.values, text.size() / 4 + 1);
    rows_.rows = rows_.entries = 0;
    rows_.width = 0;
  }

  ParsedText<T> run() {
    ParsedText<T> result;
    const char* p = text_.data();
    const char* const end = p + text_.size();
    const char* line = p;
    try {
      for (; p < end; line = ++p, ++result.lines) {
        p = skip_blanks(p);
        if (!ends_token(*p)) p = parse_row(p);
        if (*p == '#') p = static_cast<const char*>(std::memchr(p, '\n', rest(p)));
      }
      result.rows.emplace(rows_);
      result.index_zero_occurs = zero_occurs_;
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

  std::size_t rest(const char* p) const {
    return static_cast<std::size_t>(text_.data() + text_.size() - p);
  }

  const char* parse_row(const char* p) {
    const char* const row = p;
    const NumberFault fault = parse_number(p, rows_.labels[static_cast<std::size_t>(rows_.rows)]);
    if (*p == ':') throw BadText{row, "label missing before " + quoted_token(row)};
    if (fault != NumberFault::none || !ends_token(*p)) bad_number(fault, row, "label");
    const index_t begin = rows_.entries;
    try {
      p = parse_entries(p);
    } catch (const BadText&) {
      // A repeated index further left comes first.
      order_entries(row, begin);
      throw;
    }
    order_entries(row, begin);
    rows_.counts[static_cast<std::size_t>(rows_.rows++)] =
        static_cast<std::int32_t>(rows_.entries - begin);
    return p;
  }

  const char* parse_entries(const char* p) {
    std::int32_t* const indices = rows_.indices.data();
    T* const values = rows_.values.data();
    index_t entry = rows_.entries;
    index_t previous = -1;
    ascending_ = true;
    for (p = skip_blanks(p); !ends_token(*p); p = skip_blanks(p)) {
      const char* const token = p;
      std::uint64_t index = 0;
      for (; is_digit(*p); ++p) {
        // Stays above the largest index once it is there.
        index = std::min<std::uint64_t>(10 * index + static_cast<std::uint64_t>(*p - '0'),
                                        std::uint64_t{1} << 40);
      }
      if (p == token || *p != ':' || index > largest_index || index < least_index_) {
        bad_index(token, static_cast<int>(least_index_));
      }
      const char* const number = ++p;
      if (ends_token(*p)) throw BadText{p, "value missing after index " + std::to_string(index)};
      const NumberFault fault = parse_number(p, values[entry]);
      if (fault != NumberFault::none || !ends_token(*p)) bad_number(fault, number, "value");
      indices[entry] = static_cast<std::int32_t>(index);
      rows_.entries = ++entry;
      ascending_ = ascending_ && static_cast<index_t>(index) > previous;
      previous = static_cast<index_t>(index);
    }
    return p;
  }

  /// Sorts the entries from `begin` on where they are out of order.
  void order_entries(const char* row, index_t begin) {
    const auto n = static_cast<std::size_t>(rows_.entries - begin);
    if (n == 0) return;
    std::int32_t* const indices = rows_.indices.data() + begin;
    if (!ascending_) {
      T* const values = rows_.values.data() + begin;
      std::vector<std::size_t> order(n);
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return indices[a] != indices[b] ? indices[a] < indices[b] : a < b;
      });
      reject_repeated(row, indices, order);
      const std::vector<std::int32_t> old_indices(indices, indices + n);
      const std::vector<T> old_values(values, values + n);
      for (std::size_t k = 0; k < n; ++k) {
        indices[k] = old_indices[order[k]];
        values[k] = old_values[order[k]];
      }
    }
    zero_occurs_ = zero_occurs_ || indices[0] == 0;
    rows_.width = std::max(rows_.width, indices[n - 1] + 1);
  }

  /// `order` sorts by index, then by place.
  static void reject_repeated(const char* row, const std::int32_t* indices,
                              const std::vector<std::size_t>& order) {
    std::size_t first = order.size();
    for (std::size_t k = 1; k < order.size(); ++k) {
      if (indices[order[k]] == indices[order[k - 1]]) first = std::min(first, order[k]);
    }
    if (first == order.size()) return;
    // Its place in the text: behind the label and `first` entries.
    const char* p = row;
    for (std::size_t token = 0; token <= first; ++token) p = skip_blanks(skip_token(p));
    throw BadText{p, "index " + std::to_string(indices[first]) + " occurs twice in the row"};
  }

  std::string_view text_;
  std::uint64_t least_index_;
  RowScratch<T>& rows_;
  bool ascending_ = true;
  bool zero_occurs_ = false;
};

}  // namespace

template <Scalar T>
ParsedText<T> parse_libsvm(std::string_view text, int least_index, RowScratch<T>& scratch) {
  return Parser<T>(text, least_index, scratch).run();
}

template ParsedText<float> parse_libsvm(std::string_view, int, RowScratch<float>&);
template ParsedText<double> parse_libsvm(std::string_view, int, RowScratch<double>&);

}  // namespace randnla
