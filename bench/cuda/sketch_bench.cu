// Sketches S A, S drawn and applied, beside the product with an S that is stored: cuBLAS's of those with all
// entries, cuSPARSE's of sparse ones.
#include "blas.cuh"
#include "cusparse.cuh"
#include "problem.cuh"

#include <randnla/sketch/sketch.hpp>

#include <random>
#include <vector>

namespace randnla {
namespace {

/// 4 rows of S for a column of A, but a quarter of A's rows at most.
template <class T>
struct Sketched : bench::Problem<T> {
  Sketched(const benchmark::State& state, SketchKind kind, bool sparse, index_t nonzeros = 8)
      : bench::Problem<T>(state, sparse),
        S{.kind = kind,
          .rows = std::min(4 * this->cols, this->rows / 4),
          .cols = this->rows,
          .nonzeros = nonzeros,
          .rng = {1, 0}},
        SA(this->ctx, S.rows * this->cols) {}

  void operator()() {
    const MatrixView<T, Cuda> out{SA.data(), S.rows, this->cols, S.rows};
    apply(this->ctx, S, this->data.view(), out);
  }
  double least_bytes() const { return this->bytes(SA.size()); }

  Sketch S;
  Buffer<T, Cuda> SA;
};

template <class T, SketchKind kind>
void alone(benchmark::State& state) {
  Sketched<T> p(state, kind, false);
  bench::measure(state, p.ctx, p.least_bytes(), [&] { p(); });
}

/// A matrix of S's shape with as many entries a column, one in each of as many stripes of rows, as cuSPARSE
/// wants it.
template <class T>
bench::SparseMatrix<T> stored(Context<Cuda>& ctx, const Sketch& S) {
  const index_t per_column = nonzeros_per_column(S), stripe = S.rows / per_column;
  std::mt19937_64 draw(1);
  std::vector<std::vector<std::int32_t>> row_columns(static_cast<std::size_t>(S.rows));
  for (index_t i = 0; i < S.cols; ++i) {
    for (index_t t = 0; t < per_column; ++t) {
      const std::uint64_t row = draw() % static_cast<std::uint64_t>(stripe);
      row_columns[static_cast<std::size_t>(t * stripe) + row].push_back(
          static_cast<std::int32_t>(i));
    }
  }
  std::vector<std::int32_t> offsets{0}, columns;
  for (const auto& row : row_columns) {
    columns.insert(columns.end(), row.begin(), row.end());
    offsets.push_back(static_cast<std::int32_t>(columns.size()));
  }
  std::vector<T> values(columns.size());
  for (T& value : values) value = draw() % 2 == 0 ? T(1) : T(-1);
  return {ctx, S.rows, S.cols, offsets, columns, values};
}

template <class T, SketchKind kind, index_t nonzeros = 8>
void beside_spmm(benchmark::State& state) {
  Sketched<T> p(state, kind, false, nonzeros);
  auto S = stored<T>(p.ctx, p.S);
  const auto spmm = [&] { S.times_rows(p.cols, p.data.values.data(), p.SA.data()); };
  bench::measure(
      state, p.ctx, p.least_bytes(), [&] { p(); }, bench::Peer{"spmm", spmm});
}

template <class T, SketchKind kind>
void sparse(benchmark::State& state) {
  Sketched<T> p(state, kind, true);
  bench::measure(state, p.ctx, p.least_bytes(), [&] { p(); });
}

template <class T, SketchKind kind>
void beside_gemm(benchmark::State& state) {
  Sketched<T> p(state, kind, false);
  const auto S = bench::normal<T>(p.ctx, bench::once() ? 0 : p.S.rows * p.rows, 1);
  const auto gemm = [&] {
    bench::gemm(p.ctx, {Transpose::no, Transpose::yes, p.S.rows, p.cols, p.rows}, S.data(),
                p.data.values.data(), p.SA.data());
  };
  bench::measure(
      state, p.ctx, p.least_bytes(), [&] { p(); }, bench::Peer{"gemm", gemm});
}

#define RANDNLA_SKETCH_BENCH(how, shapes, kind, label)                                    \
  BENCHMARK(how<double, SketchKind::kind>)->Name(label "<double>")->Apply(bench::shapes); \
  BENCHMARK(how<float, SketchKind::kind>)->Name(label "<float>")->Apply(bench::shapes)

RANDNLA_SKETCH_BENCH(beside_spmm, dense_shapes, sparse_stack, "sparse_stack");
// Where it is compared with FlashSketch (arXiv 2602.06071) by the model: docs/gpu-performance.md.
BENCHMARK(beside_spmm<float, SketchKind::sparse_stack, 4>)
    ->Name("sparse_stack_of_four<float>")
    ->Args({16384, 256});
RANDNLA_SKETCH_BENCH(beside_spmm, dense_shapes, sparse_sign, "sparse_sign");
RANDNLA_SKETCH_BENCH(beside_spmm, dense_shapes, count_sketch, "count_sketch");
RANDNLA_SKETCH_BENCH(alone, dense_shapes, srht, "srht");
RANDNLA_SKETCH_BENCH(beside_gemm, dense_shapes, gaussian, "gaussian");
RANDNLA_SKETCH_BENCH(beside_gemm, dense_shapes, rademacher, "rademacher");
RANDNLA_SKETCH_BENCH(sparse, narrow_sparse_shapes, sparse_stack, "sparse_sparse_stack");

}  // namespace
}  // namespace randnla
