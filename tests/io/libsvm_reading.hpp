// What the LIBSVM tests share: results that can be compared, and an independent parser.
#pragma once

#include "io/libsvm_reader.hpp"
#include "io/parse_rounds.hpp"

#include <randnla/core/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace randnla::test {

/// One file read: the arrays, or the message of the DataError.
template <class T>
struct Reading {
  std::string error;
  index_t rows = 0, cols = 0, nonzeros = 0;
  std::vector<T> values, targets;
  std::vector<index_t> offsets;
  std::vector<std::int32_t> columns;
  index_t text_bytes = 0, dropped = 0;
  int index_base = 0;

  bool operator==(const Reading&) const = default;
  bool sparse() const { return !offsets.empty(); }
};

template <class T>
Reading<T> outcome(const std::string& path, const LibsvmOptions& options = {}, int threads = 1,
                   std::size_t block_bytes = text_block_bytes) {
  Context<Cpu> ctx(threads);
  Reading<T> result;
  try {
    LibsvmStatistics statistics;
    const Dataset<T, Cpu> data =
        read_libsvm_blocks<T>(ctx, path, options, &statistics, block_bytes);
    result.rows = data.rows;
    result.cols = data.cols;
    result.nonzeros = data.nonzeros;
    result.values = data.values.download();
    result.targets = data.targets.download();
    result.offsets = data.offsets.download();
    result.columns = data.columns.download();
    result.text_bytes = statistics.text_bytes;
    result.dropped = statistics.dropped;
    result.index_base = statistics.index_base;
  } catch (const DataError& error) {
    result.error = error.what();
  }
  return result;
}

/// The outcome, which must be the same for blocks and threads of any size and number. Several
/// threads get blocks of a size that makes at most 8 rounds of a plain
/// file: starting threads takes long.
template <class T>
Reading<T> outcome_every_way(const std::string& path, const LibsvmOptions& options = {}) {
  const Reading<T> result = outcome<T>(path, options);
  auto again = [&](int threads, std::size_t block_bytes) {
    const Reading<T> other = outcome<T>(path, options, threads, block_bytes);
    EXPECT_EQ(other.error, result.error) << block_bytes << " bytes, " << threads << " threads";
    EXPECT_TRUE(other == result) << block_bytes << " bytes, " << threads << " threads";
  };
  for (const std::size_t block_bytes : {1, 2, 13, 300}) again(1, block_bytes);
  const std::size_t size =
      std::filesystem::is_regular_file(path) ? std::filesystem::file_size(path) : 0;
  again(2, size / 8 + 1);
  again(7, size / 8 + 1);
  again(7, 65536);
  return result;
}

template <class T>
struct ReferenceRow {
  T label;
  std::map<long, T> entries;  // index as written
};

/// [+-]digits[.digits][e[+-]digits] with at least one digit before the exponent, to the nearest
/// number by the C library; none where it is not that or overflows.
template <class T>
std::optional<T> reference_number(const std::string& token) {
  std::size_t p = 0, digits = 0;
  auto at = [&](std::string_view set) {
    return p < token.size() && set.find(token[p]) != std::string_view::npos;
  };
  if (at("+-")) ++p;
  for (; at("0123456789"); ++p) ++digits;
  if (at(".")) ++p;
  for (; at("0123456789"); ++p) ++digits;
  if (digits == 0) return std::nullopt;
  if (at("eE")) {
    ++p;
    if (at("+-")) ++p;
    if (!at("0123456789")) return std::nullopt;
    while (at("0123456789")) ++p;
  }
  if (p != token.size()) return std::nullopt;
  const T value = [&] {
    if constexpr (std::is_same_v<T, float>)
      return std::strtof(token.c_str(), nullptr);
    else
      return std::strtod(token.c_str(), nullptr);
  }();
  if (std::isinf(value)) return std::nullopt;
  return value;
}

/// All rows, or none where anything is wrong. Simple: one string a token.
template <class T>
std::optional<std::vector<ReferenceRow<T>>> reference_parse(const std::string& text,
                                                            long least_index) {
  std::vector<ReferenceRow<T>> rows;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    line = line.substr(0, line.find('#'));
    std::vector<std::string> tokens(1);
    for (const char c : line) {
      if (std::string_view(" \t\r\v\f").find(c) == std::string_view::npos) {
        tokens.back() += c;
      } else if (!tokens.back().empty()) {
        tokens.emplace_back();
      }
    }
    if (tokens.back().empty()) tokens.pop_back();
    if (tokens.empty()) continue;
    const auto label = reference_number<T>(tokens[0]);
    if (!label) return std::nullopt;
    ReferenceRow<T> row{*label, {}};
    for (std::size_t k = 1; k < tokens.size(); ++k) {
      const std::size_t colon = tokens[k].find(':');
      if (colon == std::string::npos || colon == 0) return std::nullopt;
      const std::string index = tokens[k].substr(0, colon);
      if (index.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
      const double number = std::strtod(index.c_str(), nullptr);
      if (number > 2147483646.0 || number < static_cast<double>(least_index)) return std::nullopt;
      const auto value = reference_number<T>(tokens[k].substr(colon + 1));
      if (!value || !row.entries.emplace(static_cast<long>(number), *value).second) {
        return std::nullopt;
      }
    }
    rows.push_back(row);
  }
  return rows;
}

/// Whether sparse data hold exactly these rows, bit for bit.
template <class T>
testing::AssertionResult same_rows(const Reading<T>& got, const std::vector<ReferenceRow<T>>& want,
                                   int base) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  auto same = [](T a, T b) { return std::bit_cast<Bits>(a) == std::bit_cast<Bits>(b); };
  if (!got.error.empty()) return testing::AssertionFailure() << got.error;
  if (!got.sparse()) return testing::AssertionFailure() << "not sparse";
  if (got.rows != static_cast<index_t>(want.size())) {
    return testing::AssertionFailure() << got.rows << " rows, want " << want.size();
  }
  std::size_t k = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (!same(got.targets[i], want[i].label) || got.offsets[i] != static_cast<index_t>(k)) {
      return testing::AssertionFailure() << "label or offset of row " << i;
    }
    for (const auto& [index, value] : want[i].entries) {
      if (k >= got.columns.size() || got.columns[k] != index - base ||
          !same(got.values[k], value)) {
        return testing::AssertionFailure() << "row " << i << " index " << index;
      }
      ++k;
    }
  }
  if (got.offsets.back() != static_cast<index_t>(k) || got.values.size() != k) {
    return testing::AssertionFailure() << "entries behind the last row";
  }
  return testing::AssertionSuccess();
}

}  // namespace randnla::test
