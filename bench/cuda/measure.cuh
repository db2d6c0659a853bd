// How the device's benches measure: events around one call, A out of the L2 cache before, a copy beside it.
#pragma once

#include "support/median.hpp"

#include <randnla/core/buffer.hpp>
#include <randnla/core/context.hpp>
#include <randnla/core/error.hpp>

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace randnla::bench {

/// What RANDNLA_BENCH_SHAPES asks for: `gpu` (as if it were not set) the shapes of real problems; `tiny` as small
/// ones as still run all code, for a simulator; `model` middle ones, of which the call is made once and nothing
/// beside it, for a simulator that counts what the call's kernels do.
enum class Shapes { gpu, tiny, model };

inline Shapes asked_shapes() {
  const char* const text = std::getenv("RANDNLA_BENCH_SHAPES");
  const std::string_view name = text == nullptr ? "gpu" : text;
  if (name == "gpu") return Shapes::gpu;
  if (name == "tiny") return Shapes::tiny;
  if (name == "model") return Shapes::model;
  throw InvalidArgument("RANDNLA_BENCH_SHAPES = " + std::string(name) +
                        ", want gpu, tiny or model");
}

inline bool once() { return asked_shapes() == Shapes::model; }

/// Another way of doing the same, by the vendor's libraries.
template <class F>
struct Peer {
  const char* name;
  F call;
};

/// A copy as long as the device's memory is busy with nothing else; it leaves nothing of A in the L2 cache.
class Copy {
 public:
  explicit Copy(Context<Cuda>& ctx)
      : ctx_(ctx),
        from_(ctx, std::vector<unsigned char>(static_cast<std::size_t>(size()))),
        to_(ctx, size()) {}
  void operator()() { ctx_.copy(to_.data(), from_.data(), static_cast<std::size_t>(size())); }
  static double bytes() { return 2.0 * static_cast<double>(size()); }

 private:
  static index_t size() { return asked_shapes() == Shapes::gpu ? index_t{512} << 20 : 1 << 20; }

  Context<Cuda>& ctx_;
  Buffer<unsigned char, Cuda> from_, to_;
};

template <class F>
double seconds(Context<Cuda>& ctx, F&& f) {
  ctx.mark(0);
  f();
  ctx.mark(1);
  ctx.synchronize();
  return ctx.seconds_between(0, 1);
}

/// Times `call`, which cannot do without moving `bytes` bytes, and each peer as often.
template <class F, class... Peers>
void measure(benchmark::State& state, Context<Cuda>& ctx, double bytes, F call, Peers... peers) {
  state.counters["bytes"] = bytes;
  if (once()) {
    for ([[maybe_unused]] auto _ : state) state.SetIterationTime(seconds(ctx, call));
    return;
  }
  Copy copy(ctx);
  call(), (peers.call(), ...);  // workspaces and handles are there from now on
  std::vector<double> own, copies, other[sizeof...(Peers) + 1];
  for ([[maybe_unused]] auto _ : state) {
    std::size_t p = 0;
    ((copy(), other[p++].push_back(seconds(ctx, peers.call))), ...);
    copies.push_back(seconds(ctx, copy));
    own.push_back(seconds(ctx, call));
    state.SetIterationTime(own.back());
  }
  const double rate = bytes / median(own), copied = Copy::bytes() / median(copies);
  state.counters["GB/s"] = rate * 1e-9;
  state.counters["copy_GB/s"] = copied * 1e-9;
  state.counters["%copy"] = 100 * rate / copied;
  std::size_t p = 0;
  ((state.counters[peers.name] = median(other[p++]) / median(own)), ...);
}

inline void options(benchmark::internal::Benchmark* bench) {
  bench->UseManualTime()->Iterations(asked_shapes() == Shapes::gpu ? 31 : 1);
  bench->Unit(benchmark::kMicrosecond);
}

inline void dense_shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"rows", "cols"})->Apply(options);
  switch (asked_shapes()) {
    case Shapes::gpu:
      bench->Args({49'990, 22})->Args({464'810, 54})->Args({200'000, 200});
      bench->Args({100'000, 1'000})->Args({20'000, 2'000});
      return;
    case Shapes::tiny:
      bench->Args({500, 22})->Args({300, 64});
      return;
    case Shapes::model:
      bench->Args({20'000, 54})->Args({5'000, 200})->Args({2'000, 1'000});
  }
}

inline void sparse_shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"rows", "cols", "per_row"})->Apply(options);
  switch (asked_shapes()) {
    case Shapes::gpu:
      bench->Args({1'000'000, 100'000, 30});
      return;
    case Shapes::tiny:
      bench->Args({500, 60, 5});
      return;
    case Shapes::model:
      bench->Args({20'000, 2'000, 30});
  }
}

/// For what is as large as the square of the columns.
inline void narrow_sparse_shapes(benchmark::internal::Benchmark* bench) {
  if (asked_shapes() == Shapes::tiny) return sparse_shapes(bench);
  bench->ArgNames({"rows", "cols", "per_row"})->Apply(options);
  if (asked_shapes() == Shapes::gpu) {
    bench->Args({1'000'000, 1'000, 30});
  } else {
    bench->Args({20'000, 200, 30});
  }
}

}  // namespace randnla::bench
