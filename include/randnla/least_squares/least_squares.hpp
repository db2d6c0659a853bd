#pragma once

#include <randnla/core/buffer.hpp>
#include <randnla/core/random.hpp>
#include <randnla/core/view.hpp>
#include <randnla/operator/linear_map.hpp>
#include <randnla/sketch/row_sampling.hpp>
#include <randnla/sketch/sketch.hpp>

#include <optional>
#include <span>
#include <vector>

namespace randnla {

template <class T, Backend B>
class StreamedRows;  // core/streamed_rows.hpp

/// How min_x |A x - b|^2 + ridge |x|^2 is solved. Each has a bound that its `stop` is about:
/// `backward`, `forward` and `sketched` of LeastSquaresColumn.
enum class LeastSquaresMethod {
  automatic,  // one of those below, by shape: see least_squares
  qr,         // Householder QR of A and b together. Backward
  normal,     // Cholesky factor of A'A, refined; refused where A is too ill-conditioned. Forward
  sketch_and_solve,         // the same problem for S A and S b, once. Sketched
  sketch_and_precondition,  // LSQR, preconditioned by a factor of S A, from the sketched solution. Forward
  iterative_sketching,       // gradient steps with damping and momentum, likewise. Forward
  fossils,                   // two refinements, each by such steps on its residual. Backward
  iterative_hessian_sketch,  // Newton steps, each with a new sketch of A. Forward
};

enum class LeastSquaresStop {
  converged,        // the method's bound holds, or `tolerance`
  iteration_limit,  // it does not after max_iterations
  stagnated,        // it does not, and further iterations would not help
  ill_conditioned,  // normal: A'A does not determine x to the accuracy of its bound; x is NaN
  wide,             // a sketched method for fewer rows than columns, which qr solves; x is NaN
  not_finite,       // A, b or a product with them is not finite; x is NaN
};

/// Names for people and for JSON.
const char* name(LeastSquaresMethod method);
const char* name(LeastSquaresStop stop);

struct LeastSquaresOptions {
  LeastSquaresMethod method = LeastSquaresMethod::automatic;
  double ridge = 0;  // >= 0
  /// Iterations end when |A(x - x*)| is estimated to be at most this times |A x - b|; 0: with the method's bound.
  double tolerance = 0;
  int max_iterations = 100;  // of each loop
  /// Of the sketched methods. Rows: 0 for 40 and 4 a column of A (sketch_and_solve,
  /// sketch_and_precondition), 8 (iterative_hessian_sketch); 200 and 12 (iterative_sketching, fossils);
  /// of srht no more than there can be.
  SketchKind sketch = SketchKind::sparse_stack;
  index_t sketch_rows = 0, nonzeros = 8;
  /// sketch_and_solve: so many of A's rows, drawn by this rule, in place of a sketch. By scores: their
  /// squared lengths, their leverage scores, or given ones: m numbers from 0, on the host.
  std::optional<Sampling> sampling = std::nullopt;
  std::span<const double> scores = {};
  Rng rng = {};
};

/// What is known of one right-hand side's solution, by a pass over A with it.
///
/// All is about the scaled problem: A with its columns scaled to length one (to a power of two), its condition
/// kappa and eps of T. With x* the exact solution, r = b - A x:
///
/// backward  backward_error <= 10 eps (100 eps for qr)
/// forward   |A(x - x*)| <= 10 eps (|A| |x| + 0.04 kappa |r|), what a forward stable method attains
/// sketched  |A(x - x*)| <= |r| / root 2, so that |r| is at most root 2 of the least; or forward
struct LeastSquaresColumn {
  double residual_norm = 0;  // |b - A x|
  double solution_norm = 0;  // |x|
  double optimality = 0;  // estimate of |A(x - x*)| / |r|; with ridge both of the extended matrix
  /// Karlson & Walden's estimate, sketched, of the least |(dA / |A|_F, db / |b|)|_F for which x solves the problem
  /// of A + dA and b + db exactly; with ridge that of the extended matrix.
  double backward_error = 0;
};

struct LeastSquaresResult {
  LeastSquaresMethod method = LeastSquaresMethod::automatic;  // that was used
  LeastSquaresStop stop = LeastSquaresStop::converged;        // of the worst right-hand side
  index_t rank = 0;  // numerical; below the columns of A: x is the shortest solution of a problem
                     // whose singular values below the cut are zero
  double condition = 0;  // estimate, of A with its columns scaled, without what was cut
  int iterations = 0;
  double passes = 0;        // reads of A
  index_t sketch_rows = 0;  // 0: no sketch
  std::vector<LeastSquaresColumn> columns;
};

/// x = argmin |A x - b|^2 + ridge |x|^2 for every column of b, dense or sparse A of any shape.
///
/// A        (m x n)
/// b        (m x k) column-major
/// x        (n x k) out; NaN where `stop` says so
///
/// automatic: normal, which is the fastest up to 900 columns and where A has fewer than 32 rows a column or is sparse,
/// where A is well-conditioned enough for it: up to 0.03 / root(n eps), which from 256 columns and 16 rows a
/// column on a small sketch tells beforehand. Otherwise fossils; qr for m < 8 n.
///
/// Cost     normal: A'A and a few passes; iterative methods a pass an iteration (iterative_hessian_sketch: and a
///          sketch), for up to 128 right-hand sides at once (sketch_and_precondition: one after the other); the
///          factor of a sketch of s rows O(s n^2), and on one thread of the host O(n^3): where the condition is
///          above 1e6, singular values
/// Memory   a copy of b; qr on CUDA: of A
/// Sync     waits, in every iteration
/// Determinism   bits do not depend on the number of threads
/// Throws   InvalidArgument: sizes that do not agree, an option out of range or that says nothing to the method
/// Source   Epperly, Meier & Nakatsukasa, arXiv 2406.03468 (2024), fossils and the estimate of backward errors;
///          Epperly, SIMAX 45 (2024), iterative sketching; Rokhlin & Tygert, PNAS 105 (2008) and Avron, Maymounkov
///          & Toledo, SISC 32 (2010), sketch and precondition; Paige & Saunders, TOMS 8 (1982), LSQR; Pilanci &
///          Wainwright, JMLR 17 (2016), iterative Hessian sketch
template <Backend B, Scalar T>
LeastSquaresResult least_squares(Context<B>& ctx, const Rows<T, B>& A, MatrixView<const T, B> b,
                                 MatrixView<T, B> x, const LeastSquaresOptions& options = {});

/// The same for rows that stay in host memory, every pass over A one over them: the same to rounding, since sums go
/// chunk by chunk; a sketch has the same bits. qr takes R from the chunks' triangles, one on top of the other.
/// Throws   InvalidArgument: qr or automatic for fewer rows than columns
template <Backend B, Scalar T>
LeastSquaresResult least_squares(Context<B>& ctx, const StreamedRows<T, B>& A,
                                 MatrixView<const T, B> b, MatrixView<T, B> x,
                                 const LeastSquaresOptions& options = {});

/// The same for a map known by its products, one right-hand side after the other: by sketch_and_precondition
/// (automatic), iterative_sketching, fossils, iterative_hessian_sketch or sketch_and_solve. The sketch is of normal
/// numbers and costs sketch_rows products with A'; a pass is a product with A and one with A'.
/// Throws   InvalidArgument: another method, `sampling`
/// Source   Meng, Saunders & Mahoney, SISC 36 (2014)
template <Backend B, Scalar T>
LeastSquaresResult least_squares(Context<B>& ctx, LinearMapRef<B, T> A, MatrixView<const T, B> b,
                                 MatrixView<T, B> x, const LeastSquaresOptions& options = {});

/// The same for A by columns, of which it makes a copy by rows.
template <Backend B, Scalar T>
LeastSquaresResult least_squares(Context<B>& ctx, MatrixView<const T, B> A,
                                 MatrixView<const T, B> b, MatrixView<T, B> x,
                                 const LeastSquaresOptions& options = {});

/// One right-hand side.
template <Backend B, Scalar T>
LeastSquaresResult least_squares(Context<B>& ctx, const Rows<T, B>& A, VectorView<const T, B> b,
                                 VectorView<T, B> x, const LeastSquaresOptions& options = {}) {
  return least_squares(ctx, A, MatrixView<const T, B>{b.data, b.size, 1, b.size},
                       MatrixView<T, B>{x.data, x.size, 1, x.size}, options);
}

}  // namespace randnla
