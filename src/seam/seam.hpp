// The seam between the algorithms and the machine: everything an algorithm asks of a backend. Included by
// the private algorithm templates; compiled by g++ for Cpu and by nvcc for Cuda.
//
//   for_each(ctx, n, f)                 f(i) for i in [0, n), in no order
//   sum_then<S>(ctx, n, map, then)      S sum = map(0) + ... in a fixed order, then `then(sum)` once, in
//                                       one thread; S value-initialises to zero and has operator+=
//   max_then<S>(ctx, n, map, then)      likewise the maximum, not below S{}; exact, so order-free
//   inclusive_scan(ctx, values, n)      prefix sums of 64-bit integers in place; exact
//   lagged_flag(ctx, done)              a callable: the value of *done `ctx.poll_lag` calls ago, or false
//   gemv(ctx, trans, alpha, A, x, beta, y)   y = alpha op(A) x + beta y, column-major; beta = 0 writes
//   fused_pass(ctx, A, rows, v, f, ridge, out, value)   one read of A, see below
//   gram(ctx, A, rows, d, ridge, H)     H = sum_k d[k] a_k a_k' + ridge I, both triangles
//
// All are asynchronous; sums repeat in bits from run to run and, on the CPU, for any number of threads.
#pragma once

#include <randnla/core/buffer.hpp>

namespace randnla {

enum class Transpose { no, yes };

/// Which rows of A a pass visits: all, or those listed; the number of them may be known on the device
/// only. Row k of the pass is row (rows ? rows[k] : k) of A, for k < (count ? *count : bound).
template <Backend B>
struct RowSelection {
  const index_t* rows = nullptr;
  index_t bound = 0;
  const index_t* count = nullptr;
};

/// What one row contributes to a fused pass: `weight` times the row to the vector, `value` to the scalar.
template <class T>
struct RowTerm {
  T weight, value;
};

// fused_pass: with a_k the k-th selected row and z_k = a_k'v, f(k, row, z_k) -> RowTerm,
//
//   out   = sum_k f_k.weight a_k + ridge v          (skipped when out is null)
//   value = sum_k f_k.value + ridge/2 v'v           (skipped when value is null; summed in double)
//
// reading each row of A from memory once. f is a trivially copyable function object of a named type with a
// RANDNLA_HD call operator, and may store to backend memory at k.

}  // namespace randnla

#if defined(__CUDACC__)
#include "loops.cuh"
#else
#include "cpu/fused_pass.hpp"
#include "cpu/gram.hpp"
#include "cpu/loops.hpp"
#endif
