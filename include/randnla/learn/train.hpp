#pragma once

#include <randnla/core/context.hpp>
#include <randnla/learn/abs_schedule.hpp>
#include <randnla/learn/adversarial.hpp>
#include <randnla/learn/image_preparation.hpp>
#include <randnla/learn/score.hpp>
#include <randnla/optimize/result.hpp>

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace randnla {

/// An epoch of train(), at its end.
struct EpochRecord {
  std::int64_t epoch = 0;    // from 1
  std::int64_t updates = 0;  // since the start of the run
  /// Work since the start, in gradients of all rows: a row counts 1, one that was made adversarial
  /// 1 more, a row of a Hessian product 2 (bench/README.md has the times). Scores are not in it.
  double gradients = 0;
  index_t batch = 0;         // rows
  double learning_rate = 0;  // that the updates had
  double adversarial_share = 0;
  double train_loss = 0;  // mean over the rows as they were used: augmented, before their update
  double test_loss = std::numeric_limits<double>::quiet_NaN();  // NaN: no test data
  double test_accuracy = std::numeric_limits<double>::quiet_NaN();
  double eigenvalue = std::numeric_limits<double>::quiet_NaN();  // NaN: the schedule wanted none
  double seconds = 0;                                            // since the start of the run
};

/// What a run of train() needs to go on, between any two updates, as if it had never stopped.
struct TrainCheckpoint {
  struct Named {
    std::string name;
    torch::Tensor values;
  };
  std::string options;  // those that decide about updates, as text; resuming with others is refused
  index_t rows = 0;
  /// The module's parameters and buffers, the momentum, the state of libtorch's random numbers.
  std::vector<Named> tensors;
  AbsState schedule;
  index_t row = 0;      // of the present epoch: rows that have been used
  double loss_sum = 0;  // over these
  std::int64_t updates = 0, gradient_rows = 0;
  double seconds = 0;
  std::vector<EpochRecord> trace;  // of the epochs that have ended
};

/// The file appears whole or not at all. Throws DataError naming it.
void save(const std::string& path, const TrainCheckpoint& checkpoint);

/// Throws DataError: not a checkpoint of a training run, of another version of randnla, truncated or
/// corrupt.
TrainCheckpoint load_train_checkpoint(const std::string& path);

/// The network as it was trained: its parameters and buffers become the checkpoint's.
///
/// Throws  InvalidArgument: a checkpoint of another network; the message says what differs, and the
///         network is as it was
void set_network(const Network& network, const TrainCheckpoint& checkpoint);

struct TrainOptions {
  NetworkLoss loss = NetworkLoss::cross_entropy;
  std::int64_t epochs = 90;     // >= 0
  double learning_rate = 0.02;  // > 0
  double momentum = 0.9;        // in [0, 1)
  double weight_decay = 0;      // >= 0: times a parameter, added to its gradient
  double decay_factor = 0.2;    // in (0, 1]
  /// After so many epochs the learning rate is multiplied by decay_factor. Ascending.
  std::vector<std::int64_t> decay_epochs;
  index_t batch = 128;            // >= 1: rows of an update, all where there are fewer
  std::optional<AbsOptions> abs;  // in place of `batch`: sizes by the schedule
  index_t micro_batch = 1024;     // >= 1: rows that go through the network at a time
  std::optional<Augmentation> augmentation;
  DataRange range;         // of the inputs; read where rows are made adversarial
  std::uint64_t seed = 1;  // of orders, augmentation, batches and starts for eigenvalues

  /// Called after every epoch; false stops the run.
  std::function<bool(const EpochRecord&)> progress;
  /// Asked after every update; true stops the run.
  std::function<bool()> interrupted;
  /// Called between updates, not more often than every so many seconds, and when a run ends, but
  /// not where the loss is not finite.
  std::function<void(const TrainCheckpoint&)> checkpoint;
  double checkpoint_seconds = 60;  // >= 0
  /// Goes on from there in place of from the network's parameters. The options must be those of the
  /// run that made it, but for `epochs`, and so must be the data, whose number of rows is checked; it
  /// must outlive the call.
  const TrainCheckpoint* resume = nullptr;
};

struct TrainResult {
  Stop stop = Stop::max_iterations;  // all epochs; or interrupted, or not_finite: a batch's loss
  std::vector<EpochRecord> trace;
};

/// Trains a network by stochastic gradient descent: v = momentum v + g + weight_decay x, x = x - rate
/// v. An epoch takes the rows in a new random order, the last batch being what is left. A batch
/// larger than micro_batch is added up from parts, and batch normalisation, which then has each
/// part's mean and variance, sees the parts.
///
/// With `abs` the eigenvalue after an epoch is that on a fresh batch, by top_eigenpairs to 1e-2 or 20
/// products, in evaluation mode and without augmentation; and the first floor(share * rows) of each
/// batch are replaced by their fgsm() against the network as it then is.
///
/// network  on the CPU, of float or double; out: trained. It is used in training mode, and keeps its
///          own. Its parameters become views of one tensor, as TorchObjective's
/// test     for the record; none: two undefined tensors
/// Cost     an epoch: forward and backward of each row, what `abs` takes, and a forward pass of test
/// Sync     on the CPU everything has happened on return
/// Determinism  the same bits from run to run with the same number of libtorch's threads, and through
///          any number of checkpoints: orders and augmentation depend on (seed, epoch) and the row,
///          and what layers as dropout draw from libtorch's random numbers goes on from their state
/// Throws   InvalidArgument: an option out of range, data as in TorchObjective's, a checkpoint of
///          other options or another network. What libtorch throws (c10::Error)
/// Source   Robbins & Monro (1951); abs: Yao, Gholami, Keutzer & Mahoney, arXiv 1810.01021
TrainResult train(Context<Cpu>& ctx, const Network& network, const NetworkData& data,
                  const NetworkData& test, const TrainOptions& options = {});

}  // namespace randnla
