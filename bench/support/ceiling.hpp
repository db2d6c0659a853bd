// What the machine itself can do, measured in the same run as what is compared with it.
#pragma once

#include "cpu/simd.hpp"
#include "support/median.hpp"

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

/// Multiply-adds a second of all threads together, with 16 chains of vectors each: as many as hide
/// their latency on two units, and little enough to stay in registers.
template <class T>
double multiply_add_rate(int threads) {
  constexpr int chains = 16, rounds = 100'000;
  using Vector = simd::Vector<T>;
  T total = 0;
  const double spent = seconds([&] {
#pragma omp parallel for num_threads(threads) schedule(static) reduction(+ : total)
    for (int t = 0; t < threads; ++t) {
      Vector x[chains];
      for (int k = 0; k < chains; ++k) x[k] = Vector{} + T(t + k);
      const Vector factor = Vector{} + T(0.5), term = Vector{} + T(1);
      for (int r = 0; r < rounds; ++r) {
        for (int k = 0; k < chains; ++k) x[k] = x[k] * factor + term;
      }
      for (const Vector& v : x) total += simd::sum<T>(v);
    }
  });
  asm volatile("" : : "x"(total));
  return static_cast<double>(threads) * chains * rounds * simd::lanes<T> / spent;
}

/// One measurement of something that reads `bytes` of `data`, between two plain reads of it.
class BesideRead {
 public:
  template <class F>
  double measure(const void* data, std::size_t bytes, int threads, F f) {
    const auto read = [&] { sink_ = sink_ + read_once(data, bytes, threads); };
    let_threads_sleep();
    warm_up(read);
    f();  // brings its own arrays into the cache, as the reads do theirs
    const double before = seconds(read), spent = seconds(f), after = seconds(read);
    ratios_.push_back(spent / ((before + after) / 2));
    rates_.push_back(static_cast<double>(bytes) / std::min(before, after));
    return spent;
  }
  double ratio() const { return median(ratios_); }
  double read_rate() const { return median(rates_); }  // bytes a second

 private:
  std::vector<double> ratios_, rates_;
  volatile std::uint64_t sink_ = 0;
};

}  // namespace randnla::bench
