#pragma once

#include <randnla/core/random.hpp>
#include <randnla/operator/linear_operator.hpp>

#include <vector>

namespace randnla {

struct SpectralDensityOptions {
  int steps = 100;  // >= 1, of each Lanczos process; no more than dim are taken
  int starts = 10;  // >= 1
};

/// Gauss quadrature of one start v, |v| = 1: sum of weights f(nodes) = v'f(H)v for polynomials f of degree at
/// most 2 m - 1, m the number of nodes.
struct Quadrature {
  std::vector<double> nodes;    // ascending
  std::vector<double> weights;  // their sum is 1
};

/// The spectrum of H as a density: the mean of the starts' quadratures.
struct SpectralDensity {
  std::vector<Quadrature> starts;
  int products = 0;         // of H with a vector
  bool not_finite = false;  // a product was not; then there are no starts

  double smallest() const;  // node
  double largest() const;
  /// 1e-5 max(1, largest - smallest)
  double default_width() const;
  /// Evenly spaced from ten default widths below the smallest node to ten above the largest; points >= 2.
  std::vector<double> default_grid(int points = 10'000) const;

  /// The nodes as Gaussians of standard deviation `width` > 0: at every point of the grid, ascending, two or more, the
  /// mean over the point's cell, which ends halfway to its neighbours (at the grid's ends as far outside). So the
  /// density integrates to 1 over cells that hold the Gaussians, however much narrower these are than a cell.
  /// Cost    (nodes) (points within ten widths of a node), on the host
  /// Throws  InvalidArgument: a grid or width that is none, or no starts
  std::vector<double> density(const std::vector<double>& grid, double width) const;

  /// Estimate of tr(H^power) / dim, power >= 0.
  double moment(int power) const;
};

/// Stochastic Lanczos quadrature: a Lanczos process from each of some random unit vectors v, fully reorthogonalised,
/// so that no eigenvalue appears twice in one start; v'f(H)v has mean tr f(H) / dim.
///
/// Error    nodes and weights are exact to a few eps |H| for H and v; what is left is the spread of v'f(H)v: in
///          the mean over the starts root(2 / (starts (dim + 2))) times the standard deviation of f over the spectrum
/// Rng      start i is normal of stream rng.counter + i
/// Cost     starts x steps products, fewer where a space is invariant; a step reads the basis 4 times. Memory
///          n (steps + 3)
/// Sync     waits once for each start; the stop flag is read late as in steihaug()
/// Determinism   same bits for any number of threads
/// Throws   InvalidArgument: an option out of range
/// Source   Golub & Welsch, Math. Comp. 23 (1969), the quadrature; Ubaru, Chen & Saad, SIAM J. Matrix Anal. Appl. 38
///          (2017), its error
template <Backend B, Scalar T>
SpectralDensity spectral_density(Context<B>& ctx, OperatorRef<B, T> H, Rng rng,
                                 const SpectralDensityOptions& options = {});

}  // namespace randnla
