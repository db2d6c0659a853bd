#pragma once

#include <randnla/core/buffer.hpp>

#include <cstdint>

namespace randnla {

/// State of a random stream, a value: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011) keyed by
/// `seed`. Every draw consumes one stream number, `counter`; element i of a draw depends only on
/// (seed, counter, i), so its bits are the same on every backend and for any number of threads.
struct Rng {
  std::uint64_t seed = 0;
  std::uint64_t counter = 0;

  /// The stream for the next draw; advances this state past it.
  Rng next() { return {seed, counter++}; }
};

/// out[i] = scale * N(0, 1), independent.
///
/// Sync          none
/// Determinism   bits depend on (rng, i) only
/// Source        Box & Muller (1958), on our own logarithm and sine (core/math.hpp)
template <Backend B, Scalar T>
void fill_normal(Context<B>& ctx, Rng rng, T scale, VectorView<T, B> out);

}  // namespace randnla
