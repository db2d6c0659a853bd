// TorchObjective before and between its passes: the checks of network and data, the flat vector.
#include "learn/row_losses.hpp"
#include "learn/torch_types.hpp"

#include <randnla/learn/torch_objective.hpp>
#include <randnla/objective/regulariser.hpp>

#include <algorithm>
#include <sstream>
#include <string>
#include <utility>

namespace randnla {
namespace {

using torch::Tensor;

void require_tensor(const std::string& what, const Tensor& tensor, torch::ScalarType type) {
  require(tensor.defined(), "TorchObjective: " + what + " is undefined");
  std::ostringstream message;
  message << "TorchObjective: " << what << " is " << tensor.scalar_type() << " on "
          << tensor.device() << ", want " << type << " on cpu";
  require(tensor.scalar_type() == type && tensor.device().is_cpu(), message.str());
}

std::string shape_text(torch::IntArrayRef sizes) {
  std::ostringstream text;
  text << sizes;
  return text.str();
}

}  // namespace

template <Backend B, Scalar T>
TorchObjective<B, T>::TorchObjective(Context<B>&, Network network, Tensor inputs, Tensor targets,
                                     const TorchObjectiveOptions& options)
    : network_(std::move(network)),
      inputs_(std::move(inputs)),
      targets_(std::move(targets)),
      options_(options) {
  require(options.micro_batch >= 1, "TorchObjective: micro_batch = " +
                                        std::to_string(options.micro_batch) + ", want at least 1");
  Regulariser{.l2 = options.l2}.check("TorchObjective");
  find_parameters();
  check_data();
  flatten();
}

template <Backend B, Scalar T>
void TorchObjective<B, T>::find_parameters() {
  index_t begin = 0;
  for (const auto& named : network_.module->named_parameters()) {
    const Tensor& parameter = named.value();
    const auto same = [&](const Tensor& other) { return other.is_same(parameter); };
    if (!parameter.requires_grad() || std::any_of(parameters_.begin(), parameters_.end(), same)) {
      continue;
    }
    require_tensor("parameter " + named.key(), parameter, torch_type<T>);
    parameters_.push_back(parameter);
    blocks_.push_back({named.key(), begin, parameter.sizes().vec()});
    begin += parameter.numel();
  }
  require(!parameters_.empty(), "TorchObjective: the network has no parameters to train");
}

/// One tensor for all parameters, and these as views of it.
template <Backend B, Scalar T>
void TorchObjective<B, T>::flatten() {
  const torch::NoGradGuard no_graph;
  std::vector<Tensor> values;
  for (const Tensor& parameter : parameters_) values.push_back(parameter.reshape({-1}));
  flat_ = torch::cat(values);
  index_t begin = 0;
  for (Tensor& parameter : parameters_) {
    const index_t size = parameter.numel();
    parameter.set_data(flat_.narrow(0, begin, size).view(parameter.sizes()));
    begin += size;
  }
}

template <Backend B, Scalar T>
void TorchObjective<B, T>::check_data() const {
  const bool classes = options_.loss == NetworkLoss::cross_entropy;
  require_tensor("inputs", inputs_, torch_type<T>);
  require_tensor("targets", targets_, classes ? torch::kInt64 : torch_type<T>);
  require(inputs_.dim() >= 1 && inputs_.size(0) >= 1,
          "TorchObjective: inputs of shape " + shape_text(inputs_.sizes()) + ", want rows");
  // One row in evaluation mode: neither random numbers nor running means change.
  const torch::NoGradGuard no_graph;
  std::vector<index_t> want = [&] {
    const ModeGuard evaluating(*network_.module, false);
    return network_.forward(inputs_.narrow(0, 0, 1)).sizes().vec();
  }();
  require(classes ? want.size() == 2 : !want.empty(),
          "TorchObjective: the network makes outputs of shape " + shape_text(want) +
              (classes ? ", want rows of classes" : ", want rows"));
  const index_t columns = want.back();
  want[0] = terms();
  if (classes) want.pop_back();
  require(targets_.sizes().vec() == want, "TorchObjective: targets of shape " +
                                              shape_text(targets_.sizes()) + ", want " +
                                              shape_text(want));
  if (classes) check_classes(columns);
}

template <Backend B, Scalar T>
void TorchObjective<B, T>::check_classes(index_t outputs) const {
  const Tensor bad = (targets_ < 0).logical_or(targets_ >= outputs).nonzero();
  if (bad.size(0) == 0) return;
  const auto row = bad[0][0].template item<index_t>();
  throw InvalidArgument("TorchObjective: the target of row " + std::to_string(row) + " is " +
                        std::to_string(targets_[row].template item<index_t>()) +
                        ", want a class from 0 to " + std::to_string(outputs - 1));
}

template <Backend B, Scalar T>
HessianCosts TorchObjective<B, T>::hessian_costs() const {
  // Of a fully connected network, whose forward pass is one multiply-add a parameter and row: 3 for
  // a gradient, 9 for a product. The cost model doubles and more what a pass over rows from memory
  // takes, which a network's does not: the matrix pays where more products than dim() are expected.
  constexpr double passes_from_memory = 2.5;
  const double product = 9 * static_cast<double>(dim());
  return {product, passes_from_memory * static_cast<double>(dim()) * product};
}

template <Backend B, Scalar T>
void TorchObjective<B, T>::importance(Context<B>&, VectorView<const T, B>, VectorView<T, B>) const {
  throw InvalidArgument(
      "TorchObjective: no bound of the Hessian of a network's term is known: sample uniformly, "
      "with sizes that are given");
}

template <Backend B, Scalar T>
void TorchObjective<B, T>::get_parameters(Context<B>&, VectorView<T, B> x) const {
  require_entries("get_parameters: x", x.size, dim());
  std::copy_n(flat_.template data_ptr<T>(), dim(), x.data);
}

template <Backend B, Scalar T>
void TorchObjective<B, T>::set_parameters(Context<B>&, VectorView<const T, B> x) const {
  require_entries("x", x.size, dim());
  std::copy_n(x.data, dim(), flat_.template data_ptr<T>());
}

template class TorchObjective<Cpu, float>;
template class TorchObjective<Cpu, double>;

}  // namespace randnla
