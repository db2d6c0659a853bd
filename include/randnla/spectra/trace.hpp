#pragma once

#include <randnla/core/random.hpp>
#include <randnla/operator/linear_operator.hpp>

namespace randnla {

enum class TraceMethod {
  hutchinson,  // mean of x'Hx over vectors x of random signs
  hutch_pp,    // the trace in the range of a third of the products, hutchinson in its complement
  xtrace,      // every vector in turn is hutchinson's in the complement of the others' range
};

const char* name(TraceMethod method);

struct TraceOptions {
  TraceMethod method = TraceMethod::xtrace;
  int products = 40;  // at least 2 (hutchinson) or 4, or the dimension
};

struct TraceEstimate {
  double value = 0;
  double error = 0;  // estimated standard error; 0 where exact
  int products = 0;  // of H with a vector
  bool exact = false;
};

/// The trace of symmetric H from products with random vectors; with as many products as dimensions the sum of
/// the diagonal instead. All methods are unbiased.
///
/// Error    standard deviation: hutchinson at most root(2 / products) |H|_F; the others have the part of H outside its
///          best approximation of rank some third or half of the products in place of |H|_F, and are exact but for
///          rounding where H has a lower rank. `error` is estimated from the spread: hutchinson's of its samples,
///          hutch_pp's of those in the complement, xtrace's of its r estimates t_i (r = half of the products): root of
///          sum (t_i - mean)^2 / (r (r - 1)). The t_i are dependent: measured, 0.65 to 1 times xtrace's
///          true error, the less the closer r comes to half of the dimension or the flatter the spectrum; the others'
///          0.8 to 1.05 times. It may be far too small where few coordinates hold H's large eigenvectors
/// Rng      vector i is of stream rng.counter + i
/// Cost     products as counted: xtrace leaves one of an odd number. hutch_pp with c products for the range and xtrace
///          with r: a QR of n x c and for every further product a read of it, and one of it and a write for every
///          vector in the complement. Memory n (c + 3), n (r + 2)
/// Sync     waits: once, with a range to find a few times
/// Determinism   same bits for any number of threads
/// Result   not finite where a product is not
/// Throws   InvalidArgument: too few products
/// Source   Hutchinson, Commun. Stat. Simul. 18 (1989); Meyer, Musco, Musco & Woodruff, SOSA 2021, Hutch++; Epperly,
///          Tropp & Webber, SIAM J. Matrix Anal. Appl. 45 (2024), arXiv 2301.07825, XTrace (of signs, not normalised)
template <Backend B, Scalar T>
TraceEstimate trace_estimate(Context<B>& ctx, OperatorRef<B, T> H, Rng rng,
                             const TraceOptions& options = {});

}  // namespace randnla
