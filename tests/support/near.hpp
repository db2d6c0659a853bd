// Comparison in long double, which the references are computed in.
#pragma once

#include <gtest/gtest.h>

#include <cmath>

namespace randnla::test {

/// |got - want| <= tolerance; false for NaN.
inline ::testing::AssertionResult near(long double got, long double want, long double tolerance) {
  const long double error = std::abs(got - want);
  if (error <= tolerance) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "got " << got << ", want " << want << ": off by " << error << ", allowed " << tolerance;
}

}  // namespace randnla::test
