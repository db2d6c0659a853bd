#include "learn/row_losses.hpp"
#include "learn/torch_types.hpp"

#include <randnla/learn/torch_objective.hpp>

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>

namespace randnla {
namespace {

using torch::Tensor;
using Tensors = std::vector<Tensor>;

/// A view of memory that only is read.
template <class T>
Tensor reading(const T* data, index_t size, torch::ScalarType type) {
  return torch::from_blob(const_cast<T*>(data), {size}, type);
}

/// What libtorch gives for outputs that do not depend on an input is no tensor.
Tensors derivatives(const Tensors& outputs, const Tensors& inputs, const Tensors& factors,
                    bool keep_graph, bool differentiable) {
  return torch::autograd::grad(outputs, inputs, factors, keep_graph, differentiable, true);
}

/// sum_k v_k' d outputs_k / d inputs, where outputs may be missing or constant.
Tensors second_derivatives(const Tensors& outputs, const Tensors& inputs, const Tensors& v) {
  Tensors some, factors;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    if (!outputs[k].defined() || !outputs[k].requires_grad()) continue;
    some.push_back(outputs[k]);
    factors.push_back(v[k]);
  }
  if (some.empty()) return Tensors(inputs.size());
  return derivatives(some, inputs, factors, false, false);
}

void add(const Tensors& from, const Tensors& to) {
  for (std::size_t k = 0; k < to.size(); ++k) {
    if (from[k].defined()) to[k].add_(from[k]);
  }
}

}  // namespace

template <Backend B, Scalar T>
struct TorchObjective<B, T>::MicroBatch {
  Tensor inputs, targets, weights;
};

/// `values`, which has dim() entries, in the parameters' shapes.
template <Backend B, Scalar T>
Tensors TorchObjective<B, T>::pieces(T* values) const {
  Tensors pieces;
  for (const Tensor& parameter : parameters_) {
    pieces.push_back(torch::from_blob(values, parameter.sizes(), torch_type<T>));
    values += parameter.numel();
  }
  return pieces;
}

template <Backend B, Scalar T>
typename TorchObjective<B, T>::MicroBatch TorchObjective<B, T>::rows_at(const Sample<B, T>& sample,
                                                                        const T* weights,
                                                                        index_t begin,
                                                                        index_t size) const {
  MicroBatch rows;
  if (sample.rows == nullptr) {
    rows.inputs = inputs_.narrow(0, begin, size);
    rows.targets = targets_.narrow(0, begin, size);
  } else {
    const Tensor numbers = reading(sample.rows + begin, size, torch::kInt64);
    rows.inputs = inputs_.index_select(0, numbers);
    rows.targets = targets_.index_select(0, numbers);
  }
  rows.weights = weights != nullptr
                     ? reading(weights + begin, size, torch_type<T>)
                     : torch::full({size}, 1 / static_cast<double>(sample.bound), torch_type<T>);
  return rows;
}

/// f(rows) for the sampled rows; without weights each has 1 / bound.
template <Backend B, Scalar T>
template <class F>
void TorchObjective<B, T>::for_micro_batches(const Sample<B, T>& sample, const T* weights,
                                             F f) const {
  const index_t count = sample.count != nullptr ? *sample.count : sample.bound;
  for (index_t begin = 0; begin < count; begin += options_.micro_batch) {
    f(rows_at(sample, weights, begin, std::min(options_.micro_batch, count - begin)));
  }
}

template <Backend B, Scalar T>
void TorchObjective<B, T>::evaluate(Context<B>& ctx, VectorView<const T, B> x,
                                    const Sample<B, T>& sample, const Evaluation<B, T>& out) const {
  set_parameters(ctx, x);
  const bool differentiate = out.gradient != nullptr;
  const torch::AutoGradMode graph(differentiate);
  if (differentiate) std::fill_n(out.gradient, dim(), T(0));
  const Tensors gradient = differentiate ? pieces(out.gradient) : Tensors();
  double value = 0;
  if (differentiate || out.value != nullptr) {
    for_micro_batches(sample, sample.weights, [&](const MicroBatch& rows) {
      const Tensor each = row_losses(options_.loss, network_.forward(rows.inputs), rows.targets);
      value += each.detach()
                   .to(torch::kDouble)
                   .dot(rows.weights.to(torch::kDouble))
                   .template item<double>();
      if (differentiate)
        add(derivatives({each}, parameters_, {rows.weights}, false, false), gradient);
    });
  }
  if (options_.l2 > 0) {
    double square = 0;
    for (index_t j = 0; j < dim(); ++j) square += static_cast<double>(x.data[j]) * x.data[j];
    value += options_.l2 / 2 * square;
    if (differentiate) add_ridge(x.data, out.gradient);
  }
  if (out.value != nullptr) *out.value = value;
  if (out.curvature != nullptr) std::fill_n(out.curvature, sample.bound, T(1));
  if (out.gradient_norms2 != nullptr) squared_gradient_norms(sample, out.gradient_norms2);
}

/// out += l2 v
template <Backend B, Scalar T>
void TorchObjective<B, T>::add_ridge(const T* v, T* out) const {
  if (options_.l2 == 0) return;
  const auto l2 = static_cast<T>(options_.l2);
  for (index_t j = 0; j < dim(); ++j) out[j] += l2 * v[j];
}

template <Backend B, Scalar T>
void TorchObjective<B, T>::squared_gradient_norms(const Sample<B, T>& sample, T* out) const {
  const torch::AutoGradMode graph(true);
  const index_t count = sample.count != nullptr ? *sample.count : sample.bound;
  for (index_t k = 0; k < count; ++k) {
    const MicroBatch row = rows_at(sample, nullptr, k, 1);
    const Tensor loss = row_losses(options_.loss, network_.forward(row.inputs), row.targets);
    double sum = 0;
    for (const Tensor& part : derivatives({loss}, parameters_, {}, false, false)) {
      if (part.defined()) sum += part.to(torch::kDouble).square().sum().template item<double>();
    }
    out[k] = static_cast<T>(sum);
  }
}

template <Backend B, Scalar T>
void TorchObjective<B, T>::hessian_product(Context<B>& ctx, const HessianSample<B, T>& H,
                                           VectorView<const T, B> v, VectorView<T, B> out) const {
  require_entries("hessian_product: v", v.size, dim());
  require_entries("hessian_product: out", out.size, dim());
  set_parameters(ctx, H.x);
  const torch::AutoGradMode graph(true);
  const Tensors along = pieces(const_cast<T*>(v.data)), sum = pieces(out.data);
  std::fill_n(out.data, dim(), T(0));
  for_micro_batches(H.sample, H.curvature, [&](const MicroBatch& rows) {
    add(H.kind == Curvature::gauss_newton ? gauss_newton_part(rows, along)
                                          : hessian_part(rows, along),
        sum);
  });
  add_ridge(v.data, out.data);
}

template <Backend B, Scalar T>
Tensors TorchObjective<B, T>::hessian_part(const MicroBatch& rows, const Tensors& v) const {
  const Tensor each = row_losses(options_.loss, network_.forward(rows.inputs), rows.targets);
  return second_derivatives(derivatives({each}, parameters_, {rows.weights}, true, true),
                            parameters_, v);
}

/// J'HJ v: J'u for a variable u is linear in it, and its derivative along v is Jv.
template <Backend B, Scalar T>
Tensors TorchObjective<B, T>::gauss_newton_part(const MicroBatch& rows, const Tensors& v) const {
  const Tensor outputs = network_.forward(rows.inputs);
  const Tensor u = torch::zeros_like(outputs).requires_grad_();
  const Tensor Jv =
      second_derivatives(derivatives({outputs}, parameters_, {u}, true, true), {u}, v)[0];
  const Tensor z = outputs.detach().requires_grad_();
  const Tensor slopes =
      derivatives({row_losses(options_.loss, z, rows.targets)}, {z}, {rows.weights}, true, true)[0];
  const Tensor HJv = second_derivatives({slopes}, {z}, {Jv})[0];
  return derivatives({outputs}, parameters_, {HJv}, false, false);
}

template <Backend B, Scalar T>
void TorchObjective<B, T>::hessian_matrix(Context<B>& ctx, const HessianSample<B, T>& H,
                                          MatrixView<T, B> out) const {
  require_entries("hessian_matrix: rows", out.rows, dim());
  require_entries("hessian_matrix: columns", out.cols, dim());
  std::vector<T> unit(static_cast<std::size_t>(dim()), T(0));
  for (index_t j = 0; j < dim(); ++j) {
    unit[static_cast<std::size_t>(j)] = 1;
    hessian_product(ctx, H, {unit.data(), dim()}, out.col(j));
    unit[static_cast<std::size_t>(j)] = 0;
  }
}

template class TorchObjective<Cpu, float>;
template class TorchObjective<Cpu, double>;

}  // namespace randnla
