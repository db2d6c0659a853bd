// |P a_i|^2 without the product A P': a product of matrices whose results are squared and summed
// while they are in registers. P is copied once into panels of two vectors' rows, padded by zeros;
// dense rows go through a panel 6 at a time (12 accumulators, 12 multiply-adds for 8 loads), and 48
// of them while a panel is in the cache. A sparse row takes a panel's columns at its entries. A
// row's bits depend on nothing but the row and P.
#include "cpu/projected_row_norms.hpp"

#include "cpu/simd.hpp"

#include <algorithm>
#include <memory>
#include <variant>

namespace randnla {
namespace {

constexpr index_t block_rows = 48;

/// P by panels: entry (c, j) of panel p is P(p * width + c, j), at (p * cols + j) * width + c.
template <class T>
class Panels {
 public:
  static constexpr index_t width = 2 * simd::lanes<T>;

  explicit Panels(MatrixView<const T, Cpu> P)
      : count((P.rows + width - 1) / width),
        cols_(P.cols),
        values_(std::make_unique<T[]>(static_cast<std::size_t>(count * P.cols * width))) {
    for (index_t j = 0; j < P.cols; ++j) {
      for (index_t c = 0; c < P.rows; ++c) {
        values_[static_cast<std::size_t>((c / width * cols_ + j) * width + c % width)] =
            P.data[c + j * P.ld];
      }
    }
  }
  const T* panel(index_t p) const { return values_.get() + p * cols_ * width; }

  const index_t count;

 private:
  index_t cols_;
  std::unique_ptr<T[]> values_;  // zeros where P has no row
};

template <class T>
T squares(simd::Vector<T> low, simd::Vector<T> high) {
  return simd::sum<T>(low * low + high * high);
}

/// norms[k] += the squares of a panel's share for `count` consecutive rows.
template <int count, class T>
void add_rows(const T* rows, index_t cols, const T* panel, T* norms) {
  constexpr index_t lanes = simd::lanes<T>;
  simd::Vector<T> low[count] = {}, high[count] = {};
  for (index_t j = 0; j < cols; ++j) {
    const auto a = simd::load(panel + j * 2 * lanes), b = simd::load(panel + (2 * j + 1) * lanes);
    for (index_t k = 0; k < count; ++k) {
      const T x = rows[k * cols + j];
      low[k] += x * a;
      high[k] += x * b;
    }
  }
  for (index_t k = 0; k < count; ++k) norms[k] += squares<T>(low[k], high[k]);
}

template <class T>
void project(const DenseRows<T, Cpu>& A, const Panels<T>& panels, Chunk block, T* norms) {
  for (index_t p = 0; p < panels.count; ++p) {
    index_t i = block.begin;
    const auto at = [&] { return A.values + i * A.cols; };
    for (; i + 6 <= block.end; i += 6) {
      add_rows<6>(at(), A.cols, panels.panel(p), norms + (i - block.begin));
    }
    for (; i < block.end; ++i) {
      add_rows<1>(at(), A.cols, panels.panel(p), norms + (i - block.begin));
    }
  }
}

template <class T>
void project(const CsrRows<T, Cpu>& A, const Panels<T>& panels, Chunk block, T* norms) {
  constexpr index_t lanes = simd::lanes<T>;
  for (index_t i = block.begin; i < block.end; ++i) {
    for (index_t p = 0; p < panels.count; ++p) {
      simd::Vector<T> low{}, high{};
      for (index_t e = A.offsets[i]; e < A.offsets[i + 1]; ++e) {
        const T* const column = panels.panel(p) + A.columns[e] * 2 * lanes;
        low += A.values[e] * simd::load(column);
        high += A.values[e] * simd::load(column + lanes);
      }
      norms[i - block.begin] += squares<T>(low, high);
    }
  }
}

}  // namespace

template <class T>
void projected_row_norms(Context<Cpu>& ctx, const Rows<T, Cpu>& A, MatrixView<const T, Cpu> P,
                         T* out) {
  const Panels<T> panels(P);
  std::visit(
      [&](const auto& matrix) {
        const index_t blocks = (matrix.rows + block_rows - 1) / block_rows;
        parallel_for(ctx, blocks, [&](index_t b) {
          const Chunk block{b * block_rows, std::min(matrix.rows, (b + 1) * block_rows)};
          std::fill(out + block.begin, out + block.end, T(0));
          project(matrix, panels, block, out + block.begin);
        });
      },
      A);
}

template void projected_row_norms(Context<Cpu>&, const Rows<float, Cpu>&,
                                  MatrixView<const float, Cpu>, float*);
template void projected_row_norms(Context<Cpu>&, const Rows<double, Cpu>&,
                                  MatrixView<const double, Cpu>, double*);

}  // namespace randnla
