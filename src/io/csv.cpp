#include "io/assembly.hpp"
#include "io/csv_layout.hpp"
#include "io/csv_parser.hpp"
#include "io/csv_reader.hpp"
#include "io/number.hpp"
#include "io/parse_rounds.hpp"

#include <randnla/io/csv.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace randnla {
namespace {

void check_options(const CsvOptions& options) {
  const char c = options.delimiter;
  const bool printable = c > ' ' && c < 127;
  const bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
  const bool of_numbers = is_digit(c) || letter || c == '+' || c == '-' || c == '.';
  require(c == 0 || c == '\t' || c == ' ' || (printable && c != '"' && !of_numbers),
          "read_csv: delimiter " + quoted({&c, 1}) + ", want a character that no number has");
}

/// Text labels are numbered block by block while parsing; here they get the numbers of the file.
template <Scalar T>
class LabelNumbers {
 public:
  void add_block(index_t rows, std::vector<std::string> names) {
    all_.insert(names.begin(), names.end());
    blocks_.push_back({rows, std::move(names)});
  }

  std::vector<std::string> apply(const std::string& path, Dataset<T, Cpu>& data) const {
    if (all_.size() > most_classes) {
      throw DataError(printable_path(path) + ": more than " + std::to_string(most_classes) +
                      " different labels");
    }
    T* target = data.targets.data();
    for (const auto& [rows, names] : blocks_) {
      std::vector<T> numbers;
      for (const std::string& name : names) {
        numbers.push_back(static_cast<T>(std::distance(all_.begin(), all_.find(name))));
      }
      for (T* const end = target + rows; target < end; ++target) {
        *target = numbers[static_cast<std::size_t>(*target)];
      }
    }
    return {all_.begin(), all_.end()};
  }

 private:
  std::set<std::string> all_;
  std::vector<std::pair<index_t, std::vector<std::string>>> blocks_;
};

}  // namespace

template <Scalar T>
Dataset<T, Cpu> read_csv_blocks(Context<Cpu>& ctx, const std::string& path,
                                const CsvOptions& options, CsvStatistics* statistics,
                                std::size_t block_bytes) {
  check_options(options);
  CsvStatistics used;
  CsvLayout layout(options, path);
  ParsedFile<T> file;
  LabelNumbers<T> labels;
  std::vector<RowScratch<T>> scratch(static_cast<std::size_t>(ctx.threads()));
  used.text_bytes = parse_rounds(
      ctx, path, block_bytes, used.seconds_parsing,
      [&](const std::vector<std::string_view>& texts, index_t lines_before) {
        layout.look_at(texts, lines_before);
      },
      [&](std::size_t b, std::string_view text) {
        return parse_csv(text, layout, options.classes, scratch[b]);
      },
      [&](ParsedCsv<T>& block, index_t bytes) {
        const index_t rows = block.rows->rows();
        if (rows > 0) {
          file.rows += rows;
          if (layout.text_labels()) labels.add_block(rows, std::move(block.labels));
          file.blocks.push_back(std::move(*block.rows));
        }
        if (options.progress) options.progress(bytes);
      });
  if (file.rows == 0) throw DataError(printable_path(path) + ": no data rows");
  const Stopwatch watch(used.seconds_parsing);
  Dataset<T, Cpu> data = Assembly<T>(ctx, file, 0, layout.features()).dense();
  if (layout.text_labels()) used.labels = labels.apply(path, data);
  used.delimiter = layout.delimiter();
  used.header = layout.header();
  used.names = layout.feature_names();
  if (statistics != nullptr) *statistics = used;
  return data;
}

template <Scalar T>
Dataset<T, Cpu> read_csv(Context<Cpu>& ctx, const std::string& path, const CsvOptions& options,
                         CsvStatistics* statistics) {
  return read_csv_blocks<T>(ctx, path, options, statistics, text_block_bytes);
}

template Dataset<float, Cpu> read_csv_blocks(Context<Cpu>&, const std::string&, const CsvOptions&,
                                             CsvStatistics*, std::size_t);
template Dataset<double, Cpu> read_csv_blocks(Context<Cpu>&, const std::string&, const CsvOptions&,
                                              CsvStatistics*, std::size_t);
template Dataset<float, Cpu> read_csv(Context<Cpu>&, const std::string&, const CsvOptions&,
                                      CsvStatistics*);
template Dataset<double, Cpu> read_csv(Context<Cpu>&, const std::string&, const CsvOptions&,
                                       CsvStatistics*);

}  // namespace randnla
