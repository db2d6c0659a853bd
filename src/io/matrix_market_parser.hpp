// The lines behind the header of a Matrix Market file to entries.
#pragma once

#include "io/matrix_market_header.hpp"
#include "io/parse_rounds.hpp"

#include <randnla/core/backend.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace randnla {

/// Entries as they stand in the file, indices from 0; an array has values only.
template <Scalar T>
struct MarketEntries {
  std::vector<index_t> rows;
  std::vector<std::int32_t> columns;
  std::vector<T> values;
  std::optional<TextFault> fault;
  index_t lines = 0;
};

/// Parses whole lines: `text` is empty or ends in '\n'.
template <Scalar T>
MarketEntries<T> parse_matrix_market(std::string_view text, const MatrixMarketHeader& header);

}  // namespace randnla
