// LIBSVM text in memory to rows. The reader above it cuts a file into blocks of whole lines.
#pragma once

#include "io/compact_rows.hpp"

#include <randnla/core/backend.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace randnla {

/// The first thing wrong in a block.
struct TextFault {
  index_t line = 0, column = 0;  // of the block, from 1
  std::string what;
};

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
