// Columns of a sketch drawn on the device (see seam/seam.hpp; the CPU twin is cpu/draw_columns.hpp).
#pragma once

#include "context.cuh"

#include <randnla/sketch/sketch.hpp>

#include <cstdint>

namespace randnla {

void draw_columns(Context<Cuda>& ctx, const Sketch& S, index_t first, index_t count,
                  std::uint32_t* pattern);

/// The same columns of a SparseStack or CountSketch as RowPattern::by_stacks has them.
void draw_stacks(Context<Cuda>& ctx, const Sketch& S, index_t first, index_t count,
                 std::uint32_t* pattern);

}  // namespace randnla
