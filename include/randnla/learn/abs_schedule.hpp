#pragma once

#include <randnla/core/backend.hpp>
#include <randnla/core/error.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

namespace randnla {

struct AbsOptions {
  index_t base_batch = 128;      // >= 1: rows of the first batches, and of those for eigenvalues
  std::int64_t max_ratio = 128;  // a power of 2, >= 1: of a batch to the first ones
  std::int64_t max_epochs = 10;  // >= 1: after so many without a change the batch grows anyway
  /// Of the rows of a batch, in [0, 1): made adversarial while the ratio is 1 (ABSA: 0.2).
  double adversarial_share = 0;
  double adversarial_eps = 0.005;       // >= 0: how far each of their entries moves
  std::int64_t adversarial_epochs = 0;  // the first ones, which have such rows (ABSA: half of all)
};

/// Where a schedule stands, for a run to go on from.
struct AbsState {
  std::int64_t ratio = 1;
  std::int64_t epochs = 0;                                       // that have ended
  std::int64_t epochs_since_change = 0;                          // of the ratio
  double eigenvalue = std::numeric_limits<double>::quiet_NaN();  // to compare with; NaN: none yet
};

/// Adaptive batch sizes: the batch grows as training comes to flatter places, and so the number of
/// updates falls. After each epoch the largest eigenvalue of the Hessian on base_batch rows is
/// compared with the one kept: the first is kept; one of at most half of it takes its place, and the
/// batch and the learning rate double, the adversarial share halves. They also do after max_epochs
/// epochs without such a change. At max_ratio that ends, and no rows are adversarial any more.
///
/// Knows nothing of networks: a training loop asks for sizes and says when epochs end.
///
///     while (..) {
///       .. an epoch with schedule.batch() and learning_rate * schedule.ratio() ..
///       schedule.end_epoch(schedule.wants_eigenvalue() ? largest_eigenvalue() : 0);
///     }
///
/// Throws   InvalidArgument: an option or a state out of range, an eigenvalue that is not finite
/// Source   Yao, Gholami, Keutzer & Mahoney, arXiv 1810.01021: ABS, and ABSA with adversarial rows
class AbsSchedule {
 public:
  explicit AbsSchedule(const AbsOptions& options = {}, const AbsState& state = {})
      : options_(options), state_(state) {
    const AbsOptions& o = options_;
    want(o.base_batch >= 1, "base_batch", o.base_batch, "at least 1");
    want(is_power_of_2(o.max_ratio), "max_ratio", o.max_ratio, "a power of 2");
    want(o.max_epochs >= 1, "max_epochs", o.max_epochs, "at least 1");
    want(o.adversarial_share >= 0 && o.adversarial_share < 1, "adversarial_share",
         o.adversarial_share, "at least 0 and below 1");
    want(o.adversarial_eps >= 0 && std::isfinite(o.adversarial_eps), "adversarial_eps",
         o.adversarial_eps, "at least 0");
    want(o.adversarial_epochs >= 0, "adversarial_epochs", o.adversarial_epochs, "at least 0");
    want(is_power_of_2(state.ratio) && state.ratio <= o.max_ratio, "the state's ratio", state.ratio,
         "a power of 2 up to max_ratio");
  }

  /// What the batch and the learning rate are multiplied by, in the coming epoch as all of these.
  std::int64_t ratio() const { return state_.ratio; }
  index_t batch() const { return options_.base_batch * state_.ratio; }
  double adversarial_share() const {
    if (!wants_eigenvalue() || state_.epochs >= options_.adversarial_epochs) return 0;
    return options_.adversarial_share / static_cast<double>(state_.ratio);
  }
  /// Whether end_epoch() will use one.
  bool wants_eigenvalue() const { return state_.ratio < options_.max_ratio; }

  /// eigenvalue  the largest of the Hessian at the end of the epoch, where one is wanted
  void end_epoch(double eigenvalue) {
    if (wants_eigenvalue()) {
      want(std::isfinite(eigenvalue), "the eigenvalue", eigenvalue, "a finite one");
      decide(eigenvalue);
    }
    ++state_.epochs;
  }

  const AbsOptions& options() const { return options_; }
  const AbsState& state() const { return state_; }

 private:
  void decide(double eigenvalue) {
    ++state_.epochs_since_change;
    if (std::isnan(state_.eigenvalue)) {
      state_.eigenvalue = eigenvalue;
    } else if (eigenvalue <= state_.eigenvalue / 2) {
      state_.eigenvalue = eigenvalue;
      grow();
      return;
    }
    if (state_.epochs_since_change >= options_.max_epochs) grow();
  }

  void grow() {
    state_.ratio *= 2;
    state_.epochs_since_change = 0;
  }

  static bool is_power_of_2(std::int64_t value) { return value >= 1 && (value & (value - 1)) == 0; }

  template <class V>
  static void want(bool ok, const char* name, V value, const char* wanted) {
    require(ok, std::string("AbsSchedule: ") + name + " = " + std::to_string(value) + ", want " +
                    wanted);
  }

  AbsOptions options_;
  AbsState state_;
};

}  // namespace randnla
