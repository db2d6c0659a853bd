// Rows drawn in proportion to scores, from an alias table and by prefix sums.
#include "support/ceiling.hpp"

#include <randnla/core/random.hpp>
#include <randnla/sketch/alias_table.hpp>

#include <benchmark/benchmark.h>

#include <vector>

namespace randnla {
namespace {

/// Arguments: scores, rows drawn, threads. The time is that of a sample from a table; counters: how many times longer
/// the same took by prefix sums, which begins with the scores, and how many samples the table itself costs.
void alias_table(benchmark::State& state) {
  const index_t n = state.range(0), size = state.range(1);
  Context<Cpu> ctx(static_cast<int>(state.range(2)));
  Buffer<double, Cpu> scores(ctx, n);
  fill_normal(ctx, Rng{1, 0}, 1.0, scores.view());
  for (index_t i = 0; i < n; ++i) scores.data()[i] *= scores.data()[i];
  AliasTable<Cpu, double> table(ctx, scores.view());
  RowSampler<Cpu, double> sampler(ctx, n);
  std::vector<double> sums, making, own;
  std::uint64_t draw = 0;
  for ([[maybe_unused]] auto _ : state) {
    const Rng rng{1, ++draw};
    making.push_back(bench::seconds([&] { AliasTable<Cpu, double>(ctx, scores.view()); }));
    sums.push_back(
        bench::seconds([&] { sampler.draw(ctx, Sampling::given, size, scores.view(), rng); }));
    own.push_back(bench::seconds([&] { table.draw(ctx, size, rng); }));
    state.SetIterationTime(own.back());
  }
  state.counters["prefix_sums"] = bench::median(sums) / bench::median(own);
  state.counters["table"] = bench::median(making) / bench::median(own);
}

BENCHMARK(alias_table)
    ->ArgNames({"scores", "size", "threads"})
    ->Args({464'810, 4'648, 2})
    ->Args({464'810, 464'810, 2})
    ->Args({10'000'000, 1'000'000, 2})
    ->UseManualTime()
    ->Iterations(21)
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace randnla
