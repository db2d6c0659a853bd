// How large a sample must be, and what error one of a size has.
#pragma once

namespace randnla {

/// At least E|mean over s draws - mean of all n|^2, with or without replacement; `second` is the
/// second moment of all n, or of values over n times their draws' probabilities (Cochran, Sampling
/// Techniques (1977), chapters 2 and 9A, where the variance stands in its place).
inline double sample_error2(double second, double s, double n, bool replaced) {
  if (replaced) return second / s;
  return s < n ? second / s * ((n - s) / (n - 1)) : 0;
}

/// The s that makes it delta^2, at most n; n where the second moment is not finite.
inline double sample_size(double second, double delta, double n, bool replaced) {
  const double wanted =
      replaced ? second / (delta * delta) : n / (1 + (n - 1) * (delta * delta / second));
  return wanted < n ? wanted : n;
}

}  // namespace randnla
