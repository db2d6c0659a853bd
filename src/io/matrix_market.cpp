#include "io/matrix_market_assembly.hpp"
#include "io/matrix_market_header.hpp"
#include "io/matrix_market_parser.hpp"
#include "io/matrix_market_reader.hpp"
#include "io/parse_rounds.hpp"

#include <randnla/io/matrix_market.hpp>

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace randnla {

template <Scalar T>
Dataset<T, Cpu> read_matrix_market_blocks(Context<Cpu>& ctx, const std::string& path,
                                          const std::function<void(index_t)>& progress,
                                          std::size_t block_bytes) {
  MatrixMarketHeader header(path);
  std::deque<MarketEntries<T>> blocks;
  index_t held = 0;
  double seconds = 0;
  parse_rounds(
      ctx, path, block_bytes, seconds,
      [&](const std::vector<std::string_view>& texts, index_t lines_before) {
        header.look_at(texts, lines_before);
      },
      [&](std::size_t, std::string_view text) { return parse_matrix_market<T>(text, header); },
      [&](MarketEntries<T>& block, index_t bytes) {
        held += static_cast<index_t>(block.values.size());
        if (!block.values.empty()) blocks.push_back(std::move(block));
        if (progress) progress(bytes);
      });
  header.check_end(held);
  MarketAssembly<T> assembly(ctx, path, header, std::move(blocks));
  return header.format() == MatrixMarketHeader::Format::array ? assembly.dense()
                                                              : assembly.sparse();
}

template <Scalar T>
Dataset<T, Cpu> read_matrix_market(Context<Cpu>& ctx, const std::string& path,
                                   const std::function<void(index_t)>& progress) {
  return read_matrix_market_blocks<T>(ctx, path, progress, text_block_bytes);
}

#define RANDNLA_INSTANTIATE(T)                                                              \
  template Dataset<T, Cpu> read_matrix_market_blocks(                                       \
      Context<Cpu>&, const std::string&, const std::function<void(index_t)>&, std::size_t); \
  template Dataset<T, Cpu> read_matrix_market(Context<Cpu>&, const std::string&,            \
                                              const std::function<void(index_t)>&);
RANDNLA_INSTANTIATE(float)
RANDNLA_INSTANTIATE(double)
#undef RANDNLA_INSTANTIATE

}  // namespace randnla
