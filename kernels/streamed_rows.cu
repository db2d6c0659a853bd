// Rows in host memory on their way to the device: two chunks of device memory, and a stream that fills one while the
// context's stream works on the other.
//
// Order     `used`: the work on a chunk is done, its device memory may be written; `arrived`: the copy is done, the
//           chunk may be read and its page-locked memory written. Copies wait for `used` and work for `arrived` on the
//           device. The host waits for `arrived` before it fills the page-locked memory anew, two chunks later, and
//           fills that of the next chunk after the work on this one is queued.
// Traffic   every byte of a pass crosses the bus once, in one copy of dense rows and one of sparse; what both
//           chunks hold already is not copied again
// Twin      cpu/streamed_rows.cpp        Test  tests/core/streamed_rows_test.cpp
// Open      rows that are not page-locked go through memory by one thread of the host, no GPU told whether that is
//           what bounds a pass
#include "context.cuh"
#include "core/chunk_bounds.hpp"

#include <randnla/core/buffer.hpp>
#include <randnla/core/error.hpp>
#include <randnla/core/streamed_rows.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace randnla {
namespace {

constexpr std::size_t most_by_default = std::size_t{512} << 20;

bool page_locked(const void* p) {
  cudaPointerAttributes attributes{};
  check(cudaPointerGetAttributes(&attributes, p));
  return attributes.type == cudaMemoryTypeHost;
}

/// Where the parts of a sparse chunk begin; 16-byte loads stay possible.
constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 15) / 16 * 16; }

}  // namespace

std::size_t free_device_memory(Context<Cuda>& ctx) {
  auto& workspace = ctx.workspace();
  workspace.activate();
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total));
  std::uint64_t reserved = 0, used = 0;
  check(cudaMemPoolGetAttribute(workspace.pool, cudaMemPoolAttrReservedMemCurrent, &reserved));
  check(cudaMemPoolGetAttribute(workspace.pool, cudaMemPoolAttrUsedMemCurrent, &used));
  return free + reserved - used;
}

template <class T, Backend B>
struct StreamedRows<T, B>::Copier {
  struct Slot {
    Buffer<unsigned char, Cuda> device;
    unsigned char* locked = nullptr;  // null: rows are copied from where they are
    cudaEvent_t arrived = nullptr, used = nullptr;
    index_t holds = -1;  // number of the chunk
  };

  Copier(Context<Cuda>& context, const Rows<T, Cpu>& rows, std::size_t bytes, bool two)
      : ctx(context), host(rows), direct(goes_directly(rows)) {
    try {
      ctx.workspace().activate();
      check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
      for (Slot& slot : slots) {
        if (&slot != &slots[0] && !two) break;
        slot.device = Buffer<unsigned char, Cuda>(ctx, static_cast<index_t>(bytes));
        if (!direct && bytes > 0) check(cudaMallocHost(&slot.locked, bytes));
        check(cudaEventCreateWithFlags(&slot.arrived, cudaEventDisableTiming));
        check(cudaEventCreateWithFlags(&slot.used, cudaEventDisableTiming));
        check(cudaEventRecord(slot.used, ctx.stream()));  // allocated in that stream's order
      }
    } catch (...) {
      close();
      throw;
    }
  }
  Copier(const Copier&) = delete;
  Copier& operator=(const Copier&) = delete;
  ~Copier() { close(); }

  void close() noexcept {
    if (stream != nullptr) cudaStreamSynchronize(stream);  // the last chunk may be on its way
    for (Slot& slot : slots) {
      if (slot.arrived != nullptr) cudaEventDestroy(slot.arrived);
      if (slot.used != nullptr) cudaEventDestroy(slot.used);
      if (slot.locked != nullptr) cudaFreeHost(slot.locked);
    }
    if (stream != nullptr) cudaStreamDestroy(stream);
  }

  static bool goes_directly(const Rows<T, Cpu>& rows) {
    const auto* const dense = std::get_if<DenseRows<T, Cpu>>(&rows);
    if (dense == nullptr || dense->rows * dense->cols == 0) return false;
    return page_locked(dense->values) && page_locked(dense->values + dense->rows * dense->cols - 1);
  }

  Slot& slot_of(index_t k) { return slots[static_cast<std::size_t>(k % 2)]; }

  /// Sends chunk k, rows [begin, end), on its way unless it is there.
  void send(index_t k, index_t begin, index_t end) {
    Slot& slot = slot_of(k);
    if (slot.holds == k) return;
    if (!direct && slot.holds >= 0) {
      check(cudaEventSynchronize(slot.arrived));
      ++ctx.counters.host_waits;
    }
    slot.holds = -1;
    check(cudaStreamWaitEvent(stream, slot.used));
    const unsigned char* from = slot.locked;
    std::size_t bytes = 0;
    if (const auto* const dense = std::get_if<DenseRows<T, Cpu>>(&host)) {
      bytes = bytes_of(*dense, begin, end);
      const T* const first = dense->values + begin * dense->cols;
      if (direct) {
        from = reinterpret_cast<const unsigned char*>(first);
      } else if (bytes > 0) {
        std::memcpy(slot.locked, first, bytes);
      }
    } else {
      bytes = pack(std::get<CsrRows<T, Cpu>>(host), begin, end, slot.locked);
    }
    if (bytes > 0) {
      check(cudaMemcpyAsync(slot.device.data(), from, bytes, cudaMemcpyHostToDevice, stream));
    }
    check(cudaEventRecord(slot.arrived, stream));
    slot.holds = k;
  }

  /// Offsets from zero on, values, columns.
  static std::size_t pack(const CsrRows<T, Cpu>& A, index_t begin, index_t end, unsigned char* to) {
    const index_t first = A.offsets[begin];
    const auto entries = static_cast<std::size_t>(A.offsets[end] - first);
    auto* const offsets = reinterpret_cast<index_t*>(to);
    for (index_t i = begin; i <= end; ++i) offsets[i - begin] = A.offsets[i] - first;
    if (entries == 0) return offset_bytes(end - begin);
    unsigned char* const values = to + offset_bytes(end - begin);
    unsigned char* const columns = values + aligned(entries * sizeof(T));
    std::memcpy(values, A.values + first, entries * sizeof(T));
    std::memcpy(columns, A.columns + first, entries * sizeof(std::int32_t));
    return static_cast<std::size_t>(columns - to) + entries * sizeof(std::int32_t);
  }
  static std::size_t offset_bytes(index_t rows) {
    return aligned(static_cast<std::size_t>(rows + 1) * sizeof(index_t));
  }

  /// What was sent, as the device sees it.
  Rows<T, Cuda> view(const Slot& slot, index_t begin, index_t end) const {
    const unsigned char* const at = slot.device.data();
    if (const auto* const dense = std::get_if<DenseRows<T, Cpu>>(&host)) {
      return DenseRows<T, Cuda>{reinterpret_cast<const T*>(at), end - begin, dense->cols};
    }
    const auto& A = std::get<CsrRows<T, Cpu>>(host);
    const index_t entries = A.offsets[end] - A.offsets[begin];
    const unsigned char* const values = at + offset_bytes(end - begin);
    const unsigned char* const columns =
        values + aligned(static_cast<std::size_t>(entries) * sizeof(T));
    return CsrRows<T, Cuda>{reinterpret_cast<const index_t*>(at),
                            reinterpret_cast<const std::int32_t*>(columns),
                            reinterpret_cast<const T*>(values),
                            end - begin,
                            A.cols,
                            entries};
  }

  Context<Cuda>& ctx;
  Rows<T, Cpu> host;
  bool direct;
  cudaStream_t stream = nullptr;
  Slot slots[2];
};

template <class T, Backend B>
StreamedRows<T, B>::StreamedRows(Context<B>& ctx, const Rows<T, Cpu>& rows,
                                 const StreamOptions& options)
    : host_(rows),
      cols_(std::visit([](const auto& A) { return A.cols; }, rows)),
      nonzeros_(entries_of(rows)),
      bounds_(chunk_bounds(
          rows, (options.bytes > 0 ? options.bytes
                                   : std::min(most_by_default, free_device_memory(ctx) / 2)) /
                    2)) {
  std::size_t largest = 0;
  for (std::size_t k = 0; k + 1 < bounds_.size(); ++k) {
    largest = std::max(
        largest,
        std::visit([&](const auto& A) { return bytes_of(A, bounds_[k], bounds_[k + 1]); }, rows));
  }
  constexpr std::size_t padding = 2 * 16;  // between the parts of a sparse chunk
  copier_ = std::make_unique<Copier>(ctx, rows, largest + padding, chunks() > 1);
}

template <class T, Backend B>
StreamedRows<T, B>::StreamedRows(StreamedRows&&) noexcept = default;
template <class T, Backend B>
StreamedRows<T, B>& StreamedRows<T, B>::operator=(StreamedRows&&) noexcept = default;
template <class T, Backend B>
StreamedRows<T, B>::~StreamedRows() = default;

template <class T, Backend B>
Rows<T, B> StreamedRows<T, B>::arrive(Context<B>& ctx, index_t k) const {
  const auto at = static_cast<std::size_t>(k);
  ctx.workspace().activate();
  copier_->send(k, bounds_[at], bounds_[at + 1]);
  check(cudaStreamWaitEvent(ctx.stream(), copier_->slot_of(k).arrived));
  return copier_->view(copier_->slot_of(k), bounds_[at], bounds_[at + 1]);
}

template <class T, Backend B>
void StreamedRows<T, B>::leave(Context<B>& ctx, index_t k) const {
  ctx.workspace().activate();
  check(cudaEventRecord(copier_->slot_of(k).used, ctx.stream()));
  const auto next = static_cast<std::size_t>(k) + 1;
  if (k + 1 < chunks()) copier_->send(k + 1, bounds_[next], bounds_[next + 1]);
}

template class StreamedRows<float, Cuda>;
template class StreamedRows<double, Cuda>;

}  // namespace randnla
