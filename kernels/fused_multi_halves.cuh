// The dense and the sparse half of the fused pass with several vectors; fused_multi_pass.cuh has the
// whole story.
#pragma once

#include "fused_common.cuh"

#include <bit>
#include <limits>

namespace randnla {

struct MultiPassPolicy {
  static constexpr int threads = 256, blocks_per_sm = 2;     // with three, 80 registers: it spills
  static constexpr int rows = 64, panel = 64, classes = 16;  // of a product, at most
  static constexpr int side = 4;                             // results of a thread each way
  static constexpr int split = 4;                            // lanes that share the inner index
  static constexpr int shared_bytes = 72 << 10;              // so that two blocks fit on any GPU
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
  constexpr int steps = 16 / static_cast<int>(sizeof(T));  // four spill in double on sm_80
  left += (thread / 16) * left_outer, right += (thread / split % 4) * right_outer;
#pragma unroll steps
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

}  // namespace fused
}  // namespace randnla
