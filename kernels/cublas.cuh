// Errors of cuBLAS as exceptions; apart from context.cuh because cuBLAS's header is long.
#pragma once

#include <cublas_v2.h>

#include <source_location>

namespace randnla {

/// Throws BackendError with the call site and cuBLAS's text unless `status` is a success.
void check(cublasStatus_t status, std::source_location where = std::source_location::current());

}  // namespace randnla
