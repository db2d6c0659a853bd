#pragma once

#include <randnla/core/random.hpp>
#include <randnla/operator/linear_operator.hpp>

#include <vector>

namespace randnla {

/// Which end of the spectrum; the best first.
enum class SpectrumEnd { magnitude, largest, smallest };

struct EigenpairOptions {
  int count = 1;  // 1 to dim
  SpectrumEnd end = SpectrumEnd::magnitude;
  double tolerance =
      1e-3;  // >= 0: stop where residuals are at most max(tolerance, 8 root(dim) eps) |H|
  int max_products = 1000;  // >= 1, those that measure the residuals at the end not counted
  int max_basis = 0;        // vectors kept, at least min(dim, count + 3); 0: 2 count + 50
};

/// Eigenpairs with what was measured of them.
struct Eigenpairs {
  std::vector<double>
      values;  // Rayleigh quotients of V's columns, the best first to within tolerance |H|
  std::vector<double> residuals;  // |H v - value v|, |v| = 1
  double scale = 0;               // |H| as far as known: the largest |Ritz value|
  int products = 0;               // of H with a vector, all
  bool converged = false;   // `count` pairs within the tolerance, and a look for others has ended
  bool not_finite = false;  // a product was not; then there are no pairs
};

/// The `count` eigenpairs of symmetric H at an end of its spectrum, or the largest in magnitude.
///
/// A Lanczos process from a random vector, fully reorthogonalised, restarted from its best Ritz vectors where the
/// basis is full, ends where `count` residuals are within half the tolerance. One vector's space has one
/// eigenvector of a multiple eigenvalue, so for count > 1 a further process, in the complement of the pairs, looks for
/// a value better than the last pair's by more than tolerance |H|, and its pair takes that one's place, until none is
/// found: its best pair has converged to no better value, or none is left but for a probability of 1e-6 over the start.
///
/// V        (n x count) out: orthonormal columns; of pairs that were not found zeros. Fewer than `count` are found only
///          where max_products ends it
/// Rng      start number i takes stream rng.counter + i
/// Cost     products as counted, `count` more to measure the residuals; a step reads the basis 4 times, a restart
///          once for each of the count + max_basis/2 vectors it keeps; on the host an eigenproblem of the basis' size
///          at each look. Memory n (3/2 max_basis + 3)
/// Sync     waits at each look: after steps 1 to 8, then whenever the space has grown by an eighth
/// Determinism   same bits for any number of threads
/// Throws   InvalidArgument: V of another size, an option out of range
/// Source   Wu & Simon, SIAM J. Matrix Anal. Appl. 22 (2000), thick restart; Kuczynski & Wozniakowski, SIAM J. Matrix
///          Anal. Appl. 13 (1992), theorem 4.2, the probability
template <Backend B, Scalar T>
Eigenpairs top_eigenpairs(Context<B>& ctx, OperatorRef<B, T> H, MatrixView<T, B> V, Rng rng,
                          const EigenpairOptions& options = {});

}  // namespace randnla
