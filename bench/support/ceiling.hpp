// What the machine itself can do, measured in the same run as what is compared with it.
#pragma once

#include <randnla/core/context.hpp>

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace randnla::bench {

template <class F>
double seconds(F f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Waits until the workers of the last OpenMP region or OpenBLAS call have stopped spinning
/// (OpenBLAS's do so for 2^26 cycles), so that the other layer is measured on idle processors.
inline void let_threads_sleep() { std::this_thread::sleep_for(std::chrono::milliseconds(60)); }

/// Repeats f for 60 ms: a thread that slept, on a virtual processor that slept with it, is slow at
/// first.
template <class F>
void warm_up(F f) {
  for (double spent = 0; spent < 0.06;) spent += seconds(f);
}

inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Reads an array once with all threads and as little arithmetic as keeps the compiler from leaving
/// it out: 16 independent accumulators of 64-bit words, which is far faster than memory.
inline std::uint64_t read_once(const void* data, std::size_t bytes, int threads) {
  const auto* words = static_cast<const std::uint64_t*>(data);
  const auto n = static_cast<std::int64_t>(bytes / 128);
  std::uint64_t total = 0;
#pragma omp parallel for num_threads(threads) schedule(static) reduction(+ : total)
  for (int t = 0; t < threads; ++t) {
    std::uint64_t sum[16] = {};
    for (std::int64_t i = n * t / threads; i < n * (t + 1) / threads; ++i) {
      for (int k = 0; k < 16; ++k) sum[k] += words[16 * i + k];
    }
    for (const std::uint64_t s : sum) total += s;
  }
  return total;
}

}  // namespace randnla::bench
