// The threads of a Context<Cpu>.
#pragma once

#include <randnla/core/backend.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace randnla {

/// Runs chunks of work on the calling thread and `threads - 1` others, which start with the first call.
///
/// Every thread begins with its own contiguous part of the chunks, so that memory first touched in one
/// loop is read by the same thread in the next, and then takes what others have not begun. The caller
/// waits for nobody who has not begun a chunk: on a processor that is busy with something else a thread
/// that does not get its turn costs nothing but its help.
///
/// Idle threads spin for about 20 us, which bridges the gaps inside a solver, and then sleep.
class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  using Function = void (*)(void* argument, index_t chunk);

  /// function(argument, c) once for every c in [0, chunks), in no order. Rethrows one of its exceptions,
  /// after all chunks have ended. Called from inside a chunk, of this pool or another, it runs its chunks
  /// there, one by one.
  void run(index_t chunks, Function function, void* argument);

 private:
  struct alignas(64) Part {
    std::atomic<index_t> next{0};
    index_t end = 0;
  };

  void start();
  void work(int thread);
  void take_chunks(int thread);

  std::vector<Part> parts_;
  std::vector<std::thread> workers_;
  Function function_ = nullptr;
  void* argument_ = nullptr;

  // A worker enters, then looks whether the job is open; the caller closes the job, then looks whether
  // anyone is in. As both are sequentially consistent, one of them sees the other.
  std::atomic<std::uint32_t> jobs_{0};  // posted so far; idle workers wait for it to change
  std::atomic<bool> open_{false}, stop_{false};
  std::atomic<int> inside_{0};

  std::mutex error_mutex_;
  std::exception_ptr error_;
};

}  // namespace randnla
