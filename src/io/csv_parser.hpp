// Lines of a table to rows.
#pragma once

#include "io/compact_rows.hpp"
#include "io/csv_layout.hpp"
#include "io/parse_rounds.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace randnla {

inline constexpr std::size_t most_classes = 1000;

template <Scalar T>
struct ParsedCsv {
  std::optional<CompactRows<T>> rows;  // none after a fault
  std::optional<TextFault> fault;
  index_t lines = 0;
  std::vector<std::string> labels;  // of text, as they occur; the rows' labels are indices of it
};

/// Parses whole lines: `text` is empty or ends in '\n'. `classes` are the only labels, if any.
template <Scalar T>
ParsedCsv<T> parse_csv(std::string_view text, const CsvLayout& layout,
                       const std::vector<std::string>& classes, RowScratch<T>& scratch);

}  // namespace randnla
