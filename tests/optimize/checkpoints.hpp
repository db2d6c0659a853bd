// Runs and checkpoints, compared to the last bit.
#pragma once

#include <randnla/optimize/checkpoint.hpp>

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <string>

namespace randnla::test {

/// Equal bits, so that NaN is equal to NaN and 0 is not -0.
inline void expect_bits(double a, double b, const char* what) {
  EXPECT_EQ(std::bit_cast<std::uint64_t>(a), std::bit_cast<std::uint64_t>(b))
      << what << ": " << a << " and " << b;
}

inline void expect_same(const Work& a, const Work& b) {
  EXPECT_EQ(a.props, b.props);
  EXPECT_EQ(a.values, b.values);
  EXPECT_EQ(a.gradients, b.gradients);
  EXPECT_EQ(a.hessian_products, b.hessian_products);
  EXPECT_EQ(a.hessian_matrices, b.hessian_matrices);
  expect_bits(a.data_passes, b.data_passes, "data_passes");
  EXPECT_EQ(a.host_waits, b.host_waits);
  EXPECT_EQ(a.flag_polls, b.flag_polls);
}

/// All but the seconds.
inline void expect_same(const Iteration& a, const Iteration& b) {
  EXPECT_EQ(a.iteration, b.iteration);
  expect_bits(a.loss, b.loss, "loss");
  expect_bits(a.gradient_norm, b.gradient_norm, "gradient_norm");
  expect_bits(a.size, b.size, "size");
  expect_bits(a.rho, b.rho, "rho");
  expect_bits(a.step_norm, b.step_norm, "step_norm");
  EXPECT_EQ(a.accepted, b.accepted);
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.gradient_sample, b.gradient_sample);
  EXPECT_EQ(a.hessian_sample, b.hessian_sample);
  expect_bits(a.gradient_error, b.gradient_error, "gradient_error");
  expect_bits(a.hessian_error, b.hessian_error, "hessian_error");
  expect_bits(a.true_gradient_error, b.true_gradient_error, "true_gradient_error");
  expect_bits(a.true_hessian_error, b.true_hessian_error, "true_hessian_error");
  EXPECT_EQ(a.hessian_formed, b.hessian_formed);
  EXPECT_EQ(a.inner_iterations, b.inner_iterations);
  EXPECT_EQ(a.inner_stop, b.inner_stop);
  expect_same(a.work, b.work);
}

inline void expect_same(const OptimizationResult& a, const OptimizationResult& b) {
  EXPECT_EQ(a.stop, b.stop);
  expect_bits(a.loss, b.loss, "loss");
  expect_bits(a.initial_loss, b.initial_loss, "initial_loss");
  EXPECT_EQ(a.iterations, b.iterations);
  EXPECT_EQ(a.accepted, b.accepted);
  const Certificate &c = a.certificate, &d = b.certificate;
  expect_bits(c.gradient_norm, d.gradient_norm, "certificate.gradient_norm");
  expect_bits(c.lambda_min, d.lambda_min, "lambda_min");
  expect_bits(c.lambda_min_bound, d.lambda_min_bound, "lambda_min_bound");
  EXPECT_EQ(c.eps_g_met, d.eps_g_met);
  EXPECT_EQ(c.eps_h_met, d.eps_h_met);
  EXPECT_EQ(c.lanczos_steps, d.lanczos_steps);
  expect_same(a.work, b.work);
  expect_same(a.certificate_work, b.certificate_work);
  ASSERT_EQ(a.trace.size(), b.trace.size());
  for (std::size_t i = 0; i < a.trace.size(); ++i) {
    SCOPED_TRACE("row " + std::to_string(i));
    expect_same(a.trace[i], b.trace[i]);
  }
}

inline void expect_same(const Checkpoint& a, const Checkpoint& b) {
  EXPECT_EQ(a.options, b.options);
  EXPECT_EQ(a.dim, b.dim);
  EXPECT_EQ(a.terms, b.terms);
  EXPECT_EQ(a.x, b.x);
  EXPECT_EQ(a.leverage_ratio, b.leverage_ratio);
  expect_same(a.result, b.result);
  EXPECT_EQ(a.rng.seed, b.rng.seed);
  EXPECT_EQ(a.rng.counter, b.rng.counter);
  expect_bits(a.loss, b.loss, "loss");
  expect_bits(a.size, b.size, "size");
  expect_bits(a.gradient_fraction, b.gradient_fraction, "gradient_fraction");
  expect_bits(a.gradient_reference, b.gradient_reference, "gradient_reference");
  expect_bits(a.gradient_second, b.gradient_second, "gradient_second");
  EXPECT_EQ(a.hessian_size, b.hessian_size);
  EXPECT_EQ(a.draws_since_refresh, b.draws_since_refresh);
  EXPECT_EQ(a.expected_products, b.expected_products);
  EXPECT_EQ(a.next_look, b.next_look);
  EXPECT_EQ(a.look_gap, b.look_gap);
  EXPECT_EQ(a.gradient_at_trial, b.gradient_at_trial);
  EXPECT_EQ(a.sampled_gradient_small, b.sampled_gradient_small);
  EXPECT_EQ(a.notes, b.notes);
}

}  // namespace randnla::test
