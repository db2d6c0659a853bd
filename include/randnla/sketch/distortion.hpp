#pragma once

#include <randnla/sketch/sketch.hpp>

namespace randnla {

/// What S does to lengths in the column space of A.
struct EmbeddingDistortion {
  index_t rank = 0;               // of A, as found
  double least = 1, largest = 1;  // singular values of S on that space: |Sy| / |y| lies between

  double distortion() const { return largest - 1 > 1 - least ? largest - 1 : 1 - least; }
};

/// The extreme singular values of S on the column space of A.
///
/// A basis Y of the space comes from another sketch of A, whose right singular vectors, with columns scaled to unit
/// length, tell the rank r: singular values below max(rows of that sketch, d) eps times the largest count as zero.
/// Y is well-conditioned whatever A is, so its Gram matrix may be trusted; sketched and made orthonormal by it,
/// it has the singular values wanted.
///
/// Cost      m x d to rank r: a sparse sketch of A to 8 d rows, 2 m r d flops for Y, m r^2 for its Gram matrix and
///           S applied to Y, which is nowhere whole; on the host two singular value decompositions (8 d x d and
///           S.rows x r) on one thread
/// Accuracy  about eps times the condition of A with columns of unit length, so that columns that are nearly
///           dependent show with that error; within a few times of the cut the rank
///           hangs on the sketch, too
/// Sync      waits
/// Throws    InvalidArgument as apply does, and where A has entries that are not finite
template <Backend B, Scalar T>
EmbeddingDistortion embedding_distortion(Context<B>& ctx, const Sketch& S, const Rows<T, B>& A);

}  // namespace randnla
