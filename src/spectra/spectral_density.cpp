#include "spectra/ritz.hpp"

#include <randnla/spectra/density.hpp>

#include <string>

namespace randnla {
namespace {

/// Nodes are T's eigenvalues, weights the squares of its eigenvectors' first entries.
Quadrature quadrature_of(const Coefficients& T) {
  const std::size_t m = T.alpha.size();
  std::vector<double> vectors = projected_matrix({}, T);
  Quadrature out{symmetric_eigen(vectors, static_cast<index_t>(m)), {}};
  double sum = 0;
  for (std::size_t k = 0; k < m; ++k) {
    out.weights.push_back(vectors[k * m] * vectors[k * m]);
    sum += out.weights.back();
  }
  for (double& weight : out.weights) weight /= sum;
  return out;
}

}  // namespace

template <Backend B, Scalar T>
SpectralDensity spectral_density(Context<B>& ctx, OperatorRef<B, T> H, Rng rng,
                                 const SpectralDensityOptions& options) {
  require(options.steps >= 1, "spectral_density: steps = " + std::to_string(options.steps));
  require(options.starts >= 1, "spectral_density: starts = " + std::to_string(options.starts));
  require(H.dim() >= 1, "spectral_density: H of dimension " + std::to_string(H.dim()));
  Lanczos<B, T> space(ctx, H.dim(), options.steps);
  Buffer<T, B> v(ctx, H.dim());
  SpectralDensity out;
  for (int start = 0; start < options.starts; ++start) {
    fill_normal(ctx, rng.next(), T(1), v.view());
    space.start(ctx, v.view());
    auto stopped = lagged_flag(ctx, &space.state()->done);
    while (space.queued() < space.max_steps() && !stopped()) space.step(ctx, H);
    out.products += space.queued();
    const Coefficients tridiagonal = fetch_coefficients(ctx, space, 0);
    if (tridiagonal.not_finite) {
      out.starts.clear();
      out.not_finite = true;
      return out;
    }
    out.starts.push_back(quadrature_of(tridiagonal));
  }
  return out;
}

template SpectralDensity spectral_density(Context<ThisBackend>&, OperatorRef<ThisBackend, float>,
                                          Rng, const SpectralDensityOptions&);
template SpectralDensity spectral_density(Context<ThisBackend>&, OperatorRef<ThisBackend, double>,
                                          Rng, const SpectralDensityOptions&);

}  // namespace randnla
