// The fused pass over dense and sparse rows (see seam/seam.hpp for what it computes).
//
// Mapping   Dense rows up to 32 KB: a team of lanes a row, 64 bytes of it a lane in registers, from
//           two lanes to a block of 512; two rows a team in flight; v and the team's sum in
//           registers too. From 2 to 16 KB: 32 bytes a lane of a block, four rows in flight. Rows
//           that are no multiple of 16 bytes: an even number of floats, up to 8 KB, by pairs, 16
//           bytes a lane and eight rows in flight; up to 64 floats by a warp, likewise; else up to
//           16 KB a number at a time, 32 bytes a lane and four rows in flight. Longer dense rows: a
//           block of 1,024 takes two rows, its sum in shared memory, beyond 226 KB in its partial
//           vector.
//           Sparse rows: a team of up to 32 lanes a row, its first four entries a lane kept in
//           registers. Teams add to sums in shared memory, a sum a team where 64 KB suffice; where
//           teams share a sum, or have the block's partial vector, they take turns at a barrier.
//           Then fused_pass.cu joins the partial vectors.
// Order     Rows are dealt out by number, sums joined in the order of lanes, warps and blocks: bits
//           repeat from run to run on one kind of device. No atomics.
// Traffic   The least is one read of the selected rows; v and the result are small beside it.
//           Partial vectors add 16 bytes a column and block, written and read in the L2 cache, for
//           at least eight rows a block where that fills the device. Long dense rows, and sparse
//           ones of more than 128 entries, are read again from a cache for the sum; so from about
//           20,000 columns in double on, when the rows in flight outgrow the L2 cache, partly from
//           memory.
// Bound     memory for many rows, latency for few
// Twin      cpu/fused_pass.hpp        Test  tests/seam/
// Model     (simulator's H100, no GPU measured it) fp64, f = weight times margin, pass + join,
//           beside the least time to read the rows at 3.35 TB/s:
//             dense 464,810 x 54      64.1 + 6.0 us   60 us      (float 33.5 + 5.7, least 30)
//             dense 20,000 x 54        6.0 + 4.2 us    2.6 us    3 us of each is the launch
//             dense 2,000 x 1,000      7.8 + 4.7 us    4.8 us
//             dense 200 x 10,000      14.8 + 6.4 us    4.8 us
//             sparse 32,561 x 123, 14 entries a row     10.7 +  5.3 us   1.6 us
//             sparse 20,000 x 5,000, 60 a row           33.0 +  6.6 us   4.3 us
//             sparse 5,000 x 47,236, 73 a row           77.0 + 12.6 us   1.3 us
// Lost      v and the teams' sums a number at a time, not 16 bytes: sectors 1.2 times the least and
//           shared memory 1.55 times at 5,000 x 200 in double, now 1.01 and 1.
//           A finishing loop over the blocks in one block (43 us at 20,000 x 54). By calculation
//           only: a join in the last block to finish, in two levels, has two hand-overs of about
//           1.5 us, what the launch of the second kernel costs, and one block's bandwidth.
//           Rows of no multiple of 16 bytes with 64 bytes a lane: up to 236 bytes spilled. In float
//           at 54 columns sectors were 2.3 times the least so, 1.73 a number at a time, 1.21 by
//           pairs of 16 lanes, 1.16 with a team's rows following one another.
// Open      The row function runs on two lanes of a team (four or eight for such rows): of an
//           evaluation's lanes 74 to 91 % are active. An odd number of floats: sectors 1.7.
//           Sparse rows with more columns than shared memory holds: turns on sums in the L2 cache
//           are slow; the transposed sample would need no sums at all.
#pragma once

#include "fused_csr.cuh"
#include "fused_dense.cuh"

#include <variant>

namespace randnla {

template <class T, class F>
void fused_pass(Context<Cuda>& ctx, const Rows<T, Cuda>& A, RowSelection<Cuda> rows, const T* v,
                F f, T ridge, T* out, double* value) {
  static_assert(std::is_trivially_copyable_v<F>);
  ctx.workspace().activate();
  std::visit(
      [&](const auto& matrix) {
        fused::Pass<T> pass{};
        pass.rows = rows, pass.v = v, pass.ridge = ridge, pass.cols = matrix.cols;
        pass.stride = (matrix.cols + 7) / 8 * 8;  // each partial vector in whole sectors
        fused::launch(ctx, matrix, pass, f, out != nullptr, value != nullptr);
        check_launch(ctx);
        if (out != nullptr || value != nullptr) fused::join(ctx, pass, out, value);
      },
      A);
}

}  // namespace randnla
