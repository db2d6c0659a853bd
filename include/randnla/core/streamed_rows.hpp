#pragma once

#include <randnla/core/context.hpp>
#include <randnla/core/view.hpp>

#include <cstddef>
#include <memory>
#include <variant>
#include <vector>

namespace randnla {

struct StreamOptions {
  /// Of the backend's memory, for two chunks. 0: half of what is free, 512 MiB at most; on the CPU all rows at once.
  std::size_t bytes = 0;
};

/// Rows that stay in host memory and come to a backend in chunks of consecutive rows: for data that a device cannot
/// hold. What takes one in place of Rows passes over it chunk by chunk; vectors with an entry a row stay in the
/// memory of the backend.
///
/// rows     dense or sparse; must outlive this, and stay as they are. Of one context and its host thread.
/// Cost     a pass copies every byte once, each chunk while the backend works on the one before; what fits in two
///          chunks is copied once for all passes. CUDA: two chunks on the device, and two page-locked ones on the host
///          that rows go through; dense rows that are page-locked themselves are copied from where they are. CPU:
///          none, a chunk is where the rows are
/// Sync     the host waits until the chunk before last has left its page-locked memory
/// Determinism   chunks depend on the rows and `bytes` only; with 0 also on a device with less than 1 GiB free
/// Throws   InvalidArgument: a row that is larger than half of `bytes`; BackendError: no memory for two chunks
template <class T, Backend B>
class StreamedRows {
 public:
  StreamedRows(Context<B>& ctx, const Rows<T, Cpu>& rows, const StreamOptions& options = {});
  StreamedRows(StreamedRows&&) noexcept;
  StreamedRows& operator=(StreamedRows&&) noexcept;
  ~StreamedRows();

  const Rows<T, Cpu>& host() const { return host_; }
  index_t rows() const { return bounds_.back(); }
  index_t cols() const { return cols_; }
  /// Entries; of dense rows all.
  index_t nonzeros() const { return nonzeros_; }
  /// At least one, and of no rows only where there are none.
  index_t chunks() const { return static_cast<index_t>(bounds_.size()) - 1; }

  /// f(first, rows): rows `first`, ... in the memory of the backend, of sparse ones with offsets from 0, for work that f
  /// queues on ctx. f makes no pass over the same object.
  template <class F>
  void for_each_chunk(Context<B>& ctx, F f) const {
    for (index_t k = 0; k < chunks(); ++k) {
      const Rows<T, B> rows = arrive(ctx, k);
      f(bounds_[static_cast<std::size_t>(k)], rows);
      leave(ctx, k);
    }
  }

 private:
  struct Copier;

  /// Chunk k, once it is there in the order of ctx's work.
  Rows<T, B> arrive(Context<B>& ctx, index_t k) const;
  /// The work on chunk k is queued: its memory may be used again after that, and the next one sets out.
  void leave(Context<B>& ctx, index_t k) const;

  Rows<T, Cpu> host_;
  index_t cols_ = 0, nonzeros_ = 0;
  std::vector<index_t> bounds_;  // first rows of the chunks, and the number of rows
  std::unique_ptr<Copier> copier_;
};

/// Bytes that the device has free, those among them that the context keeps for later allocations.
std::size_t free_device_memory(Context<Cuda>& ctx);

/// Where an algorithm's rows are: in the memory of its backend, or streamed there. What this refers to must outlive it.
template <class T, Backend B>
struct RowSource {
  RowSource(const Rows<T, B>& A)
      : resident(A),
        rows(std::visit([](const auto& matrix) { return matrix.rows; }, A)),
        cols(std::visit([](const auto& matrix) { return matrix.cols; }, A)),
        nonzeros(dense() ? rows * cols : std::get<CsrRows<T, B>>(A).nonzeros) {}
  RowSource(const StreamedRows<T, B>& from)
      : streamed(&from), rows(from.rows()), cols(from.cols()), nonzeros(from.nonzeros()) {}

  /// f(first, rows), see StreamedRows; with all rows at once where they are resident.
  template <class F>
  void for_each_chunk(Context<B>& ctx, F f) const {
    if (streamed != nullptr) return streamed->for_each_chunk(ctx, f);
    f(index_t{0}, resident);
  }
  /// f(rows) with Rows or StreamedRows.
  template <class F>
  auto visit(F f) const {
    return streamed != nullptr ? f(*streamed) : f(resident);
  }
  bool dense() const {
    return streamed != nullptr ? std::holds_alternative<DenseRows<T, Cpu>>(streamed->host())
                               : std::holds_alternative<DenseRows<T, B>>(resident);
  }

  Rows<T, B> resident;                           // empty where rows are streamed
  const StreamedRows<T, B>* streamed = nullptr;  // null where they are not
  index_t rows, cols, nonzeros;
};

}  // namespace randnla
