#include "cpu/thread_pool.hpp"

#include <utility>

namespace randnla {
namespace {

/// Spins, then sleeps, until the value is not `old`.
template <class T>
void wait_while(const std::atomic<T>& value, T old) {
  constexpr int spins = 1000;  // 20 us on a Zen 4
  for (int i = 0; i < spins; ++i) {
    if (value.load() != old) return;
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  value.wait(old);
}

/// Whether this thread is inside a chunk. A pool that looked at its own job instead would be wrong: the
/// caller closes it when no chunk is left to begin, while a worker may still be inside its last one.
thread_local bool in_chunk = false;

}  // namespace

ThreadPool::ThreadPool(int threads) : parts_(static_cast<std::size_t>(threads)) {}

ThreadPool::~ThreadPool() {
  stop_ = true;
  ++jobs_;
  jobs_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::start() {
  workers_.reserve(parts_.size() - 1);
  while (workers_.size() + 1 < parts_.size()) {
    const int thread = static_cast<int>(workers_.size()) + 1;
    workers_.emplace_back([this, thread] { work(thread); });
  }
}

void ThreadPool::run(index_t chunks, Function function, void* argument) {
  if (parts_.size() == 1 || chunks <= 1 || in_chunk) {
    for (index_t c = 0; c < chunks; ++c) function(argument, c);
    return;
  }
  if (workers_.size() + 1 < parts_.size()) start();
  function_ = function, argument_ = argument;
  const auto threads = static_cast<index_t>(parts_.size());
  for (index_t t = 0; t < threads; ++t) {
    Part& part = parts_[static_cast<std::size_t>(t)];
    part.next = chunks * t / threads;
    part.end = chunks * (t + 1) / threads;
  }
  open_ = true;
  ++jobs_;
  jobs_.notify_all();
  take_chunks(0);
  open_ = false;
  for (int inside = inside_; inside != 0; inside = inside_) wait_while(inside_, inside);
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void ThreadPool::work(int thread) {
  for (std::uint32_t seen = 0; !stop_;) {
    wait_while(jobs_, seen);
    seen = jobs_;
    ++inside_;
    if (open_) take_chunks(thread);
    if (--inside_ == 0) inside_.notify_one();
  }
}

/// The thread's own part first, then the others' from the next one on.
void ThreadPool::take_chunks(int thread) {
  in_chunk = true;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    Part& part = parts_[(static_cast<std::size_t>(thread) + i) % parts_.size()];
    for (index_t c; (c = part.next.fetch_add(1, std::memory_order_relaxed)) < part.end;) {
      try {
        function_(argument_, c);
      } catch (...) {
        const std::lock_guard lock(error_mutex_);
        if (!error_) error_ = std::current_exception();
      }
    }
  }
  in_chunk = false;
}

}  // namespace randnla
