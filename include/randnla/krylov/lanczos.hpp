#pragma once

#include <randnla/core/buffer.hpp>
#include <randnla/core/random.hpp>
#include <randnla/operator/linear_operator.hpp>

namespace randnla {

/// The tridiagonal matrix of a Lanczos process and its state, in backend memory.
struct LanczosState {
  double scale = 0;       // largest |alpha| + |beta| so far
  double start_norm = 0;  // of the start vector
  int steps = 0;          // k: alpha[0..k), beta[0..k) are set, but for columns that were kept
  int invariant = 0;      // 1: the space is invariant, beta[k - 1] is rounding
  int not_finite = 0;     // 1: a product was not finite
  int done = 0;           // 1: further steps change nothing; set by steps and by the caller
};

template <class T>
struct LanczosMemory;  // src/krylov/lanczos_steps.hpp

/// An orthonormal basis of the Krylov space of H, grown step by step: H Q_k = Q_k T_k + beta_k
/// q_k+1 e_k', with full reorthogonalisation (twice), so no ghost eigenvalues.
///
/// The first columns may be orthonormal vectors of the caller's: the process then runs in their complement (start), or
/// goes on from them with what its last step left (go_back). T is what steps give, without the kept columns' part.
///
/// Cost  a step is one product and 4 reads of the basis; memory n (max_steps + 1)
/// Sync  none; a step after `done` changes nothing
template <Backend B, Scalar T>
class Lanczos {
 public:
  Lanczos(Context<B>& ctx, index_t n, int max_steps);

  /// Starts anew from the part of q orthogonal to the first `kept` columns, kept < dim(); q need not be normalised. A
  /// zero vector is an invariant space.
  void start(Context<B>& ctx, VectorView<const T, B> q, int kept = 0);
  /// The next step works on column `columns` and counts the ones before as kept.
  void go_back(int columns);
  /// At most max_steps() of them.
  void step(Context<B>& ctx, OperatorRef<B, T> H);

  /// Columns kept and steps queued since start(); of the latter may have happened fewer: state()->steps, with those
  /// kept, is at most this.
  int queued() const { return queued_; }
  int max_steps() const { return max_steps_; }
  index_t dim() const { return n_; }

  LanczosState* state() { return state_.data(); }
  const double* alpha() const { return alpha_.data(); }
  const double* beta() const { return beta_.data(); }
  /// out = Q u for the queued columns; u (queued()) in backend memory.
  void combine(Context<B>& ctx, const T* u, VectorView<T, B> out);
  /// Column j of the basis, at most max_steps().
  VectorView<T, B> column(int j) { return basis().col(j); }
  /// For algorithms that take its steps among their own.
  LanczosMemory<T> memory();

 private:
  MatrixView<T, B> basis() { return {basis_.data(), n_, max_steps_ + 1, n_}; }

  index_t n_;
  int max_steps_, queued_ = 0;
  Buffer<T, B> basis_, w_, h_;  // h_: of both orthogonalisations
  Buffer<double, B> alpha_, beta_;
  Buffer<LanczosState, B> state_;
};

struct SmallestEigenvalueOptions {
  double threshold = 0;               // decide whether lambda_min >= threshold
  double failure_probability = 1e-6;  // in (0, 1)
  int max_steps = 300;                // >= 1
};

/// What a Lanczos process from a random start knows of the smallest eigenvalue.
struct SmallestEigenvalue {
  double value = 0;        // a Rayleigh quotient: lambda_min is not above it
  double lower_bound = 0;  // lambda_min is not below it, but for failure_probability
  double failure_probability = 0;
  double residual = 0;  // |H v - value v|, |v| = 1
  int steps = 0;        // products
  bool not_finite = false;
};

/// Grows a Krylov space from a random vector until the smallest eigenvalue is known to lie above
/// the threshold, or a direction with a Rayleigh quotient below it is found, or max_steps is
/// reached.
///
/// v        (n) out: the unit vector of `value`
/// Error    with probability 1 - failure_probability over the start, lambda_min >= lower_bound, in
///          which 8 eps |H| are set aside for the rounding of the products
/// Sync     one read at the end; the stop flag is read late as in steihaug()
/// Throws   InvalidArgument: a view of another size, an option out of range
/// Source   Kuczynski & Wozniakowski, SIAM J. Matrix Anal. Appl. 13 (1992), theorem 4.2: after k
///          steps the relative error exceeds eps with probability at most 1.648 sqrt(n)
///          e^(-sqrt(eps)(2k-1))
template <Backend B, Scalar T>
SmallestEigenvalue smallest_eigenvalue(Context<B>& ctx, OperatorRef<B, T> H, VectorView<T, B> v,
                                       Rng rng, const SmallestEigenvalueOptions& options = {});

}  // namespace randnla
