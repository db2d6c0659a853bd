#include "cpu/thread_pool.hpp"

#include <randnla/core/context.hpp>
#include <randnla/core/error.hpp>

#include <sched.h>
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

namespace randnla {
namespace {

/// Processors this process may run on, which in a container can be fewer than the machine has.
int available_processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

constexpr std::size_t cache_line = 64;
constexpr std::size_t huge_page = std::size_t{2} << 20;

}  // namespace

Context<Cpu>::Context(int threads) : threads_(threads == 0 ? available_processors() : threads) {
  require(threads >= 0 && threads <= 4096,
          "Context<Cpu>: threads = " + std::to_string(threads) + ", want 0 to 4096");
  pool_ = std::make_unique<ThreadPool>(threads_);
}

Context<Cpu>::~Context() = default;

std::string Context<Cpu>::device_name() const {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "CPU";
}

void* Context<Cpu>::allocate(std::size_t bytes) {
  // Large arrays lie on huge pages where the system has them: a streaming read then misses the TLB
  // 512 times less often.
  const std::size_t alignment = bytes >= 2 * huge_page ? huge_page : cache_line;
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* pointer = std::aligned_alloc(alignment, rounded);
  if (pointer == nullptr) {
    throw BackendError("Context<Cpu>::allocate: no memory for " + std::to_string(bytes) + " bytes");
  }
  if (alignment == huge_page) madvise(pointer, rounded, MADV_HUGEPAGE);
  return pointer;
}

void Context<Cpu>::deallocate(void* pointer, std::size_t) noexcept { std::free(pointer); }

void Context<Cpu>::copy(void* to, const void* from, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);  // which takes no null pointer
}

void Context<Cpu>::upload(void* to, const void* from, std::size_t bytes) { copy(to, from, bytes); }

void Context<Cpu>::download(void* to, const void* from, std::size_t bytes) {
  copy(to, from, bytes);
  ++counters.host_waits;
}

void Context<Cpu>::synchronize() { ++counters.host_waits; }

double Context<Cpu>::seconds_between(int from, int to) const {
  return std::chrono::duration<double>(marks_[static_cast<std::size_t>(to)] -
                                       marks_[static_cast<std::size_t>(from)])
      .count();
}

}  // namespace randnla
