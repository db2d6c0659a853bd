// The loop that all text readers share: blocks of lines out of a file, parsed by all threads.
#pragma once

#include "cpu/loops.hpp"
#include "io/line_blocks.hpp"
#include "io/printable.hpp"

#include <randnla/core/error.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace randnla {

/// Bytes of text a thread parses at a time.
inline constexpr std::size_t text_block_bytes = std::size_t{1} << 20;

/// The first thing wrong in a block.
struct TextFault {
  index_t line = 0, column = 0;  // of the block, from 1
  std::string what;
};

/// What a parser throws; the place is turned into line and column where it is caught.
struct BadText {
  const char* at;
  std::string what;
};

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

[[noreturn]] inline void throw_fault(const std::string& path, index_t lines_before,
                                     const TextFault& fault) {
  throw DataError(printable_path(path) + ":" + std::to_string(lines_before + fault.line) + ":" +
                  std::to_string(fault.column) + ": " + fault.what);
}

/// Round by round, one block a thread:
///   prepare(texts, lines_before)  sees the blocks before they are parsed
///   parse(b, text)                on all threads; its result has `fault` (optional) and `lines`
///   use(result)                   in the order of the file
/// Returns the bytes of text. Throws DataError for the first fault of the file.
template <class Prepare, class Parse, class Use>
index_t parse_rounds(Context<Cpu>& ctx, const std::string& path, std::size_t block_bytes,
                     double& seconds, Prepare prepare, Parse parse, Use use) {
  using Parsed = decltype(parse(std::size_t{}, std::string_view()));
  LineBlocks lines(path, ctx.threads(), block_bytes);
  index_t lines_before = 0;
  for (auto texts = lines.next(); !texts.empty(); texts = lines.next()) {
    const Stopwatch watch(seconds);
    prepare(texts, lines_before);
    std::vector<Parsed> parsed(texts.size());
    parallel_for(ctx, static_cast<index_t>(texts.size()), [&](index_t c) {
      const auto b = static_cast<std::size_t>(c);
      parsed[b] = parse(b, texts[b]);
    });
    for (Parsed& block : parsed) {
      if (block.fault) throw_fault(path, lines_before, *block.fault);
      lines_before += block.lines;
      use(block, lines.bytes());
    }
  }
  return lines.bytes();
}

}  // namespace randnla
