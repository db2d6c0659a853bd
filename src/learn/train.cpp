#include "core/option_text.hpp"
#include "learn/row_losses.hpp"
#include "learn/torch_types.hpp"
#include "learn/train_state.hpp"

#include <randnla/core/buffer.hpp>
#include <randnla/learn/torch_objective.hpp>
#include <randnla/spectra/eigenpairs.hpp>

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace randnla {
namespace {

using torch::Tensor;
using Tensors = std::vector<Tensor>;

template <Scalar T>
class Training {
 public:
  Training(Context<Cpu>& ctx, const Network& network, const NetworkData& data,
           const NetworkData& test, const TrainOptions& options)
      : ctx_(ctx),
        network_(network),
        data_(data),
        test_(test),
        options_(options),
        objective_(ctx, network, data.inputs, data.targets, {options.loss, options.micro_batch}),
        rows_(data.inputs.size(0)),
        sampler_(ctx, rows_),
        parameters_(trained_parameters(*network.module)) {
    if (options.abs) schedule_.emplace(*options.abs);
    for (const Tensor& parameter : parameters_) {
      gradient_.push_back(torch::zeros_like(parameter, torch::MemoryFormat::Contiguous));
      velocity_.push_back(gradient_.back().clone());
    }
    state_.options = updates_decided_by(options, torch_type<T>);
    state_.rows = rows_;
    if (options.resume != nullptr) resume(*options.resume);
    saved_ = elapsed();
  }

  TrainResult run() {
    const ModeGuard training(*network_.module, true);
    Stop stop = Stop::max_iterations;
    while (stop == Stop::max_iterations && epoch() < options_.epochs) stop = train_epoch();
    if (options_.checkpoint && stop != Stop::not_finite) options_.checkpoint(checkpoint());
    return {stop, state_.trace};
  }

 private:
  // Streams of random numbers, so many an epoch.
  enum Stream : std::uint64_t { order_stream, augmentation_stream, batch_stream, start_stream };
  static constexpr std::uint64_t streams = 4;

  std::int64_t epoch() const { return static_cast<std::int64_t>(state_.trace.size()); }
  Rng random(Stream stream) const {
    return {options_.seed, streams * static_cast<std::uint64_t>(epoch()) + stream};
  }
  double elapsed() const {
    return state_.seconds +
           std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  }
  index_t batch() const { return std::min(schedule_ ? schedule_->batch() : options_.batch, rows_); }
  double share() const { return schedule_ ? schedule_->adversarial_share() : 0; }
  double rate() const {
    const auto decays = std::ranges::count_if(options_.decay_epochs,
                                              [&](std::int64_t at) { return at <= epoch(); });
    return options_.learning_rate * std::pow(options_.decay_factor, static_cast<double>(decays)) *
           static_cast<double>(schedule_ ? schedule_->ratio() : 1);
  }

  /// The epoch's order, and what augmentation makes of each row.
  void draw() {
    order_ = sampler_.draw(ctx_, Sampling::uniform, rows_, {}, random(order_stream)).rows;
    if (!options_.augmentation) return;
    RowSampler<Cpu, T> images(ctx_, choices(*options_.augmentation));
    const auto drawn = images.draw(ctx_, Sampling::uniform_with_replacement, rows_, {},
                                   random(augmentation_stream));
    choice_ = numbers(drawn.rows, rows_).clone();
  }
  static Tensor numbers(const index_t* from, index_t size) {
    return torch::from_blob(const_cast<index_t*>(from), {size}, torch::kInt64);
  }

  Stop train_epoch() {
    draw();
    while (state_.row < rows_) {
      if (!update()) return Stop::not_finite;
      if (options_.interrupted && options_.interrupted()) return Stop::interrupted;
      if (options_.checkpoint && elapsed() - saved_ >= options_.checkpoint_seconds) {
        options_.checkpoint(checkpoint());
        saved_ = elapsed();
      }
    }
    return end_epoch();
  }

  /// False where the loss is not finite.
  bool update() {
    const index_t size = std::min(batch(), rows_ - state_.row);
    const auto adversarial = static_cast<index_t>(share() * static_cast<double>(size));
    const double sum = differentiate(numbers(order_ + state_.row, size), adversarial);
    if (!std::isfinite(sum)) return false;
    const torch::NoGradGuard no_graph;
    const double length = rate();
    for (std::size_t k = 0; k < parameters_.size(); ++k) {
      if (options_.weight_decay > 0) gradient_[k].add_(parameters_[k], options_.weight_decay);
      velocity_[k].mul_(options_.momentum).add_(gradient_[k]);
      parameters_[k].sub_(velocity_[k], length);
    }
    state_.row += size;
    state_.loss_sum += sum;
    state_.updates += 1;
    state_.gradient_rows += size + adversarial;
    return true;
  }

  /// The gradient of the batch's mean loss, and the losses' sum.
  double differentiate(const Tensor& rows, index_t adversarial) {
    const torch::AutoGradMode graph(true);
    const index_t size = rows.size(0);
    for (Tensor& part : gradient_) part.zero_();
    double sum = 0;
    for (index_t begin = 0; begin < size; begin += options_.micro_batch) {
      const index_t some = std::min(options_.micro_batch, size - begin);
      const NetworkData part = micro_batch(rows.narrow(0, begin, some),
                                           std::clamp<index_t>(adversarial - begin, 0, some));
      const Tensor each = row_losses(options_.loss, network_.forward(part.inputs), part.targets);
      const Tensors slopes = torch::autograd::grad({each.sum() / static_cast<double>(size)},
                                                   parameters_, {}, false, false, true);
      for (std::size_t k = 0; k < slopes.size(); ++k) {
        if (slopes[k].defined()) gradient_[k].add_(slopes[k]);
      }
      sum += each.detach().to(torch::kDouble).sum().template item<double>();
    }
    return sum;
  }

  /// Augmented, and then the first ones made adversarial.
  NetworkData micro_batch(const Tensor& rows, index_t adversarial) const {
    NetworkData part{data_.inputs.index_select(0, rows), data_.targets.index_select(0, rows)};
    if (options_.augmentation) {
      part.inputs =
          crop_and_flip(part.inputs, choice_.index_select(0, rows), *options_.augmentation);
    }
    if (adversarial > 0) {
      const Tensor first = part.inputs.narrow(0, 0, adversarial);
      first.copy_(fgsm(network_, options_.loss, first, part.targets.narrow(0, 0, adversarial),
                       options_.abs->adversarial_eps, options_.range));
    }
    return part;
  }

  Stop end_epoch() {
    EpochRecord record;
    record.batch = batch();
    record.learning_rate = rate();
    record.adversarial_share = share();
    record.train_loss = state_.loss_sum / static_cast<double>(rows_);
    if (test_.inputs.defined()) {
      const Score at = score(network_, test_, options_.loss, options_.micro_batch);
      record.test_loss = at.loss, record.test_accuracy = at.accuracy;
    }
    if (schedule_) {
      if (schedule_->wants_eigenvalue()) record.eigenvalue = largest_eigenvalue();
      if (schedule_->wants_eigenvalue() && !std::isfinite(record.eigenvalue)) {
        return Stop::not_finite;
      }
      schedule_->end_epoch(record.eigenvalue);
    }
    state_.row = 0, state_.loss_sum = 0;
    record.epoch = epoch() + 1;
    record.updates = state_.updates;
    record.gradients = static_cast<double>(state_.gradient_rows) / static_cast<double>(rows_);
    record.seconds = elapsed();
    state_.trace.push_back(record);
    return options_.progress && !options_.progress(record) ? Stop::interrupted
                                                           : Stop::max_iterations;
  }

  double largest_eigenvalue() {
    constexpr int products = 20;
    const ModeGuard evaluating(*network_.module, false);
    const index_t size = std::min(options_.abs->base_batch, rows_), dim = objective_.dim();
    const auto fresh = sampler_.draw(ctx_, Sampling::uniform, size, {}, random(batch_stream));
    const Buffer<T, Cpu> weights(
        ctx_, std::vector<T>(static_cast<std::size_t>(size), T(1) / static_cast<T>(size)));
    Buffer<T, Cpu> x(ctx_, dim), v(ctx_, dim);
    objective_.get_parameters(ctx_, x.view());
    const HessianOperator<Cpu, T> H{objective_, {x.view(), fresh, weights.data()}};
    const Eigenpairs found =
        top_eigenpairs<Cpu, T>(ctx_, H, {v.data(), dim, 1, dim}, random(start_stream),
                               {.end = SpectrumEnd::largest,
                                .tolerance = 1e-2,
                                .max_products = products,
                                .max_basis = products});
    state_.gradient_rows += 2 * size * found.products;
    return found.not_finite ? std::nan("") : found.values[0];
  }

  TrainCheckpoint checkpoint() const {
    TrainCheckpoint out = state_;
    out.tensors = tensors_of(*network_.module, velocity_);
    if (schedule_) out.schedule = schedule_->state();
    out.seconds = elapsed();
    return out;
  }

  void resume(const TrainCheckpoint& from) {
    require_same_options(state_.options, from.options);
    require(from.rows == rows_, "the checkpoint is of " + std::to_string(from.rows) +
                                    " rows, the data have " + std::to_string(rows_));
    set_tensors(from.tensors, *network_.module, velocity_);
    if (schedule_) schedule_.emplace(*options_.abs, from.schedule);
    state_ = from;
    state_.tensors.clear();
  }

  Context<Cpu>& ctx_;
  const Network& network_;
  const NetworkData &data_, &test_;
  const TrainOptions& options_;
  TorchObjective<Cpu, T> objective_;
  index_t rows_;
  RowSampler<Cpu, T> sampler_;
  std::optional<AbsSchedule> schedule_;
  Tensors parameters_, gradient_, velocity_;
  const index_t* order_ = nullptr;  // (rows), the sampler's
  Tensor choice_;                   // (rows)
  TrainCheckpoint state_;           // without tensors and schedule
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  double saved_ = 0;  // when the last checkpoint was made
};

}  // namespace

TrainResult train(Context<Cpu>& ctx, const Network& network, const NetworkData& data,
                  const NetworkData& test, const TrainOptions& options) {
  check(options);
  const Tensors parameters = trained_parameters(*network.module);
  require(!parameters.empty(), "train: the network has no parameters to train");
  if (parameters.front().scalar_type() == torch::kFloat) {
    return Training<float>(ctx, network, data, test, options).run();
  }
  return Training<double>(ctx, network, data, test, options).run();
}

}  // namespace randnla
