#include "io/line_blocks.hpp"

#include <randnla/core/error.hpp>

#include <algorithm>
#include <cstring>

namespace randnla {

LineBlocks::LineBlocks(const std::string& path, int blocks_a_round, std::size_t block_bytes)
    : stream_(path),
      blocks_(static_cast<std::size_t>(blocks_a_round)),
      target_(blocks_ * std::max<std::size_t>(block_bytes, 1)) {}

/// Reads until the buffer holds `target_` bytes or the stream ends, and returns the size of the
/// whole lines in it.
std::size_t LineBlocks::fill() {
  if (used_ > 0) std::memmove(text_.data(), text_.data() + used_, size_ - used_);
  size_ -= used_;
  used_ = 0;
  for (std::size_t goal = target_; !ended_; goal *= 2) {
    if (text_.size() < goal + 1) text_.resize(goal + 1);  // one for a missing '\n' at the end
    try {
      while (size_ < goal && !ended_) {
        const std::size_t got = stream_.read(text_.data() + size_, goal - size_);
        size_ += got;
        bytes_ += static_cast<index_t>(got);
        ended_ = got == 0;
      }
      if (ended_ && size_ > 0 && text_[size_ - 1] != '\n') text_[size_++] = '\n';
    } catch (const DataError&) {
      fault_ = std::current_exception();
      ended_ = true;
    }
    const std::size_t newline = std::string_view(text_.data(), size_).rfind('\n');
    if (newline != std::string_view::npos) return newline + 1;
  }
  return 0;
}

std::vector<std::string_view> LineBlocks::next() {
  // After the end the buffer can still hold lines only if a fault left part of one behind.
  const std::size_t lines = ended_ ? 0 : fill();
  used_ = lines;
  if (lines == 0 && fault_) std::rethrow_exception(fault_);
  std::vector<std::string_view> blocks;
  const std::string_view text(text_.data(), lines);
  for (std::size_t b = 0, begin = 0; b < blocks_ && lines > 0; ++b) {
    std::size_t end = std::max(begin, lines * (b + 1) / blocks_);
    if (end < lines) end = text.find('\n', end) + 1;
    blocks.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return blocks;
}

}  // namespace randnla
