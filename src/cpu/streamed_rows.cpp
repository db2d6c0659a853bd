// The CPU's chunks are where the rows are. CUDA twin: kernels/streamed_rows.cu.
#include "core/chunk_bounds.hpp"

#include <randnla/core/streamed_rows.hpp>

#include <limits>
#include <memory>
#include <vector>

namespace randnla {

template <class T, Backend B>
struct StreamedRows<T, B>::Copier {
  std::vector<index_t> offsets;  // of the last sparse chunk, from 0 on
};

template <class T, Backend B>
StreamedRows<T, B>::StreamedRows(Context<B>&, const Rows<T, Cpu>& rows,
                                 const StreamOptions& options)
    : host_(rows),
      cols_(std::visit([](const auto& A) { return A.cols; }, rows)),
      nonzeros_(entries_of(rows)),
      bounds_(chunk_bounds(
          rows, options.bytes > 0 ? options.bytes / 2 : std::numeric_limits<std::size_t>::max())),
      copier_(std::make_unique<Copier>()) {}

template <class T, Backend B>
StreamedRows<T, B>::StreamedRows(StreamedRows&&) noexcept = default;
template <class T, Backend B>
StreamedRows<T, B>& StreamedRows<T, B>::operator=(StreamedRows&&) noexcept = default;
template <class T, Backend B>
StreamedRows<T, B>::~StreamedRows() = default;

template <class T, Backend B>
Rows<T, B> StreamedRows<T, B>::arrive(Context<B>&, index_t k) const {
  const auto at = static_cast<std::size_t>(k);
  const index_t begin = bounds_[at], rows = bounds_[at + 1] - begin;
  if (const auto* const dense = std::get_if<DenseRows<T, B>>(&host_)) {
    return DenseRows<T, B>{dense->values + begin * cols_, rows, cols_};
  }
  const auto& all = std::get<CsrRows<T, B>>(host_);
  const index_t first = all.offsets[begin];
  std::vector<index_t>& offsets = copier_->offsets;
  offsets.assign(all.offsets + begin, all.offsets + begin + rows + 1);
  for (index_t& offset : offsets) offset -= first;
  return CsrRows<T, B>{
      offsets.data(), moved(all.columns, first), moved(all.values, first), rows, cols_,
      offsets.back()};
}

template <class T, Backend B>
void StreamedRows<T, B>::leave(Context<B>&, index_t) const {}

template class StreamedRows<float, Cpu>;
template class StreamedRows<double, Cpu>;

}  // namespace randnla
