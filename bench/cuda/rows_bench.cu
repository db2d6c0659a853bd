// Norms of rows, of rows projected (the pass of approximate leverage scores), and rows gathered.
#include "least_squares/direct.hpp"
#include "problem.cuh"
#include "seam/seam.hpp"

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

BENCHMARK(projected_norms<double>)->Apply(bench::dense_shapes);
BENCHMARK(projected_norms<float>)->Apply(bench::dense_shapes);
BENCHMARK(sparse_projected_norms<double>)->Apply(bench::sparse_shapes);
BENCHMARK(sparse_projected_norms<float>)->Apply(bench::sparse_shapes);
BENCHMARK(norms<double>)->Apply(bench::dense_shapes);
BENCHMARK(norms<float>)->Apply(bench::dense_shapes);
BENCHMARK(gather<double>)->Apply(bench::dense_shapes);
BENCHMARK(gather<float>)->Apply(bench::dense_shapes);

}  // namespace
}  // namespace randnla
