// Peak resident memory of a piece of work, measured in a fresh process.
#pragma once

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

// Sanitizers keep shadow and freed memory: sizes say nothing there.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RANDNLA_SANITIZED 1
#else
#define RANDNLA_SANITIZED 0
#endif

namespace randnla::test {

/// A line of /proc/self/status, in bytes: VmRSS, VmHWM.
inline double status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key + ":")) return 1024 * std::stod(line.substr(key.size() + 1));
  }
  return 0;
}

/// To be called from EXPECT_EXIT in the "threadsafe" style, where the process is a fresh one: runs
/// `work`, which returns the size of its result, and ends the process with success if the peak rose
/// by less than `factor` times that and by more than 0.9 times, without which nothing was measured.
template <class Work>
[[noreturn]] void exit_by_peak(double factor, Work work) {
  const double before = status_bytes("VmRSS");
  const double result = work();
  const double rise = status_bytes("VmHWM") - before;
  std::fprintf(stderr, "peak %.1f MB, result %.1f MB, ratio %.3f\n", rise / 1e6, result / 1e6,
               rise / result);
  std::_Exit(rise < factor * result && rise > 0.9 * result ? 0 : 1);
}

}  // namespace randnla::test
