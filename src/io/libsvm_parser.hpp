// LIBSVM text in memory to rows. The reader above it cuts a file into blocks of whole lines.
#pragma once

#include "io/compact_rows.hpp"
#include "io/parse_rounds.hpp"

#include <randnla/core/backend.hpp>

#include <optional>
#include <string_view>

namespace randnla {

template <Scalar T>
struct ParsedText {
  std::optional<CompactRows<T>> rows;  // none after a fault
  std::optional<TextFault> fault;
  index_t lines = 0;
  bool index_zero_occurs = false;
};

/// Parses whole lines: `text` is empty or ends in '\n'. Indices below `least_index` (0 or 1) are
/// faults.
template <Scalar T>
ParsedText<T> parse_libsvm(std::string_view text, int least_index, RowScratch<T>& scratch);

}  // namespace randnla
