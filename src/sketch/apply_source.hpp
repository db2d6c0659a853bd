// S A, wherever A's rows are.
#pragma once

#include <randnla/core/error.hpp>
#include <randnla/core/streamed_rows.hpp>
#include <randnla/sketch/sketch.hpp>

#include <string>

namespace randnla {

template <Backend B, class T>
void apply(Context<B>& ctx, const Sketch& S, const RowSource<T, B>& A, MatrixView<T, B> SA) {
  require(A.rows == S.cols && A.cols == SA.cols,
          "apply: a matrix of " + std::to_string(A.rows) + " x " + std::to_string(A.cols) +
              ", want " + std::to_string(S.cols) + " x " + std::to_string(SA.cols));
  SketchStream<B, T> stream(ctx, S, SA);
  A.for_each_chunk(ctx, [&](index_t, const Rows<T, B>& rows) { stream.add(ctx, rows); });
  stream.finish(ctx);
}

}  // namespace randnla
