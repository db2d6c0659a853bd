#pragma once

#include <randnla/core/backend.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

struct CUstream_st;
struct cublasContext;

namespace randnla {

class ThreadPool;  // src/cpu/thread_pool.hpp

/// What a context has done so far. Results report differences of these.
struct Counters {
  index_t host_waits = 0;  // the host stopped until queued work was done (download, synchronize)
  index_t flag_polls = 0;  // reads of a lagged stop flag (see poll_lag); not counted as host waits
  index_t launches = 0;    // kernels and library calls queued on a device; 0 on the CPU
};

/// Stream, library handles, workspace and counters. One per host thread; not copyable. Buffers made
/// with a context must be destroyed before it.
///
/// All functions taking a context are asynchronous on it unless their header says where the host
/// waits. On the CPU everything has happened on return; the counters count the same events.
template <Backend B>
class Context;

/// Phases whose time a run reports: mark(i) notes the moment when all work queued before it is
/// done.
inline constexpr int mark_count = 8;

template <>
class Context<Cpu> {
 public:
  /// threads  number of threads of all loops; 0: one per processor the process may run on
  explicit Context(int threads = 0);
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();

  int threads() const { return threads_; }
  std::string device_name() const;

  void* allocate(std::size_t bytes);
  void deallocate(void* pointer, std::size_t bytes) noexcept;
  // No bytes may come from and go to null.
  void copy(void* to, const void* from, std::size_t bytes);      // within the backend
  void upload(void* to, const void* from, std::size_t bytes);    // host to backend
  void download(void* to, const void* from, std::size_t bytes);  // backend to host; waits
  void synchronize();                                            // waits

  void mark(int slot) { marks_[static_cast<std::size_t>(slot)] = std::chrono::steady_clock::now(); }
  /// Seconds between two marks; valid after a wait that follows the later one.
  double seconds_between(int from, int to) const;

  Counters counters;
  /// A stop flag read in an inner solve is the value it had this many reads ago. The CPU replays
  /// what a GPU queue does, so that a test can show that late reads change no bit of the result.
  int poll_lag = 0;

  ThreadPool& pool() { return *pool_; }

 private:
  int threads_;
  std::unique_ptr<ThreadPool> pool_;
  std::array<std::chrono::steady_clock::time_point, mark_count> marks_{};
};

/// Declared in every build; constructing it throws BackendError where the library was built without
/// CUDA or no device answers. It, and every function that takes it, makes its device the calling
/// thread's current one.
///
/// Memory comes from a pool of the context's own and is kept for the next allocation; a buffer may
/// be destroyed while work on it is queued. Destroying the context waits for its stream.
template <>
class Context<Cuda> {
 public:
  /// device  CUDA device number; all work runs on a non-blocking stream of the context's own
  explicit Context(int device = 0);
  /// Work runs on the caller's stream, of that device, which must outlive the context. Null, the
  /// default stream, is an error: it would wait for the whole program.
  Context(int device, CUstream_st* stream);
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();

  std::string device_name() const;
  CUstream_st* stream() const { return stream_; }
  cublasContext* blas() const { return blas_; }

  void* allocate(std::size_t bytes);
  void deallocate(void* pointer, std::size_t bytes) noexcept;
  void copy(void* to, const void* from, std::size_t bytes);
  /// Pageable memory may be reused on return, and for a large array the host waits until it has been
  /// staged. Page-locked memory is read later, in the stream's order, and must stay as it is.
  void upload(void* to, const void* from, std::size_t bytes);
  void download(void* to, const void* from, std::size_t bytes);  // waits
  void synchronize();                                            // waits

  void mark(int slot);
  double seconds_between(int from, int to) const;

  Counters counters;
  int poll_lag = 1;

  struct Workspace;  // partial sums, stop-flag slots, events: kernels/context.cuh
  Workspace& workspace() { return *workspace_; }

 private:
  int device_ = 0;
  CUstream_st* stream_ = nullptr;  // as blas_ the workspace's, or the caller's
  cublasContext* blas_ = nullptr;
  std::unique_ptr<Workspace> workspace_;
};

/// Whether the library was built with CUDA, and how many devices answer (0 without a driver).
bool cuda_built();
int cuda_device_count();

}  // namespace randnla
