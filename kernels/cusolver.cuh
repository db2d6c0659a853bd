// cuSOLVER's errors as exceptions, and its handle; apart from context.cuh because cuSOLVER's header is long.
#pragma once

#include <randnla/core/error.hpp>

#include <cusolverDn.h>

#include <source_location>
#include <string>

namespace randnla {

/// Throws BackendError with the call site and cuSOLVER's status unless it is a success.
inline void check(cusolverStatus_t status,
                  std::source_location where = std::source_location::current()) {
  if (status == CUSOLVER_STATUS_SUCCESS) return;
  throw BackendError(std::string(where.file_name()) + ":" + std::to_string(where.line()) +
                     ": cuSOLVER: status " + std::to_string(static_cast<int>(status)));
}

/// cuSOLVER's handle for one factorisation: it is made so rarely that no context need keep one.
class SolverHandle {
 public:
  explicit SolverHandle(cudaStream_t stream) {
    check(cusolverDnCreate(&handle_));
    check(cusolverDnSetStream(handle_, stream));
  }
  SolverHandle(const SolverHandle&) = delete;
  SolverHandle& operator=(const SolverHandle&) = delete;
  ~SolverHandle() { cusolverDnDestroy(handle_); }
  operator cusolverDnHandle_t() const { return handle_; }

 private:
  cusolverDnHandle_t handle_ = nullptr;
};

}  // namespace randnla
