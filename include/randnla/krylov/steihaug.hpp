#pragma once

#include <randnla/core/buffer.hpp>
#include <randnla/krylov/inner_result.hpp>
#include <randnla/operator/linear_operator.hpp>

namespace randnla {

struct SteihaugOptions {
  double radius = 1;           // > 0
  double tolerance = 1e-6;     // >= 0: stop where |Hs + g| <= tolerance |g|
  int max_iterations = 500;    // >= 1
  bool start_at_step = false;  // s holds the first iterate, inside the region; otherwise zero
};

/// min g's + s'Hs/2 over |s| <= radius by truncated conjugate gradients.
///
/// H        symmetric, of dimension n, may be indefinite
/// g        (n)        s  (n) out; in, too, with start_at_step        result  backend memory, out
/// Error    the model decreases at least as much as with the Cauchy point (started at zero)
/// Cost     one product an iteration (and one for a given start), 3 passes over vectors, 3n memory. With
///          a SymmetricMatrix of at most 1,024 rows a device takes one launch for the whole solve (the
///          conditions: kernels/one_launch.cuh), else 3 an iteration beside the product; after four
///          iterations one with the product, where H is replayable
/// Sync     none: every scalar lives in backend memory; the stop flag is read `ctx.poll_lag`
///          iterations late, and iterations queued meanwhile change nothing
/// Determinism  bits do not depend on poll_lag; on a device they do on whether H is a SymmetricMatrix
/// Throws   InvalidArgument: a view of another size, an option out of range
/// Source   Steihaug, SIAM J. Numer. Anal. 20 (1983); boundary step by the stable root
template <Backend B, Scalar T>
void steihaug(Context<B>& ctx, OperatorRef<B, T> H, VectorView<const T, B> g, VectorView<T, B> s,
              InnerResult* result, const SteihaugOptions& options = {});

}  // namespace randnla
