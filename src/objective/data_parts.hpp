// What an objective's pass sees of its data: all of it or a sample at once, or streamed rows chunk by chunk.
#pragma once

#include "core/gathered_rows.hpp"
#include "seam/streamed_passes.hpp"

#include <randnla/sketch/row_sampling.hpp>

#include <memory>

namespace randnla {

/// Rows `first`, ... of a sample: a pass over `selection` of these rows sees its number k less `first`.
template <Backend B, class T>
struct DataPart {
  index_t first;
  Rows<T, B> rows;
  RowSelection<B> selection;
  const T* targets;     // as `rows` and `row_norms2` by the number of the row
  const T* row_norms2;  // null where they were not asked for
};

/// A sample's rows and targets in the memory of the backend, of streamed rows.
template <Backend B, class T>
class SampledRows {
 public:
  /// Waits, unless these rows are here from the last call.
  void gather(Context<B>& ctx, const StreamedRows<T, B>& A, const T* targets,
              const Sample<B, T>& sample) {
    if (sample.draw != 0 && sample.draw == of_.draw && sample.rows == of_.rows &&
        sample.bound == of_.bound) {
      return;
    }
    of_ = {};
    index_t size = sample.bound;
    if (sample.count != nullptr) ctx.download(&size, sample.count, sizeof size);
    rows_ = GatheredRows<B, T>(ctx, A.host(), downloaded(ctx, sample.rows, size));
    targets_ = Buffer<T, B>(ctx, size);
    norms2_ = {};
    pick(ctx, targets, sample.rows, size, targets_.data());
    of_ = sample;
  }

  void find_norms(Context<B>& ctx) {
    if (norms2_.size() > 0) return;
    norms2_ = Buffer<T, B>(ctx, targets_.size());
    row_norms(ctx, rows_.view(), norms2_.data());
  }

  DataPart<B, T> part() const {
    return {0, rows_.view(), all_of<B>(targets_.size()), targets_.data(), norms2_.data()};
  }

  static void pick(Context<B>& ctx, const T* from, const index_t* rows, index_t size, T* to) {
    for_each(ctx, size, [=] RANDNLA_FN(index_t k) { to[k] = from[rows[k]]; });
  }

 private:
  Sample<B, T> of_;  // draw 0: none that can come again
  GatheredRows<B, T> rows_;
  Buffer<T, B> targets_, norms2_;
};

/// f(part) for the parts of a sample. all_norms() gives the squared lengths of all rows, where `norms` asks for some
/// and a sample's own will not do.
template <Backend B, class T, class Norms, class F>
void for_each_part(Context<B>& ctx, const RowSource<T, B>& A, const T* targets,
                   const Sample<B, T>& sample, bool norms, Norms all_norms,
                   std::shared_ptr<SampledRows<B, T>>& sampled, F f) {
  if (A.streamed != nullptr && sample.rows != nullptr) {
    if (sampled == nullptr) sampled = std::make_shared<SampledRows<B, T>>();
    sampled->gather(ctx, *A.streamed, targets, sample);
    if (norms) sampled->find_norms(ctx);
    return f(sampled->part());
  }
  const T* const row_norms2 = norms ? all_norms() : nullptr;
  if (A.streamed == nullptr) {
    const RowSelection<B> selection{sample.rows, sample.bound, sample.count};
    return f(DataPart<B, T>{0, A.resident, selection, targets, row_norms2});
  }
  A.for_each_chunk(ctx, [&](index_t first, const Rows<T, B>& rows) {
    f(DataPart<B, T>{first, rows, all_of<B>(rows_in(rows)), targets + first,
                     moved(row_norms2, first)});
  });
}

/// Where norms are not asked for.
template <Backend B, class T, class F>
void for_each_part(Context<B>& ctx, const RowSource<T, B>& A, const T* targets,
                   const Sample<B, T>& sample, std::shared_ptr<SampledRows<B, T>>& sampled, F f) {
  for_each_part(
      ctx, A, targets, sample, false, [] { return static_cast<const T*>(nullptr); }, sampled, f);
}

}  // namespace randnla
