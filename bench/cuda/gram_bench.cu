// The weighted Gram matrix, beside cuBLAS's product of A' and A without weights.
#include "blas.cuh"
#include "gram.cuh"
#include "problem.cuh"

namespace randnla {
namespace {

template <class T>
struct Weighted : bench::Problem<T> {
  Weighted(const benchmark::State& state, bool sparse)
      : bench::Problem<T>(state, sparse),
        d(bench::normal<T>(this->ctx, this->rows, 1)),
        H(this->ctx, this->cols * this->cols) {}

  void operator()() {
    const MatrixView<T, Cuda> out{H.data(), this->cols, this->cols, this->cols};
    gram<T>(this->ctx, this->data.view(), {nullptr, this->rows, nullptr}, d.data(), 0, out);
  }
  double least_bytes() const { return this->bytes(this->rows + this->cols * this->cols); }

  Buffer<T, Cuda> d, H;
};

template <class T>
void weighted_gram(benchmark::State& state) {
  Weighted<T> p(state, false);
  const T* const A = p.data.values.data();
  const auto gemm = [&] {
    bench::gemm(p.ctx, {Transpose::no, Transpose::yes, p.cols, p.cols, p.rows}, A, A, p.H.data());
  };
  bench::measure(
      state, p.ctx, p.least_bytes(), [&] { p(); }, bench::Peer{"gemm", gemm});
}

template <class T>
void sparse_gram(benchmark::State& state) {
  Weighted<T> p(state, true);
  bench::measure(state, p.ctx, p.least_bytes(), [&] { p(); });
}

BENCHMARK(weighted_gram<double>)->Apply(bench::dense_shapes);
BENCHMARK(weighted_gram<float>)->Apply(bench::dense_shapes);
BENCHMARK(sparse_gram<double>)->Apply(bench::narrow_sparse_shapes);
BENCHMARK(sparse_gram<float>)->Apply(bench::narrow_sparse_shapes);

}  // namespace
}  // namespace randnla
