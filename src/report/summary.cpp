// Results as text for people, and their sums.
#include <randnla/optimize/result.hpp>

#include <algorithm>
#include <array>
#include <cstdio>

namespace randnla {

Work& Work::operator+=(const Work& other) {
  props += other.props;
  values += other.values;
  gradients += other.gradients;
  hessian_products += other.hessian_products;
  hessian_matrices += other.hessian_matrices;
  data_passes += other.data_passes;
  host_waits += other.host_waits;
  flag_polls += other.flag_polls;
  launches += other.launches;
  return *this;
}

Phases& Phases::operator+=(const Phases& other) {
  gradient += other.gradient;
  hessian += other.hessian;
  inner += other.inner;
  trial += other.trial;
  return *this;
}

namespace {

/// Nothing for a run on the CPU.
std::string device_line(const OptimizationResult& result) {
  const Work& w = result.work;
  if (w.launches == 0) return {};
  const auto iterations = static_cast<double>(std::max<std::int64_t>(result.iterations, 1));
  std::array<char, 128> text;
  const int length = std::snprintf(
      text.data(), text.size(),
      "device          %lld launches (%.1f an iteration), %lld waits for it\n",
      static_cast<long long>(w.launches), static_cast<double>(w.launches) / iterations,
      static_cast<long long>(w.host_waits));
  return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace

std::string summary(const OptimizationResult& result) {
  const Certificate& c = result.certificate;
  const Work& w = result.work;
  std::array<char, 1024> text;
  const int length = std::snprintf(
      text.data(), text.size(),
      "stop            %s after %lld iterations (%lld accepted), %.3g s\n"
      "loss            %.10g (%.6g at the start)\n"
      "gradient norm   %.3e   %s\n"
      "lambda_min      in [%.3e, %.3e]   %s (failure probability %.0e)\n"
      "work            %.3g props, %lld gradients, %lld Hessian products, %.1f passes over the "
      "data\n"
      "time            gradient %.3g s, Hessian %.3g s, inner %.3g s, trial %.3g s\n",
      name(result.stop), static_cast<long long>(result.iterations),
      static_cast<long long>(result.accepted), result.seconds, result.loss, result.initial_loss,
      c.gradient_norm, c.eps_g_met ? "eps_g met" : "eps_g NOT met", c.lambda_min_bound,
      c.lambda_min, c.eps_h_met ? "eps_H met" : "eps_H NOT met", c.failure_probability,
      static_cast<double>(w.props), static_cast<long long>(w.gradients),
      static_cast<long long>(w.hessian_products), w.data_passes, result.phases.gradient,
      result.phases.hessian, result.phases.inner, result.phases.trial);
  return std::string(text.data(), static_cast<std::size_t>(length)) + device_line(result);
}

}  // namespace randnla
