#include "cpu/pseudo_inverse_root.hpp"

#include "cpu/symmetric_eigen.hpp"

#include <algorithm>
#include <cmath>

namespace randnla {
namespace {

/// 1 / sqrt(H_jj), and 0 for a column of zeros.
std::vector<double> column_scales(const std::vector<double>& H, index_t d) {
  std::vector<double> scales;
  for (index_t j = 0; j < d; ++j) {
    const double diagonal = H[static_cast<std::size_t>(j * (d + 1))];
    scales.push_back(diagonal > 0 ? 1 / std::sqrt(diagonal) : 0);
  }
  return scales;
}

}  // namespace

PseudoInverseRoot pseudo_inverse_root(std::vector<double> H, index_t d, double precision) {
  PseudoInverseRoot out;
  out.finite = std::ranges::all_of(H, [](double v) { return std::isfinite(v); });
  if (!out.finite) return out;
  const auto scales = column_scales(H, d);
  for (index_t j = 0; j < d; ++j) {
    for (index_t i = 0; i < d; ++i) {
      H[static_cast<std::size_t>(i + j * d)] *=
          scales[static_cast<std::size_t>(i)] * scales[static_cast<std::size_t>(j)];
    }
  }
  const auto lambda = symmetric_eigen(H, d);
  const double least = static_cast<double>(d) * precision * lambda.back();
  const auto first =
      std::ranges::find_if(lambda, [&](double v) { return v > std::max(least, 0.0); });
  const index_t skipped = first - lambda.begin();
  out.rank = d - skipped;
  out.values.resize(static_cast<std::size_t>(out.rank * d));
  for (index_t c = 0; c < out.rank; ++c) {
    const double root = std::sqrt(lambda[static_cast<std::size_t>(skipped + c)]);
    for (index_t j = 0; j < d; ++j) {
      out.values[static_cast<std::size_t>(c + j * out.rank)] =
          H[static_cast<std::size_t>(j + (skipped + c) * d)] * scales[static_cast<std::size_t>(j)] /
          root;
    }
  }
  return out;
}

}  // namespace randnla
