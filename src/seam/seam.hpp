// The seam between the algorithms and the machine: everything an algorithm asks of a backend.
// Included by the private algorithm templates; compiled by g++ for Cpu and by nvcc for Cuda.
//
//   for_each(ctx, n, f, work = 1)       f(i) for i in [0, n), in no order; work: how many elements of a
//                                       plain loop one takes as long as, by which threads are employed
//   sum_then<S>(ctx, n, map, then)      S sum = map(0) + ... in a fixed order, then `then(sum)`
//                                       once, in one thread, also for n = 0; S value-initialises to
//                                       zero and has operator+=
//   max_then<S>(ctx, n, map, then)      likewise the maximum, not below S{}; exact, so order-free
//   inclusive_scan(ctx, values, n)      prefix sums of 64-bit integers in place; exact
//   lagged_flag(ctx, done)              a callable: the value of *done `ctx.poll_lag` calls ago, or
//                                       false
//   gemv(ctx, trans, alpha, A, x, beta, y)   y = alpha op(A) x + beta y, column-major; beta = 0
//                                       writes y without reading it; A with no columns: y = beta y
//   project_twice<S>(ctx, Q, w, h, again, map, then)   h = Q'w, w -= Q h, again = Q'w, w -= Q again, Q
//                                       column-major; then sum_then<S> over w's entries
//   column_gram(ctx, M, H)              H = M'M of a column-major matrix, both triangles
//   row_norms(ctx, A, out)              out[i] = sum of the squares of row i
//   projected_row_norms(ctx, A, scale, P, out)  out[i] = |P diag(scale) a_i|^2, P column-major, of T or
//                                       float; scale may be null; the product is nowhere stored
//   householder_qr(ctx, A)              A, column-major with no fewer rows than columns, becomes Q; the
//                                       result is R on the host; waits
//   fused_pass(ctx, A, rows, v, f, ridge, out, value)   one read of A, see below
//   fused_multi_pass(ctx, A, rows, V, K, f, ridge, out, value)   the same with K vectors
//   draw_columns(ctx, S, first, count, pattern)   draw_column(S, first + i, ...), one column after the other
//   draw_pattern(ctx, S, A, first, count, memory)   columns as scatter_rows wants them for A: a RowPattern in
//                                       memory for pattern_rows(count) columns
//   scatter_rows(ctx, A, segments, pattern, layout, partial, scale, SA)   see below
//   join_sketches(ctx, layout, partial, count, scale, starts, SA)   SA = fma(scale, partial, SA) with the first count
//                                       partial sketches, in order
//   upper_factor(ctx, A, b, K), upper_factor(ctx, M)   R of [A b] or M = Q R, Householder's; on the host in
//                                       double; waits
//   dense_sketch_rows(ctx, A, segments, sketch, layout, partial)   see below
//   srht_rows(ctx, A, segments, sketch, layout, partial, scale, SA)     see below
//   gram(ctx, A, rows, d, ridge, H)     H = sum_k d[k] a_k a_k' + ridge I, both triangles
//
// run<Plan>(ctx, H, m, limit), an iterative solve as a list of steps, has a header of its own: seam/plan.hpp.
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
// `pattern` has for row i - segments.begin; it lies at partial + g * layout.size(). The first one goes on from what is
// there where segments.before > 0, all others start from zero. Every entry adds its terms in the order of i, then of
// the nonzeros. Partial sketches of complete segments go to SA, each by SA = fma(scale, partial, SA), in order, where
// the sketch's very first one (segments.starts) takes SA for zero and does not read it; the
// open one, if any, is left at `partial`. layout: sketch_layout<T>(ctx, rows, cols); what it has beyond the matrix may
// be written and is never read. segments_at_once(ctx, A, layout, per_row): how many segments the backend wants, at most
// most_segments.
//
// dense_sketch_rows: to the g-th partial sketch is added S A, S and A with the columns and rows of segment g only,
// S unscaled. Every entry is a chain of fused multiply-adds in the order of the rows. layout:
// dense_sketch_layout(rows, cols).
//
// srht_rows: partial sketches are begun, joined and left as by scatter_rows, but their rows may lie in another
// order, the same for all segments of a sketch. Dense rows come in blocks that begin at a multiple of the block's
// size; rows of a block that are not there count as zeros. The steps of a block's transform join rows 1, 2, 4, ...
// apart; entries add their row of the transformed block in the order of the blocks. Sparse rows are added one by
// one. layout:
// srht_layout<T>(ctx, rows, log_block, cols), segments at a time: srht_segments_at_once(ctx, layout, log_block).
#pragma once

#if defined(__CUDACC__)
#include "dense_sketch.cuh"
#include "draw_columns.cuh"
#include "fused_multi_pass.cuh"
#include "fused_pass.cuh"
#include "gram.cuh"
#include "householder_qr.cuh"
#include "join_sketches.cuh"
#include "loops.cuh"
#include "project.cuh"
#include "projected_row_norms.cuh"
#include "scatter_rows.cuh"
#include "srht.cuh"
#include "upper_factor.cuh"
#else
#include "cpu/dense_sketch.hpp"
#include "cpu/draw_columns.hpp"
#include "cpu/fused_multi_pass.hpp"
#include "cpu/fused_pass.hpp"
#include "cpu/gram.hpp"
#include "cpu/householder_qr.hpp"
#include "cpu/join_sketches.hpp"
#include "cpu/loops.hpp"
#include "cpu/projected_row_norms.hpp"
#include "cpu/scatter_rows.hpp"
#include "cpu/srht.hpp"
#include "cpu/upper_factor.hpp"
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
