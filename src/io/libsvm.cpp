#include "cpu/loops.hpp"
#include "io/libsvm_assembly.hpp"
#include "io/libsvm_parser.hpp"
#include "io/libsvm_reader.hpp"
#include "io/line_blocks.hpp"
#include "io/printable.hpp"

#include <randnla/io/libsvm.hpp>

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace randnla {
namespace {

class Stopwatch {
 public:
  explicit Stopwatch(double& seconds) : seconds_(seconds) {}
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;
  ~Stopwatch() {
    seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  double& seconds_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

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
ParsedFile<T> parse_file(Context<Cpu>& ctx, const std::string& path, int least_index,
                         std::size_t block_bytes, LibsvmStatistics& statistics) {
  ParsedFile<T> file;
  LineBlocks lines(path, ctx.threads(), block_bytes);
  std::vector<RowScratch<T>> scratch(static_cast<std::size_t>(ctx.threads()));
  index_t lines_before = 0;
  for (auto texts = lines.next(); !texts.empty(); texts = lines.next()) {
    const Stopwatch watch(statistics.seconds_parsing);
    std::vector<ParsedText<T>> parsed(texts.size());
    parallel_for(ctx, static_cast<index_t>(texts.size()), [&](index_t c) {
      const auto b = static_cast<std::size_t>(c);
      parsed[b] = parse_libsvm(texts[b], least_index, scratch[b]);
    });
    for (ParsedText<T>& block : parsed) {
      if (block.fault) {
        throw DataError(printable_path(path) + ":" +
                        std::to_string(lines_before + block.fault->line) + ":" +
                        std::to_string(block.fault->column) + ": " + block.fault->what);
      }
      lines_before += block.lines;
      file.index_zero_occurs = file.index_zero_occurs || block.index_zero_occurs;
      file.rows += block.rows->rows();
      file.width = std::max<index_t>(file.width, block.rows->width());
      if (block.rows->rows() > 0) file.blocks.push_back(std::move(*block.rows));
    }
  }
  statistics.text_bytes = lines.bytes();
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
  ParsedFile<T> file = parse_file<T>(ctx, path, options.index_base.value_or(0), block_bytes, used);
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
  return read_libsvm_blocks<T>(ctx, path, options, statistics, libsvm_block_bytes);
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
