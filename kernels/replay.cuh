// Work that a host queues again and again, recorded once as a CUDA graph.
#pragma once

#include "context.cuh"

namespace randnla {

/// Records what is queued on a context's stream the first time, and from then on launches that. What is recorded must
/// neither wait nor allocate, and is the same every time. A launch counts as one, however many kernels are in it.
///
/// Errors  what is thrown while recording leaves the stream as it was
/// Test    tests/krylov/steihaug_test.cpp (ReplayedIterationsHaveTheSameBits)
class Replay {
 public:
  explicit Replay(Context<Cuda>& ctx) : ctx_(ctx) {}
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;
  /// Launches that have not ended go on to their end.
  ~Replay();

  /// The legacy default stream cannot be recorded.
  static bool possible(const Context<Cuda>& ctx) {
    return ctx.stream() != nullptr && ctx.stream() != cudaStreamLegacy;
  }

  template <class F>
  void operator()(F queue) {
    if (graph_ == nullptr) {
      const auto launches = ctx_.counters.launches;
      begin();
      try {
        queue();
      } catch (...) {
        abandon();
        throw;
      }
      end();
      ctx_.counters.launches = launches;
    }
    launch();
  }

 private:
  void begin();
  void abandon() noexcept;
  void end();
  void launch();

  Context<Cuda>& ctx_;
  cudaGraphExec_t graph_ = nullptr;
};

}  // namespace randnla
