// A network with its images, loss and weights. Sees libtorch in its source only, whose headers take long
// to compile.
#pragma once

#include "json.hpp"
#include "nn_options.hpp"

#include <randnla/core/context.hpp>
#include <randnla/io/images.hpp>
#include <randnla/learn/parameter_block.hpp>
#include <randnla/objective/finite_sum.hpp>

#include <memory>
#include <string>
#include <vector>

namespace randnla::app {

/// A pixel for each input. Throws InvalidArgument: sizes that the options have and that are less than
/// two or begin with another number.
void check_sizes(const NetworkOptions& options, const Images& images);

/// The sizes of a perceptron's layers that the options have, or make of the images. Throws
/// InvalidArgument: sizes that are not the images'.
std::vector<index_t> sizes_for(const NetworkOptions& options, const Images& images);

/// As many numbers as the network has parameters. Throws DataError: the file, another number, one that
/// is not finite.
std::vector<double> read_weights(const std::string& path, index_t parameters);

class NetworkProblem {
 public:
  /// Reads images and weights.
  ///
  /// Throws  InvalidArgument: sizes that are not the images'; DataError: files, weights of another
  ///         number or not finite, a loss that is not finite
  NetworkProblem(Context<Cpu>& ctx, const NetworkOptions& options);
  NetworkProblem(const NetworkProblem&) = delete;
  NetworkProblem& operator=(const NetworkProblem&) = delete;
  ~NetworkProblem();

  FiniteSumRef<Cpu, double> f() const;
  const std::vector<ParameterBlock>& blocks() const;
  index_t dim() const { return static_cast<index_t>(weights_.size()); }
  VectorView<const double, Cpu> weights() const { return {weights_.data(), dim()}; }
  double loss() const { return loss_; }
  double gradient_norm() const { return gradient_norm_; }
  /// Of the mean loss over the images, at the weights; valid as long as the problem.
  HessianOperator<Cpu, double> hessian() const;

  /// Where the options name a file for them.
  void save_weights() const;
  /// What the options made of it.
  Json to_json() const;
  /// Two lines on it.
  std::string summary() const;

 private:
  struct Network;

  NetworkOptions options_;
  std::unique_ptr<Network> network_;
  std::vector<double> weights_, row_weights_;  // row_weights_: 1/n each
  double loss_ = 0, gradient_norm_ = 0;
};

}  // namespace randnla::app
