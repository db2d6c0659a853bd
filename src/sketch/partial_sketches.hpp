// What partial sketches begin with and how they go to the result, for both backends. To be included after the
// backend's for_each and join_sketches (see seam/seam.hpp).
#pragma once

#include "seam/types.hpp"

#include <randnla/core/context.hpp>
#include <randnla/core/view.hpp>

#include <cstddef>

namespace randnla {

template <Backend B, class T>
void copy_values(Context<B>& ctx, const T* from, index_t n, T* to) {
  ctx.copy(to, from, static_cast<std::size_t>(n) * sizeof(T));
}

/// Partial sketches of segments that begin here start from zero.
template <Backend B, class T>
void zero_new(Context<B>& ctx, const RowSegments& segments, const SketchLayout& layout,
              T* partial) {
  const index_t kept = segments.before > 0 ? layout.size() : 0;
  for_each(ctx, segments.count() * layout.size() - kept,
           [=] RANDNLA_FN(index_t e) { partial[kept + e] = 0; });
}

/// SA += scale times the partial sketches of complete segments, in order, SA being zero before the first; the open one, if any, comes to the front.
template <Backend B, class T>
void join_complete(Context<B>& ctx, const RowSegments& segments, const SketchLayout& layout,
                   T* partial, T scale, MatrixView<T, B> SA) {
  const index_t complete = segments.complete(), size = layout.size();
  if (complete == 0) return;
  join_sketches(ctx, layout, static_cast<const T*>(partial), complete, scale, segments.starts(0),
                SA);
  if (complete < segments.count()) copy_values(ctx, partial + complete * size, size, partial);
}

}  // namespace randnla
