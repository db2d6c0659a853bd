#pragma once

#include <randnla/core/random.hpp>
#include <randnla/learn/parameter_block.hpp>
#include <randnla/objective/finite_sum.hpp>

#include <functional>
#include <vector>

namespace randnla {

/// `count` numbers from least to most in even steps.
///
/// Throws  InvalidArgument: count < 2, or least and most that are not finite and ascending
std::vector<double> even_steps(double least, double most, int count);

/// The loss F(x + alphas[i] u) for all i.
///
/// Error    the point is rounded to T, the loss is as f.evaluate's
/// Cost     a value of f on all terms for each point; memory dim
/// Sync     on return everything has happened; `progress` is called after each point with the number
///          of points so far, and what it throws ends the work
/// Result   what is not finite stays so
/// Throws   InvalidArgument: vectors of another size than f has
template <Scalar T>
std::vector<double> loss_along(Context<Cpu>& ctx, FiniteSumRef<Cpu, T> f,
                               VectorView<const T, Cpu> x, VectorView<const T, Cpu> u,
                               const std::vector<double>& alphas,
                               const std::function<void(index_t)>& progress = nullptr);

/// Likewise over a plane: F(x + alphas[i] u + betas[j] v) at i * betas.size() + j.
template <Scalar T>
std::vector<double> loss_over(Context<Cpu>& ctx, FiniteSumRef<Cpu, T> f, VectorView<const T, Cpu> x,
                              VectorView<const T, Cpu> u, VectorView<const T, Cpu> v,
                              const std::vector<double>& alphas, const std::vector<double>& betas,
                              const std::function<void(index_t)>& progress = nullptr);

/// Scales a direction so that each of its filters is as long as the weights' own: networks whose
/// layers are scaled differently but compute the same, as with ReLU they can, then show the same
/// landscape. A filter is what makes one output of a layer: of a parameter of two or more dimensions
/// all entries with the same first index. Parameters of one dimension or none, such as biases and the
/// scales of batch normalisation, stay where they are: their part of the direction becomes 0.
///
/// blocks   of all of x, one after the other
/// Result   a filter of the direction that is 0 stays 0
/// Throws   InvalidArgument: vectors of different sizes, blocks that are not all of x
/// Source   Li, Xu, Taylor, Studer & Goldstein, NeurIPS 2018 (arXiv 1712.09913), section 4
template <Scalar T>
void filter_normalise(VectorView<const T, Cpu> x, const std::vector<ParameterBlock>& blocks,
                      VectorView<T, Cpu> direction);

struct SharpnessOptions {
  double radius = 0.05;  // > 0
  int steps = 50;        // >= 0, of ascent
};

struct Sharpness {
  double rise = 0;    // F(x + e) - F(x) at the best e that was found
  int gradients = 0;  // evaluations of value and gradient
};

/// How far the loss can rise near x: the maximum of F(x + e) - F(x) over |e| <= radius, in the
/// Euclidean norm. At a minimum with Hessian H, and for a small radius, it is half of radius^2 times
/// H's largest eigenvalue.
///
/// The maximum is approached from below by projected gradient ascent from radius g / |g|, the
/// maximiser to first order; where the gradient g is 0, from a random point of the sphere. A step
/// that lowers F is taken back and halved, any other doubled.
///
/// Error    `rise` is a lower bound and at least 0: F is not concave, and the ascent may end in a
///          local maximum
/// Rng      a start at random is normal of stream rng.counter
/// Cost     steps + 2 values with gradients on all terms; memory 4 dim
/// Result   nan where F or its gradient at x is not finite
/// Throws   InvalidArgument: an option out of range, x of another size
/// Source   Foret, Kleiner, Mobahi & Neyshabur, ICLR 2021 (arXiv 2010.01412), section 2, the measure
///          with p = 2, its first-order solution and the default radius
template <Scalar T>
Sharpness sharpness(Context<Cpu>& ctx, FiniteSumRef<Cpu, T> f, VectorView<const T, Cpu> x, Rng rng,
                    const SharpnessOptions& options = {});

}  // namespace randnla
