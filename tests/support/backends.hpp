// One test source for every backend: the list of (backend, scalar) instances, their names, and a
// fixture that makes contexts and moves data.
#pragma once

#include <randnla/core/buffer.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace randnla::test {

/// What a typed test is instantiated for.
template <Backend B, Scalar T>
struct On {
  using Space = B;
  using Real = T;
};

// RANDNLA_TEST_CUDA: the library has CUDA instantiations (set by tests/CMakeLists.txt).
#if defined(RANDNLA_TEST_CUDA)
using Instances =
    ::testing::Types<On<Cpu, float>, On<Cpu, double>, On<Cuda, float>, On<Cuda, double>>;
using DoubleInstances = ::testing::Types<On<Cpu, double>, On<Cuda, double>>;
#else
using Instances = ::testing::Types<On<Cpu, float>, On<Cpu, double>>;
using DoubleInstances = ::testing::Types<On<Cpu, double>>;
#endif

/// "CpuF64" and the like: ctest tells CUDA cases by "Cuda" in their names.
struct InstanceName {
  template <class Instance>
  static std::string GetName(int) {
    const std::string backend = std::is_same_v<typename Instance::Space, Cuda> ? "CudaF" : "CpuF";
    return backend + std::to_string(8 * sizeof(typename Instance::Real));
  }
};

/// A size for the CPU, and a smaller one where a simulated GPU may have to do it.
template <Backend B>
constexpr int sized(int cpu, int cuda) {
  return std::is_same_v<B, Cuda> ? cuda : cpu;
}

/// Fixture of all typed tests; CUDA cases skip where no device answers.
template <class Instance>
class OnBackend : public ::testing::Test {
 protected:
  using Space = typename Instance::Space;

  void SetUp() override {
    if constexpr (std::is_same_v<Space, Cuda>) {
      if (cuda_device_count() == 0) GTEST_SKIP() << "no CUDA device answers";
      context_ = std::make_unique<Context<Space>>();
    } else {
      context_ = std::make_unique<Context<Space>>(1);  // other tests take more threads
    }
  }
  Context<Space>& ctx() { return *context_; }

 private:
  std::unique_ptr<Context<Space>> context_;
};

/// n values from backend memory. Waits.
template <class V, Backend B>
std::vector<V> fetch(Context<B>& ctx, const V* from, index_t n) {
  std::vector<V> host(static_cast<std::size_t>(n));
  if (n > 0) ctx.download(host.data(), from, host.size() * sizeof(V));
  return host;
}

template <class To, class From>
std::vector<To> cast(const std::vector<From>& from) {
  std::vector<To> to;
  to.reserve(from.size());
  for (const From& v : from) to.push_back(static_cast<To>(v));
  return to;
}

/// Host values of any type as a buffer of T.
template <Scalar T, Backend B, class From>
Buffer<T, B> place(Context<B>& ctx, const std::vector<From>& host) {
  return Buffer<T, B>(ctx, cast<T>(host));
}

}  // namespace randnla::test
