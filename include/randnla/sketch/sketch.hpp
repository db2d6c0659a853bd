#pragma once

#include <randnla/core/buffer.hpp>
#include <randnla/core/random.hpp>
#include <randnla/core/view.hpp>

#include <cstdint>

namespace randnla {

struct RowSegments;  // src/seam/types.hpp
struct SketchLayout;
template <class T, Backend B>
class StreamedRows;  // core/streamed_rows.hpp

enum class SketchKind {
  sparse_stack,  // `nonzeros` CountSketches one above the other
  sparse_sign,   // `nonzeros` different rows a column, every such set equally likely
  count_sketch,  // one nonzero a column
  gaussian,      // N(0, 1) entries, independent
  rademacher,    // signs, independent
  srht,          // signs of the columns, the Hadamard transform, and some of its rows
};

/// A random matrix S (rows x cols), scaled so that the mean of S'S is I. A value: column i depends on the
/// other members and i only, with the same bits on every backend; nothing of S is stored.
///
/// Of the sparse kinds a column has few nonzeros, +1 or -1 over the root of their number. Of the others every
/// entry is there, over the root of the rows: gaussian's are floats, one S for both scalar types. An srht is
/// sqrt(N / rows) P H D: D random signs, H the orthonormal Hadamard matrix of the least power of two N >= cols
/// (what it is applied to is padded with zeros, nowhere stored), P rows drawn without replacement.
///
/// nonzeros  a column has, 1 to 2^16; read by sparse_stack and sparse_sign. count_sketch has 1.
/// rows      at least the nonzeros of a column, at most 2^31; gaussian and rademacher: 1 to 2^18; srht: 1 to N.
///           The singular values of S on a space of dimension
///           d are within about 1 +- root(d / rows): measured, 2 d rows with 4 nonzeros keep lengths to factors
///           of 0.2 to 2, 6 d rows with 8 nonzeros within a half; a count_sketch wants of the order of d^2
/// cols      the rows of the matrices that S is applied to; at most 2^48
/// Source    Camano, Epperly, Meyer & Tropp, arXiv 2508.21189 (2025), SparseStack; Cohen, SODA 2016, sparse
///           signs; Clarkson & Woodruff, STOC 2013, CountSketch; Tropp, Adv. Adapt. Data Anal. 3 (2011), SRHT.
///           Rows of the sparse kinds are drawn by multiply-shift with rejection (Lemire, ACM TOMACS 29 (2019))
struct Sketch {
  SketchKind kind = SketchKind::sparse_stack;
  index_t rows = 0, cols = 0;
  index_t nonzeros = 4;
  Rng rng;
};

constexpr bool is_sparse(SketchKind kind) {
  return kind == SketchKind::sparse_stack || kind == SketchKind::sparse_sign ||
         kind == SketchKind::count_sketch;
}

/// Nonzeros that every column of S has.
constexpr index_t nonzeros_per_column(const Sketch& S) {
  if (!is_sparse(S.kind)) return S.rows;
  return S.kind == SketchKind::count_sketch ? 1 : S.nonzeros;
}

/// S A for a matrix A whose rows come in pieces of any size, dense or sparse, one after the other.
///
/// SA        (S.rows x columns of A) written as rows come; complete with the last of them. Must outlive the stream.
/// Cost      one read of A and nonzeros_per_column(S) additions an entry of it, of an srht of dense rows about
///           log2(rows) + 1, from a workspace of up to 128 copies of SA, but one at least and 64 MiB otherwise;
///           the pattern of the rows in work; of an srht up to 2,048 rows of A that came in pieces
/// Sync      none
/// Determinism   SA's bits depend on S and A only: not on the pieces, the number of threads or the
///           backend. Except: an srht adds dense and sparse rows in different orders; and a gaussian's
///           rounding is the other backend's only on a processor that has fused multiply-adds
/// Throws    InvalidArgument: sizes that do not agree, a sketch that cannot be, more rows than S has columns
template <Backend B, Scalar T>
class SketchStream {
 public:
  SketchStream(Context<B>& ctx, const Sketch& S, MatrixView<T, B> SA);

  /// The next rows of A.
  void add(Context<B>& ctx, const Rows<T, B>& rows);
  /// Throws where not all S.cols rows have come.
  void finish(Context<B>& ctx);

  index_t rows_seen() const { return seen_ + waiting_; }

 private:
  void add_whole_blocks(Context<B>& ctx, const DenseRows<T, B>& rows);
  void add_waiting(Context<B>& ctx);
  void add_now(Context<B>& ctx, const Rows<T, B>& rows);
  void add_segments(Context<B>& ctx, const Rows<T, B>& rows, const RowSegments& segments,
                    const SketchLayout& layout);

  Sketch S_;
  MatrixView<T, B> SA_;
  index_t seen_ = 0, segment_ = 0,
          slots_ = 0;                  // rows; rows a segment; segments worked on at a time
  Buffer<T, B> partial_;               // a sketch of each; the open segment's is the first
  Buffer<std::uint32_t, B> pattern_;   // of their rows' columns of S
  Buffer<std::uint64_t, B> selected_;  // rows of an srht's transform
  Buffer<T, B> rows_;                  // of an srht's block that is not whole yet
  index_t waiting_ = 0;                // the number of these
};

/// SA = S A, by a SketchStream in one piece.
template <Backend B, Scalar T>
void apply(Context<B>& ctx, const Sketch& S, const Rows<T, B>& A, MatrixView<T, B> SA);

/// The same for rows that stay in host memory, one pass over them: the bits of the same matrix in one piece.
template <Backend B, Scalar T>
void apply(Context<B>& ctx, const Sketch& S, const StreamedRows<T, B>& A, MatrixView<T, B> SA);

/// SA = S A for A by columns, whose rows are turned round up to 32 MiB (or one row) at a time: the bits of the same
/// matrix by rows. Cost as there and writing and reading A once more.
template <Backend B, Scalar T>
void apply(Context<B>& ctx, const Sketch& S, MatrixView<const T, B> A, MatrixView<T, B> SA);

/// AS = A S' for A with S.cols columns; AS has A's rows and S.rows columns.
///
/// Cost      dense: that of S A' with A by columns. Sparse: nonzeros_per_column(S) additions an entry of A, every
///           column of S made once; an srht's transform is not used
/// Sync      none
/// Determinism   bits depend on S and A only, and for dense rows are those of (S A')'
/// Throws    InvalidArgument as apply does
template <Backend B, Scalar T>
void apply_right(Context<B>& ctx, const Rows<T, B>& A, const Sketch& S, MatrixView<T, B> AS);

/// `second` of what `first` gives: a CountSketch to some d^2 rows and then a Gaussian one to a few d cost little
/// more than the first. The two must be of different random streams.
struct ComposedSketch {
  Sketch first, second;  // second.cols = first.rows
};

/// SA = second (first A); the matrix between is stored.
template <Backend B, Scalar T>
void apply(Context<B>& ctx, const ComposedSketch& S, const Rows<T, B>& A, MatrixView<T, B> SA);

}  // namespace randnla
