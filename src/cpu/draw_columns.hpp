// Columns of a sketch drawn on the CPU (see seam/seam.hpp; the CUDA twin is kernels/draw_columns.cuh).
#pragma once

#include <randnla/core/context.hpp>
#include <randnla/sketch/sketch.hpp>

#include <cstdint>

namespace randnla {

void draw_columns(Context<Cpu>& ctx, const Sketch& S, index_t first, index_t count,
                  std::uint32_t* pattern);

}  // namespace randnla
