// The seam between the algorithms and the machine: everything an algorithm asks of a backend.
// Included by the private algorithm templates; compiled by g++ for Cpu and by nvcc for Cuda.
//
//   for_each(ctx, n, f)                 f(i) for i in [0, n), in no order
//   sum_then<S>(ctx, n, map, then)      S sum = map(0) + ... in a fixed order, then `then(sum)`
//                                       once, in one thread, also for n = 0; S value-initialises to
//                                       zero and has operator+=
//   max_then<S>(ctx, n, map, then)      likewise the maximum, not below S{}; exact, so order-free
//   inclusive_scan(ctx, values, n)      prefix sums of 64-bit integers in place; exact
//   lagged_flag(ctx, done)              a callable: the value of *done `ctx.poll_lag` calls ago, or
//                                       false
//   gemv(ctx, trans, alpha, A, x, beta, y)   y = alpha op(A) x + beta y, column-major; beta = 0
//                                       writes y without reading it; A with no columns: y = beta y
//   row_norms(ctx, A, out)              out[i] = sum of the squares of row i
//   projected_row_norms(ctx, A, P, out) out[i] = |P a_i|^2, P column-major; the product A P' is
//                                       nowhere stored
//   fused_pass(ctx, A, rows, v, f, ridge, out, value)   one read of A, see below
//   fused_multi_pass(ctx, A, rows, V, K, f, ridge, out, value)   the same with K vectors
//   scatter_rows(ctx, A, segments, pattern, layout, partial)   see below
//   gram(ctx, A, rows, d, ridge, H)     H = sum_k d[k] a_k a_k' + ridge I, both triangles
//
// All are asynchronous; sums repeat in bits from run to run and, on the CPU, for any number of
// threads.
//
// fused_pass: with a_k the k-th selected row and z_k = a_k'v, f(k, row, z_k) -> RowTerm,
//
//   out   = sum_k f_k.weight a_k + ridge v          (skipped when out is null)
//   value = sum_k f_k.value + ridge/2 v'v           (skipped when value is null; summed in double)
//
// reading each row of A from memory once. f is a trivially copyable function object of a named type
// with a RANDNLA_HD const call operator, and may store to backend memory at k. It is called once
// for every k.
//
// fused_multi_pass: V holds K vectors of d entries, v_c at V + c * d, and out likewise; K from 1 to
// max_pass_vectors. With z[c] = a_k'v_c, f(k, row, z) replaces the margins z by weights w_k and
// returns the row's value, a T:
//
//   out_c = sum_k w_k[c] a_k + ridge v_c            (skipped when out is null)
//   value = sum_k value_k + ridge/2 sum_c v_c'v_c   (skipped when value is null; summed in double)
//
// All else is as in fused_pass. z is f's only while f runs.
//
// scatter_rows: row i of segment g is added to, or subtracted from, the rows of the g-th partial sketch that
// `pattern` has for row i - segments.begin; it lies at partial + g * layout.size(). Every entry adds its terms in
// the order of i, then of the nonzeros. layout: sketch_layout<T>(ctx, rows, rows of a stack, cols); what it has
// beyond the matrix may be written and is never read.
#pragma once

#if defined(__CUDACC__)
#include "fused_multi_pass.cuh"
#include "fused_pass.cuh"
#include "gram.cuh"
#include "loops.cuh"
#include "projected_row_norms.cuh"
#include "scatter_rows.cuh"
#else
#include "cpu/fused_multi_pass.hpp"
#include "cpu/fused_pass.hpp"
#include "cpu/gram.hpp"
#include "cpu/loops.hpp"
#include "cpu/projected_row_norms.hpp"
#include "cpu/scatter_rows.hpp"
#endif

namespace randnla {

/// The backend this compilation is for. An algorithm's source ends by instantiating it for this
/// one.
#if defined(__CUDACC__)
using ThisBackend = Cuda;
#else
using ThisBackend = Cpu;
#endif

}  // namespace randnla
