// Rows added into partial sketches on the device (see seam/seam.hpp; the CPU twin is cpu/scatter_rows.hpp).
#pragma once

#include "context.cuh"
#include "draw_columns.cuh"
#include "seam/types.hpp"

#include <randnla/core/view.hpp>

#include <cstdint>
#include <variant>

namespace randnla {

template <class T>
SketchLayout sketch_layout(const Context<Cuda>& ctx, index_t rows, index_t cols);

template <class T>
index_t segments_at_once(const Context<Cuda>&, const Rows<T, Cuda>&, SketchLayout, index_t) {
  return most_segments;
}

template <class T>
RowPattern draw_pattern(Context<Cuda>& ctx, const Sketch& S, const Rows<T, Cuda>& A, index_t first,
                        index_t count, std::uint32_t* memory) {
  const bool by_stacks =
      std::holds_alternative<DenseRows<T, Cuda>>(A) && S.kind != SketchKind::sparse_sign;
  if (by_stacks) {
    draw_stacks(ctx, S, first, count, memory);
  } else {
    draw_columns(ctx, S, first, count, memory);
  }
  return {memory, nonzeros_per_column(S), by_stacks};
}

template <class T>
void scatter_rows(Context<Cuda>& ctx, const Rows<T, Cuda>& A, RowSegments segments,
                  const RowPattern& pattern, SketchLayout layout, T* partial, T scale,
                  MatrixView<T, Cuda> SA);

}  // namespace randnla
