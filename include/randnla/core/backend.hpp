#pragma once

#include <concepts>
#include <cstdint>

// The two function qualifiers of code that runs on either side of the seam: RANDNLA_HD for named
// functions, RANDNLA_FN for the lambdas handed to the loops.
#if defined(__CUDACC__)
#define RANDNLA_HD __host__ __device__
#define RANDNLA_FN __device__
#else
#define RANDNLA_HD
#define RANDNLA_FN
#endif

namespace randnla {

/// Sizes, offsets and row numbers. 64 bits: 2^33 rows are a supported problem.
using index_t = std::int64_t;

struct Cpu {};
struct Cuda {};

/// Where data lives and where work on it runs; part of the type of every view and buffer, so that a
/// host view given to a CUDA function does not compile.
template <class B>
concept Backend = std::same_as<B, Cpu> || std::same_as<B, Cuda>;

/// The scalar types the library is compiled for.
template <class T>
concept Scalar = std::same_as<T, float> || std::same_as<T, double>;

}  // namespace randnla
