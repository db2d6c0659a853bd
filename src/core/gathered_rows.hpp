// Some of the rows in host memory, copied to a backend.
#pragma once

#include <randnla/core/buffer.hpp>

#include <cstring>
#include <variant>
#include <vector>

namespace randnla {

template <Backend B, class T>
class GatheredRows {
 public:
  GatheredRows() = default;
  /// Rows `list` of A, in that order.
  GatheredRows(Context<B>& ctx, const Rows<T, Cpu>& A, const std::vector<index_t>& list) {
    std::visit([&](const auto& rows) { take(ctx, rows, list); }, A);
  }

  const Rows<T, B>& view() const { return view_; }

 private:
  void take(Context<B>& ctx, const DenseRows<T, Cpu>& A, const std::vector<index_t>& list) {
    const auto cols = static_cast<std::size_t>(A.cols);
    std::vector<T> values(list.size() * cols);
    for (std::size_t k = 0; k < list.size(); ++k)
      std::memcpy(values.data() + k * cols, A.values + list[k] * A.cols, cols * sizeof(T));
    values_ = Buffer<T, B>(ctx, values);
    view_ = DenseRows<T, B>{values_.data(), static_cast<index_t>(list.size()), A.cols};
  }

  void take(Context<B>& ctx, const CsrRows<T, Cpu>& A, const std::vector<index_t>& list) {
    std::vector<index_t> offsets{0};
    std::vector<std::int32_t> columns;
    std::vector<T> values;
    for (const index_t row : list) {
      const index_t begin = A.offsets[row], end = A.offsets[row + 1];
      columns.insert(columns.end(), A.columns + begin, A.columns + end);
      values.insert(values.end(), A.values + begin, A.values + end);
      offsets.push_back(static_cast<index_t>(values.size()));
    }
    offsets_ = Buffer<index_t, B>(ctx, offsets);
    columns_ = Buffer<std::int32_t, B>(ctx, columns);
    values_ = Buffer<T, B>(ctx, values);
    const auto rows = static_cast<index_t>(list.size());
    view_ = CsrRows<T, B>{offsets_.data(), columns_.data(), values_.data(), rows,
                          A.cols,          offsets.back()};
  }

  Buffer<T, B> values_;
  Buffer<index_t, B> offsets_;
  Buffer<std::int32_t, B> columns_;
  Rows<T, B> view_;
};

/// A list of rows in backend memory. Waits.
template <Backend B>
std::vector<index_t> downloaded(Context<B>& ctx, const index_t* rows, index_t size) {
  std::vector<index_t> list(static_cast<std::size_t>(size));
  if (size > 0) ctx.download(list.data(), rows, list.size() * sizeof(index_t));
  return list;
}

}  // namespace randnla
