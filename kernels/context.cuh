// What a Context<Cuda> owns beside its stream, and how CUDA's errors become exceptions.
#pragma once

#include <randnla/core/context.hpp>

#include <cuda_runtime.h>

#include <array>
#include <cstddef>
#include <memory>
#include <source_location>
#include <utility>
#include <vector>

namespace randnla {

/// Throws BackendError with the call site and CUDA's text unless `status` is cudaSuccess.
void check(cudaError_t status, std::source_location where = std::source_location::current());

/// After a launch: counts it, or throws as check() does where it failed.
inline void check_launch(Context<Cuda>& ctx,
                         std::source_location where = std::source_location::current()) {
  check(cudaGetLastError(), where);
  ++ctx.counters.launches;
}

/// Page-locked slots that the late reads of one stop flag arrive in, an event beside each.
class FlagSlots {
 public:
  explicit FlagSlots(int count);
  FlagSlots(const FlagSlots&) = delete;
  FlagSlots& operator=(const FlagSlots&) = delete;
  ~FlagSlots() { close(); }

  int count() const { return static_cast<int>(arrived_.size()); }
  /// Queues a copy of *flag into the slot.
  void request(int slot, const int* flag, cudaStream_t stream);
  /// Waits for that copy alone.
  int wait(int slot) const;

 private:
  void close() noexcept;

  int* host_ = nullptr;
  std::vector<cudaEvent_t> arrived_;
};

struct Context<Cuda>::Workspace {
  /// caller_stream  null: a non-blocking stream of its own
  Workspace(int device_number, cudaStream_t caller_stream);
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace();

  /// Makes the context's device the calling thread's; before anything is queued.
  void activate() const { check(cudaSetDevice(device)); }

  /// Memory for the intermediate results of one operation, aligned for any load; the next call may
  /// give the same memory away: the stream's order keeps the two users apart.
  void* scratch(std::size_t bytes);

  /// Slots of a lagged flag; given back, they serve the next one without a new page-locked
  /// allocation.
  std::unique_ptr<FlagSlots> take_slots(int count);
  void give_back(std::unique_ptr<FlagSlots> slots) { idle_slots_.push_back(std::move(slots)); }

  int device;
  cudaStream_t stream;
  cublasContext* blas = nullptr;
  int multiprocessors = 0;
  int shared_bytes = 0;  // that one block may ask for
  bool cooperative_launch = false;
  cudaMemPool_t pool = nullptr;
  unsigned* ticket = nullptr;  // blocks that are done; every kernel leaves it at zero
  std::array<cudaEvent_t, mark_count> marks{};

 private:
  void open();
  void close() noexcept;

  bool owns_stream_;
  void* scratch_ = nullptr;
  std::size_t scratch_bytes_ = 0;
  std::vector<std::unique_ptr<FlagSlots>> idle_slots_;
};

}  // namespace randnla
