// Norms of rows, of rows projected (the pass of approximate leverage scores), rows drawn by scores, and rows
// gathered.
#include "least_squares/direct.hpp"
#include "problem.cuh"
#include "seam/seam.hpp"

#include <randnla/sketch/alias_table.hpp>

#include <random>

namespace randnla {
namespace {

/// A projection of as many rows as 20 % of error ask for, or as A has columns.
template <class T>
struct Projected : bench::Problem<T> {
  Projected(const benchmark::State& state, bool sparse)
      : bench::Problem<T>(state, sparse),
        projections(std::min<index_t>(this->cols, 294)),
        P(bench::normal<T>(this->ctx, projections * this->cols, 1)),
        norms(this->ctx, this->rows) {}

  void operator()() {
    const MatrixView<const T, Cuda> by{P.data(), projections, this->cols, projections};
    projected_row_norms<T>(this->ctx, this->data.view(), nullptr, by, norms.data());
  }
  double least_bytes() const { return this->bytes(P.size() + this->rows); }

  index_t projections;
  Buffer<T, Cuda> P, norms;
};

template <class T>
void projected_norms(benchmark::State& state) {
  Projected<T> p(state, false);
  bench::measure(state, p.ctx, p.least_bytes(), [&] { p(); });
}

template <class T>
void sparse_projected_norms(benchmark::State& state) {
  Projected<T> p(state, true);
  bench::measure(state, p.ctx, p.least_bytes(), [&] { p(); });
}

template <class T>
void norms(benchmark::State& state) {
  bench::Problem<T> p(state, false);
  Buffer<T, Cuda> out(p.ctx, p.rows);
  bench::measure(state, p.ctx, p.bytes(p.rows),
                 [&] { row_norms<T>(p.ctx, p.data.view(), out.data()); });
}

/// Squares of normal numbers, as the norms of rows are sums of.
Buffer<double, Cuda> squares(Context<Cuda>& ctx, index_t n) {
  std::vector<double> out = bench::normal<double>(ctx, n, 3).download();
  for (double& x : out) x *= x;
  return {ctx, out};
}

/// Arguments: scores, rows drawn. What it takes to draw again from the same scores, and by prefix sums of scores
/// that may have changed.
void draw_by_alias_table(benchmark::State& state) {
  Context<Cuda> ctx;
  const index_t n = state.range(0), size = state.range(1);
  const auto scores = squares(ctx, n);
  AliasTable<Cuda, double> table(ctx, scores.view());
  RowSampler<Cuda, double> sampler(ctx, n);
  ctx.synchronize();
  const auto again = [&] { sampler.draw(ctx, Sampling::given, size, scores.view(), Rng{1, 0}); };
  bench::measure(
      state, ctx, static_cast<double>(size) * (2 * sizeof(index_t) + sizeof(AliasCell) + 8),
      [&] {
        table.draw(ctx, size, Rng{1, 0});
      },
      bench::Peer{"prefix_sums", again});
}

/// Arguments: scores.
void make_alias_table(benchmark::State& state) {
  Context<Cuda> ctx;
  const index_t n = state.range(0);
  const auto scores = squares(ctx, n);
  bench::measure(state, ctx, static_cast<double>(n) * (sizeof(double) + sizeof(AliasCell) + 8),
                 [&] { AliasTable<Cuda, double>(ctx, scores.view()); });
}

template <class T>
void gather(benchmark::State& state) {
  bench::Problem<T> p(state, false);
  const index_t count = p.rows / 10;
  std::mt19937_64 draw(1);
  std::vector<index_t> drawn(static_cast<std::size_t>(count));
  for (index_t& row : drawn)
    row = static_cast<index_t>(draw() % static_cast<std::uint64_t>(p.rows));
  const Buffer<index_t, Cuda> rows(p.ctx, drawn);
  const auto weights = bench::normal<T>(p.ctx, count, 1);
  Buffer<T, Cuda> out(p.ctx, count * p.cols);
  const double bytes = static_cast<double>(2 * out.size() + count) * sizeof(T) +
                       static_cast<double>(count) * sizeof(index_t);
  bench::measure(state, p.ctx, bytes, [&] {
    gather_rows<Cuda, T>(p.ctx, p.data.view(), rows.data(), weights.data(), count, out.data());
  });
}

void draws(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"scores", "size"})->Apply(bench::options);
  if (bench::asked_shapes() == bench::Shapes::tiny) {
    bench->Args({500, 100});
  } else {
    bench->Args({464'810, 4'648})->Args({464'810, 464'810});
  }
}

BENCHMARK(projected_norms<double>)->Apply(bench::dense_shapes);
BENCHMARK(projected_norms<float>)->Apply(bench::dense_shapes);
BENCHMARK(sparse_projected_norms<double>)->Apply(bench::sparse_shapes);
BENCHMARK(sparse_projected_norms<float>)->Apply(bench::sparse_shapes);
BENCHMARK(norms<double>)->Apply(bench::dense_shapes);
BENCHMARK(norms<float>)->Apply(bench::dense_shapes);
BENCHMARK(draw_by_alias_table)->Apply(draws);
BENCHMARK(make_alias_table)
    ->ArgNames({"scores"})
    ->Apply(bench::options)
    ->Arg(bench::asked_shapes() == bench::Shapes::tiny ? 500 : 464'810);
BENCHMARK(gather<double>)->Apply(bench::dense_shapes);
BENCHMARK(gather<float>)->Apply(bench::dense_shapes);

}  // namespace
}  // namespace randnla
