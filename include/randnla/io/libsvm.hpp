#pragma once

#include <randnla/data/dataset.hpp>

#include <functional>
#include <optional>
#include <string>

namespace randnla {

struct LibsvmOptions {
  enum class Storage { automatic, dense, sparse };
  Storage storage =
      Storage::automatic;  // automatic: dense where at least a quarter of the entries is stored
  std::optional<int> index_base = std::nullopt;  // 0 or 1; none: 0 if 0 occurs anywhere, else 1
  /// Number of features; 0: the largest index that occurs. Larger indices than this are dropped, as
  /// LIBSVM's own predict does with features that training never saw.
  index_t features = 0;
  /// Called now and then with the bytes of text parsed so far. What it throws ends the reading.
  std::function<void(index_t)> progress = nullptr;
};

struct LibsvmStatistics {
  index_t text_bytes = 0;      // after decompression
  int index_base = 1;          // as used
  index_t dropped = 0;         // entries beyond options.features
  double seconds_parsing = 0;  // without decompression and reading
};

/// Reads LIBSVM text, `label index:value ...`, plain, gzip or bzip2 (told by content, not by name;
/// several compressed members in a row are one file). Comments (#), blank lines, CRLF, explicit
/// zeros and unsorted indices are accepted. Targets hold the labels as written.
///
/// Cost    one pass in blocks, parsed by ctx.threads() threads; the text is never held whole. Peak
///         memory: the result and little more
/// Throws  DataError, beginning with file:line:column: not a number, nan or infinity, index below
///         the base, above 2^31 - 2 or twice in a row, missing label; and with file: cannot be
///         opened, is a directory, truncated or corrupt compression, no data rows, no entry in any
///         row where options.features is 0; InvalidArgument: an option out of range
template <Scalar T>
Dataset<T, Cpu> read_libsvm(Context<Cpu>& ctx, const std::string& path,
                            const LibsvmOptions& options = {},
                            LibsvmStatistics* statistics = nullptr);

/// Writes LIBSVM text with indices from 1, as the shortest numbers that read_libsvm<T> gives back
/// exactly: of sparse data every stored entry, of dense data what is not zero. A last feature that
/// is zero everywhere is written in the first row, so that their number is kept. The file appears
/// whole or not at all.
///
/// Throws  DataError: not finite (names row and feature), cannot be written; what `progress` throws,
///         which gets the number of rows written now and then
template <Scalar T>
void write_libsvm(const std::string& path, const Dataset<T, Cpu>& data,
                  const std::function<void(index_t)>& progress = nullptr);

}  // namespace randnla
