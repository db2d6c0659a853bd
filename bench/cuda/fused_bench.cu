// The fused passes over dense and sparse rows, the products beside the two of cuBLAS and cuSPARSE.
#include "blas.cuh"
#include "cusparse.cuh"
#include "fused_multi_pass.cuh"
#include "loops.cuh"
#include "problem.cuh"

#include <randnla/objective/linear_model.hpp>

namespace randnla {
namespace {

using bench::normal;

template <class T>
struct Model : bench::Problem<T> {
  Model(const benchmark::State& state, bool sparse)
      : bench::Problem<T>(state, sparse),
        f(this->ctx, this->data),
        x(normal<T>(this->ctx, this->cols, 0)),
        curvature(normal<T>(this->ctx, this->rows, 1)),
        out(this->ctx, this->cols),
        value(this->ctx, 1) {}

  Sample<Cuda, T> all() const { return Sample<Cuda, T>::all(this->rows); }
  void product() {
    f.hessian_product(this->ctx, {x.view(), all(), curvature.data()}, x.view(), out.view());
  }

  LogisticRegression<Cuda, T> f;
  Buffer<T, Cuda> x, curvature, out;
  Buffer<double, Cuda> value;
};

template <class T>
void hessian_product(benchmark::State& state) {
  Model<T> p(state, false);
  Buffer<T, Cuda> z(p.ctx, p.rows);
  // By columns A is its transpose.
  const MatrixView<const T, Cuda> At{p.data.values.data(), p.cols, p.rows, p.cols};
  const auto two_gemv = [&] {
    gemv<T>(p.ctx, Transpose::yes, 1, At, p.x.data(), 0, z.data());
    gemv<T>(p.ctx, Transpose::no, 1, At, z.data(), 0, p.out.data());
  };
  bench::measure(
      state, p.ctx, p.bytes(p.rows + 2 * p.cols), [&] { p.product(); },
      bench::Peer{"two_gemv", two_gemv});
}

template <class T>
void sparse_hessian_product(benchmark::State& state) {
  Model<T> p(state, true);
  Buffer<T, Cuda> z(p.ctx, p.rows);
  const auto offsets = p.data.offsets.download();
  bench::SparseMatrix<T> A(p.ctx, p.rows, p.cols, {offsets.begin(), offsets.end()},
                           p.data.columns.download(), p.data.values.download());
  const auto two_spmv = [&] {
    A.times_vector(false, p.x.data(), z.data());
    A.times_vector(true, z.data(), p.out.data());
  };
  bench::measure(
      state, p.ctx, p.bytes(p.rows + 2 * p.cols), [&] { p.product(); },
      bench::Peer{"two_spmv", two_spmv});
}

/// Curvature times margin, for several vectors.
template <class T>
struct Weigh {
  const T* curvature;
  int vectors;

  __device__ T operator()(index_t k, index_t, T* z) const {
    const T weight = curvature[k];
    for (int c = 0; c < vectors; ++c) z[c] *= weight;
    return 0;
  }
};

/// A'D A V with as many vectors as block methods take at most, beside the two products of cuBLAS, which leave
/// out D.
template <class T>
void block_product(benchmark::State& state) {
  constexpr int vectors = 16;
  Model<T> p(state, false);
  const auto V = normal<T>(p.ctx, p.cols * vectors, 2);
  Buffer<T, Cuda> out(p.ctx, p.cols * vectors), Z(p.ctx, p.rows * vectors);
  const T* const A = p.data.values.data();
  const auto two_gemm = [&] {
    // By columns A is its transpose, and so is the first product.
    bench::gemm(p.ctx, {Transpose::yes, Transpose::no, vectors, p.rows, p.cols}, V.data(), A,
                Z.data());
    bench::gemm(p.ctx, {Transpose::no, Transpose::yes, p.cols, vectors, p.rows}, A, Z.data(),
                out.data());
  };
  bench::measure(
      state, p.ctx, p.bytes(p.rows + 2 * vectors * p.cols),
      [&] {
        fused_multi_pass<T>(p.ctx, p.data.view(), {nullptr, p.rows, nullptr}, V.data(), vectors,
                            Weigh<T>{p.curvature.data(), vectors}, T(0), out.data(), nullptr);
      },
      bench::Peer{"two_gemm", two_gemm});
}

template <class T>
void gradient(benchmark::State& state) {
  Model<T> p(state, false);
  bench::measure(state, p.ctx, p.bytes(p.rows + 2 * p.cols),
                 [&] { p.f.evaluate(p.ctx, p.x.view(), p.all(), {.gradient = p.out.data()}); });
}

template <class T>
void evaluation(benchmark::State& state, bool sparse) {
  Model<T> p(state, sparse);
  bench::measure(state, p.ctx, p.bytes(2 * p.rows + 2 * p.cols), [&] {
    p.f.evaluate(p.ctx, p.x.view(), p.all(), {p.value.data(), p.out.data(), p.curvature.data()});
  });
}

template <class T>
void evaluate(benchmark::State& state) {
  evaluation<T>(state, false);
}
template <class T>
void sparse_evaluate(benchmark::State& state) {
  evaluation<T>(state, true);
}

/// The model counts this one at full size too: a bound in docs/gpu-performance.md is about that.
void product_shapes(benchmark::internal::Benchmark* bench) {
  bench::dense_shapes(bench);
  // Rows of an odd number of entries are read one at a time.
  if (bench::asked_shapes() == bench::Shapes::model) bench->Args({464'810, 54})->Args({20'000, 55});
}

BENCHMARK(hessian_product<double>)->Apply(product_shapes);
BENCHMARK(hessian_product<float>)->Apply(product_shapes);
BENCHMARK(block_product<double>)->Apply(bench::dense_shapes);
BENCHMARK(block_product<float>)->Apply(bench::dense_shapes);
BENCHMARK(gradient<double>)->Apply(bench::dense_shapes);
BENCHMARK(gradient<float>)->Apply(bench::dense_shapes);
BENCHMARK(evaluate<double>)->Apply(bench::dense_shapes);
BENCHMARK(evaluate<float>)->Apply(bench::dense_shapes);
BENCHMARK(sparse_hessian_product<double>)->Apply(bench::sparse_shapes);
BENCHMARK(sparse_hessian_product<float>)->Apply(bench::sparse_shapes);
BENCHMARK(sparse_evaluate<double>)->Apply(bench::sparse_shapes);
BENCHMARK(sparse_evaluate<float>)->Apply(bench::sparse_shapes);

}  // namespace
}  // namespace randnla
