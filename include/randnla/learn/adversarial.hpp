#pragma once

#include <randnla/learn/score.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace randnla {

/// What entries of inputs may be: pixels over 255 lie in [0, 1].
struct DataRange {
  double low = 0, high = 1;
};

/// Inputs with a larger loss: x + eps sign(grad_x loss), clamped to the range. Entries that the loss
/// does not depend on stay.
///
/// inputs   (n, ..) in the range, of the network's type; targets as NetworkData's
/// eps      >= 0, in the inputs' unit: no entry moves further
/// Mode     the network is used in evaluation mode and keeps its own: a row's result does not depend
///          on those beside it
/// Cost     forward and backward of all rows at once
/// Throws   InvalidArgument: a number out of range, an input outside of the data's range (the message
///          has its value), no rows, inputs and targets of another number. What libtorch throws
///          (c10::Error)
/// Source   Goodfellow, Shlens & Szegedy, arXiv 1412.6572
torch::Tensor fgsm(const Network& network, NetworkLoss loss, const torch::Tensor& inputs,
                   const torch::Tensor& targets, double eps, const DataRange& range = {});

struct PgdOptions {
  int steps = 10;      // >= 1
  double step = 0.25;  // > 0: length of a step, in units of eps
  std::optional<std::uint64_t> seed =
      std::nullopt;  // of a start that is uniform in the ball; none: at the inputs
};

/// The same by `steps` steps along the sign of the gradient, after each of which every entry is
/// clamped to within eps of where it began, and to the range.
///
/// Determinism  the start depends on seed and on the inputs' shape only
/// Cost         `steps` times that of fgsm
/// Source       Madry, Makelov, Schmidt, Tsipras & Vladu, arXiv 1706.06083
torch::Tensor pgd(const Network& network, NetworkLoss loss, const torch::Tensor& inputs,
                  const torch::Tensor& targets, double eps, const PgdOptions& options = {},
                  const DataRange& range = {});

struct RobustnessOptions {
  std::optional<PgdOptions> pgd = std::nullopt;  // none: fgsm
  DataRange range = {};
  index_t micro_batch = 1024;  // >= 1: rows that are attacked at a time
  /// Called with the number of rows after which all eps have been tried; what it throws ends the work.
  std::function<void(index_t)> progress = nullptr;
};

/// The accuracy of a classifier, trained with cross_entropy, on inputs that were attacked with each
/// eps; eps = 0 is the plain accuracy. A random start of pgd differs between micro-batches.
std::vector<double> robust_accuracy(const Network& network, const NetworkData& data,
                                    const std::vector<double>& eps,
                                    const RobustnessOptions& options = {});

}  // namespace randnla
