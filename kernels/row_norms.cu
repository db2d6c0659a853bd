// Sums of squares of the rows. Mapping: as many lanes of a warp a row as the row (its average
// length, if sparse) can use, so that a warp reads consecutive entries of consecutive rows.
// Traffic: one read of the values, one write of the result, the least possible; bound by memory.
// Twin: row_norms in cpu/fused_pass.hpp. Test: tests/seam.
#include "loops.cuh"

#include <bit>
#include <variant>

namespace randnla {
namespace {

struct RowNormsPolicy {
  static constexpr int threads = 256;
};

template <class T>
__device__ index_t row_begin(const DenseRows<T, Cuda>& A, index_t i) {
  return i * A.cols;
}
template <class T>
__device__ index_t row_begin(const CsrRows<T, Cuda>& A, index_t i) {
  return A.offsets[i];
}

template <class T>
index_t entries_per_row(const DenseRows<T, Cuda>& A) {
  return A.cols;
}
template <class T>
index_t entries_per_row(const CsrRows<T, Cuda>& A) {
  return A.nonzeros / std::max<index_t>(1, A.rows);
}

template <class T, class Matrix>
__global__ __launch_bounds__(RowNormsPolicy::threads) void row_norms_kernel(Matrix A, int lanes,
                                                                            T* out) {
  const index_t thread = static_cast<index_t>(blockIdx.x) * RowNormsPolicy::threads + threadIdx.x;
  const index_t row = thread / lanes, lane = thread % lanes;
  T sum = 0;
  if (row < A.rows) {
    const index_t end = row_begin(A, row + 1);
    for (index_t e = row_begin(A, row) + lane; e < end; e += lanes)
      sum += A.values[e] * A.values[e];
  }
  for (int offset = lanes / 2; offset > 0; offset /= 2) {
    sum += __shfl_xor_sync(loops::full_warp, sum, offset);
  }
  if (row < A.rows && lane == 0) out[row] = sum;
}

}  // namespace

template <class T>
void row_norms(Context<Cuda>& ctx, const Rows<T, Cuda>& A, T* out) {
  std::visit(
      [&](const auto& matrix) {
        if (matrix.rows <= 0) return;
        ctx.workspace().activate();
        const auto length =
            static_cast<std::uint64_t>(std::clamp<index_t>(entries_per_row(matrix), 1, 32));
        const int lanes = static_cast<int>(std::bit_ceil(length));
        const index_t per_block = RowNormsPolicy::threads / lanes;
        const auto blocks = static_cast<unsigned>((matrix.rows + per_block - 1) / per_block);
        row_norms_kernel<T>
            <<<blocks, RowNormsPolicy::threads, 0, ctx.stream()>>>(matrix, lanes, out);
        check_launch(ctx);
      },
      A);
}

template void row_norms(Context<Cuda>&, const Rows<float, Cuda>&, float*);
template void row_norms(Context<Cuda>&, const Rows<double, Cuda>&, double*);

}  // namespace randnla
