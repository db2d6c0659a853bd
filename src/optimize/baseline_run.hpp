// What the loops of the baselines have in common: stopping, trace, counting, and the certificate.
#pragma once

#include "optimize/certificate.hpp"
#include "optimize/steps.hpp"

#include <randnla/optimize/baselines.hpp>

#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace randnla {

inline constexpr double not_known = std::numeric_limits<double>::quiet_NaN();

/// F and |grad F|^2, in backend memory.
struct Observation {
  double value = 0, gradient2 = 0;
};

/// One pass over all data; the gradient stays in `gradient` (dim).
template <Backend B, Scalar T>
void observe(Context<B>& ctx, FiniteSumRef<B, T> f, VectorView<const T, B> x,
             VectorView<T, B> gradient, Observation* out) {
  f.evaluate(ctx, x, Sample<B, T>::all(f.terms()), {&out->value, gradient.data, nullptr});
  sum_squares<B, T>(ctx, gradient, &out->gradient2);
}

template <Backend B, Scalar T>
void require_size(FiniteSumRef<B, T> f, VectorView<const T, B> x) {
  require(x.size == f.dim(),
          "x has " + std::to_string(x.size) + " entries, the objective " + std::to_string(f.dim()));
}

/// A run of a baseline as the host sees it. The method says what it found by know(), add() and the
/// flags; the run says when to stop.
template <Backend B, Scalar T>
class BaselineRun {
 public:
  /// options  of any baseline; must outlive the run
  template <class Options>
  BaselineRun(Context<B>& ctx, FiniteSumRef<B, T> f, const Options& options)
      : rng{options.seed, 0},
        ctx_(ctx),
        f_(f),
        stopping_(options.stopping),
        progress_(options.progress),
        point_(options.point),
        eigenvector_(ctx, f.dim()) {}

  /// The present point's F and |grad F|; NaN: not computed.
  void know(double new_loss, double new_gradient_norm) {
    loss = new_loss, gradient_norm = new_gradient_norm;
    certificate_.reset();
  }
  void know(const Observation& seen) {
    know(seen.value, std::sqrt(seen.gradient2));
    not_finite = not_finite || !std::isfinite(seen.value) || !std::isfinite(seen.gradient2);
  }

  /// True where the run is over; then `result.stop` says why. `ways_out`: the method can leave a
  /// saddle point.
  bool stopped(VectorView<const T, B> x, bool ways_out) {
    auto reason = reason_to_stop();
    if (!reason) reason = look(x, ways_out);
    if (!reason && stalled) reason = Stop::stalled;
    if (reason) result.stop = *reason;
    return reason.has_value();
  }

  /// Ends an iteration at x, whose outcome the run knows.
  void add(Iteration row, VectorView<const T, B> x) {
    row.iteration = ++result.iterations;
    row.loss = loss;
    result.accepted += row.accepted ? 1 : 0;
    count_waits();
    row.work = result.work;
    row.seconds = elapsed();
    result.phases += row.phases;
    result.trace.push_back(row);
    if (point_ && row.accepted) {
      const Counters before = ctx_.counters;
      point_(download_wide<B, T>(ctx_, x));
      ctx_.counters = before;  // this wait is not the method's
    }
    interrupted_ = progress_ && !progress_(row);
  }

  /// The result, with the certificate of x, at which the loss is known.
  OptimizationResult finish(VectorView<const T, B> x) {
    count_waits();
    result.loss = loss;
    if (!not_finite) result.certificate = certificate(x);
    ctx_.synchronize();
    result.seconds = elapsed();
    return std::move(result);
  }

  Rng rng;
  double loss = 0, gradient_norm = 0;
  bool stalled = false, not_finite = false;
  OptimizationResult result;

 private:
  std::optional<Stop> reason_to_stop() const {
    if (interrupted_) return Stop::interrupted;
    if (not_finite) return Stop::not_finite;
    if (loss <= stopping_.target_loss) return Stop::target_loss;
    if (result.work.props >= stopping_.max_props) return Stop::max_props;
    if (result.iterations >= stopping_.max_iterations) return Stop::max_iterations;
    return std::nullopt;
  }

  /// Where the gradient is small: is the point optimal?
  std::optional<Stop> look(VectorView<const T, B> x, bool ways_out) {
    if (!(gradient_norm <= stopping_.eps_g)) return std::nullopt;
    if (result.iterations < next_look_ && !stalled) return std::nullopt;
    const Certificate& seen = certificate(x);
    if (seen.eps_h_met) return Stop::optimal;
    if (seen.lambda_min >= -stopping_.eps_h) return Stop::uncertified;
    if (!ways_out) return Stop::saddle;
    look_gap_ *= 2;
    next_look_ = result.iterations + look_gap_;
    return std::nullopt;
  }

  const Certificate& certificate(VectorView<const T, B> x) {
    if (!certificate_) {
      certificate_ = certify<B, T>(ctx_, f_, x, gradient_norm, stopping_, rng.next(),
                                   eigenvector_.view(), result.certificate_work);
    }
    return *certificate_;
  }

  void count_waits() {
    result.work.host_waits =
        ctx_.counters.host_waits - before_.host_waits - result.certificate_work.host_waits;
    result.work.flag_polls =
        ctx_.counters.flag_polls - before_.flag_polls - result.certificate_work.flag_polls;
    result.work.launches =
        ctx_.counters.launches - before_.launches - result.certificate_work.launches;
  }

  double elapsed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  }

  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  Context<B>& ctx_;
  FiniteSumRef<B, T> f_;
  const StoppingOptions& stopping_;
  const std::function<bool(const Iteration&)>& progress_;
  const std::function<void(const std::vector<double>&)>& point_;
  Counters before_ = ctx_.counters;
  Buffer<T, B> eigenvector_;
  std::optional<Certificate> certificate_;  // of the present point
  bool interrupted_ = false;
  std::int64_t next_look_ = 0, look_gap_ = 1;  // iterations between looks at a saddle point
};

}  // namespace randnla
