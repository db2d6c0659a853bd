// Compiled instead of kernels/ where the library is built without CUDA: asking for the device is an
// error that says so.
#include <randnla/core/context.hpp>
#include <randnla/core/error.hpp>

namespace randnla {

struct Context<Cuda>::Workspace {};

Context<Cuda>::Context(int) { throw BackendError("this build of randnla has no CUDA backend"); }
Context<Cuda>::Context(int, CUstream_st*) : Context(0) {}
Context<Cuda>::~Context() = default;

bool cuda_built() { return false; }
int cuda_device_count() { return 0; }

}  // namespace randnla
