// The fused pass with several vectors (see seam/seam.hpp for what it computes).
//
// Mapping   A block takes up to 64 rows at a time: their margins in shared memory, the row function
//           by a thread a row, then the sums.
//           Dense rows: margins and sums are both small matrix products of 64 x 16 results over
//           panels of 64 columns in shared memory, 4 x 4 results a thread, the inner index shared
//           by four lanes. Panels are walked there and back, so that the last one is loaded once;
//           rows of up to 64 columns are loaded once at all. More than 16 classes take turns.
//           Sparse rows: a team of up to 32 lanes a row for the margins, four classes at a time;
//           for the sums a warp has the classes w, w + 8, .. to itself and takes the rows in turn,
//           its lanes over the entries: no two threads meet.
//           Sums lie in shared memory where they leave room for other blocks, else in the block's
//           partial vector. fused_pass.cu joins them, as those of one vector of K d entries.
// Order     Rows are dealt out by number, sums joined in the order of lanes and blocks: bits repeat
//           from run to run on one kind of device. No atomics.
// Traffic   The least is one read of the selected rows from memory; dense rows of more than 64
//           columns and sparse ones come a second time (and again for every 16 or 4 classes) from
//           the caches. Partial vectors take 2 K d / 64 of the rows' traffic in the L2 cache where
//           they are not in shared memory, and 2 K d a block for the join.
// Bound     latency at the sizes below; by count of operations memory up to 16 classes for many
//           rows, arithmetic beyond
// Twin      cpu/fused_multi_pass.hpp        Test  tests/seam/
// Model     (simulator's H100, no GPU measured it) fp64, the Hessian product of softmax, pass +
//           join, beside the least time to read the rows at 3.35 TB/s:
//             20,000 x 54 x 7     20.4 + 5.0 us    2.6 us
//             4,000 x 784 x 10     139 + 6.3 us    7.5 us    one block of 32 rows a multiprocessor
// Open      Loads of the next panel during the arithmetic (cp.async): at these sizes every panel
//           waits for memory on its own.
#pragma once

#include "fused_common.cuh"

#include <bit>
#include <limits>
#include <variant>

namespace randnla {

struct MultiPassPolicy {
  static constexpr int threads = 256, blocks_per_sm = 3;
  static constexpr int rows = 64, panel = 64, classes = 16;  // of a product, at most
  static constexpr int side = 4;                             // results of a thread each way
  static constexpr int split = 4;                            // lanes that share the inner index
  static constexpr int shared_bytes = 72 << 10;              // so that three blocks fit
};

namespace fused {

/// What the pass needs beside Pass, whose vector is all K of them.
struct MultiShape {
  index_t d;
  int classes;
  int panel;       // columns of dense rows in shared memory, a power of two; 0 for sparse rows
  int lanes;       // of a sparse row's team
  bool in_shared;  // the sums

  /// 4 modulo 16, as the stride of a panel: lanes of a product meet in no bank of shared memory.
  RANDNLA_HD int z_stride() const { return (classes + 15) / 16 * 16 + 4; }
  RANDNLA_HD int panel_stride() const { return panel > 0 ? panel + 4 : 0; }
  RANDNLA_HD int z_size() const { return MultiPassPolicy::rows * z_stride(); }
  RANDNLA_HD int tile_size() const { return MultiPassPolicy::rows * panel_stride(); }
  RANDNLA_HD int v_size() const { return MultiPassPolicy::classes * panel_stride(); }
  std::size_t shared_values() const {
    const index_t sums = in_shared ? d * classes : 0;
    return static_cast<std::size_t>(z_size() + tile_size() + v_size() + sums);
  }
};

/// sum[m][n] += sum_i left(x + 16 m, i) right(c + 4 n, i) for this thread's x and c and a quarter
/// of i < length; an operand's entry lies at outer * first + inner * second stride.
template <int N, class T>
__device__ void multiply(const T* left, int left_outer, int left_inner, const T* right,
                         int right_outer, int right_inner, int length,
                         T (&sum)[MultiPassPolicy::side][N]) {
  constexpr int side = MultiPassPolicy::side, split = MultiPassPolicy::split;
  const int thread = static_cast<int>(threadIdx.x);
  left += (thread / 16) * left_outer, right += (thread / split % 4) * right_outer;
#pragma unroll 4
  for (int i = thread % split; i < length; i += split) {
    T a[side], b[N];
#pragma unroll
    for (int m = 0; m < side; ++m) a[m] = left[16 * m * left_outer + i * left_inner];
#pragma unroll
    for (int n = 0; n < N; ++n) b[n] = right[4 * n * right_outer + i * right_inner];
#pragma unroll
    for (int m = 0; m < side; ++m) {
#pragma unroll
      for (int n = 0; n < N; ++n) sum[m][n] += a[m] * b[n];
    }
  }
}

/// store(x, c, total) for all results of the block, each once: of the four lanes that share a
/// result the m-th stores row m.
template <int N, class T, class Store>
__device__ void store_results(const T (&sum)[MultiPassPolicy::side][N], const Store& store) {
  const int thread = static_cast<int>(threadIdx.x);
#pragma unroll
  for (int n = 0; n < N; ++n) {
    T mine = 0;
#pragma unroll
    for (int m = 0; m < MultiPassPolicy::side; ++m) {
      const T total = team_sum(sum[m][n], MultiPassPolicy::split);
      mine = thread % MultiPassPolicy::split == m ? total : mine;
    }
    store(thread / 16 + 16 * (thread % MultiPassPolicy::split),
          thread / MultiPassPolicy::split % 4 + 4 * n, mine);
  }
}

/// Dense rows by panels of columns; `tile` holds the rows' share of one, `v` that of 16 classes.
template <class T>
class MultiDense {
 public:
  __device__ MultiDense(const DenseRows<T, Cuda>& A, const MultiShape& shape, const T* V, T* z,
                        const index_t* row)
      : A_(A),
        shape_(shape),
        V_(V),
        z_(z),
        tile_(z + shape.z_size()),
        v_(tile_ + shape.tile_size()),
        row_(row),
        panels_((shape.d + shape.panel - 1) / shape.panel) {}

  /// Margins of the block's rows, all zero for those that are not there.
  __device__ void margins() {
    held_ = -1;
    for (int c = 0; c < shape_.classes; c += MultiPassPolicy::classes) {
      by_width(c, [&](auto width) { margins_of<width>(c); });
    }
  }

  /// sums += the weighted rows.
  __device__ void add(T* sums) {
    sweep([&](index_t panel) {
      hold(panel);
      for (int c = 0; c < shape_.classes; c += MultiPassPolicy::classes) {
        by_width(c, [&](auto width) { add_panel<width>(panel, c, sums); });
      }
    });
  }

 private:
  /// f(quarter of the classes from c on, at most 16).
  template <class F>
  __device__ void by_width(int c, const F& f) const {
    switch ((shape_.classes - c + 3) / 4) {
      case 1:
        return f(std::integral_constant<int, 1>{});
      case 2:
        return f(std::integral_constant<int, 2>{});
      case 3:
        return f(std::integral_constant<int, 3>{});
      default:
        return f(std::integral_constant<int, 4>{});
    }
  }

  /// All panels, from the one that the last sweep ended with.
  template <class F>
  __device__ void sweep(const F& f) {
    for (index_t p = 0; p < panels_; ++p) f(forward_ ? p : panels_ - 1 - p);
    forward_ = !forward_;
  }

  template <int N>
  __device__ void margins_of(int c) {
    T sum[MultiPassPolicy::side][N] = {};
    sweep([&](index_t panel) {
      hold(panel);
      hold_v(panel, c);
      const int stride = shape_.panel_stride();
      multiply<N>(tile_, stride, 1, v_, stride, 1, shape_.panel, sum);
    });
    store_results<N>(sum,
                     [&](int r, int n, T total) { z_[r * shape_.z_stride() + c + n] = total; });
  }

  template <int N>
  __device__ void add_panel(index_t panel, int c, T* sums) const {
    T sum[MultiPassPolicy::side][N] = {};
    multiply<N>(tile_, 1, shape_.panel_stride(), z_ + c, 1, shape_.z_stride(),
                MultiPassPolicy::rows, sum);
    store_results<N>(sum, [&](int x, int n, T total) {
      const index_t j = panel * shape_.panel + x;
      if (x < shape_.panel && j < shape_.d && c + n < shape_.classes) {
        sums[(c + n) * shape_.d + j] += total;
      }
    });
  }

  /// Zeros beyond the last column and for rows that are not there.
  __device__ void hold(index_t panel) {
    if (held_ == panel) return;
    __syncthreads();
    fill(panel, MultiPassPolicy::rows, tile_,
         [&](int r) { return row_[r] >= 0 ? A_.values + row_[r] * shape_.d : nullptr; });
    held_ = panel;
    __syncthreads();
  }

  __device__ void hold_v(index_t panel, int c) {
    if (held_v_panel_ == panel && held_v_class_ == c) return;
    __syncthreads();
    fill(panel, MultiPassPolicy::classes, v_,
         [&](int n) { return c + n < shape_.classes ? V_ + (c + n) * shape_.d : nullptr; });
    held_v_panel_ = panel, held_v_class_ = c;
    __syncthreads();
  }

  /// to[r] = the panel's columns of line(r), or zeros where that is null. What pads a row is zero,
  /// too: products of narrow panels read it, for results that nobody stores.
  template <class Line>
  __device__ void fill(index_t panel, int count, T* to, const Line& line) const {
    const int thread = static_cast<int>(threadIdx.x), stride = shape_.panel_stride();
    const int x = thread & (shape_.panel - 1), step = MultiPassPolicy::threads / shape_.panel;
    const index_t j = panel * shape_.panel + x;
#pragma unroll 4
    for (int r = thread / shape_.panel; r < count; r += step) {
      const T* const from = line(r);
      to[r * stride + x] = from != nullptr && j < shape_.d ? from[j] : T(0);
      if (x < stride - shape_.panel) to[r * stride + shape_.panel + x] = 0;
    }
  }

  const DenseRows<T, Cuda>& A_;
  const MultiShape& shape_;
  const T* V_;
  T *z_, *tile_, *v_;
  const index_t* row_;
  index_t panels_;
  index_t held_ = -1, held_v_panel_ = -1;
  int held_v_class_ = -1;
  bool forward_ = true;
};

/// Compressed sparse rows.
template <class T>
class MultiCsr {
 public:
  __device__ MultiCsr(const CsrRows<T, Cuda>& A, const MultiShape& shape, const T* V, T* z,
                      const index_t* row)
      : A_(A), shape_(shape), V_(V), z_(z), row_(row) {}

  __device__ void margins() const {
    const int thread = static_cast<int>(threadIdx.x), lanes = shape_.lanes;
    const int lane = thread & (lanes - 1), teams = MultiPassPolicy::threads / lanes;
    for (int first = 0; first < MultiPassPolicy::rows; first += teams) {
      const int r = first + thread / lanes;
      const index_t row = r < MultiPassPolicy::rows ? row_[r] : -1;
      const index_t begin = row >= 0 ? A_.offsets[row] : 0,
                    end = row >= 0 ? A_.offsets[row + 1] : 0;
      for (int c = 0; c < shape_.classes; c += side) {
        T sum[side] = {};
        for (index_t e = begin + lane; e < end; e += lanes) {
          const T x = A_.values[e];
          const T* const v = V_ + c * shape_.d + A_.columns[e];
#pragma unroll
          for (int n = 0; n < side; ++n) {
            if (c + n < shape_.classes) sum[n] += x * v[n * shape_.d];
          }
        }
#pragma unroll
        for (int n = 0; n < side; ++n) {
          const T total = team_sum(sum[n], lanes);
          if (lane == 0 && row >= 0 && c + n < shape_.classes) {
            z_[r * shape_.z_stride() + c + n] = total;
          }
        }
      }
    }
  }

  __device__ void add(T* sums) const {
    constexpr int warps = MultiPassPolicy::threads / 32;
    const int lane = static_cast<int>(threadIdx.x) % 32;
    for (int r = 0; r < MultiPassPolicy::rows && row_[r] >= 0; ++r) {
      const index_t begin = A_.offsets[row_[r]], end = A_.offsets[row_[r] + 1];
      for (int c = static_cast<int>(threadIdx.x) / 32; c < shape_.classes; c += warps) {
        const T weight = z_[r * shape_.z_stride() + c];
        T* const sum = sums + c * shape_.d;
        for (index_t e = begin + lane; e < end; e += 32) {
          sum[A_.columns[e]] += weight * A_.values[e];
        }
      }
      __syncwarp();  // the next row's entries lie in other lanes
    }
  }

 private:
  static constexpr int side = MultiPassPolicy::side;

  const CsrRows<T, Cuda>& A_;
  const MultiShape& shape_;
  const T* V_;
  T* z_;
  const index_t* row_;
};

template <class T, class Matrix>
using MultiHalf =
    std::conditional_t<std::is_same_v<Matrix, DenseRows<T, Cuda>>, MultiDense<T>, MultiCsr<T>>;

template <class T, class Matrix, class F>
__global__ __launch_bounds__(MultiPassPolicy::threads,
                             MultiPassPolicy::blocks_per_sm) void multi_kernel(Matrix A,
                                                                               Pass<T> pass,
                                                                               MultiShape shape,
                                                                               F f) {
  constexpr int threads = MultiPassPolicy::threads;
  extern __shared__ __align__(16) unsigned char bytes[];
  __shared__ index_t row[MultiPassPolicy::rows];  // -1: none
  const index_t count = pass.count();
  const unsigned active = pass.active_blocks(count);
  if (blockIdx.x >= active) return;
  T* const z = reinterpret_cast<T*>(bytes);
  T* const out = pass.partial != nullptr ? pass.partial + blockIdx.x * pass.stride : nullptr;
  T* const sums = shape.in_shared ? z + shape.z_size() + shape.tile_size() + shape.v_size() : out;
  if (out != nullptr) {
    for (index_t i = threadIdx.x; i < pass.cols; i += threads) sums[i] = 0;
  }
  MultiHalf<T, Matrix> rows(A, shape, pass.v, z, row);
  const index_t mine = threadIdx.x;
  double value = 0;
  for (index_t first = blockIdx.x * pass.step; first < count; first += active * pass.step) {
    __syncthreads();  // the sums are set up, the last rows done with
    if (mine < MultiPassPolicy::rows) {
      row[mine] = mine < pass.step && first + mine < count ? pass.row(first + mine) : -1;
    }
    __syncthreads();
    rows.margins();
    __syncthreads();
    if (mine < MultiPassPolicy::rows && row[mine] >= 0) {
      value += static_cast<double>(f(first + mine, row[mine], z + mine * shape.z_stride()));
    }
    if (out == nullptr) continue;
    __syncthreads();
    rows.add(sums);
  }
  finish_value(pass, active, value);
  if (out == nullptr || !shape.in_shared) return;
  __syncthreads();
  for (index_t i = threadIdx.x; i < pass.cols; i += threads) out[i] = sums[i];
}

/// Columns of a panel: few for short rows, and fewer where the margins need the shared memory.
inline void choose_panel(MultiShape& shape, std::size_t value_bytes, std::size_t available) {
  shape.panel = static_cast<int>(std::clamp<std::uint64_t>(
      std::bit_ceil(static_cast<std::uint64_t>(shape.d)), 16, MultiPassPolicy::panel));
  while (shape.panel > 8 && shape.shared_values() * value_bytes > available) shape.panel /= 2;
}

template <class T, class Matrix, class F>
void launch_multi(Context<Cuda>& ctx, const Matrix& A, Pass<T>& pass, int classes, const F& f,
                  bool vector, bool value) {
  const auto& workspace = ctx.workspace();
  MultiShape shape{A.cols, classes, 0, 0, false};
  index_t most_blocks = std::numeric_limits<index_t>::max();
  if constexpr (std::is_same_v<Matrix, DenseRows<T, Cuda>>) {
    choose_panel(shape, sizeof(T), static_cast<std::size_t>(workspace.shared_bytes - 1024));
  } else {
    const index_t per_row = std::max<index_t>(1, A.nonzeros / std::max<index_t>(1, A.rows));
    shape.lanes = static_cast<int>(
        std::bit_ceil(static_cast<std::uint64_t>(std::min<index_t>((per_row + 1) / 2, 32))));
    // Partial vectors beyond the size of the entries would cost more than the pass.
    most_blocks = std::max<index_t>(pass.rows.bound * per_row / std::max<index_t>(1, A.cols),
                                    workspace.multiprocessors / 4);
  }
  const index_t sum_bytes = pass.cols * static_cast<index_t>(sizeof(T));
  const auto left =
      MultiPassPolicy::shared_bytes - static_cast<index_t>(shape.shared_values() * sizeof(T));
  shape.in_shared = vector && sum_bytes <= left;
  // As many rows at a time as leave every multiprocessor some.
  pass.step = static_cast<index_t>(std::bit_floor(static_cast<std::uint64_t>(
      std::clamp<index_t>(pass.rows.bound / workspace.multiprocessors, 8, MultiPassPolicy::rows))));
  pass.blocks = static_cast<unsigned>(std::min<index_t>(
      most_blocks, blocks_for(pass.rows.bound, pass.step, workspace.multiprocessors,
                              MultiPassPolicy::blocks_per_sm, sum_bytes)));
  place_partials(ctx, pass, vector, value);
  const std::size_t shared = shape.shared_values() * sizeof(T);
  allow_shared(&multi_kernel<T, Matrix, F>, shared);
  multi_kernel<<<pass.blocks, MultiPassPolicy::threads, shared, ctx.stream()>>>(A, pass, shape, f);
}

}  // namespace fused

template <class T, class F>
void fused_multi_pass(Context<Cuda>& ctx, const Rows<T, Cuda>& A, RowSelection<Cuda> rows,
                      const T* V, index_t classes, F f, T ridge, T* out, double* value) {
  static_assert(std::is_trivially_copyable_v<F>);
  ctx.workspace().activate();
  std::visit(
      [&](const auto& matrix) {
        fused::Pass<T> pass{};
        pass.rows = rows, pass.v = V, pass.ridge = ridge, pass.cols = matrix.cols * classes;
        pass.stride = (pass.cols + 3) / 4 * 4;  // each partial vector aligned for 16 bytes
        fused::launch_multi(ctx, matrix, pass, static_cast<int>(classes), f, out != nullptr,
                            value != nullptr);
        check(cudaGetLastError());
        if (out != nullptr || value != nullptr) fused::join(ctx, pass, out, value);
      },
      A);
}

}  // namespace randnla
