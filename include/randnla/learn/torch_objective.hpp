#pragma once

#include <randnla/learn/network.hpp>
#include <randnla/learn/network_loss.hpp>
#include <randnla/learn/parameter_block.hpp>
#include <randnla/objective/finite_sum.hpp>

#include <torch/types.h>

#include <vector>

namespace randnla {

struct TorchObjectiveOptions {
  NetworkLoss loss = NetworkLoss::cross_entropy;
  /// Rows that go through the network at a time. Memory beside data and parameters is that of these
  /// rows' activations and of what their derivatives keep of them.
  index_t micro_batch = 1024;
  double l2 = 0;  // >= 0: l2/2 |x|^2 is added to the mean loss, biases being no exception
};

/// The mean loss of a network over a data set, F(x) = (1/n) sum_i loss(net(input_i; x), target_i) +
/// l2/2 |x|^2, where x is all parameters that require a gradient, in the module's order, as one vector.
///
/// From then on the module's parameters are views of one flat tensor, which holds the point that
/// was last evaluated: nothing else may replace them (to() another type, say) while the objective
/// is used, and nobody else may use the module at the same time. Its mode, training or evaluation,
/// is the caller's choice and is left as it is; in training mode, dropout and batch normalisation
/// make a term depend on chance and on the rows beside it, and it is no finite sum any more.
///
/// inputs   (n, ..) of T     targets  cross_entropy: (n) of int64; mse: (n, ..) as the outputs
/// Curvature of a term is 1, and so what a Hessian gets is the weights. Curvature::gauss_newton is
///          J'HJ with the Jacobian J of the outputs and the loss's Hessian H in them, positive
///          semidefinite as both losses are convex in the outputs
/// Scores   for row-norm sampling there are none: importance() refuses. A term's Hessian is J'HJ plus,
///          for every output, the loss's slope times the output's own Hessian. For networks of any
///          layers nothing bounds the norm of the latter. That of J'HJ is at most its trace, of cross
///          entropy sum_c p_c |grad log p_c|^2: a gradient for each row and class, one by one, which
///          takes longer than the pass over all rows that a sample is to save
/// Error    at a kink of the network, as ReLU's, one of its one-sided derivatives
/// Cost     a gradient: forward and backward; a Hessian product by double backward, at most 3
///          gradients in multiply-adds, the Gauss-Newton product likewise (bench/learn has the
///          times); hessian_matrix: dim() products. gradient_norms2 takes a gradient for each row,
///          one by one. x is copied to the flat tensor each time: d numbers beside some d
///          multiply-adds a row
/// Sync     on the CPU everything has happened on return. Work runs on libtorch's own threads
///          (at::set_num_threads), not on the context's
/// Determinism  the same bits from run to run with the same number of libtorch's threads
/// Throws   InvalidArgument: micro_batch < 1, l2 negative or not finite, no rows, no parameters, tensors of another type,
///          device or size, a class out of range (the message names row and value), a view of
///          another size; importance(), whatever it is given. What libtorch throws (c10::Error)
/// Source   Pearlmutter, Neural Computation 6 (1994); Schraudolph, Neural Computation 14 (2002)
///
/// Compiled for the CPU; the device's twin, which would use tensors there in place, is yet to come.
template <Backend B, Scalar T>
class TorchObjective {
 public:
  TorchObjective(Context<B>& ctx, Network network, torch::Tensor inputs, torch::Tensor targets,
                 const TorchObjectiveOptions& options = {});

  index_t dim() const { return flat_.numel(); }
  index_t terms() const { return inputs_.size(0); }
  HessianCosts hessian_costs() const;
  void evaluate(Context<B>& ctx, VectorView<const T, B> x, const Sample<B, T>& sample,
                const Evaluation<B, T>& out) const;
  void hessian_product(Context<B>& ctx, const HessianSample<B, T>& H, VectorView<const T, B> v,
                       VectorView<T, B> out) const;
  void hessian_matrix(Context<B>& ctx, const HessianSample<B, T>& H, MatrixView<T, B> out) const;
  [[noreturn]] void importance(Context<B>& ctx, VectorView<const T, B> curvature,
                               VectorView<T, B> out) const;

  /// The network's parameters, for a solver to start from; and the other way round, for what it
  /// found to be used as a network.
  void get_parameters(Context<B>& ctx, VectorView<T, B> x) const;
  void set_parameters(Context<B>& ctx, VectorView<const T, B> x) const;
  /// Which part of x is which parameter, in order.
  const std::vector<ParameterBlock>& blocks() const { return blocks_; }

 private:
  struct MicroBatch;
  using Tensors = std::vector<torch::Tensor>;

  void find_parameters();
  void flatten();
  void check_data() const;
  void check_classes(index_t outputs) const;
  MicroBatch rows_at(const Sample<B, T>& sample, const T* weights, index_t begin,
                     index_t size) const;
  template <class F>
  void for_micro_batches(const Sample<B, T>& sample, const T* weights, F f) const;
  Tensors hessian_part(const MicroBatch& rows, const Tensors& v) const;
  Tensors gauss_newton_part(const MicroBatch& rows, const Tensors& v) const;
  void add_ridge(const T* v, T* out) const;
  void squared_gradient_norms(const Sample<B, T>& sample, T* out) const;
  Tensors pieces(T* values) const;

  Network network_;
  torch::Tensor inputs_, targets_;
  TorchObjectiveOptions options_;
  torch::Tensor flat_;  // (dim)
  Tensors parameters_;  // views of it
  std::vector<ParameterBlock> blocks_;
};

}  // namespace randnla
