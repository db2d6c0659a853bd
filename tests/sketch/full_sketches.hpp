// Sketches without zeros, entry by entry, and S A from them in long double.
#pragma once

#include "sketch/dense_columns.hpp"
#include "sketch/sketches.hpp"
#include "sketch/srht.hpp"

#include <cmath>
#include <vector>

namespace randnla::test {

inline constexpr SketchKind full_kinds[] = {SketchKind::gaussian, SketchKind::rademacher,
                                            SketchKind::srht};

/// The columns of S times the root of its rows, one after the other.
inline std::vector<long double> unscaled_columns(const Sketch& S) {
  std::vector<long double> out;
  const Permutation selection = srht_selection(S);
  for (index_t i = 0; i < S.cols; ++i) {
    const bool negative = S.kind == SketchKind::srht && srht_sign(S.rng, i);
    for (index_t t = 0; t < S.rows; ++t) {
      if (S.kind != SketchKind::srht) {
        out.push_back(dense_entry(S.rng, S.kind == SketchKind::gaussian, t, i));
        continue;
      }
      bool odd = negative;
      for (index_t common = selection(t) & i; common != 0; common &= common - 1) odd = !odd;
      out.push_back(odd ? -1 : 1);
    }
  }
  return out;
}

/// S A of exact integers against SA: `roundings` units of sum |S_ti A_ij|.
template <class T>
void expect_full_product(const Sketch& S, const HostRows<T>& A, const std::vector<T>& SA) {
  const std::vector<long double> columns = unscaled_columns(S);
  const long double scale = 1 / std::sqrt(static_cast<long double>(S.rows));
  std::vector<long double> want(SA.size(), 0), size(SA.size(), 0);
  for (index_t i = 0; i < A.rows; ++i) {
    for (index_t e = A.offsets[place_of(i)]; e < A.offsets[place_of(i + 1)]; ++e) {
      for (index_t t = 0; t < S.rows; ++t) {
        const long double term = scale * columns[place_of(i * S.rows + t)] * A.values[place_of(e)];
        want[place_of(t + A.columns[place_of(e)] * S.rows)] += term;
        size[place_of(t + A.columns[place_of(e)] * S.rows)] += std::abs(term);
      }
    }
  }
  // Signs: sums of integers are exact, and joined as those of sparse sketches. Normals: one rounding a term more,
  // which in a chain of n random ones comes to root(n), with room for an unlucky one.
  const index_t segments = A.rows / 1024 + 2;
  const long double chain =
      S.kind == SketchKind::gaussian ? 4 * std::sqrt(static_cast<long double>(A.rows)) : 0;
  const long double units = static_cast<long double>(segments) + chain;
  for (std::size_t e = 0; e < SA.size(); ++e) {
    const long double tolerance = units * std::numeric_limits<T>::epsilon() * size[e];
    ASSERT_LE(std::abs(static_cast<long double>(SA[e]) - want[e]), tolerance)
        << "row " << e % place_of(S.rows) << ", column " << e / place_of(S.rows) << " of " << S.rows
        << " x " << A.cols << " from " << A.rows << " rows, kind " << static_cast<int>(S.kind)
        << ": got " << SA[e] << ", want " << want[e];
  }
}

}  // namespace randnla::test
