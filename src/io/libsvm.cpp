#include "io/assembly.hpp"
#include "io/libsvm_parser.hpp"
#include "io/libsvm_reader.hpp"
#include "io/parse_rounds.hpp"

#include <randnla/io/libsvm.hpp>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace randnla {
namespace {

void check_options(const LibsvmOptions& options) {
  constexpr index_t most = std::numeric_limits<std::int32_t>::max();
  require(options.features >= 0 && options.features <= most,
          "read_libsvm: features = " + std::to_string(options.features) + ", want 0 to " +
              std::to_string(most));
  const int base = options.index_base.value_or(1);
  require(base == 0 || base == 1,
          "read_libsvm: index_base = " + std::to_string(base) + ", want 0 or 1");
}

template <Scalar T>
ParsedFile<T> parse_file(Context<Cpu>& ctx, const std::string& path, const LibsvmOptions& options,
                         std::size_t block_bytes, LibsvmStatistics& statistics) {
  ParsedFile<T> file;
  std::vector<RowScratch<T>> scratch(static_cast<std::size_t>(ctx.threads()));
  statistics.text_bytes = parse_rounds(
      ctx, path, block_bytes, statistics.seconds_parsing,
      [](const std::vector<std::string_view>&, index_t) {},
      [&](std::size_t b, std::string_view text) {
        return parse_libsvm(text, options.index_base.value_or(0), scratch[b]);
      },
      [&](ParsedText<T>& block, index_t bytes) {
        file.index_zero_occurs = file.index_zero_occurs || block.index_zero_occurs;
        file.rows += block.rows->rows();
        file.width = std::max<index_t>(file.width, block.rows->width());
        if (block.rows->rows() > 0) file.blocks.push_back(std::move(*block.rows));
        if (options.progress) options.progress(bytes);
      });
  if (file.rows == 0) throw DataError(printable_path(path) + ": no data rows");
  return file;
}

}  // namespace

template <Scalar T>
Dataset<T, Cpu> read_libsvm_blocks(Context<Cpu>& ctx, const std::string& path,
                                   const LibsvmOptions& options, LibsvmStatistics* statistics,
                                   std::size_t block_bytes) {
  check_options(options);
  LibsvmStatistics used;
  ParsedFile<T> file = parse_file<T>(ctx, path, options, block_bytes, used);
  used.index_base = options.index_base.value_or(file.index_zero_occurs ? 0 : 1);
  const index_t cols = options.features > 0 ? options.features : file.width - used.index_base;
  if (cols <= 0) throw DataError(printable_path(path) + ": no features in any row");
  const Stopwatch watch(used.seconds_parsing);
  Assembly<T> assembly(ctx, file, used.index_base, cols);
  used.dropped = assembly.dropped();
  constexpr double dense_from = 0.25;
  using enum LibsvmOptions::Storage;
  const bool as_dense = options.storage == dense ||
                        (options.storage == automatic && assembly.density() >= dense_from);
  Dataset<T, Cpu> data = as_dense ? assembly.dense() : assembly.sparse();
  if (statistics != nullptr) *statistics = used;
  return data;
}

template <Scalar T>
Dataset<T, Cpu> read_libsvm(Context<Cpu>& ctx, const std::string& path,
                            const LibsvmOptions& options, LibsvmStatistics* statistics) {
  return read_libsvm_blocks<T>(ctx, path, options, statistics, text_block_bytes);
}

template Dataset<float, Cpu> read_libsvm_blocks(Context<Cpu>&, const std::string&,
                                                const LibsvmOptions&, LibsvmStatistics*,
                                                std::size_t);
template Dataset<double, Cpu> read_libsvm_blocks(Context<Cpu>&, const std::string&,
                                                 const LibsvmOptions&, LibsvmStatistics*,
                                                 std::size_t);
template Dataset<float, Cpu> read_libsvm(Context<Cpu>&, const std::string&, const LibsvmOptions&,
                                         LibsvmStatistics*);
template Dataset<double, Cpu> read_libsvm(Context<Cpu>&, const std::string&, const LibsvmOptions&,
                                          LibsvmStatistics*);

}  // namespace randnla
