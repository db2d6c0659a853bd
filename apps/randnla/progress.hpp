// The table of iterations that a user watches.
#pragma once

#include "choices.hpp"

#include <randnla/optimize/result.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace randnla::app {

/// One row an iteration. On a terminal the last row is rewritten in place, and rows stay at 1, 2,
/// ..., 10, 20, ..., 100, 200, ..., so that a long run still fits the screen; elsewhere every row
/// is one line.
class ProgressTable {
 public:
  ProgressTable(std::FILE* out, Method method);

  void add(const Iteration& iteration);
  /// Makes the last row stay.
  void finish();

 private:
  void print_header();

  std::FILE* out_;
  Method method_;
  bool terminal_, header_ = false;
  std::string pending_;  // the last row, not to stay so far
  std::chrono::steady_clock::time_point shown_;
};

/// One line that counts, on a terminal only.
class StatusLine {
 public:
  explicit StatusLine(std::FILE* out);
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;
  ~StatusLine() { clear(); }

  /// "reading: 120 MB of text", now and then.
  void show(const char* what, std::int64_t count, const char* unit);
  void clear();

 private:
  std::FILE* out_;
  bool terminal_, shown_ = false;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace randnla::app
