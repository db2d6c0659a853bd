// A text stream cut into blocks of whole lines.
#pragma once

#include "io/text_stream.hpp"

#include <randnla/core/backend.hpp>

#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace randnla {

class LineBlocks {
 public:
  /// block_bytes  aimed at; a longer line makes a longer block
  LineBlocks(const std::string& path, int blocks_a_round, std::size_t block_bytes);

  /// The next blocks, in order, each ending in '\n' (added to a last line without one); empty ones
  /// occur. Valid until the next call; none at the end. Throws what the stream throws, once all
  /// whole lines before the fault have been handed out.
  std::vector<std::string_view> next();

  /// Bytes of text handed out.
  index_t bytes() const { return bytes_; }

 private:
  std::size_t fill();

  TextStream stream_;
  std::size_t blocks_;
  std::size_t target_;
  std::vector<char> text_;
  std::size_t size_ = 0;  // of the text in the buffer
  std::size_t used_ = 0;  // of it, handed out before
  bool ended_ = false;
  std::exception_ptr fault_;
  index_t bytes_ = 0;
};

}  // namespace randnla
