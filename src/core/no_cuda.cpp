// Compiled instead of kernels/ where the library is built without CUDA: asking for the device is an
// error that says so.
#include <randnla/core/context.hpp>
#include <randnla/core/error.hpp>

#include <cstdlib>

namespace randnla {

struct Context<Cuda>::Workspace {};

Context<Cuda>::Context(int) { throw BackendError("this build of randnla has no CUDA backend"); }
Context<Cuda>::Context(int, CUstream_st*) : Context(0) {}
Context<Cuda>::~Context() = default;

// A program that uses the device where there is one links in this build too. There is no object to
// call these on.
std::string Context<Cuda>::device_name() const { std::abort(); }
void* Context<Cuda>::allocate(std::size_t) { std::abort(); }
void Context<Cuda>::deallocate(void*, std::size_t) noexcept { std::abort(); }
void Context<Cuda>::copy(void*, const void*, std::size_t) { std::abort(); }
void Context<Cuda>::upload(void*, const void*, std::size_t) { std::abort(); }
void Context<Cuda>::download(void*, const void*, std::size_t) { std::abort(); }
void Context<Cuda>::synchronize() { std::abort(); }
void Context<Cuda>::mark(int) { std::abort(); }
double Context<Cuda>::seconds_between(int, int) const { std::abort(); }

bool cuda_built() { return false; }
int cuda_device_count() { return 0; }

}  // namespace randnla
