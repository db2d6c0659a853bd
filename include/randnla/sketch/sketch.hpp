#pragma once

#include <randnla/core/buffer.hpp>
#include <randnla/core/random.hpp>
#include <randnla/core/view.hpp>

#include <cstdint>

namespace randnla {

enum class SketchKind {
  sparse_stack,  // `nonzeros` CountSketches one above the other
  sparse_sign,   // `nonzeros` different rows a column, every such set equally likely
  count_sketch,  // one nonzero a column
};

/// A random matrix S (rows x cols) with few nonzeros a column, all +1 or -1 over the root of their number in
/// a column, so that the mean of S'S is I. A value: column i depends on the other members and i only, with
/// the same bits on every backend; nothing of S is stored.
///
/// nonzeros  a column has, 1 to 2^16; read by sparse_stack and sparse_sign. count_sketch has 1.
/// rows      at least the nonzeros of a column, at most 2^31. The singular values of S on a space of dimension
///           d are within about 1 +- root(d / rows): measured, 2 d rows with 4 nonzeros keep lengths to factors
///           of 0.2 to 2, 6 d rows with 8 nonzeros within a half; a count_sketch wants of the order of d^2
/// cols      the rows of the matrices that S is applied to; at most 2^48
/// Source    Camano, Epperly, Meyer & Tropp, arXiv 2508.21189 (2025), SparseStack; Cohen, SODA 2016, sparse
///           signs; Clarkson & Woodruff, STOC 2013, CountSketch. Rows are drawn by multiply-shift with rejection
///           (Lemire, ACM TOMACS 29 (2019))
struct Sketch {
  SketchKind kind = SketchKind::sparse_stack;
  index_t rows = 0, cols = 0;
  index_t nonzeros = 4;
  Rng rng;
};

/// Nonzeros that every column of S has.
constexpr index_t nonzeros_per_column(const Sketch& S) {
  return S.kind == SketchKind::count_sketch ? 1 : S.nonzeros;
}

/// S A for a matrix A whose rows come in pieces of any size, dense or sparse, one after the other.
///
/// SA        (S.rows x columns of A) written as rows come; complete after `finish`. Must outlive the stream.
/// Cost      one read of A and nonzeros_per_column(S) additions an entry of it; workspace up to
///           128 copies of SA, but one at least and 64 MiB otherwise, and the pattern of the rows in work
/// Sync      none
/// Determinism   SA's bits depend on S and A only: not on the pieces, the number of threads or the
///           backend
/// Throws    InvalidArgument: sizes that do not agree, a sketch that cannot be, more rows than S has columns
template <Backend B, Scalar T>
class SketchStream {
 public:
  SketchStream(Context<B>& ctx, const Sketch& S, MatrixView<T, B> SA);

  /// The next rows of A.
  void add(Context<B>& ctx, const Rows<T, B>& rows);
  /// To be called once. Throws where not all S.cols rows have come.
  void finish(Context<B>& ctx);

  index_t rows_seen() const { return seen_; }

 private:
  Sketch S_;
  MatrixView<T, B> SA_;
  index_t seen_ = 0, segment_ = 0,
          slots_ = 0;                 // rows; rows a segment; segments worked on at a time
  Buffer<T, B> partial_;              // a sketch of each; the open segment's is the first
  Buffer<std::uint32_t, B> pattern_;  // of their rows' columns of S
};

/// SA = S A, by a SketchStream in one piece.
template <Backend B, Scalar T>
void apply(Context<B>& ctx, const Sketch& S, const Rows<T, B>& A, MatrixView<T, B> SA);

}  // namespace randnla
