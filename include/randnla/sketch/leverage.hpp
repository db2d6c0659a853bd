#pragma once

#include <randnla/core/buffer.hpp>
#include <randnla/core/random.hpp>

#include <vector>

namespace randnla {

template <class T, Backend B>
class StreamedRows;  // core/streamed_rows.hpp

enum class LeverageMethod {
  automatic,    // of cholesky and approximate the one that is cheaper by far, see leverage_scores
  cholesky,     // of the Gram matrix; qr where that would lose too much
  qr,           // Householder QR with the columns of Q formed
  approximate,  // from a sketch of A, projected
};

struct LeverageOptions {
  LeverageMethod method = LeverageMethod::automatic;
  /// At least 0: the scores of [A; root(ridge) I] in A's rows, whose sum is the effective dimension.
  double ridge = 0;
  /// Relative error, at most 1, that 99 of 100 scores shall not exceed. automatic: 0 asks for exact scores.
  double error = 0.2;
  /// Of the sketch; 0 rows: d + 16 ((2.5 + error) / error)^2.
  index_t sketch_rows = 0, nonzeros = 8;
  /// Two draws are taken of it: the sketch and the projection.
  Rng rng = {};
};

struct LeverageResult {
  LeverageMethod used = LeverageMethod::cholesky;  // never automatic
  index_t rank =
      0;  // of A with its columns scaled to length one; with a ridge of [A; root(ridge) I]
  double condition = 0;       // of that matrix over its rank, an estimate
  bool fell_back = false;     // to qr, from cholesky
  double coherence = 0;       // the largest score
  double sum = 0;             // of the scores
  double error_estimate = 0;  // approximate: standard deviation of a score's relative error; else
                              // cholesky: what it may have lost; qr: rounding
  index_t sketch_rows = 0;    // approximate only
  index_t projections = 0;    // approximate: rows of the projection; 0: none was worth it
  int passes = 0;             // over A
};

/// scores[i] = a_i'(A'A + ridge I)^+ a_i, the leverage of row i of A; the length of the projection of the i-th unit
/// vector to A's columns, squared. It does not depend on the columns' scale, and A's entries may be of any
/// size for which lengths of columns are normal numbers, and their reciprocals.
///
/// cholesky     R'R = A'A with the columns scaled to length one, P = R^-T, scores |P a_i|^2. What a score may err by,
///              relative, is about 10 eps condition^2; where that is more than 1e-6 (float: 1e-2), where a square
///              over- or underflows or R does not exist, qr is taken, and fell_back says so.
/// qr           Q from Householder reflections of a copy of A, in the memory of the backend (CUDA: cuSOLVER). Singular
///              values of R below max(n, d) eps times the largest count as zero. The error is that of a
///              relative change of A's columns by some eps.
/// approximate  R from S A, S a SparseStack; P = W'R^-T with W orthonormal columns times a constant (d x r, without W
///              where r >= d / 2), scores |P a_i|^2 in one pass that writes nothing else, times 1 - d / s, s the rows
///              of S and d the rank: in the mean the inverse of a sketched Gram matrix is too large by that. With
///              a ridge d is the effective dimension and S A gets a ridge that is smaller by the same factor.
///              Relative variance 2 / (s - d) from S and 2 (d - r) / (r (d + 2)) from W. On the CPU the pass is
///              in float where R's condition allows it. Takes cholesky where s would be no less than n.
/// automatic    approximate where three times its multiply-adds, about n k (r / 2 + 40) + s d^2 / 2 + d^3 for k entries
///              a row, are fewer than cholesky's n k (k + d) / 2.
///
/// Cost         n d^2 (cholesky), 6 n d^2 (qr) multiply-adds; approximate as said
/// Sync         waits several times: factors are the host's
/// Determinism  same bits for any number of threads
/// Throws       InvalidArgument: sizes, options, an entry of A that is not finite (found by qr)
/// Source       Drineas, Magdon-Ismail, Mahoney & Woodruff, JMLR 13 (2012)
template <Backend B, Scalar T>
LeverageResult leverage_scores(Context<B>& ctx, const Rows<T, B>& A, const LeverageOptions& options,
                               VectorView<T, B> scores);

/// The same for rows that stay in host memory, `passes` over them, to rounding: sums go chunk by chunk, and an srht's
/// or a sparse sketch has the same bits. qr takes R from the chunks' triangles, one on top of the other, and scores
/// |R^-T a_i|^2 from another pass: what a score may err by, relative, is then about eps times the condition.
template <Backend B, Scalar T>
LeverageResult leverage_scores(Context<B>& ctx, const StreamedRows<T, B>& A,
                               const LeverageOptions& options, VectorView<T, B> scores);

struct ScoredRow {
  index_t row;
  double score;
};

/// The k largest scores, all where there are fewer, largest first; equal ones by the row's number. Waits.
template <Backend B, Scalar T>
std::vector<ScoredRow> top_k(Context<B>& ctx, VectorView<const T, B> scores, index_t k);

}  // namespace randnla
