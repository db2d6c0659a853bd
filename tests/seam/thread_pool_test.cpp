#include "cpu/thread_pool.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

namespace randnla {
namespace {

template <class F>
void run(ThreadPool& pool, index_t chunks, F f) {
  pool.run(
      chunks, [](void* argument, index_t c) { (*static_cast<F*>(argument))(c); }, &f);
}

TEST(ThreadPool, RunsEveryChunkOnceJobAfterJob) {
  for (const int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    for (index_t job = 0; job < 300; ++job) {
      const index_t chunks = job % 40;
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(chunks));
      run(pool, chunks, [&](index_t c) { ++runs[static_cast<std::size_t>(c)]; });
      for (const auto& count : runs) ASSERT_EQ(count, 1) << threads << " threads, job " << job;
    }
  }
}

// The workers see what the caller wrote before, and the caller what they wrote, without atomics: a
// sanitizer would tell.
TEST(ThreadPool, ResultsAreVisibleToTheCaller) {
  ThreadPool pool(4);
  std::vector<index_t> values(64, 0);
  for (index_t job = 0; job < 200; ++job) {
    run(pool, 64, [&](index_t c) { values[static_cast<std::size_t>(c)] += c + 1; });
    for (index_t c = 0; c < 64; ++c)
      ASSERT_EQ(values[static_cast<std::size_t>(c)], (job + 1) * (c + 1));
  }
}

// Two chunks that wait for each other end only if two threads run them.
TEST(ThreadPool, ChunksRunAtTheSameTime) {
  ThreadPool pool(2);
  std::atomic<int> arrived = 0;
  run(pool, 2, [&](index_t) {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();
  });
  EXPECT_EQ(arrived, 2);
}

// The chunk begun first, whichever it is, takes as long as all others together: the other thread takes its own part
// and what is left of this one's.
TEST(ThreadPool, AThreadTakesWhatOthersHaveNotBegun) {
  ThreadPool pool(2);
  std::atomic<bool> begun = false;
  std::atomic<int> done = 0;
  std::thread::id slow;
  std::vector<std::thread::id> ran(8);
  run(pool, 8, [&](index_t c) {
    const std::thread::id here = std::this_thread::get_id();
    if (!begun.exchange(true)) {
      slow = here;
      while (done < 7) std::this_thread::yield();
    }
    ran[static_cast<std::size_t>(c)] = here;
    ++done;
  });
  EXPECT_EQ(done, 8);
  EXPECT_EQ(std::count(ran.begin(), ran.end(), slow), 1);
}

TEST(ThreadPool, NestedCallsRunInPlace) {
  ThreadPool pool(3);
  std::atomic<int> runs = 0;
  run(pool, 6, [&](index_t) {
    const std::thread::id here = std::this_thread::get_id();
    run(pool, 5, [&](index_t) {
      EXPECT_EQ(std::this_thread::get_id(), here);
      ++runs;
    });
  });
  EXPECT_EQ(runs, 30);
}

// A worker's last chunk may call when the caller has found nothing more to begin, and waits.
TEST(ThreadPool, NestedCallsRunInPlaceAfterTheCallersLastChunk) {
  ThreadPool pool(2);
  std::atomic<int> arrived = 0, runs = 0;
  const std::thread::id caller = std::this_thread::get_id();
  run(pool, 2, [&](index_t) {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();
    if (std::this_thread::get_id() == caller) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    run(pool, 5, [&](index_t) { ++runs; });
  });
  EXPECT_EQ(runs, 5);
}

TEST(ThreadPool, OneExceptionIsRethrownAndTheRestStillRuns) {
  for (const int threads : {2, 5}) {
    ThreadPool pool(threads);
    std::atomic<int> runs = 0;
    EXPECT_THROW(run(pool, 20,
                     [&](index_t c) {
                       ++runs;
                       if (c % 7 == 3) throw std::runtime_error("chunk");
                     }),
                 std::runtime_error);
    EXPECT_EQ(runs, 20);
    run(pool, 20, [&](index_t) { ++runs; });  // nothing of it is left
    EXPECT_EQ(runs, 40);
  }
}

TEST(ThreadPool, ComesAndGoesInManyThreads) {
  std::vector<std::thread> hosts;
  std::atomic<int> runs = 0;
  for (int host = 0; host < 4; ++host) {
    hosts.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        const ThreadPool unused(3);
        ThreadPool pool(3);
        run(pool, 10, [&](index_t) { ++runs; });
      }
    });
  }
  for (std::thread& host : hosts) host.join();
  EXPECT_EQ(runs, 800);
}

}  // namespace
}  // namespace randnla
